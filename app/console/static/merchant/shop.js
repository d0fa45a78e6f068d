// @ts-check
// What buyers see of the merchant.

import { call } from "../api/client.js";
import { sendFile } from "../api/upload.js";
import { imageSource } from "../buyer/shop.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { zoneOptions } from "../ui/moments.js";
import { toast } from "../ui/toast.js";
import { Upload, useUpload } from "../ui/upload.js";
import { IMAGE_BYTES, IMAGE_TYPES } from "./images.js";
import { readWhole } from "./parts.js";

/** @typedef {import("../api/schema.js").Shop} Shop */

const { shop: text, form: formText, product } = productWords;

export function ShopProfile() {
  const loaded = useLoaded((signal) => call("GET /shop", { signal }), []);
  return html`<${View} title=${text.title} text=${text.text} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {Shop} */ shop) => html`
      <${Logo} shop=${shop} onChange=${loaded.set} />
      <${Form} shop=${shop} onChange=${loaded.set} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{shop: Shop, onChange: (shop: Shop) => void}} props */
function Logo({ shop, onChange }) {
  const upload = useUpload(async (file, { signal, onSent, onLost }) => {
    // The same logo again has no effect, so this needs no Idempotency-Key.
    onChange(await sendFile("PUT /shop/logo", { body: file, type: file.type, signal, onSent, onLost }));
    toast(text.logoSaved);
  });
  return html`<section class="card stack" aria-labelledby="logo">
    <h2 id="logo">${text.logo}</h2>
    ${shop.logo && html`<div class="logo-line"><img class="logo" src=${imageSource(shop.logo, 160)} alt=${shop.logo.alt ?? ""} />
      <${ConfirmButton} label=${text.logoRemove} look="quiet" name="delete-logo" title=${`${text.logoRemove}?`} action=${text.logoRemove}
        send=${async (/** @type {{key: string}} */ { key }) => {
          const changed = await call("DELETE /shop/logo", { key });
          return () => { toast(text.logoRemoved); onChange(changed); };
        }} /></div>`}
    <${Upload} of=${upload} id="logo-file" label=${text.logoChoose} hint=${product.imageHint}
      accept=${IMAGE_TYPES.join()} types=${IMAGE_TYPES} maxBytes=${IMAGE_BYTES} />
  </section>`;
}

/** @param {{shop: Shop, onChange: (shop: Shop) => void}} props */
function Form({ shop, onChange }) {
  const initial = {
    name: shop.name ?? "", supportEmail: shop.supportEmail ?? "", timeZone: shop.timeZone,
    lowStockUnits: String(shop.lowStockUnits), goodsInMail: shop.goodsInMail,
  };
  const form = useForm("shop", initial, async (values, { key }) => {
    const units = readWhole(values.lowStockUnits, 0);
    if (units === undefined || units === null) throw new Invalid({ lowStockUnits: formText.wholeNumber });
    const body = {
      name: values.name.trim() || null,
      supportEmail: values.supportEmail.trim() || null,
      timeZone: values.timeZone,
      lowStockUnits: units,
      goodsInMail: values.goodsInMail,
    };
    const saved = await call("PATCH /shop", { body, key });
    return () => { toast(words.saved); onChange(saved); };
  });
  return html`<form class="card stack" ...${form.form}>
    <${Field} ...${form.field("name")} label=${text.name} class="input" maxlength="80" dir="auto" isOptional
      hint=${shop.name ? null : text.nameHint(shop.publicName)} autocomplete="organization" />
    <${Field} ...${form.field("supportEmail")} label=${text.support} hint=${text.supportHint} class="input" type="email"
      isOptional autocomplete="email" maxlength="100" />
    <${Select} ...${form.field("timeZone")} label=${text.zone}
      options=${zoneOptions(shop.timeZone)} />
    <${Field} ...${form.field("lowStockUnits")} label=${text.low} hint=${text.lowHint} class="input" inputmode="numeric" autocomplete="off" />
    <label class="choice"><input type="checkbox" checked=${form.values.goodsInMail}
        onChange=${(/** @type {any} */ event) => form.set({ goodsInMail: event.currentTarget.checked })} />
      <span><strong>${text.goods}</strong><span class="muted">${text.goodsText}</span></span></label>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy}>${words.save}</${Submit}>
  </form>`;
}
