// @ts-check
// A payment that is checked before it happens. Its money is held until then.

import { wallet } from "../text/en-wallet.js";
import { dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Empty } from "../ui/states.js";

/** @typedef {import("../api/schema.js").Review} Review */

const { review: words } = wallet;

/** @param {any} made what a payment returned @returns {made is Review} */
export function isUnderReview(made) {
  return made?.object === "review";
}

/** @param {{review: Review}} props */
export function UnderReview({ review }) {
  const text = words.text(money(review.amount, review.currency), dateTime(review.expiresAt));
  return html`<${Empty} icon="clock" title=${words.title} text=${text}>
    <a class="button primary" href="/app/transactions">${words.done}</a>
  </${Empty}>`;
}
