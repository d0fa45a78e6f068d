// @ts-check
// The merchant's products, with search and filters in the address.

import { useEffect, useState } from "preact/hooks";
import { callList } from "../api/client.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { words } from "../text/en.js";
import { Picture } from "../buyer/shop.js";
import { ExportButton } from "../ui/export.js";
import { count, date, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { sortOf } from "../ui/sort.js";
import { Empty } from "../ui/states.js";
import { Pages, Table } from "../ui/table.js";
import { StateBadge, addressOf, stockOf } from "./parts.js";

/** @typedef {import("../api/schema.js").Product} Product */

const { products } = productWords;
const PAGE = 25;
const STOCKS = ["0", "5", "10", "25"];
const SORTS = ["newest", "oldest", "name", "-name", "price", "-price", "stock", "-stock"];
const FILTERS = ["q", "kind", "availability", "maxUnits"];

/** The filters of the list and of its export. @param {URLSearchParams} address */
const chosen = (address) => Object.fromEntries(FILTERS.map((name) => [name, address.get(name)]));

export function Products() {
  const filters = query.value;
  const loaded = useLoaded((signal) => callList("GET /products/merchant/my-products", {
    query: { ...chosen(filters), sort: sortOf(SORTS), cursor: filters.get("cursor"), limit: PAGE }, signal,
  }), [filters.toString()]);
  const isFiltered = FILTERS.some((name) => filters.has(name));
  const actions = html`
    <${ExportButton} from="GET /products/merchant/export" query=${chosen(filters)} name="products" />
    <a class="button" href="/app/merchant/products/import"><${Icon} name="upload" />${products.transfer}</a>
    <a class="button primary" href="/app/merchant/products/new"><${Icon} name="addMoney" />${products.add}</a>`;
  return html`<${View} title=${products.title} actions=${actions}>
    <${Filters} filters=${filters} />
    <section class="card">
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ { data }) => (data.length
        ? html`<${Table} caption=${products.title} columns=${COLUMNS} rows=${data} sort=${sortOf(SORTS)} />`
        : html`<${Nothing} isFiltered=${isFiltered} />`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.next ?? null} older=${products.more} newest=${products.first} />
  </${View}>`;
}

const COLUMNS = [
  { title: products.name, kind: "wide", sorts: ["name", "-name"], cell: (/** @type {Product} */ product) => html`<a class="thing"
      href="/app${addressOf(product.id)}">
      <${Picture} product=${product} width=${160} />
      <span><span class="cell-title" dir="auto">${product.name}</span>
        <span class="muted">${products.kinds[product.kind]}</span></span></a>` },
  { title: products.availability, sorts: ["stock", "-stock"], cell: (/** @type {Product} */ product) => html`<span class="thing-state">
      <${StateBadge} product=${product} /> <span class="muted">${stockOf(product)}</span></span>` },
  { title: products.price, kind: "number", sorts: ["price", "-price"], cell: (/** @type {Product} */ product) => money(product.price, product.currency) },
  { title: products.created, kind: "number extra", sorts: ["oldest", "newest"], cell: (/** @type {Product} */ product) => html`<span class="muted">${date(product.createdAt)}</span>` },
];

/** @param {{isFiltered: boolean}} props */
function Nothing({ isFiltered }) {
  if (isFiltered) {
    return html`<${Empty} title=${products.empty} text=${products.emptyText}>
      <button class="button" onClick=${() => setQuery({ q: "", kind: "", availability: "", maxUnits: "" })}>${products.clear}</button>
    </${Empty}>`;
  }
  return html`<${Empty} icon="purchases" title=${products.none} text=${products.noneText}>
    <a class="button primary" href="/app/merchant/products/new">${products.add}</a>
    <a class="button" href="/app/merchant/products/import">${products.transfer}</a>
  </${Empty}>`;
}

/** @param {{filters: URLSearchParams}} props */
function Filters({ filters }) {
  const given = filters.get("q") ?? "";
  const [typed, setTyped] = useState(given);
  useEffect(() => setTyped(given), [given]);
  const search = (/** @type {Event} */ event) => {
    event.preventDefault();
    setQuery({ q: typed.trim() });
  };
  const most = filters.get("maxUnits") ?? "";
  const stocks = most && !STOCKS.includes(most) ? [...STOCKS, most] : STOCKS;
  const { DELETED: _, ...states } = products.states;
  /** @type {[string, string, [string, string][]][]} */
  const choices = [
    ["availability", products.availability, Object.entries(states)],
    ["kind", products.kind, Object.entries(products.kinds)],
    ["maxUnits", products.stock, stocks.map((units) => [units, products.stockAtMost(count(Number(units)))])],
  ];
  return html`<form class="filters" role="search" onSubmit=${search}>
    <div class="field grow"><label for="q">${products.search}</label>
      <div class="control"><input id="q" class="input" type="search" value=${typed} maxlength="100"
        onInput=${(/** @type {any} */ event) => setTyped(event.currentTarget.value)} />
        <button class="button" type="submit"><${Icon} name="search" />${products.find}</button></div></div>
    ${choices.map(([name, label, options]) => html`<div class="field" key=${name}>
      <label for=${name}>${label}</label>
      <select id=${name} class="input" onChange=${(/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value })}>
        <option value="">${words.all}</option>
        ${options.map(([value, text]) => html`<option key=${value} value=${value}
          selected=${filters.get(name) === value}>${text}</option>`)}
      </select></div>`)}
  </form>`;
}
