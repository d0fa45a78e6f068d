// @ts-check
// Short messages about what has just happened; screen readers announce them.

import { signal } from "@preact/signals";
import { html } from "./html.js";

const LASTS_MS = 5000;
const messages = signal(/** @type {{id: number, text: string}[]} */ ([]));
let last = 0;

/** @param {string} text */
export function toast(text) {
  last += 1;
  const id = last;
  messages.value = [...messages.value, { id, text }];
  setTimeout(() => {
    messages.value = messages.value.filter((message) => message.id !== id);
  }, LASTS_MS);
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${messages.value.map(({ id, text }) => html`<p class="toast" key=${id}>${text}</p>`)}
  </div>`;
}
