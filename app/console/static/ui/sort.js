// @ts-check
// The order of a list. It is in the address, as its filters are.

import { html } from "./html.js";
import { query, setQuery } from "./router.js";

/** The orders of lists that are read by time. */
export const BY_TIME = ["newest", "oldest"];

/** The order that the address asks for, the first one of the list's if it is none of them. @param {string[]} sorts */
export function sortOf(sorts) {
  const asked = query.value.get("sort") ?? "";
  return sorts.includes(asked) ? asked : sorts[0];
}

/** How a column is sorted. @param {[string, string]} sorts ascending and descending @param {string} sort of the list */
export function directionOf([ascending, descending], sort) {
  if (sort === ascending) return "ascending";
  return sort === descending ? "descending" : "none";
}

const MARKS = { ascending: "↑", descending: "↓", none: "↕" };

/**
 * The title of a column that sorts the list: first ascending, then the other way round.
 * @param {{title: string, sorts: [string, string], sort: string}} props as of `directionOf`
 */
export function SortButton({ title, sorts, sort }) {
  const direction = directionOf(sorts, sort);
  return html`<button class="sort" type="button"
    onClick=${() => setQuery({ sort: sorts[direction === "ascending" ? 1 : 0] })}>${title}
    <span class="sort-mark" aria-hidden="true">${MARKS[direction]}</span></button>`;
}
