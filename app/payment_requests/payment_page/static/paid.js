// Leads the payer of a request that was paid to the receipt.

import { WORDS, call, card, part, signOut, startAccount } from "./account.js";

WORDS.PAYMENT_REQUEST_NOT_FOUND = () => "Somebody else has paid this request.";
WORDS.TRANSFER_NOT_FOUND = WORDS.PAYMENT_REQUEST_NOT_FOUND;

startAccount(part("opened"), async () => {
  try {
    const request = await call("GET", card.dataset.request);
    const page = await call("GET", `/transfers/${request.transferId}/receipt`);
    await signOut();
    location.assign(page.url);
  } catch (error) {
    await signOut();
    throw error;
  }
});
