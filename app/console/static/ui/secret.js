// @ts-check
// A secret that is shown once.

import { words } from "../text/en.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

/**
 * @param {{title: string, text: string, secret: string, done: string, onDone: () => void}} props
 *   done: what the button says that hides it
 */
export function SecretOnce({ title, text, secret, done, onDone }) {
  async function copy() {
    await navigator.clipboard.writeText(secret);
    toast(words.copied);
  }
  return html`<section class="card stack" aria-labelledby="secret-title">
    <h2 id="secret-title">${title}</h2>
    <p>${text}</p>
    <p class="secret-text mono" data-testid="secret">${secret}</p>
    <div class="actions">
      ${navigator.clipboard && html`<button class="button primary" type="button" onClick=${copy}>
        <${Icon} name="copy" />${words.copy}</button>`}
      <button class="button" type="button" onClick=${onDone}>${done}</button>
    </div>
  </section>`;
}
