// @ts-check
// Lists with filters in the address: rows, and pages of them.

import { call } from "../api/client.js";
import { Filters, NoRows, filtered, position } from "./filters.js";
import { html } from "./html.js";
import { Loaded, useLoaded } from "./load.js";
import { sortOf } from "./sort.js";
import { Pages, Table } from "./table.js";

/** @typedef {import("./filters.js").Filter} Filter */
/** @typedef {import("../api/schema.js").Operations} Operations */

const PAGE = 25;

/**
 * The rows of a list as the address has it.
 * @param {keyof Operations} operation
 * @param {{filters?: Filter[], path?: Record<string, string>, query?: Record<string, string>, limit?: number,
 *   sorts?: string[]}} [more] sorts: the orders that the list has, the usual one first
 */
export function useList(operation, { filters = [], path = {}, query = {}, limit = PAGE, sorts } = {}) {
  const sort = sorts && sortOf(sorts);
  const chosen = { ...query, ...filtered(filters), ...(sort && { sort }) };
  const asked = { ...chosen, ...position(), limit };
  const loaded = useLoaded((signal) => call(operation, { path, query: asked, signal }),
    [operation, JSON.stringify(path), JSON.stringify(asked)]);
  return { ...loaded, sort, source: { operation, path, query: chosen } };
}

/**
 * The filters and rows of a list. `rows` replaces the table; `children` are shown if it is empty.
 * @param {{of: any, filters?: Filter[], caption: string, empty: string, emptyText?: string, icon?: string,
 *   columns?: import("./table.js").Column[], look?: string,
 *   rows?: (rows: any[]) => any, rowKey?: (row: any) => string, children?: any}} props
 *   of: from `useList`; look: classes of the card
 */
export function List({
  of: loaded, filters = [], caption, empty, emptyText, icon, columns = [], look = "", rows, rowKey, children,
}) {
  return html`
    ${filters.length > 0 && html`<${Filters} filters=${filters} />`}
    <section class="card ${look}" aria-label=${caption}>
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ { data }) => {
        if (!data.length) {
          return html`<${NoRows} filters=${filters} title=${empty} text=${emptyText} icon=${icon}>
            ${children}</${NoRows}>`;
        }
        return rows ? rows(data)
          : html`<${Table} caption=${caption} columns=${columns} rows=${data} rowKey=${rowKey}
            sort=${loaded.sort} />`;
      }}</${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />`;
}
