// @ts-check
// The orders of a merchant's products, with filters in the address.

import { ORDER_TONES } from "../buyer/purchases.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { ExportButton } from "../ui/export.js";
import { AN_ID, filtered, periodFilters } from "../ui/filters.js";
import { count, money, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { query } from "../ui/router.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { useProductChoice } from "./products-choice.js";

/** @typedef {import("../api/schema.js").Order} Order */

const { orders } = sales;

/** The lists about sales. */
export function SalesTabs() {
  return html`<${Tabs} label=${sales.tabs} tabs=${[
    ["/merchant/orders", orders.tab], ["/merchant/refund-requests", sales.requests.tab],
    ["/merchant/coupons", sales.coupons.tab], ["/merchant/payment-codes", sales.codes.tab],
  ]} />`;
}

/** @param {[string, string][]} products @returns {import("../ui/filters.js").Filter[]} */
function filtersOf(products) {
  const chosen = query.value.get("productId");
  const isListed = !chosen || products.some(([id]) => id === chosen) || !AN_ID.test(chosen);
  const options = isListed ? products
    : [.../** @type {[string, string][]} */ ([[chosen, orders.thisProduct]]), ...products];
  return [
    { name: "buyerEmail", label: orders.buyer, type: "search", only: /\S+@\S+/, hint: orders.buyerHint },
    { name: "number", label: orders.number, only: /#?[\d -]{11,14}/, hint: orders.numberHint },
    { name: "status", label: orders.status, options: Object.entries(orders.states) },
    { name: "productId", label: orders.product, options },
    { name: "couponId", label: orders.couponId, only: AN_ID, hint: orders.couponHint, isLinked: true },
    { name: "refunded", label: orders.refunded, options: Object.entries(orders.refunds) },
    ...periodFilters(),
  ];
}

export function Orders() {
  const filters = filtersOf(useProductChoice() ?? []);
  const loaded = useList("GET /orders/merchant/sales", { filters, sorts: BY_TIME });
  const columns = [
    { title: orders.order, kind: "wide", cell: (/** @type {Order} */ row) => html`
        <a class="cell-title clamp" href="/app/merchant/orders/${row.id}" dir="auto">${row.product.name}</a>
        <span class="muted block"><span class="nowrap">${row.number}</span>${row.quantity > 1 && html` · <span class="nowrap">${count(row.quantity)} ×</span>`}</span>
        <span class="muted block anywhere" dir="auto">${row.user.email ?? orders.noEmail}</span>` },
    { title: orders.status, cell: (/** @type {Order} */ row) => html`
        <${Badge} tone=${ORDER_TONES[row.status]}>${orders.states[row.status]}</${Badge}>
        ${row.status === "FAILED" && row.failureReason && html`<span class="muted block">${row.failureReason}</span>`}` },
    { title: orders.amount, kind: "number", cell: (/** @type {Order} */ row) => html`
        <strong>${money(row.amount, row.currency)}</strong>
        ${Number(row.refundedAmount) > 0 && html`<span class="muted block">
          ${orders.minusRefunds(money(row.refundedAmount, row.currency))}</span>`}` },
    { title: orders.when, kind: "extra", sorts: ["oldest", "newest"], cell: (/** @type {Order} */ row) => html`<span class="muted">${shortTime(row.createdAt)}</span>` },
  ];
  const exporting = html`<${ExportButton} from="GET /orders/merchant/sales/export" name="orders"
    query=${filtered(filters)} />`;
  return html`<${View} title=${orders.title} actions=${exporting}>
    <${SalesTabs} />
    <${List} of=${loaded} filters=${filters} caption=${orders.title} columns=${columns}
      empty=${orders.empty} emptyText=${orders.emptyText} icon="receipt" />
  </${View}>`;
}
