// @ts-check
// One product of the merchant: its details, whether it is on sale, its images and what buyers get.

import { useState } from "preact/hooks";
import { call, user } from "../api/client.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { words } from "../text/en.js";
import { Act } from "../ui/act.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { FormProblem, Submit, useForm } from "../ui/form.js";
import { count, date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { navigate } from "../ui/router.js";
import { Notice, Problem } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { CodeSummary } from "./code-summary.js";
import { ProductFile } from "./file.js";
import { Images } from "./images.js";
import { LicenceTerms } from "./licence-terms.js";
import { StateBadge, stateOf } from "./parts.js";
import { ProductFields, read, valuesOf } from "./product-form.js";

/** @typedef {import("../api/schema.js").Product} Product */

const { product: text, products, form: formText } = productWords;

/** @param {{id: string}} props */
export function MerchantProduct({ id }) {
  const path = { product_id: id };
  const loaded = useLoaded((signal) => call("GET /products/{product_id}", { path, signal }), [id]);
  const [saves, setSaves] = useState(0);
  const product = loaded.data;
  const isOwn = product?.merchantId === user.value?.id;
  const actions = product && isOwn && !product.deletedAt && html`
    <a class="button" href="/app/shop/${id}"><${Icon} name="shop" />${text.see}</a>
    <${ConfirmButton} label=${text.remove} name="delete" look="danger" title=${text.removeTitle} text=${text.removeText}
      action=${text.remove} send=${async (/** @type {{key: string}} */ { key }) => {
        await call("DELETE /products/{product_id}", { path, key });
        return () => { toast(text.removed); navigate("/merchant/products", { replace: true }); };
      }} />`;
  return html`<${View} title=${product?.name ?? products.one} actions=${actions}
    back=${["/merchant/products", products.title]}>
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {Product} */ shown) => {
      if (!isOwn) return html`<${Problem} error=${{ status: 403 }} />`;
      if (shown.deletedAt) return html`<${Notice} tone="info">${products.stateTexts.DELETED}</${Notice}>`;
      return html`<div class="product-edit">
        <div class="stack wide-gap">
          <${Goods} product=${shown} reload=${loaded.reload} />
          <${Details} key=${saves} product=${shown} onSaved=${(/** @type {Product} */ changed) => {
            loaded.set(changed);
            setSaves(saves + 1);
          }} />
        </div>
        <div class="stack wide-gap">
          <${State} product=${shown} onChange=${loaded.set} />
          <${Images} product=${shown} reload=${loaded.reload} />
        </div>
      </div>`;
    }}
    </${Loaded}>
  </${View}>`;
}

/** What buyers get. @param {{product: Product, reload: () => void}} props */
function Goods({ product, reload }) {
  if (product.kind === "CODES") return html`<${CodeSummary} productId=${product.id} />`;
  if (product.kind === "FILE") return html`<${ProductFile} product=${product} reload=${reload} />`;
  if (product.kind === "LICENCE") return html`<${LicenceTerms} productId=${product.id} />`;
  return null;
}

/** @param {{product: Product, onChange: (changed: Product) => void}} props */
function State({ product, onChange }) {
  const state = stateOf(product);
  const isCodes = state === "SOLD_OUT" && product.kind === "CODES";
  const facts = [
    [text.stock, count(product.availableUnits)],
    [text.initial, count(product.initialUnits)],
    [text.created, date(product.createdAt)],
    [text.changed, date(product.updatedAt)],
  ];
  return html`<section class="card stack" aria-labelledby="state">
    <div class="card-head"><h2 id="state">${text.state}</h2><${StateBadge} product=${product} /></div>
    <p class="muted">${isCodes ? products.soldOutCodes : products.stateTexts[state]}</p>
    <${Facts} facts=${facts} />
    <${Act} name="state" look="wide ${product.isActive ? "" : "primary"}" label=${product.isActive ? text.takeOff : text.putOn}
      send=${async (/** @type {{key: string}} */ { key }) => {
        const changed = await call("PATCH /products/{product_id}", {
          path: { product_id: product.id }, body: { isActive: !product.isActive }, key,
        });
        return () => {
          toast(changed.isActive ? text.nowOn : text.takenOff);
          onChange(changed);
        };
      }} />
  </section>`;
}

/** @param {{product: Product, onSaved: (changed: Product) => void}} props */
function Details({ product, onSaved }) {
  // As when the form was opened: units may have been sold in the meantime.
  const [initial] = useState(() => valuesOf(product));
  const form = useForm("details", initial, async (values, { key }) => {
    const before = /** @type {Record<string, any>} */ (read(initial, product.currency));
    const body = Object.fromEntries(Object.entries(read(values, product.currency))
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
    if (!Object.keys(body).length) return () => toast(formText.unchanged);
    const changed = await call("PATCH /products/{product_id}", { path: { product_id: product.id }, body, key });
    return () => { toast(words.saved); onSaved(changed); };
  });
  return html`<form class="card stack" ...${form.form} aria-labelledby="details">
    <h2 id="details">${formText.details}</h2>
    <${ProductFields} field=${form.field} set=${form.set} kind=${product.kind} currency=${product.currency} />
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy}>${words.save}</${Submit}>
  </form>`;
}
