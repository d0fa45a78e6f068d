// @ts-check
// The images of a product: add, describe, order, delete.

import { call } from "../api/client.js";
import { sendFile } from "../api/upload.js";
import { imageSource } from "../buyer/shop.js";
import { productWords } from "../text/en-products.js";
import { Act } from "../ui/act.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, FormProblem, useForm } from "../ui/form.js";
import { count } from "../ui/format.js";
import { html } from "../ui/html.js";
import { toast } from "../ui/toast.js";
import { Upload, useUpload } from "../ui/upload.js";

/** @typedef {import("../api/schema.js").Product} Product */
/** @typedef {import("../api/schema.js").Image} Image */

const { product: text } = productWords;
const MAX_IMAGES = 8;
export const IMAGE_TYPES = ["image/jpeg", "image/png", "image/webp"];
export const IMAGE_BYTES = 10 * 1024 ** 2;

/** @param {{product: Product, reload: () => void}} props */
export function Images({ product, reload }) {
  const upload = useUpload(async (file, { signal, onSent, onLost }) => {
    await sendFile("POST /products/{product_id}/images", {
      path: { product_id: product.id }, body: file, type: file.type, signal, onSent, onLost,
    });
    toast(text.imageAdded);
    reload();
  });
  return html`<section class="card stack" aria-labelledby="images">
    <div><h2 id="images">${text.images}</h2><p class="muted">${text.imagesText}</p></div>
    ${product.images.length > 0 && html`<ol class="images">${product.images.map((image, index) => html`
      <li key=${image.id}><${Edit} productId=${product.id} image=${image} place=${index + 1} reload=${reload} /></li>`)}
    </ol>`}
    ${product.images.length < MAX_IMAGES
      ? html`<${Upload} of=${upload} id="image" label=${text.addImage} hint=${text.imageHint}
          accept=${IMAGE_TYPES.join()} types=${IMAGE_TYPES} maxBytes=${IMAGE_BYTES} />`
      : html`<p class="muted">${text.imagesFull}</p>`}
  </section>`;
}

/** @param {{productId: string, image: Image, place: number, reload: () => void}} props */
function Edit({ productId, image, place, reload }) {
  const path = { product_id: productId, image_id: image.id };
  const form = useForm(`image-${image.id}`, { alt: image.alt ?? "" }, async (values, { key }) => {
    const body = { alt: values.alt.trim() || null };
    await call("PATCH /products/{product_id}/images/{image_id}", { path, body, key });
    return reload;
  });
  const name = text.imageEdit(count(place));
  return html`<details class="image-edit">
    <summary><img class="thumb" src=${imageSource(image, 160)} alt=${image.alt ?? ""} loading="lazy" />
      <span class="grow"><strong>${place === 1 ? text.imageMain : name}</strong>
        ${image.alt && html`<span class="muted block" dir="auto">${image.alt}</span>`}</span></summary>
    <div class="stack">
      <form class="stack" ...${form.form}>
        <${Field} ...${form.field("alt")} id="alt-${image.id}" label=${text.alt} hint=${text.altText} class="input"
          maxlength="300" dir="auto" isOptional />
        <${FormProblem}>${form.problem}</${FormProblem}>
        <button class="button start-self" type="submit" aria-disabled=${form.isBusy ? "true" : null}>${text.altSave}</button>
      </form>
      <div class="group">
        ${place > 1 && html`<${Act} name="image-first-${image.id}" label=${text.imageFirst} send=${async (/** @type {{key: string}} */ { key }) => {
          await call("PATCH /products/{product_id}/images/{image_id}", { path, body: { position: 1 }, key });
          return reload;
        }} />`}
        <${ConfirmButton} label=${text.imageRemove} look="quiet" name="delete-image-${image.id}" title=${`${text.imageRemove}?`}
          action=${text.imageRemove} send=${async (/** @type {{key: string}} */ { key }) => {
            await call("DELETE /products/{product_id}/images/{image_id}", { path, key });
            return () => { toast(text.imageRemoved); reload(); };
          }} />
      </div>
    </div>
  </details>`;
}
