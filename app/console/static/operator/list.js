// @ts-check
// What the lists of operators share: filters, rows, pages, and tabs above them.

import { call } from "../api/client.js";
import { operations } from "../text/en-operations.js";
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
 * @param {Filter[]} filters
 * @param {{path?: Record<string, string>, query?: Record<string, string>}} [more]
 */
export function useList(operation, filters, { path: ids = {}, query = {} } = {}) {
  const asked = { ...query, ...filtered(filters), ...position(), limit: PAGE };
  return useLoaded((signal) => call(operation, { path: ids, query: asked, signal }),
    [operation, JSON.stringify(ids), JSON.stringify(asked)]);
}

/**
 * The filters and rows of a list. `rows` replaces the table.
 * @param {{of: any, filters: Filter[], caption: string, empty: string, emptyText?: string, icon?: string,
 *   columns?: {title: string, cell: (row: any) => any, kind?: string}[],
 *   rows?: (rows: any[]) => any, rowKey?: (row: any) => string}} props of: from `useList`
 */
export function List({ of: loaded, filters, caption, empty, emptyText, icon, columns = [], rows, rowKey }) {
  return html`
    ${filters.length > 0 && html`<${Filters} filters=${filters} />`}
    <section class="card stacked" aria-label=${caption}>
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ { data }) => {
        if (!data.length) {
          return html`<${NoRows} filters=${filters} title=${empty} text=${emptyText} icon=${icon} />`;
        }
        return rows ? rows(data)
          : html`<${Table} caption=${caption} columns=${columns} rows=${data} rowKey=${rowKey} />`;
      }}</${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />`;
}

/** Links between lists that belong together. @param {{label: string, tabs: [string, string][]}} props */
export function Tabs({ label, tabs }) {
  return html`<nav class="subtabs" aria-label=${label}>
    ${tabs.map(([to, text]) => html`<a key=${to} href="/app${to}"
      aria-current=${path.value === to.split("?")[0] ? "page" : null}>${text}</a>`)}
  </nav>`;
}

/** The lists of orders. */
export function OrderTabs() {
  const { orders, refunds } = operations;
  return html`<${Tabs} label=${orders.tabs}
    tabs=${[["/operator/orders", orders.title], ["/operator/orders/refunds", refunds.decisions]]} />`;
}

/** A person's name, or their shop's. @param {{firstName: string | null, lastName: string | null, shopName?: string | null}} user */
export function nameOf({ firstName, lastName, shopName }) {
  return [firstName, lastName].filter(Boolean).join(" ") || shopName || operations.nobody;
}

/** A link to a user, with the address below. @param {{user: any}} props user: summary, or null */
export function Person({ user }) {
  return html`<span class="person">
    <a href="/app/operator/users/${user.id}" class="cell-title" dir="auto">${nameOf(user)}</a>
    <span class="muted" dir="auto">${user.email ?? user.phone ?? ""}</span>
  </span>`;
}

/** Names and values. @param {{facts: ([string, any] | null | false)[]}} props null and false are left out */
export function Facts({ facts }) {
  return html`<dl class="facts">
    ${facts.map((fact) => fact && html`<div key=${fact[0]}><dt>${fact[0]}</dt><dd>${fact[1]}</dd></div>`)}
  </dl>`;
}
