// @ts-check
// How the shop is doing: figures of a period, days as a chart, best products and low stock.

import { useState } from "preact/hooks";
import { call, callList } from "../api/client.js";
import { Picture } from "../buyer/shop.js";
import { Chart } from "../charts/chart.js";
import { View } from "../shell/layout.js";
import { unread } from "../shell/unread.js";
import { merchant as menu } from "../text/en-menus.js";
import { productWords } from "../text/en-products.js";
import { count, habits, locale, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { query } from "../ui/router.js";
import { Checklist } from "./checklist.js";
import { StateBadge, addressOf, percent, stockOf } from "./parts.js";

/** @typedef {import("../api/schema.js").Product} Product */
/** @typedef {import("../api/schema.js").SalesReport} SalesReport */

const { overview: text } = productWords;
const PERIODS = ["1", "7", "30"];
const SHORTEST_CHART = 7;
const LOW_UNITS = 5;
const LISTED = 5;
const EVERY_MS = 15_000;

/** Changes whenever something may have been sold, so that figures are read again. */
function useTurn() {
  const [turn, setTurn] = useState(0);
  usePolling(() => setTurn((before) => before + 1), true, EVERY_MS);
  return `${turn} ${unread.value}`; // an order is notified
}

/** The day of a time, as the API writes it. @param {Date} time @param {string} timeZone */
function dayIn(time, timeZone) {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(time);
}

/** The first of the last days, today included. @param {number} days @param {string} timeZone */
function firstOf(days, timeZone) {
  const first = new Date(`${dayIn(new Date(), timeZone)}T00:00:00Z`);
  first.setUTCDate(first.getUTCDate() - days + 1);
  return first.toISOString().slice(0, 10);
}

/** A time that the user's clock has on this day. @param {string} day */
function timeOn(day) {
  const noon = `${day}T12:00:00Z`;
  return dayIn(new Date(noon), habits.value.timeZone) === day ? noon : `${day}T00:00:00Z`;
}

export function Overview() {
  const asked = query.value.get("days") ?? "";
  const days = PERIODS.includes(asked) ? asked : "7";
  const shop = useLoaded((signal) => call("GET /shop", { signal }), []);
  const turn = useTurn();
  const actions = html`<a class="button narrow-only" href="/app/merchant/shop">${menu.shop}</a>`;
  return html`<${View} title=${text.title} text=${shop.data ? text.text(shop.data.publicName) : null} actions=${actions}>
    ${shop.data && html`<${Checklist} shop=${shop.data} />`}
    <nav class="subtabs" aria-label=${text.period}>
      ${PERIODS.map((each) => html`<a key=${each} href="/app/merchant?days=${each}"
        aria-current=${each === days ? "page" : null}>${text.periods[/** @type {"1"} */ (each)]}</a>`)}
    </nav>
    <${Loaded} of=${shop} lines=${8}>${(/** @type {any} */ { timeZone, lowStockUnits }) => html`
      <${Figures} days=${Number(days)} timeZone=${timeZone} turn=${turn} />
      <${LowStock} units=${lowStockUnits || LOW_UNITS} turn=${`${days} ${turn}`} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{days: number, timeZone: string, turn: string}} props */
function Figures({ days, timeZone, turn }) {
  const loaded = useLoaded(async (signal) => {
    const report = (/** @type {number} */ length) => call("GET /insights/sales", {
      query: { from: firstOf(length, timeZone), timeZone }, signal,
    });
    const current = await report(days);
    return { report: current, days: (days < SHORTEST_CHART ? await report(SHORTEST_CHART) : current).days };
  }, [days, timeZone, turn]);
  return html`<${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ data) => html`
    <${KeyFigures} report=${data.report} />
    <section class="card"><${Days} days=${data.days} currency=${data.report.currency} /></section>
    <${Best} report=${data.report} />`}
  </${Loaded}>`;
}

/** @param {{report: SalesReport}} props */
function KeyFigures({ report }) {
  const { current, changes, currency } = report;
  const { checkouts } = current;
  const figures = [
    { name: text.revenue, value: money(current.revenue, currency), hint: text.revenueHint, change: changes.revenue },
    { name: text.net, value: money(current.net, currency), hint: text.netHint, change: changes.net },
    { name: text.orders, value: count(current.orders), change: changes.orders },
    { name: text.refunds, value: money(current.refunds, currency),
      hint: current.refundRate === null ? null : text.refundRate(percent(current.refundRate)) },
    { name: text.conversion, value: checkouts.conversion === null ? "–" : percent(checkouts.conversion),
      hint: checkouts.begun ? text.conversionHint(count(checkouts.paid), count(checkouts.begun)) : text.noCheckouts },
    { name: text.buyers, value: count(current.buyers), hint: text.newBuyers(count(current.newBuyers)), change: changes.buyers },
  ];
  return html`<dl class="key-figures">${figures.map(({ name, value, hint, change }) => html`<div class="card" key=${name}>
    <dt>${name}</dt>
    <dd class="key-value">${value}</dd>
    ${change !== undefined && change !== null && html`<dd><${Change} change=${change} /></dd>`}
    ${hint && html`<dd class="muted">${hint}</dd>`}
  </div>`)}</dl>`;
}

/** @param {{change: number}} props per cent */
function Change({ change }) {
  if (!change) return html`<span class="muted">${text.same}</span>`;
  const said = change > 0 ? text.more : text.less;
  return html`<span class="change ${change > 0 ? "up" : "down"}" title=${text.compared}>
    <span aria-hidden="true">${change > 0 ? "▲" : "▼"} ${percent(Math.abs(change))}</span>
    <span class="visually-hidden">${said(percent(Math.abs(change)))}</span></span>`;
}

/** @param {{days: import("../api/schema.js").SalesDay[], currency: string}} props */
function Days({ days, currency }) {
  const compact = new Intl.NumberFormat(locale.value, {
    style: "currency", currency, notation: "compact", maximumFractionDigits: 1,
  });
  const series = (/** @type {string} */ title, /** @type {"revenue" | "net"} */ name) => ({
    title,
    values: days.map((day) => Number(day[name])), // for drawing only
    texts: days.map((day) => money(day[name], currency)),
  });
  return html`<${Chart} title=${text.chart(days.length)} times=${days.map(({ date }) => timeOn(date))}
    series=${[series(text.revenue, "revenue"), series(text.net, "net")]} axis=${(/** @type {number} */ amount) => compact.format(amount)}
    show=${{ month: "short", day: "numeric" }} />`;
}

/** @param {{report: SalesReport}} props */
function Best({ report }) {
  const best = report.bestProducts.slice(0, LISTED);
  return html`<section class="card" aria-labelledby="best">
    <h2 id="best">${text.best}</h2>
    ${best.length === 0 && html`<p class="muted">${text.bestEmpty}</p>`}
    <ol class="list">${best.map(({ id, name, units, revenue }) => html`<li key=${id}>
      <a class="list-row" href="/app${addressOf(id)}"><span><strong dir="auto">${name}</strong>
        <span class="muted block">${text.sold(count(units), units)}</span></span>
        <span class="list-end"><strong>${money(revenue, report.currency)}</strong></span></a></li>`)}
    </ol>
  </section>`;
}

/** Products that are on sale, or would be with more units. @param {{units: number, turn: string}} props */
function LowStock({ units, turn }) {
  const loaded = useLoaded((signal) => callList("GET /products/merchant/my-products", {
    query: { maxUnits: units, limit: 50 }, signal,
  }), [units, turn]);
  return html`<section class="card" aria-labelledby="low">
    <div class="card-head"><h2 id="low">${text.low}</h2>
      <a href="/app/merchant/products?maxUnits=${units}">${text.lowAll}</a></div>
    <${Loaded} of=${loaded} lines=${3}>${(/** @type {any} */ { data }) => {
      const low = data.filter((/** @type {Product} */ product) => product.isActive && product.isReady).slice(0, LISTED);
      if (!low.length) return html`<p class="muted">${text.lowEmpty}</p>`;
      return html`<ul class="list">${low.map((/** @type {Product} */ product) => html`<li key=${product.id}>
        <a class="list-row" href="/app${addressOf(product.id)}"><span class="thing">
            <${Picture} product=${product} width=${160} /><strong dir="auto">${product.name}</strong></span>
          <span class="list-end"><${StateBadge} product=${product} /><span class="muted">${stockOf(product)}</span></span></a></li>`)}
      </ul>`;
    }}</${Loaded}>
  </section>`;
}
