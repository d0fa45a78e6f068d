// @ts-check
// Changes of operators: each asks for a reason, which the audit log keeps.

import { useState } from "preact/hooks";
import { words } from "../text/en.js";
import { operations } from "../text/en-operations.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, Invalid, useForm } from "../ui/form.js";
import { html } from "../ui/html.js";
import { toast } from "../ui/toast.js";

/**
 * @typedef {object} Change
 * @property {string} name of the form, unique within the view
 * @property {string} label of the button
 * @property {string} [aria] what the button is for, if `label` alone does not say it
 * @property {string} title of the dialog
 * @property {string} [text]
 * @property {boolean} [isDangerous]
 * @property {boolean} [hasReason] whether it takes a reason
 * @property {Record<string, string>} [initial] values of `fields`
 * @property {(form: any) => any} [fields] inputs above the reason
 * @property {(values: any, sending: {key: string, code?: string}) => Promise<any>} send
 * @property {string} done what is said afterwards
 * @property {(answer: any) => void} onDone
 */

/** A button, and the dialog behind it. @param {Change} change */
export function Action(change) {
  const [isOpen, setOpen] = useState(false);
  const { label, aria, isDangerous } = change;
  return html`
    <button class="button ${isDangerous ? "danger" : ""}" type="button" aria-label=${aria}
      onClick=${() => setOpen(true)}>${label}</button>
    ${isOpen && html`<${Asking} change=${change} close=${() => setOpen(false)} />`}`;
}

/** @param {{change: Change, close: () => void}} props */
function Asking({ change, close }) {
  const { name, label, title, text, isDangerous, hasReason = true, initial = {}, fields } = change;
  const start = /** @type {Record<string, string>} */ (hasReason ? { ...initial, reason: "" } : initial);
  const form = useForm(name, start, async (values, sending) => {
    if (hasReason && !values.reason.trim()) throw new Invalid({ reason: operations.reason.missing });
    const given = hasReason ? { ...values, reason: values.reason.trim() } : values;
    const answer = await change.send(given, sending);
    return () => {
      close();
      toast(change.done);
      change.onDone(answer);
    };
  });
  return html`<${Dialog} title=${title} onClose=${close}>
    <form class="stack" ...${form.form}>
      ${text && html`<p class="muted">${text}</p>`}
      <${FormProblem}>${form.problem}</${FormProblem}>
      ${fields?.(form)}
      ${hasReason && html`<${ReasonField} form=${form} id="${name}-reason" />`}
      <div class="actions">
        <button class="button ${isDangerous ? "danger-filled" : "primary"}" type="submit"
          aria-disabled=${form.isBusy ? "true" : null}>${label}</button>
        <button class="button" type="button" onClick=${close}>${words.cancel}</button>
      </div>
    </form>
  </${Dialog}>`;
}

/** @param {{form: any, id: string}} props */
function ReasonField({ form, id }) {
  const { value, onInput, ...field } = form.field("reason");
  const { reason } = operations;
  return html`<${Field} ...${field} id=${id} label=${reason.label} hint=${reason.hint}>
    ${(/** @type {any} */ described) => html`<textarea class="input" rows="3" maxlength="500" dir="auto"
      value=${value} onInput=${onInput} ...${described}></textarea>`}
  </${Field}>`;
}
