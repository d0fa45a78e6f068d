// @ts-check
// Changes of operators: each asks for a reason, which the audit log keeps.

import { operations } from "../text/en-operations.js";
import { ConfirmButton } from "../ui/confirm.js";
import { html } from "../ui/html.js";
import { toast } from "../ui/toast.js";

const REASON = { ...operations.reason, maxlength: "500" };

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
export function Action({ label, aria, isDangerous = false, hasReason = true, send, done, onDone, ...question }) {
  return html`<${ConfirmButton} ...${question} label=${label} hidden=${aria} action=${label}
    look=${isDangerous ? "danger" : ""} tone=${isDangerous ? "danger" : "primary"} reason=${hasReason ? REASON : undefined}
    send=${async (/** @type {any} */ sending, /** @type {string} */ reason, /** @type {any} */ values) => {
      const answer = await send({ ...values, reason }, sending);
      return () => { toast(done); onDone(answer); };
    }} />`;
}
