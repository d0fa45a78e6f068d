// @ts-check
// Links between views that belong together.

import { html } from "./html.js";
import { path } from "./router.js";

/** @param {{label: string, tabs: [string, string][]}} props tabs: addresses and texts */
export function Tabs({ label, tabs }) {
  return html`<nav class="subtabs" aria-label=${label}>
    ${tabs.map(([to, text]) => html`<a key=${to} href="/app${to}"
      aria-current=${path.value === to.split("?")[0] ? "page" : null}>${text}</a>`)}
  </nav>`;
}
