// @ts-check
// The postings of the wallet, with filters in the address.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { saveFile } from "../ui/export.js";
import { filtered, periodFilters } from "../ui/filters.js";
import { dateTime, habits, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { BY_TIME, sortOf } from "../ui/sort.js";
import { Empty } from "../ui/states.js";
import { Pages, Table } from "../ui/table.js";
import { SignedAmount, describe } from "./movements.js";

/** @typedef {import("../api/schema.js").Transaction} Transaction */

const { activity } = words;
const PAGE = 25;

function period() {
  return filtered(periodFilters());
}

function save(/** @type {"pdf" | "csv"} */ format) {
  return saveFile("GET /wallet/statement", { query: { ...period(), format } }, `statement.${format}`);
}

export function Transactions() {
  const filters = query.value;
  const loaded = useLoaded((signal) => call("GET /wallet/transactions", {
    query: { ...period(), type: filters.get("type"), sort: sortOf(BY_TIME), cursor: filters.get("cursor"), limit: PAGE },
    signal,
  }), [filters.toString(), habits.value.timeZone]);
  const columns = [
    { title: activity.what, kind: "wide", cell: (/** @type {Transaction} */ row) => html`
        <a class="cell-title" href="/app/transactions/${row.id}" dir="auto">${describe(row)}</a>
        <span class="muted">${activity.types[row.type]}${row.orderNumber ? ` · ${row.orderNumber}` : ""}</span>` },
    { title: activity.when, sorts: ["oldest", "newest"], cell: (/** @type {Transaction} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: activity.amount, kind: "number", cell: (/** @type {Transaction} */ row) => html`<${SignedAmount} row=${row} />` },
    { title: activity.balance, kind: "number extra", cell: (/** @type {Transaction} */ row) => money(row.balanceAfter, row.currency) },
  ];
  const statement = html`<div class="group" role="group" aria-label=${activity.statement}>
    ${/** @type {const} */ (["pdf", "csv"]).map((format) => html`<button key=${format} class="button"
      onClick=${() => save(format)}><${Icon} name="download" />${activity[format]}</button>`)}
  </div>`;
  const input = (/** @type {string} */ name) => (/** @type {any} */ event) => {
    setQuery({ [name]: event.currentTarget.value });
  };
  return html`<${View} title=${activity.title} actions=${statement}>
    <div class="filters">
      <div class="field"><label for="type">${activity.type}</label>
        <select id="type" class="input" onChange=${input("type")}>
          <option value="">${words.all}</option>
          ${Object.entries(activity.types).map(([value, text]) => html`<option key=${value} value=${value}
            selected=${filters.get("type") === value}>${text}</option>`)}
        </select></div>
      <div class="field"><label for="from">${words.from}</label>
        <input id="from" class="input" type="date" value=${filters.get("from") ?? ""} onChange=${input("from")} /></div>
      <div class="field"><label for="to">${words.to}</label>
        <input id="to" class="input" type="date" value=${filters.get("to") ?? ""} onChange=${input("to")} /></div>
    </div>
    <section class="card">
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ data) => (data.data.length
        ? html`<${Table} caption=${activity.title} columns=${columns} rows=${data.data} sort=${sortOf(BY_TIME)} />`
        : html`<${Empty} title=${activity.empty} text=${activity.emptyText}>
            ${filters.size > 0 && html`<button class="button" onClick=${() => setQuery({ type: "", from: "", to: "" })}>${activity.clear}</button>`}
          </${Empty}>`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />
  </${View}>`;
}
