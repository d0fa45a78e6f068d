// Claims a unit of a giveaway, and leads to the page of its order.

import {
  WORDS, Refusal, attempt, call, card, forgetSignIn, nameOf, newKey, part, signOut, startAccount,
} from "./account.js";

const form = part("claim");
let key = newKey();

WORDS.CANNOT_BUY_OWN_PRODUCT = () => "This is your own giveaway. Sign in with another account to claim it.";
WORDS.PURCHASE_LIMIT_REACHED = () => "You have as many of this product as one account may have.";

startAccount(form, async (user) => { part("who").textContent = nameOf(user); });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(claim);
});

async function claim() {
  try {
    await open((await call("POST", card.dataset.claim, undefined, { "Idempotency-Key": key })).id);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // it may have been claimed: retry with the same key
    if (error.code === "GIVEAWAY_ALREADY_CLAIMED") return open(error.details.orderId);
    if (error.status === 401) forgetSignIn();
    else if (error.status < 500 && error.status !== 429) key = newKey();
    throw error;
  }
  return undefined;
}

async function open(orderId) {
  const page = await call("GET", `/orders/${orderId}/page`);
  await signOut();
  location.assign(page.url);
}
