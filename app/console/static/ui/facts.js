// @ts-check
// What is known about one thing.

import { html } from "./html.js";

/** Names and values. @param {{facts: ([string, any] | null | false | "")[]}} props what is not there is left out */
export function Facts({ facts }) {
  return html`<dl class="facts">
    ${facts.map((fact) => fact && html`<div key=${fact[0]}><dt>${fact[0]}</dt><dd>${fact[1]}</dd></div>`)}
  </dl>`;
}
