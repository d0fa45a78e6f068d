// @ts-check
// Saves files that the API makes: exports hold exactly what the list's filters show.

import { useState } from "preact/hooks";
import { download } from "../api/client.js";
import { words } from "../text/en.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

const KEPT_MS = 10_000;

/** Save what is in memory as a file. @param {Blob} blob @param {string} name */
export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/**
 * Save a file of the API, or say why that failed. Returns whether it is saved.
 * @param {Parameters<typeof download>[0]} operation @param {object} options of `download`
 * @param {string} name of the file
 */
export async function saveFile(operation, options, name) {
  try {
    saveBlob(await download(operation, options), name);
    return true;
  } catch (error) {
    toast(error.message || words.problems.offline);
    return false;
  }
}

/**
 * A button that saves a file of the API.
 * @param {{
 *   from: keyof import("../api/schema.js").Operations,
 *   path?: Record<string, string>,
 *   query?: Record<string, string | number | boolean | null | undefined>,
 *   name: string,
 *   label: string,
 * }} props name: of the file
 */
export function FileButton({ from, path, query = {}, name, label }) {
  const [isBusy, setBusy] = useState(false);
  async function save() {
    if (isBusy) return;
    setBusy(true);
    if (await saveFile(from, { path, query }, name)) toast(words.exporting.saved);
    setBusy(false);
  }
  return html`<button class="button" type="button" onClick=${save} aria-disabled=${isBusy ? "true" : null}>
    ${isBusy ? html`<span class="spinner" aria-hidden="true"></span>` : html`<${Icon} name="download" />`}
    ${label}
  </button>`;
}

/**
 * A button that saves a list as CSV, with the filters that the list has. Takes the properties of
 * `FileButton`; name: of the file, without its ending.
 * @param {any} props
 */
export function ExportButton({ name, label = words.exporting.csv, ...file }) {
  return html`<${FileButton} ...${file} name="${name}.csv" label=${label} />`;
}
