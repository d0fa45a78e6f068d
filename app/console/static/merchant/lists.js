// @ts-check
// What the lists of sales and of developers share: filters, rows, pages, tabs and facts.

import { call } from "../api/client.js";
import { Filters, NoRows, filtered, position } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { path } from "../ui/router.js";
import { Pages, Table } from "../ui/table.js";

/** @typedef {import("../ui/filters.js").Filter} Filter */
/** @typedef {import("../api/schema.js").Operations} Operations */

const PAGE = 25;

/**
 * The rows of a list as the address has it.
 * @param {keyof Operations} operation
 * @param {{filters?: Filter[], path?: Record<string, string>, query?: Record<string, string>}} [more]
 */
export function useList(operation, { filters = [], path: ids = {}, query = {} } = {}) {
  const asked = { ...query, ...filtered(filters), ...position(), limit: PAGE };
  return useLoaded((signal) => call(operation, { path: ids, query: asked, signal }),
    [operation, JSON.stringify(ids), JSON.stringify(asked)]);
}

/**
 * The filters and rows of a list. `rows` replaces the table; `children` are shown if it is empty.
 * @param {{of: any, filters?: Filter[], caption: string, empty: string, emptyText?: string, icon?: string,
 *   columns?: {title: string, cell: (row: any) => any, kind?: string}[],
 *   rows?: (rows: any[]) => any, children?: any}} props of: from `useList`
 */
export function List({ of: loaded, filters = [], caption, empty, emptyText, icon, columns = [], rows, children }) {
  return html`
    ${filters.length > 0 && html`<${Filters} filters=${filters} />`}
    <section class="card" aria-label=${caption}>
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ { data }) => {
        if (!data.length) {
          return html`<${NoRows} filters=${filters} title=${empty} text=${emptyText} icon=${icon}>
            ${children}</${NoRows}>`;
        }
        return rows ? rows(data) : html`<${Table} caption=${caption} columns=${columns} rows=${data} />`;
      }}</${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />`;
}

/** Links between lists that belong together. @param {{label: string, tabs: [string, string][]}} props */
export function Tabs({ label, tabs }) {
  return html`<nav class="subtabs" aria-label=${label}>
    ${tabs.map(([to, text]) => html`<a key=${to} href="/app${to}"
      aria-current=${path.value === to ? "page" : null}>${text}</a>`)}
  </nav>`;
}

/** Names and values. @param {{facts: ([string, any] | null | false | "")[]}} props what is not there is left out */
export function Facts({ facts }) {
  return html`<dl class="facts">
    ${facts.map((fact) => fact && html`<div key=${fact[0]}><dt>${fact[0]}</dt><dd>${fact[1]}</dd></div>`)}
  </dl>`;
}
