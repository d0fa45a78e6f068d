// @ts-check
// Saves a list as CSV: all its rows with the filters and the order that it has. For lists that the API
// does not export itself, because nobody has very many of these.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { words } from "../text/en.js";
import { saveBlob } from "./export.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

/**
 * Titles, and what a row has below each: its field of that name, or what the function returns.
 * @template Row
 * @typedef {((keyof Row & string) | [string, (row: Row) => string | number | null])[]} Cells
 */
/** @typedef {{operation: any, path: any, query: any}} Source as of `useList` */

const PAGE = 100;

/** A cell that a spreadsheet takes for text, quoted if it has to be. @param {string | number | boolean | null} value */
function cell(value) {
  const text = String(value ?? "");
  const safe = /^'*[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {Source} source */
async function allRows({ operation, path, query }) {
  const rows = [];
  for (let cursor = ""; ;) {
    const { data, meta } = /** @type {any} */ (await call(operation, { path, query: { ...query, cursor, limit: PAGE } }));
    rows.push(...data);
    if (!meta.nextCursor) return rows;
    cursor = meta.nextCursor;
  }
}

/** @param {{of: {source: Source}, name: string, cells: Cells<any>}} props of: from `useList`; name: of the file, without its ending */
export function CsvButton({ of: { source }, name, cells }) {
  const [isBusy, setBusy] = useState(false);
  async function save() {
    if (isBusy) return;
    setBusy(true);
    try {
      const rows = await allRows(source);
      const columns = cells.map((each) => (Array.isArray(each) ? each : /** @type {const} */ ([each, (/** @type {any} */ row) => row[each]])));
      const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, value]) => value(row)))];
      const text = lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
      saveBlob(new Blob(["\ufeff", text], { type: "text/csv" }), `${name}.csv`);
      toast(words.exporting.saved);
    } catch (error) {
      toast(error.message || words.problems.offline);
    } finally {
      setBusy(false);
    }
  }
  return html`<button class="button" type="button" onClick=${save} aria-disabled=${isBusy ? "true" : null}>
    ${isBusy ? html`<span class="spinner" aria-hidden="true"></span>` : html`<${Icon} name="download" />`}
    ${words.exporting.csv}
  </button>`;
}
