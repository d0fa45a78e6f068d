// @ts-check
// How many codes a product has.

import { call } from "../api/client.js";
import { productWords } from "../text/en-products.js";
import { count } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { addressOf } from "./parts.js";

const { codes } = productWords;

/** @param {{productId: string}} props */
export function CodeSummary({ productId }) {
  const loaded = useLoaded((signal) => call("GET /products/{product_id}/codes/summary", {
    path: { product_id: productId }, signal,
  }), [productId]);
  return html`<section class="card stack" aria-labelledby="codes">
    <h2 id="codes">${codes.title}</h2>
    <${Loaded} of=${loaded} lines=${2}>${(/** @type {any} */ counts) => html`<${CodeFigures} counts=${counts} />`}</${Loaded}>
    <a class="button primary start-self" href="/app${addressOf(productId)}/codes"><${Icon} name="key" />${codes.manage}</a>
  </section>`;
}

/** @param {{counts: import("../api/schema.js").ProductCodeSummary}} props */
export function CodeFigures({ counts }) {
  return html`<dl class="figures">${Object.entries(codes.figures).map(([name, title]) => html`<div key=${name}>
    <dt>${title}</dt><dd>${count(counts[/** @type {"sold"} */ (name)])}</dd></div>`)}</dl>`;
}
