// @ts-check
// The terms of the licences of a product.

import { call } from "../api/client.js";
import { productWords } from "../text/en-products.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { count, dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { toast } from "../ui/toast.js";
import { readWhole } from "./parts.js";

/** @typedef {import("../api/schema.js").LicenceTerms} Terms */

const { licence: text, form: formText } = productWords;
const POLL_MS = 1500;
const FIELDS = /** @type {const} */ (["activationLimit", "validDays", "activationsPer30Days"]);

/** @param {{productId: string}} props */
export function LicenceTerms({ productId }) {
  const path = { product_id: productId };
  const loaded = useLoaded((signal) => call("GET /products/{product_id}/licence-terms", { path, signal }), [productId]);
  usePolling(loaded.reload, loaded.data?.isApplying ?? false, POLL_MS);
  return html`<section class="card stack" aria-labelledby="terms">
    <div class="card-head"><div><h2 id="terms">${text.title}</h2><p class="muted">${text.text}</p></div>
      <a class="button" href="/app/merchant/products/${productId}/licences">${text.all}</a></div>
    <${Loaded} of=${loaded} lines=${3}>${(/** @type {Terms} */ terms) => html`
      <${Form} key=${FIELDS.map((name) => terms[name]).join()} path=${path} terms=${terms} onChange=${loaded.set} />
      ${terms.isApplying && html`<p class="muted" role="status">${text.applying(count(terms.applied))}</p>`}
      ${!terms.isApplying && terms.appliedAt && html`<p class="muted">${text.applied(count(terms.applied), dateTime(terms.appliedAt))}</p>`}`}
    </${Loaded}>
  </section>`;
}

/** @param {{path: {product_id: string}, terms: Terms, onChange: (terms: Terms) => void}} props */
function Form({ path, terms, onChange }) {
  const initial = {
    activationLimit: String(terms.activationLimit ?? ""),
    validDays: String(terms.validDays ?? ""),
    activationsPer30Days: String(terms.activationsPer30Days ?? ""),
  };
  const form = useForm("terms", initial, async (values, { key }) => {
    const read = FIELDS.map((name) => /** @type {const} */ ([name, readWhole(values[name])]));
    const wrong = read.filter(([, number]) => number === undefined);
    if (wrong.length) throw new Invalid(Object.fromEntries(wrong.map(([name]) => [name, formText.atLeastOne])));
    const body = /** @type {any} */ (Object.fromEntries(read));
    const saved = await call("PUT /products/{product_id}/licence-terms", { path, body, key });
    return () => { toast(words.saved); onChange(saved); };
  });
  const input = { class: "input", inputmode: "numeric", autocomplete: "off", isOptional: true };
  return html`<form class="stack" ...${form.form}>
    <div class="row">
      <${Field} ...${form.field("activationLimit")} ...${input} label=${text.machines} hint=${text.unlimited} />
      <${Field} ...${form.field("validDays")} ...${input} label=${text.days} hint=${text.forever} />
      <${Field} ...${form.field("activationsPer30Days")} ...${input} label=${text.moves} hint=${text.unlimited} />
    </div>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <div class="group">
      <${Submit} isBusy=${form.isBusy}>${words.save}</${Submit}>
      <${ConfirmButton} label=${text.apply} name="apply-terms" tone="primary" title=${text.applyTitle}
        text=${text.applyText} action=${text.apply} send=${async (/** @type {{key: string}} */ { key }) => {
          const changed = await call("POST /products/{product_id}/licence-terms/apply", { path, key });
          return () => onChange(changed);
        }} />
    </div>
  </form>`;
}
