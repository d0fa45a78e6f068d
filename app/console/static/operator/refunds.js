// @ts-check
// Refunds, and those that the payment provider refuses and an operator settles.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { Choices } from "../ui/form.js";
import { count, dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
import { Action } from "./action.js";
import { OrderTabs, Person } from "./parts.js";

/** @typedef {import("../api/schema.js").Refund} Refund */
/** @typedef {import("../api/schema.js").RefusedRefund} RefusedRefund */

const { refunds: text, orders } = operations;
const TONES = { PENDING: "warning", SUCCEEDED: "success", REFUSED: "danger" };

/** @param {Refund} refund */
function stateOf({ status, failureReason }) {
  return status === "PENDING" && failureReason ? "REFUSED" : status;
}

/** @param {{refund: Refund, reload: () => void, title?: any}} props title: instead of the amount */
export function RefundRow({ refund, reload, title }) {
  const state = stateOf(refund);
  const amount = money(refund.amount, refund.currency);
  const parts = [
    dateTime(refund.createdAt), text.destinations[refund.destination],
    refund.units > 0 && text.units(count(refund.units)),
  ];
  return html`<div class="list-row">
    <span class="grow"><strong>${title ?? amount}</strong>
      <span class="muted block">${parts.filter(Boolean).join(" · ")}</span>
      ${refund.byPlatform && html`<span class="muted block">${text.byPlatform}</span>`}
      ${refund.reason && html`<span class="muted block" dir="auto">${refund.reason}</span>`}
      ${refund.failureReason && html`<span class="error block">${text.refusal}
        ${" "}${text.refusals[refund.failureReason]} <span class="mono">${refund.failureReason}</span></span>`}
    </span>
    <span class="list-end">${title && html`<strong>${amount}</strong>`}<${Badge} tone=${TONES[state]}>${text.states[state]}</${Badge}></span>
    ${state === "REFUSED" && html`<${Settle} refund=${refund} reload=${reload} />`}
  </div>`;
}

/** @param {{refund: Refund, reload: () => void}} props */
function Settle({ refund, reload }) {
  const path = { refund_id: refund.id };
  return html`<${Action} name="settle-${refund.id}" label=${text.settle} aria=${text.settleLabel(refund.orderNumber)}
    title=${text.settleTitle} text=${text.settleText} initial=${{ destination: "WALLET" }} done=${text.settled} onDone=${reload}
    fields=${(/** @type {any} */ form) => html`<${Choices} label=${text.destination} name="destination"
      value=${form.values.destination} options=${Object.entries(text.choices)}
      choose=${(/** @type {string} */ destination) => form.set({ destination })} />`}
    send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/refunds/{refund_id}/settle", { path, body, ...sending })} />`;
}

/** Refunds that wait for a decision. */
export function RefusedRefunds() {
  const loaded = useList("GET /admin/refunds");
  const exporting = html`<${ExportButton} from="GET /admin/refunds/export" name="refunds" />`;
  return html`<${View} title=${orders.title} text=${text.text} actions=${exporting}>
    <${OrderTabs} />
    <${List} look="stacked" of=${loaded} caption=${text.decisions} empty=${text.empty} emptyText=${text.emptyText} icon="check"
      rows=${(/** @type {RefusedRefund[]} */ rows) => html`<ul class="list">
        ${rows.map((row) => html`<li key=${row.id}>
          <${RefundRow} refund=${row} reload=${loaded.reload} title=${html`${orders.order} <a class="mono" href="/app/operator/orders/${row.orderId}">${row.orderNumber}</a>`} />
          <dl class="parties">
            <div><dt>${orders.buyer}</dt><dd><${Person} user=${row.buyer} /></dd></div>
            <div><dt>${orders.seller}</dt><dd><${Person} user=${row.merchant} /></dd></div>
            ${row.flaggedAt && html`<div><dt>${text.since}</dt><dd>${dateTime(row.flaggedAt)}</dd></div>`}
          </dl></li>`)}
      </ul>`} />
  </${View}>`;
}
