// @ts-check
// The orders of all merchants, and one of them.

import { call } from "../api/client.js";
import { ORDER_TONES } from "../buyer/purchases.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { Facts } from "../ui/facts.js";
import { count, dateTime, money } from "../ui/format.js";
import { AN_ID, filtered, periodFilters } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge, Notice } from "../ui/states.js";
import { OrderTabs, Person } from "./parts.js";
import { RefundRow } from "./refunds.js";

/** @typedef {import("../api/schema.js").Order} Order */
/** @typedef {import("../api/schema.js").OrderRecord} OrderRecord */
/** @typedef {import("../api/schema.js").CheckoutState} CheckoutState */

const { orders: text, refunds } = operations;

/** @returns {import("../ui/filters.js").Filter[]} */
function filtersOf() {
  const byId = { only: AN_ID, hint: operations.idHint, isLinked: true };
  return [
    { name: "number", label: text.number, type: "search", only: /[\w-]{1,40}/, hint: text.numberHint },
    { name: "status", label: operations.status, options: Object.entries(text.states) },
    { name: "paymentMethod", label: text.payment, options: Object.entries(text.methods) },
    { name: "buyerId", label: text.buyerId, ...byId },
    { name: "merchantId", label: text.merchantId, ...byId },
    { name: "productId", label: text.productId, ...byId },
    ...periodFilters(),
  ];
}

/** @param {{status: Order["status"]}} props */
function State({ status }) {
  return html`<${Badge} tone=${ORDER_TONES[status]}>${text.states[status]}</${Badge}>`;
}

export function Orders() {
  const filters = filtersOf();
  const loaded = useList("GET /admin/orders", { filters, sorts: BY_TIME });
  const columns = [
    { title: text.order, kind: "main", cell: (/** @type {Order} */ row) => html`
        <a class="cell-title" href="/app/operator/orders/${row.id}" dir="auto">${row.product.name}</a>
        <span class="muted mono">${row.number}</span>` },
    { title: operations.created, sorts: ["oldest", "newest"], cell: (/** @type {Order} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: text.paid, kind: "number", cell: (/** @type {Order} */ row) => money(row.amount, row.currency) },
    { title: text.payment, cell: (/** @type {Order} */ row) => html`<span class="muted">${text.methods[row.paymentMethod]}</span>` },
    { title: operations.status, cell: (/** @type {Order} */ row) => html`<${State} status=${row.status} />` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/orders/export" name="orders" query=${filtered(filters)} />`;
  return html`<${View} title=${text.title} actions=${exporting}>
    <${OrderTabs} />
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${text.title} columns=${columns} empty=${text.empty} icon="purchases" />
  </${View}>`;
}

/** @param {{id: string}} props */
export function OrderPage({ id }) {
  const loaded = useLoaded((signal) => call("GET /admin/orders/{order_id}", { path: { order_id: id }, signal }), [id]);
  const title = loaded.data ? `${text.order} ${loaded.data.number}` : text.order;
  const refund = loaded.data?.status === "COMPLETED"
    && html`<a class="button" href="/app/operator/orders/${id}/refund">${text.refund}</a>`;
  return html`<${View} title=${title} back=${["/operator/orders", text.back]} actions=${refund}>
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {OrderRecord} */ order) => html`
      <${About} order=${order} />
      ${order.checkout && html`<${Checkout} order=${order} checkout=${order.checkout} />`}
      <section class="card" aria-labelledby="refunds-title">
        <h2 id="refunds-title">${refunds.title}</h2>
        ${order.refunds.length === 0 && html`<p class="muted">${refunds.none}</p>`}
        <ul class="list">${order.refunds.map((refund) => html`<li key=${refund.id}>
          <${RefundRow} refund=${refund} reload=${loaded.reload} /></li>`)}</ul>
      </section>
      <p><a href="/app/operator/audit?targetId=${order.id}">${text.history}</a></p>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{order: OrderRecord}} props */
function About({ order }) {
  const sum = (/** @type {string} */ amount) => money(amount, order.currency);
  return html`<section class="card" aria-label=${text.order}><${Facts} facts=${[
    [operations.status, html`<${State} status=${order.status} />`],
    order.failureReason && [text.failure, html`<span dir="auto">${order.failureReason}</span>`],
    [text.product, html`<span dir="auto">${order.product.name}</span>`],
    [text.buyer, html`<${Person} user=${order.user} />`],
    [text.seller, html`<${Person} user=${order.merchant} />`],
    [text.quantity, count(order.quantity)],
    Number(order.discount) > 0 && [text.discount, `${sum(order.discount)}${order.couponCode ? ` · ${order.couponCode}` : ""}`],
    [text.paid, html`<strong>${sum(order.amount)}</strong>`],
    Number(order.refundedAmount) > 0 && [text.refunded, sum(order.refundedAmount)],
    [text.payment, text.methods[order.paymentMethod]],
    order.notes && [text.notes, html`<span dir="auto">${order.notes}</span>`],
    [operations.created, dateTime(order.createdAt)],
    order.completedAt && [text.completed, dateTime(order.completedAt)],
    order.failedAt && [text.failed, dateTime(order.failedAt)],
  ]} /></section>`;
}

/** @param {{order: OrderRecord, checkout: CheckoutState}} props */
function Checkout({ order, checkout }) {
  return html`<section class="card stack" aria-labelledby="checkout-title">
    <h2 id="checkout-title">${text.checkout}</h2>
    ${checkout.flaggedAt && html`<${Notice} tone="warning">${text.flagged(dateTime(checkout.flaggedAt))}</${Notice}>`}
    <${Facts} facts=${[
      order.stripeSessionId && [text.session, html`<span class="mono">${order.stripeSessionId}</span>`],
      order.stripePaymentIntentId && [text.intent, html`<span class="mono">${order.stripePaymentIntentId}</span>`],
      [text.expires, dateTime(checkout.expiresAt)],
      [text.attempts, count(checkout.attempts)],
      [text.next, checkout.nextAttemptAt ? dateTime(checkout.nextAttemptAt) : text.ended],
    ]} />
  </section>`;
}
