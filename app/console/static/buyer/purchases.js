// @ts-check
// What the buyer has bought.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { Pages } from "../ui/table.js";
import { Tabs } from "../ui/tabs.js";

/** @typedef {import("../api/schema.js").Order} Order */

const { purchases } = words;
const PAGE = 20;

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

export function Purchases() {
  const filters = query.value;
  const loaded = useLoaded((signal) => call("GET /orders", {
    query: { status: filters.get("status"), cursor: filters.get("cursor"), limit: PAGE }, signal,
  }), [filters.toString()]);
  return html`<${View} title=${purchases.title}>
    <${PurchaseTabs} />
    <div class="filters">
      <div class="field"><label for="status">${purchases.status}</label>
        <select id="status" class="input"
          onChange=${(/** @type {any} */ event) => setQuery({ status: event.currentTarget.value })}>
          <option value="">${words.all}</option>
          ${Object.entries(purchases.states).map(([value, text]) => html`<option key=${value}
            value=${value} selected=${filters.get("status") === value}>${text}</option>`)}
        </select></div>
    </div>
    <section class="card">
      <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ data) => (data.data.length
        ? html`<ul class="list">${data.data.map((/** @type {Order} */ order) => html`<li key=${order.id}>
            <a class="list-row" href="/app/purchases/${order.id}">
              <span><strong dir="auto">${order.product.name}</strong>
                <span class="muted block">${order.number} · ${dateTime(order.createdAt)}</span></span>
              <span class="list-end"><strong>${money(order.amount, order.currency)}</strong>
                <${Badge} tone=${ORDER_TONES[order.status]}>${purchases.states[order.status]}</${Badge}></span>
            </a></li>`)}</ul>`
        : html`<${Empty} icon="purchases" title=${purchases.empty} text=${purchases.emptyText}>
            <a class="button primary" href="/app/shop">${purchases.visit}</a>
          </${Empty}>`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />
  </${View}>`;
}
