// @ts-check
// A button that does one thing at once, with the second factor if the API asks for one.

import { FormProblem, useForm } from "./form.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/**
 * @param {{
 *   name: string,
 *   label: string,
 *   icon?: any,
 *   look?: string,
 *   hidden?: string,
 *   send: (sending: {key: string, code?: string}) => Promise<(() => void) | void>,
 * }} props name: of the form, unique within its view; hidden: what screen readers hear instead of the
 *   label; send: does it, and returns what follows
 */
export function Act({ name, label, icon, look = "", hidden, send }) {
  const form = useForm(name, {}, async (_, sending) => send(sending));
  return html`<form class="act" ...${form.form}>
    <button class="button ${look}" type="submit" aria-label=${hidden} aria-disabled=${form.isBusy ? "true" : null}>
      ${form.isBusy ? html`<span class="spinner" aria-hidden="true"></span>` : icon && html`<${Icon} name=${icon} />`}${label}
    </button>
    <${FormProblem}>${form.problem}</${FormProblem}>
  </form>`;
}
