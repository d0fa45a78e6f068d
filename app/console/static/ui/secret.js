// @ts-check
// A secret that is shown once.

import { CopyButton } from "./copy.js";
import { html } from "./html.js";

/**
 * @param {{title: string, text: string, secret: string, done: string, onDone: () => void}} props
 *   done: what the button says that hides it
 */
export function SecretOnce({ title, text, secret, done, onDone }) {
  return html`<section class="card stack" aria-labelledby="secret-title">
    <h2 id="secret-title">${title}</h2>
    <p>${text}</p>
    <p class="secret-text mono" data-testid="secret">${secret}</p>
    <div class="actions">
      <${CopyButton} text=${secret} look="primary" />
      <button class="button" type="button" onClick=${onDone}>${done}</button>
    </div>
  </section>`;
}
