// @ts-check
// Buyers who ask for their money back, and the answers.

import { call } from "../api/client.js";
import { REQUEST_CELLS } from "../buyer/refund-requests.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { ConfirmButton } from "../ui/confirm.js";
import { CsvButton } from "../ui/csv.js";
import { count, money, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { SalesTabs } from "./orders.js";
import { Preview } from "./refund.js";

/** @typedef {import("../api/schema.js").RefundRequest} RefundRequest */

const { requests } = sales;
const TONES = { OPEN: "warning", APPROVED: "success", DECLINED: "neutral", WITHDRAWN: "neutral" };
/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [{ name: "status", label: requests.state, options: Object.entries(requests.states) }];

export function RefundRequests() {
  const loaded = useList("GET /refund-requests", { query: { role: "merchant" }, filters: FILTERS });
  return html`<${View} title=${requests.title} actions=${html`<${CsvButton} of=${loaded} name="refund-requests" cells=${REQUEST_CELLS} />`}>
    <${SalesTabs} />
    <${List} of=${loaded} filters=${FILTERS} caption=${requests.title} empty=${requests.empty} emptyText=${requests.emptyText}
      icon="check" rows=${(/** @type {RefundRequest[]} */ rows) => html`<ul class="list">
        ${rows.map((row) => html`<${RequestRow} key=${row.id} row=${row} reload=${loaded.reload} />`)}
      </ul>`} />
  </${View}>`;
}

/** What the buyer wants back. @param {RefundRequest} row */
export function wanted({ amount, units, currency }) {
  if (amount !== null) return money(amount, currency);
  return units === null ? requests.all : requests.units(count(units));
}

/** A request, with the answers while it is open. @param {{row: RefundRequest, reload: () => void}} props */
export function RequestRow({ row, reload }) {
  const answer = { label: requests.answer, isOptional: true };
  const path = { refund_request_id: row.id };
  const part = row.amount !== null ? { amount: row.amount } : row.units !== null ? { units: row.units } : {};
  const decide = (/** @type {"approve" | "decline"} */ decision, /** @type {string} */ said) => (
    async (/** @type {any} */ { key }, /** @type {string} */ text) => {
      await call(`POST /refund-requests/{refund_request_id}/${decision}`, { path, key, body: { answer: text || null } });
      return () => { toast(said); reload(); };
    });
  return html`<li class="request">
    <div class="grow">
      <p class="answer-head"><a class="cell-title" href="/app/merchant/orders/${row.orderId}">${sales.order.title(row.orderNumber)}</a>
        <${Badge} tone=${TONES[row.status]}>${requests.states[row.status]}</${Badge}></p>
      <p>${requests.wants(wanted(row))}</p>
      <blockquote class="anywhere" dir="auto">${row.reason}</blockquote>
      ${row.answer && html`<p class="muted anywhere" dir="auto">${requests.yourAnswer(row.answer)}</p>`}
      <p class="muted">${shortTime(row.createdAt)}</p>
    </div>
    ${row.status === "OPEN" && html`<div class="actions">
      <${ConfirmButton} name="decline-${row.id}" label=${requests.decline} title=${requests.declineTitle}
        hidden=${requests.declineOf(row.orderNumber)}
        text=${requests.declineText} action=${requests.decline} reason=${answer}
        send=${decide("decline", requests.declined)} />
      <${ConfirmButton} name="approve-${row.id}" look="primary" label=${requests.approve} title=${requests.approveTitle}
        hidden=${requests.approveOf(row.orderNumber)}
        action=${requests.approve} tone="primary" reason=${answer}
        send=${decide("approve", requests.approved)}><${Preview} orderId=${row.orderId} part=${part} /></${ConfirmButton}>
    </div>`}
  </li>`;
}
