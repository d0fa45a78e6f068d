// @ts-check
// The file of a product.

import { call } from "../api/client.js";
import { sendFile } from "../api/upload.js";
import { productWords } from "../text/en-products.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { count, dateTime, fileSize } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { toast } from "../ui/toast.js";
import { Upload, useUpload } from "../ui/upload.js";

/** @typedef {import("../api/schema.js").ProductFile} File */

const { file: text } = productWords;

/** @param {{product: import("../api/schema.js").Product, reload: () => void}} props */
export function ProductFile({ product, reload }) {
  const path = { product_id: product.id };
  const loaded = useLoaded(async (signal) => {
    try {
      return { file: await call("GET /products/{product_id}/file", { path, signal }) };
    } catch (error) {
      if (error.code === "FILE_NOT_FOUND") return { file: null };
      throw error;
    }
  }, [product.id]);
  const upload = useUpload(async (file, { signal, onSent, onLost }) => {
    // The same file again has no effect, so this needs no Idempotency-Key.
    const stored = await sendFile("PUT /products/{product_id}/file", {
      path, query: { name: file.name }, body: file, type: file.type || "application/octet-stream", signal, onSent, onLost,
    });
    loaded.set({ file: stored });
    toast(text.done);
    reload();
  });
  return html`<section class="card stack" aria-labelledby="file">
    <h2 id="file">${text.title}</h2>
    <${Loaded} of=${loaded} lines=${2}>${(/** @type {{file: File | null}} */ { file }) => html`
      ${file ? html`<${Current} file=${file} />` : html`<p class="muted">${text.none}</p>`}
      <${Upload} of=${upload} id="product-file" label=${file ? text.replace : text.choose}
        hint=${file ? text.replaceHint : null} />
      ${file && !upload.isBusy && html`<${ConfirmButton} label=${text.remove} look="quiet start-self" name="delete-file"
        title=${text.removeTitle} text=${text.removeText} action=${text.remove}
        send=${async (/** @type {{key: string}} */ { key }) => {
          await call("DELETE /products/{product_id}/file", { path, key });
          return () => { toast(text.removed); loaded.set({ file: null }); reload(); };
        }} />`}`}
    </${Loaded}>
  </section>`;
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
