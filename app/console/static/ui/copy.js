// @ts-check
// Copies a text, where the browser can: that needs HTTPS or localhost.

import { words } from "../text/en.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

/** @param {{text: string, label?: string, done?: string, look?: string}} props done: what is said afterwards */
export function CopyButton({ text, label = words.copy, done = words.copied, look = "" }) {
  async function copy() {
    await navigator.clipboard.writeText(text);
    toast(done);
  }
  return navigator.clipboard && html`<button class="button ${look}" type="button" onClick=${copy}>
    <${Icon} name="copy" />${label}</button>`;
}
