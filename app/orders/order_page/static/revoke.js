// Replaces the address of the page, for the buyer.

import { WORDS, call, newKey, part, signOut, startAccount } from "./account.js";

const key = newKey();

WORDS.ORDER_NOT_FOUND = () => "Only the buyer can replace the address.";

startAccount(part("replacing"), async () => {
  try {
    const page = await call("POST", part("revocation").dataset.revoke, undefined, { "Idempotency-Key": key });
    await signOut();
    location.replace(page.url);
  } catch (error) {
    await signOut();
    throw error;
  }
});
