// @ts-check
// The file of a product.

import { call } from "../api/client.js";
import { discard, sendInParts } from "../api/parts.js";
import { sendFile } from "../api/upload.js";
import { productWords } from "../text/en-products.js";
import { Act } from "../ui/act.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { count, dateTime, fileSize } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { toast } from "../ui/toast.js";
import { Notice } from "../ui/states.js";
import { Bar, Upload, useUpload } from "../ui/upload.js";

/** @typedef {import("../api/schema.js").ProductFile} File */
/** @typedef {import("../api/schema.js").FileUpload} FileUpload */

const { file: text } = productWords;
/** Larger files are sent in parts; smaller ones are quickly sent again. */
const SMALL_BYTES = 8 * 1024 ** 2;

/** @template T @param {Promise<T>} asked @param {string} code @returns {Promise<T | null>} null: there is none */
async function orNone(asked, code) {
  try {
    return await asked;
  } catch (error) {
    if (error.code === code) return null;
    throw error;
  }
}

/** @param {{product: import("../api/schema.js").Product, reload: () => void}} props */
export function ProductFile({ product, reload }) {
  const path = { product_id: product.id };
  const loaded = useLoaded(async (signal) => ({
    file: await orNone(call("GET /products/{product_id}/file", { path, signal }), "FILE_NOT_FOUND"),
    unfinished: await orNone(call("GET /products/{product_id}/file/upload", { path, signal }), "FILE_UPLOAD_NOT_FOUND"),
  }), [product.id]);
  const upload = useUpload(async (file, sending) => {
    const type = file.type || "application/octet-stream";
    // The same file again has no effect, so this needs no Idempotency-Key.
    const stored = file.size > SMALL_BYTES
      ? await sendInParts(product.id, file, { type, ...sending })
      : await sendFile("PUT /products/{product_id}/file", { path, query: { name: file.name }, body: file, type, ...sending, key: undefined });
    loaded.set({ file: stored, unfinished: null });
    toast(text.done);
    reload();
  });
  return html`<section class="card stack" aria-labelledby="file">
    <h2 id="file">${text.title}</h2>
    <${Loaded} of=${loaded} lines=${2}>${(/** @type {{file: File | null, unfinished: FileUpload | null}} */ { file, unfinished }) => html`
      ${file ? html`<${Current} file=${file} />` : html`<p class="muted">${text.none}</p>`}
      ${unfinished && upload.phase === "idle" && html`<${Unfinished} upload=${unfinished} product=${product.id}
        onDiscarded=${() => loaded.set({ file, unfinished: null })} />`}
      <${Upload} of=${upload} id="product-file" label=${file ? text.replace : text.choose}
        hint=${file ? text.replaceHint : null} />
      ${file && !upload.isBusy && html`<${ConfirmButton} label=${text.remove} look="quiet start-self" name="delete-file"
        title=${text.removeTitle} text=${text.removeText} action=${text.remove}
        send=${async (/** @type {{key: string}} */ { key }) => {
          await call("DELETE /products/{product_id}/file", { path, key });
          return () => { toast(text.removed); loaded.set({ file: null, unfinished }); reload(); };
        }} />`}`}
    </${Loaded}>
  </section>`;
}

/** What has arrived of a file. @param {{upload: FileUpload, product: string, onDiscarded: () => void}} props */
function Unfinished({ upload, product, onDiscarded }) {
  const title = text.unfinished(upload.name, fileSize(upload.receivedBytes), fileSize(upload.size));
  return html`<${Notice}><div class="stack">
    <p><strong dir="auto">${title}</strong> ${text.unfinishedText(dateTime(upload.expiresAt))}</p>
    <${Bar} label=${title} value=${upload.receivedBytes} max=${upload.size} />
    <${Act} name="discard" label=${text.discard} look="quiet" send=${async () => {
      await discard(product, upload.id);
      return () => { toast(text.discarded); onDiscarded(); };
    }} />
  </div></${Notice}>`;
}

/** @param {{file: File}} props */
function Current({ file }) {
  const facts = [
    [text.uploaded, dateTime(file.uploadedAt)],
    [text.downloads, count(file.downloads)],
    [text.checksum, html`<span class="mono checksum">${file.sha256}</span>`],
  ];
  return html`<div class="file">
      <${Icon} name="file" />
      <span class="grow"><strong dir="auto">${file.name}</strong>
        <span class="muted block">${text.about(fileSize(file.size), count(file.version))}</span></span>
    </div>
    <${Facts} facts=${facts} />`;
}
