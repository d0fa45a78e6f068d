// @ts-check
// One order: what has happened to it, its details, and the way to a refund.

import { call, callList } from "../api/client.js";
import { ORDER_TONES } from "../buyer/purchases.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { count, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { RequestRow } from "./refund-requests.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("../api/schema.js").OrderDetail} OrderDetail */
/** @typedef {import("../api/schema.js").RefundRequest} RefundRequest */

const { order: words } = sales;
const MAX_ENDPOINTS = 10;
const MAX_DELIVERIES = 20;
const MAX_REFUNDS = 100;
const MAX_REQUESTS = 20;

/** @param {{id: string}} props */
export function OrderPage({ id }) {
  const loaded = useLoaded(async (signal) => {
    const path = { order_id: id };
    const [order, refunds, requests, deliveries] = await Promise.all([
      call("GET /orders/{order_id}", { path, signal }),
      callList("GET /orders/{order_id}/refunds", { path, query: { limit: MAX_REFUNDS }, signal }),
      call("GET /refund-requests", { query: { role: "merchant", orderId: id, limit: MAX_REQUESTS }, signal }),
      deliveriesOf(id, signal).catch(() => []), // the order matters more than who was told of it
    ]);
    return { order, refunds: refunds.data, requests: requests.data, deliveries };
  }, [id]);
  const order = loaded.data?.order;
  const title = order ? words.title(order.number) : words.loading;
  return html`<${View} title=${title} back=${["/merchant/orders", words.back]}
    actions=${order && html`<${Actions} order=${order} />`}>
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ data) => html`
      ${data.requests.filter(isOpen).map((/** @type {RefundRequest} */ request) => html`
        <ul class="card" key=${request.id}><${RequestRow} row=${request} reload=${loaded.reload} /></ul>`)}
      <div class="order-page">
      <section class="card" aria-labelledby="history">
        <h2 id="history">${words.history}</h2>
        <${Timeline} ...${data} />
      </section>
      <section class="card" aria-labelledby="facts">
        <h2 id="facts">${words.facts}</h2>
        <${Details} order=${data.order} />
      </section>
    </div>`}</${Loaded}>
  </${View}>`;
}

/** @param {RefundRequest} request */
function isOpen({ status }) {
  return status === "OPEN";
}

/** The webhooks about an order, each with its endpoint. @param {string} id @param {AbortSignal} signal */
async function deliveriesOf(id, signal) {
  const endpoints = await call("GET /webhook-endpoints", { query: { limit: MAX_ENDPOINTS }, signal });
  const lists = await Promise.all(endpoints.data.map(async (endpoint) => {
    const found = await call("GET /webhook-endpoints/{endpoint_id}/deliveries", {
      path: { endpoint_id: endpoint.id }, query: { objectId: id, limit: MAX_DELIVERIES }, signal,
    });
    return found.data.map((delivery) => ({ ...delivery, endpoint }));
  }));
  return lists.flat();
}

/** @param {{order: OrderDetail}} props */
function Actions({ order }) {
  const path = { order_id: order.id };
  const hasFiles = order.product.kind === "FILE" && order.status === "COMPLETED";
  return html`
    ${order.product.kind === "LICENCE" && html`<a class="button" href="/app/merchant/products/${order.productId}/licences?orderId=${order.id}">${words.licences}</a>`}
    ${hasFiles && html`<${ConfirmButton} name="downloads" label=${words.resetDownloads} tone="primary"
      title=${words.resetTitle} text=${words.resetText} action=${words.resetDownloads}
      send=${async (/** @type {any} */ { key }) => {
        await call("POST /orders/{order_id}/downloads/reset", { path, key });
        return () => toast(words.resetDone);
      }} />`}
    ${order.status === "COMPLETED" && html`<a class="button" href="/app/merchant/orders/${order.id}/refund">${words.refund}</a>`}`;
}

/** @param {{order: OrderDetail}} props */
function Details({ order }) {
  const { user, currency } = order;
  const name = [user.firstName, user.lastName].filter(Boolean).join(" ");
  const show = (/** @type {string} */ amount) => money(amount, currency);
  const buyer = html`${name && html`<span class="block" dir="auto">${name}</span>`}
    ${user.email && html`<span class="block anywhere" dir="auto">${user.email}</span>
      <a href="/app/merchant/orders?buyerEmail=${encodeURIComponent(user.email)}">${words.fromBuyer}</a>`}`;
  return html`<${Facts} facts=${[
    [sales.orders.status, html`<${Badge} tone=${ORDER_TONES[order.status]}>${sales.orders.states[order.status]}</${Badge}>`],
    [sales.orders.product, html`<a class="anywhere" href="/app/merchant/products/${order.productId}" dir="auto">${order.product.name}</a>`],
    [words.buyer, buyer],
    [words.quantity, count(order.quantity)],
    [words.price, show(order.product.price)],
    order.couponCode && [words.coupon, html`<span class="mono">${order.couponCode}</span> −${show(order.discount)}`],
    [words.paid, html`<strong>${show(order.amount)}</strong>`],
    Number(order.refundedAmount) > 0 && [words.refunded, show(order.refundedAmount)],
    [words.payment, order.giveawayId ? words.giveaway : words.methods[order.paymentMethod]],
    order.stripePaymentIntentId && [words.intent, html`<span class="mono anywhere">${order.stripePaymentIntentId}</span>`],
    order.notes && [words.notes, html`<span class="anywhere" dir="auto">${order.notes}</span>`],
    ...Object.entries(order.metadata ?? {}).map(([key, value]) => /** @type {[string, any]} */ (
      [key, html`<span class="mono anywhere">${String(value)}</span>`])),
  ]} />`;
}
