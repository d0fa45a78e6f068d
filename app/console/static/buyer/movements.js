// @ts-check
// How postings of the wallet are shown, in lists and on the home page.

import { words } from "../text/en.js";
import { money, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";

/** @typedef {import("../api/schema.js").Transaction} Transaction */

const INCOMING = new Set(["DEPOSIT", "ONRAMP", "TRANSFER_IN", "EARNING", "REFUND", "FEE_REFUND"]);

/** @param {Transaction} row */
function isIncoming(row) {
  return INCOMING.has(row.type);
}

/** The amount with its sign. @param {{row: Transaction}} props */
export function SignedAmount({ row }) {
  const bare = row.amount.replace("-", "");
  const text = money(isIncoming(row) ? bare : `-${bare}`, row.currency, true);
  return html`<span class="signed ${isIncoming(row) ? "in" : "out"}">${text}</span>`;
}

/** @param {Transaction} row */
export function describe(row) {
  const kind = words.activity.types[row.type];
  const text = row.description?.startsWith(`${kind}: `) ? row.description.slice(kind.length + 2) : row.description;
  return text || kind;
}

/** @param {{rows: Transaction[]}} props */
export function Movements({ rows }) {
  return html`<ul class="movements">
    ${rows.map((row) => html`<li key=${row.id}><a class="movement" href="/app/transactions/${row.id}">
      <span class="movement-icon ${isIncoming(row) ? "in" : ""}">
        <${Icon} name=${row.type === "PAYMENT" ? "shop" : row.type === "ONRAMP" ? "bank" : "activity"} />
      </span>
      <span class="movement-text">
        <span class="movement-title" dir="auto">${describe(row)}</span>
        <span class="muted">${words.activity.types[row.type]} · ${shortTime(row.createdAt)}</span>
      </span>
      <${SignedAmount} row=${row} />
    </a></li>`)}
  </ul>`;
}
