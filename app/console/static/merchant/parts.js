// @ts-check
// What several views of products share.

import { productWords } from "../text/en-products.js";
import { count, locale } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Badge } from "../ui/states.js";

/** @typedef {import("../api/schema.js").Product} Product */
/** @typedef {"ON_SALE" | "SOLD_OUT" | "NOT_READY" | "INACTIVE" | "DELETED"} State */

const { products } = productWords;

const TONES = {
  ON_SALE: "success", SOLD_OUT: "danger", NOT_READY: "warning", INACTIVE: "neutral", DELETED: "neutral",
};

/** The state of a product, as the filter of the list calls it. @param {Product} product @returns {State} */
export function stateOf(product) {
  if (product.deletedAt) return "DELETED";
  if (!product.isActive) return "INACTIVE";
  if (!product.isReady) return "NOT_READY";
  return product.availableUnits > 0 ? "ON_SALE" : "SOLD_OUT";
}

/** @param {{product: Product}} props */
export function StateBadge({ product }) {
  const state = stateOf(product);
  return html`<${Badge} tone=${TONES[state]}>${products.states[state]}</${Badge}>`;
}

/** How many units are left. @param {Product} product */
export function stockOf(product) {
  return products.left(count(product.availableUnits));
}

/** Per cent for people, such as `12.5%`. @param {number} number @param {number} [digits] decimals at most */
export function percent(number, digits = 1) {
  return new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: digits }).format(number / 100);
}

/**
 * A whole number that was typed, null if the field is empty, or undefined if it is none.
 * @param {string} text @param {number} [least]
 */
export function readWhole(text, least = 1) {
  const typed = text.trim();
  if (!typed) return null;
  if (!/^\d{1,9}$/.test(typed)) return undefined;
  const number = Number.parseInt(typed, 10);
  return number < least ? undefined : number;
}

/** The path of a product's view. @param {string} id */
export const addressOf = (id) => `/merchant/products/${id}`;
