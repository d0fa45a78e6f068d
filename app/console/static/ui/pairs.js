// @ts-check
// Names and values of the user's own, such as the metadata of a product.

import { words } from "../text/en.js";
import { html } from "./html.js";

/** @typedef {[string, string][]} Pairs */

const MAX_PAIRS = 20;

/**
 * @param {{label: string, hint?: string, name: string, value: Pairs, error?: string,
 *   change: (pairs: Pairs) => void}} props
 */
export function PairsField({ label, hint, name, value, error, change }) {
  const { pairs: text } = words;
  const own = `field-${name}`;
  const notes = [hint && `${own}-hint`, error && `${own}-error`].filter(Boolean).join(" ");
  const set = (/** @type {number} */ row, /** @type {0 | 1} */ side) => (/** @type {any} */ event) => {
    change(value.map((pair, each) => /** @type {[string, string]} */ (each === row
      ? pair.with(side, event.currentTarget.value) : pair)));
  };
  const input = { class: "input", autocomplete: "off", dir: "auto", "aria-invalid": error ? "true" : null };
  return html`<fieldset class="pairs" aria-describedby=${notes || null}>
    <legend>${label} <span class="optional">${words.optional}</span></legend>
    ${hint && html`<p class="hint" id="${own}-hint">${hint}</p>`}
    ${value.map(([key, content], row) => html`<div class="pair" key=${row}>
      <input ...${input} aria-label=${text.key(row + 1)} placeholder=${text.keyShort} maxlength="40" value=${key} onInput=${set(row, 0)} />
      <input ...${input} aria-label=${text.value(row + 1)} placeholder=${text.valueShort} maxlength="500" value=${content} onInput=${set(row, 1)} />
      <button class="button quiet" type="button" aria-label=${text.removeLabel(row + 1)}
        onClick=${() => change(value.filter((_, each) => each !== row))}>${text.remove}</button>
    </div>`)}
    ${error && html`<p class="error" id="${own}-error">${error}</p>`}
    ${value.length < MAX_PAIRS && html`<button class="button" type="button"
      onClick=${() => change([...value, ["", ""]])}>${text.add}</button>`}
  </fieldset>`;
}

/** The pairs as an object, null if there are none; a text that says what is wrong. @param {Pairs} pairs */
export function readPairs(pairs) {
  const given = pairs.map(([key, value]) => [key.trim(), value]).filter(([key, value]) => key || value);
  if (given.some(([key]) => !key)) return words.pairs.keyMissing;
  const found = Object.fromEntries(given);
  if (Object.keys(found).length < given.length) return words.pairs.keyTwice;
  return given.length ? found : null;
}
