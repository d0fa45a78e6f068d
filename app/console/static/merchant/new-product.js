// @ts-check
// A new product.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { Choices, FormProblem, Submit, useForm } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { navigate } from "../ui/router.js";
import { toast } from "../ui/toast.js";
import { addressOf } from "./parts.js";
import { ProductFields, read, valuesOf } from "./product-form.js";

const { form: text, products } = productWords;
const KINDS = /** @type {const} */ (["CODES", "LICENCE", "FILE", "PLAIN"]);

export function NewProduct() {
  const wallet = useLoaded((signal) => call("GET /wallet", { signal }), []);
  return html`<${View} title=${text.title} text=${text.text} back=${["/merchant/products", products.title]} narrow>
    <${Loaded} of=${wallet} lines=${8}>${(/** @type {any} */ data) => html`<${Form} currency=${data.currency} />`}</${Loaded}>
  </${View}>`;
}

/** @param {{currency: string}} props */
function Form({ currency }) {
  const form = useForm("product", valuesOf(null), async (values, { key }) => {
    const body = { ...read(values, currency), kind: values.kind };
    const made = await call("POST /products", { body, key });
    return () => {
      toast(text.created);
      navigate(made.kind === "CODES" ? `${addressOf(made.id)}/codes` : addressOf(made.id), { replace: true });
    };
  });
  const { kind } = form.values;
  return html`<form class="card stack" ...${form.form}>
    <${Choices} label=${text.kind} name="kind" value=${kind} look="two"
      choose=${(/** @type {typeof kind} */ chosen) => form.set({ kind: chosen })}
      options=${KINDS.map((each) => [each, products.kinds[each], products.kindTexts[each]])} />
    <${ProductFields} field=${form.field} set=${form.set} kind=${kind} currency=${currency} isNew />
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide>${text.create}</${Submit}>
  </form>`;
}
