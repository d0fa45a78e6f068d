// @ts-check
// Tables that become lists on narrow screens, and their cursor paging in the address.

import { words } from "../text/en.js";
import { html } from "./html.js";
import { query, setQuery } from "./router.js";
import { SortButton, directionOf } from "./sort.js";

/**
 * A column. kind: `number` aligns to the right, `wide` takes the space that is left, `extra` is left
 * out on narrow screens, `act` has buttons; sorts: the orders that the list has for it, ascending and
 * descending.
 * @typedef {{title: string, cell: (row: any) => any, kind?: string, sorts?: [string, string]}} Column
 */

/**
 * @param {{caption: string, columns: Column[], rows: any[], rowKey?: (row: any) => string, sort?: string}} props
 *   sort: the order of the rows; without it, the titles of columns do not sort
 */
export function Table({ caption, columns, rows, rowKey = (row) => row.id, sort }) {
  const isSortable = sort !== undefined && columns.some(({ sorts }) => sorts);
  return html`<table class="table ${isSortable ? "sortable" : ""}">
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr>
      ${columns.map(({ title, kind = "", sorts }) => (sorts && sort !== undefined
        ? html`<th key=${title} scope="col" class="${kind} sorts" aria-sort=${directionOf(sorts, sort)}>
            <${SortButton} title=${title} sorts=${sorts} sort=${sort} /></th>`
        : html`<th key=${title} scope="col" class=${kind}>${title}</th>`))}
    </tr></thead>
    <tbody>
      ${rows.map((row) => html`<tr key=${rowKey(row)}>
        ${columns.map(({ title, cell, kind }) => html`<td key=${title} class=${kind}
          data-title=${title}>${cell(row)}</td>`)}
      </tr>`)}
    </tbody>
  </table>`;
}

/** Links to the next rows of a list. @param {{next: string | null, older?: string, newest?: string}} props */
export function Pages({ next, older, newest }) {
  const isByTime = (query.value.get("sort") ?? "newest") === "newest";
  older ??= isByTime ? words.older : words.furtherRows;
  newest ??= isByTime ? words.newest : words.firstRows;
  const isLater = query.value.has("cursor");
  if (!next && !isLater) return null;
  return html`<nav class="pages" aria-label=${older}>
    ${isLater && html`<button class="button" onClick=${() => setQuery({ cursor: "" })}>${newest}</button>`}
    ${next && html`<button class="button" onClick=${() => {
      setQuery({ cursor: next });
      window.scrollTo(0, 0);
    }}>${older}</button>`}
  </nav>`;
}
