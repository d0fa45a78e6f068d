// @ts-check
// What the buyer has bought.

import { View } from "../shell/layout.js";
import { wallet } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { money, shortTime } from "../ui/format.js";
import { CsvButton } from "../ui/csv.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";

/** @typedef {import("../api/schema.js").Order} Order */

const { purchases } = words;

export const ORDER_TONES = {
  PENDING: "warning", PAYMENT_PROCESSING: "warning", PENDING_REVIEW: "warning", COMPLETED: "success",
  FAILED: "danger", CANCELLED: "neutral", REFUNDED: "neutral",
};

/** The lists of what the buyer has bought. */
export function PurchaseTabs() {
  return html`<${Tabs} label=${purchases.title} tabs=${[
    ["/purchases", purchases.title], ["/purchases/refund-requests", wallet.refund.requests],
  ]} />`;
}

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [{ name: "status", label: purchases.status, options: Object.entries(purchases.states) }];

/** @type {import("../ui/csv.js").Cells<Order>} */
const CELLS = [
  ["orderId", ({ id }) => id], "number", "createdAt", "status", ["product", ({ product }) => product.name],
  "quantity", "amount", "discount", "refundedAmount", "currency",
  "paymentMethod",
];

export function Purchases() {
  const loaded = useList("GET /orders", { filters: FILTERS });
  return html`<${View} title=${purchases.title} actions=${html`<${CsvButton} of=${loaded} name="purchases" cells=${CELLS} />`}>
    <${PurchaseTabs} />
    <${List} of=${loaded} filters=${FILTERS} caption=${purchases.title} icon="purchases" empty=${purchases.empty}
      emptyText=${purchases.emptyText} rows=${(/** @type {Order[]} */ rows) => html`<ul class="list">
        ${rows.map((order) => html`<li key=${order.id}><a class="list-row" href="/app/purchases/${order.id}">
          <span><strong dir="auto">${order.product.name}</strong>
            <span class="muted block"><span class="nowrap">${order.number}</span> · ${shortTime(order.createdAt)}</span></span>
          <span class="list-end"><strong>${money(order.amount, order.currency)}</strong>
            <${Badge} tone=${ORDER_TONES[order.status]}>${purchases.states[order.status]}</${Badge}></span>
        </a></li>`)}</ul>`}>
      <a class="button primary" href="/app/shop">${purchases.visit}</a>
    </${List}>
  </${View}>`;
}
