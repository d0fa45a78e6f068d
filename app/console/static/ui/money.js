// @ts-check
// The input of amounts. What could be read in two ways is refused with a hint, never guessed.

import { words } from "../text/en.js";
import { Field, Invalid } from "./form.js";
import { decimalsOf, parseAmount } from "./format.js";
import { html } from "./html.js";

/** @param {{currency: string, [more: string]: any}} props */
export function MoneyField({ currency, ...field }) {
  return html`<${Field} ...${field} inputmode="decimal" autocomplete="off" suffix=${currency}
    label=${field.label ?? words.amount} class="input amount" />`;
}

/**
 * The typed amount as a decimal string. Throws Invalid.
 * @param {string} text @param {string} currency @param {string} [field]
 */
export function requireAmount(text, currency, field = "amount") {
  const read = parseAmount(text, currency);
  if ("amount" in read) return read.amount;
  const message = words.amount[read.problem];
  const shown = typeof message === "function" ? message(decimalsOf(currency)) : message;
  throw new Invalid({ [field]: shown });
}
