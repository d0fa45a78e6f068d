// @ts-check
// Downloads a file, and shows how much has arrived. After a lost connection the rest is asked for.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client.js";
import { words } from "../text/en.js";
import { saveBlob } from "../ui/export.js";
import { fileSize } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { Bar } from "../ui/upload.js";

/** @typedef {import("../api/schema.js").DeliveredFile} DeliveredFile */
/** @typedef {{parts: Uint8Array<ArrayBuffer>[], size: number, etag: string}} Arrived bytes that are in memory, and the version of the file that they are of */

const { download: text } = words.purchases;
/** Larger files are left to the browser, which shows the progress of those itself. */
const MAX_IN_MEMORY = 200 * 1000 ** 2;

/**
 * Add to what has arrived until it is everything.
 * @param {string} path @param {Arrived} arrived @param {AbortSignal} signal @param {() => void} onReceived
 */
async function receive(path, arrived, signal, onReceived) {
  /** @type {Record<string, string>} */
  const headers = arrived.size ? { Range: `bytes=${arrived.size}-`, "If-Range": arrived.etag } : {};
  const response = await fetch(path, { headers, signal });
  if (!response.ok || !response.body) {
    throw new ApiError(response.status, await response.json().catch(() => ({})));
  }
  if (response.status !== 206) Object.assign(arrived, { parts: [], size: 0, etag: response.headers.get("ETag") ?? "" });
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    arrived.parts.push(part.value);
    arrived.size += part.value.length;
    onReceived();
  }
}

/** @param {{file: DeliveredFile, url: string, onSaved: () => void}} props url: of the file */
export function Download({ file, url, onSaved }) {
  const arrived = useRef(/** @type {Arrived} */ ({ parts: [], size: 0, etag: "" }));
  const aborting = useRef(/** @type {AbortController | null} */ (null));
  const [received, setReceived] = useState(/** @type {number | null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => () => aborting.current?.abort(), []);
  const path = new URL(url).pathname;
  if (file.size > MAX_IN_MEMORY) {
    return html`<a class="button primary" download href=${path}><${Icon} name="download" />${text.start}</a>`;
  }

  async function start() {
    const mine = new AbortController();
    aborting.current = mine;
    setProblem("");
    setReceived(arrived.current.size);
    try {
      await receive(path, arrived.current, mine.signal, () => setReceived(arrived.current.size));
      if (arrived.current.size < file.size) throw new TypeError("The response ended early.");
      saveBlob(new Blob(arrived.current.parts), file.name);
      arrived.current = { parts: [], size: 0, etag: "" };
      toast(text.saved(file.name));
      onSaved();
    } catch (error) {
      if (!mine.signal.aborted) setProblem(error instanceof ApiError ? error.message : text.lost);
    }
    setReceived(null);
  }

  const label = text.progress(fileSize(received ?? 0), fileSize(file.size));
  return received === null
    ? html`<button class="button primary" type="button" onClick=${start}>
        <${Icon} name="download" />${arrived.current.size ? text.resume : text.start}</button>
      <div class="file-progress" role="alert">${problem && html`<${Notice} tone="danger" role=${null}>${problem}</${Notice}>`}</div>`
    : html`<button class="button" type="button" onClick=${() => aborting.current?.abort()}>${words.cancel}</button>
      <div class="file-progress"><${Bar} label=${file.name} value=${received} max=${file.size} />
        <p class="muted">${label}</p></div>`;
}
