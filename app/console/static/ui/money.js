// @ts-check
// The input of amounts. What could be read in two ways is refused with a hint, never guessed.

import { words } from "../text/en.js";
import { Field, Invalid } from "./form.js";
import { amountExample, decimalsOf, parseAmount } from "./format.js";
import { html } from "./html.js";

/** @param {{currency: string, [more: string]: any}} props */
export function MoneyField({ currency, ...field }) {
  return html`<${Field} ...${field} inputmode="decimal" autocomplete="off" suffix=${currency} class="input amount" />`;
}

/**
 * The typed amount as a decimal string. Throws Invalid.
 * @param {string} text @param {string} currency @param {string} [field]
 */
export function requireAmount(text, currency, field = "amount") {
  const read = parseAmount(text, currency);
  if ("amount" in read) return read.amount;
  throw new Invalid({ [field]: words.amount[read.problem](amountExample(currency), decimalsOf(currency)) });
}
