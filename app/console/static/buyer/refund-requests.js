// @ts-check
// The buyer's requests for refunds, of all purchases.

import { View } from "../shell/layout.js";
import { wallet } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { shortTime } from "../ui/format.js";
import { CsvButton } from "../ui/csv.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
import { PurchaseTabs } from "./purchases.js";
import { REQUEST_TONES, wanted } from "./refund.js";

/** @typedef {import("../api/schema.js").RefundRequest} RefundRequest */

const { refund } = wallet;

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [{ name: "status", label: words.purchases.status, options: Object.entries(refund.states) }];

/** @type {import("../ui/csv.js").Cells<RefundRequest>} */
export const REQUEST_CELLS = [
  ["refundRequestId", ({ id }) => id], "orderNumber", "createdAt", "status", "amount", "units", "currency",
  "reason", "answer", "decidedAt",
];

export function BuyerRefundRequests() {
  const loaded = useList("GET /refund-requests", { query: { role: "buyer" }, filters: FILTERS });
  return html`<${View} title=${refund.requests} actions=${html`<${CsvButton} of=${loaded} name="refund-requests" cells=${REQUEST_CELLS} />`}>
    <${PurchaseTabs} />
    <${List} of=${loaded} filters=${FILTERS} caption=${refund.requests} empty=${refund.noRequests}
      emptyText=${refund.noRequestsText} icon="check" rows=${(/** @type {RefundRequest[]} */ rows) => html`<ul class="list">
        ${rows.map((row) => html`<li key=${row.id}><a class="list-row" href="/app/purchases/${row.orderId}">
          <span><strong>${refund.ofOrder(row.orderNumber)}</strong>
            <span class="block" dir="auto">${row.reason}</span>
            ${row.answer && html`<span class="block" dir="auto">${refund.answer(row.answer)}</span>`}
            <span class="muted block">${shortTime(row.createdAt)}</span></span>
          <span class="list-end"><strong>${wanted(row)}</strong>
            <${Badge} tone=${REQUEST_TONES[row.status]}>${refund.states[row.status]}</${Badge}></span>
        </a></li>`)}
      </ul>`} />
  </${View}>`;
}
