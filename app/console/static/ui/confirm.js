// @ts-check
// Asks before something that cannot be undone, and says what follows from it.

import { useState } from "preact/hooks";
import { words } from "../text/en.js";
import { Dialog } from "./dialog.js";
import { FormProblem, Invalid, Submit, TextArea, useForm } from "./form.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/** @typedef {{key: string, code?: string}} Sending */

/**
 * The question. It stays open with the problem if the action fails.
 * @param {{
 *   name: string,
 *   title: string,
 *   text?: any,
 *   action: string,
 *   tone?: "danger" | "primary",
 *   reason?: {label: string, hint?: string, isOptional?: boolean, maxlength?: string, missing?: string},
 *   initial?: Record<string, string>,
 *   fields?: (form: any) => any,
 *   send: (sending: Sending, reason: string, values: any) => Promise<(() => void) | void>,
 *   onClose: () => void,
 *   children?: any,
 * }} props name: of the form, unique within its view; text: what follows; action: what the button
 *   says; reason: also ask why, `missing` is said if it is not given; fields: more inputs, `initial`
 *   their values; send: does it, and returns what follows
 */
export function Confirm({ name, title, text, action, tone = "danger", reason, initial, fields, send, onClose, children }) {
  const { missing = words.confirm.noReason, ...why } = reason ?? {};
  const form = useForm(name, { ...initial, reason: "" }, async (values, sending) => {
    const given = values.reason.trim();
    if (reason && !reason.isOptional && !given) throw new Invalid({ reason: missing });
    const next = await send(sending, given, values);
    return () => { onClose(); next?.(); };
  });
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="stack" ...${form.form}>
      ${text && html`<p>${text}</p>`}
      ${children}
      ${fields?.(form)}
      ${reason && html`<${TextArea} ...${why} ...${form.field("reason")} id="confirm-reason" rows=${3} />`}
      <${FormProblem}>${form.problem}</${FormProblem}>
      <div class="dialog-actions">
        <button class="button" type="button" onClick=${onClose}>${words.cancel}</button>
        <${Submit} isBusy=${form.isBusy} tone=${tone}>${action}</${Submit}>
      </div>
    </form>
  </${Dialog}>`;
}

/**
 * A button that asks first; takes the properties of `Confirm` as well.
 * @param {{label: string, icon?: any, look?: string, hidden?: string, [more: string]: any}} props
 *   look: classes of the button; hidden: what screen readers hear instead of the label
 */
export function ConfirmButton({ label, icon, look = "", hidden, ...question }) {
  const [isAsking, setAsking] = useState(false);
  return html`
    <button class="button ${look}" type="button" aria-label=${hidden} onClick=${() => setAsking(true)}>
      ${icon && html`<${Icon} name=${icon} />`}${label}
    </button>
    ${isAsking && html`<${Confirm} ...${question} onClose=${() => setAsking(false)} />`}`;
}
