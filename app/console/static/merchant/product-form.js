// @ts-check
// The fields of a product, for a new one and for changes.

import { call } from "../api/client.js";
import { productWords } from "../text/en-products.js";
import { Field, Invalid, Select, TextArea } from "../ui/form.js";
import { html } from "../ui/html.js";
import { useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { PairsField, readPairs } from "../ui/pairs.js";
import { readWhole } from "./parts.js";

/** @typedef {import("../api/schema.js").Product} Product */

const { form: text } = productWords;

/** What is typed. @param {Product | null} product */
export function valuesOf(product) {
  return {
    name: product?.name ?? "",
    description: product?.description ?? "",
    price: product?.price ?? "",
    kind: /** @type {Product["kind"]} */ (product?.kind ?? "CODES"),
    availableUnits: String(product?.availableUnits ?? ""),
    category: product?.category ?? "",
    purchaseLimit: String(product?.purchaseLimit ?? ""),
    reservationLimit: String(product?.reservationLimit ?? ""),
    metadata: /** @type {import("../ui/pairs.js").Pairs} */ (Object.entries(product?.metadata ?? {})),
  };
}

/** @typedef {ReturnType<typeof valuesOf>} Values */

/** The fields of the API. Throws Invalid. @param {Values} values @param {string} currency */
export function read(values, currency) {
  /** @type {Record<string, string>} */
  const problems = {};
  const whole = (/** @type {"availableUnits" | "purchaseLimit" | "reservationLimit"} */ name, least = 1) => {
    const number = readWhole(values[name], least);
    if (number === undefined) problems[name] = least ? text.atLeastOne : text.wholeNumber;
    return number ?? null;
  };
  if (!values.name.trim()) problems.name = text.nameMissing;
  const hasUnits = values.kind !== "CODES";
  const units = hasUnits ? whole("availableUnits", 0) : null;
  if (hasUnits && units === null) problems.availableUnits = text.wholeNumber;
  const found = {
    name: values.name.trim(),
    description: values.description.trim() || null,
    price: "",
    availableUnits: units ?? 0,
    category: values.category || null,
    purchaseLimit: whole("purchaseLimit"),
    reservationLimit: whole("reservationLimit"),
    metadata: /** @type {Record<string, string> | null} */ (null),
  };
  const pairs = readPairs(values.metadata);
  if (typeof pairs === "string") problems.metadata = pairs;
  else found.metadata = pairs;
  try {
    found.price = requireAmount(values.price, currency, "price");
  } catch (error) {
    Object.assign(problems, error.fields);
  }
  if (Object.keys(problems).length) throw new Invalid(problems);
  return found;
}

/**
 * @param {{field: (name: any) => any, set: (changes: any) => void, kind: Product["kind"], currency: string,
 *   isNew?: boolean}} props field, set: of `useForm`
 */
export function ProductFields({ field, set, kind, currency, isNew = false }) {
  const categories = useLoaded((signal) => call("GET /categories", { query: { limit: 100 }, signal }), []);
  /** @type {[string, string][]} */
  const options = [["", text.noCategory], ...(categories.data?.data ?? []).map(
    ({ slug, name }) => /** @type {[string, string]} */ ([slug, name]))];
  const chosen = field("category").value;
  if (chosen && !options.some(([slug]) => slug === chosen)) options.push([chosen, chosen]);
  return html`
    <${Field} ...${field("name")} label=${text.name} class="input" maxlength="200" dir="auto" autocomplete="off" />
    <${TextArea} ...${field("description")} label=${text.description} isOptional maxlength="5000" rows=${5} />
    <div class="row">
      <${MoneyField} ...${field("price")} label=${text.price} currency=${currency} />
      ${kind === "CODES" ? null : html`<${Field} ...${field("availableUnits")} label=${text.units} class="input tall"
        inputmode="numeric" autocomplete="off" hint=${isNew ? null : text.unitsHint} />`}
    </div>
    ${kind === "CODES" && html`<p class="muted">${text.unitsCodes}</p>`}
    <${Select} ...${field("category")} label=${text.category} options=${options} />
    <fieldset class="row">
      <legend>${text.limits}</legend>
      <${Field} ...${field("purchaseLimit")} label=${text.purchaseLimit} isOptional class="input"
        inputmode="numeric" autocomplete="off" hint=${text.noLimit} />
      <${Field} ...${field("reservationLimit")} label=${text.reservationLimit} isOptional class="input"
        inputmode="numeric" autocomplete="off" hint=${text.usual} />
    </fieldset>
    <${PairsField} ...${field("metadata")} label=${text.metadata} hint=${text.metadataHint}
      change=${(/** @type {any} */ metadata) => set({ metadata })} />`;
}
