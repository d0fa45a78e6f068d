// @ts-check
// How people are named when money is sent to or asked from them.

import { wallet } from "../text/en-wallet.js";
import { date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Badge } from "../ui/states.js";

/** @typedef {import("../api/schema.js").UserIdentifier} UserIdentifier */

const { pay } = wallet;

/** What was typed, as the API names it. @param {string} text @returns {UserIdentifier} */
export function identify(text) {
  if (text.includes("@")) return { email: text };
  if (text.startsWith("+")) return { phone: text };
  return { walletNumber: text };
}

/**
 * Who is paid, and whether they have proved who they are.
 * @param {{payee: {name: string, verified: boolean, verifiedSince: string | null}, unverified?: string, children?: any}} props
 *   unverified: what is said if they have not
 */
export function Payee({ payee, unverified = pay.unverified, children }) {
  return html`<div class="recipient-card">
    <span class="avatar"><${Icon} name="user" /></span>
    <div>
      <strong dir="auto">${payee.name}</strong>
      ${children}
      ${payee.verified
        ? html`<${Badge} tone="success">${payee.verifiedSince ? pay.verifiedSince(date(payee.verifiedSince)) : pay.verified}</${Badge}>`
        : html`<p class="hint">${unverified}</p>`}
    </div>
  </div>`;
}
