// @ts-check
// Forms: values, errors beside their fields, one submission at a time, and the Idempotency-Key.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, newKey } from "../api/client.js";
import { words } from "../text/en.js";
import { askForCode } from "./code.js";
import { html } from "./html.js";
import { Notice } from "./states.js";

/** Refuses values before they are sent. */
export class Invalid extends Error {
  /** @param {Record<string, string>} fields messages by field */
  constructor(fields) {
    super("invalid");
    this.fields = fields;
  }
}

/** The key survives a reload, because the browser keeps it with the entry of its history. */
function keyOf(/** @type {string} */ name) {
  const state = window.history.state ?? {};
  if (!state.keys?.[name]) renewKey(name);
  return window.history.state.keys[name];
}

function renewKey(/** @type {string} */ name) {
  const state = window.history.state ?? {};
  const keys = { ...state.keys, [name]: newKey() };
  window.history.replaceState({ ...state, keys }, "");
}

/**
 * @template {Record<string, any>} Values
 * @param {string} name of the form, unique within its view
 * @param {Values} initial
 * @param {(values: Values, sending: {key: string, code?: string}) => Promise<(() => void) | void>} submit
 *   sends the values, and returns what follows; may throw Invalid. It is called again with a code if
 *   the API asks for one.
 * @param {{isPayment?: boolean, isFirst?: boolean}} [options] isFirst: typing begins in it as soon as it is
 *   shown, unless something else has been chosen
 */
export function useForm(name, initial, submit, { isPayment = false, isFirst = false } = {}) {
  const [values, setValues] = useState(initial);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [isBusy, setBusy] = useState(false);
  const sending = useRef(false);
  const element = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    keyOf(name);
    const isFree = [null, document.body, document.querySelector("h1")].includes(/** @type {any} */ (document.activeElement));
    if (isFirst && isFree) element.current?.querySelector("input")?.focus({ preventScroll: true });
  }, [name]);

  async function send() {
    const key = keyOf(name);
    let next;
    try {
      next = await submit(values, { key });
    } catch (error) {
      if (error.code !== "TWO_FACTOR_REQUIRED" || !error.details.enrolled) throw error;
      await askForCode(async (code) => { next = await submit(values, { key, code }); });
    }
    renewKey(name); // before another view is shown, so that Back leads to a form that sends anew
    next?.();
  }

  function refuse(/** @type {any} */ error) {
    if (error instanceof Invalid) setErrors(error.fields);
    else if (error instanceof ApiError) {
      if (!error.isUncertain) renewKey(name);
      const byField = Object.entries(error.fields).map(([field, texts]) => [field, texts.join(" ")]);
      const shown = Object.fromEntries(byField.filter(([field]) => field in values));
      setErrors(shown);
      if (!Object.keys(shown).length) setProblem(explain(error, isPayment));
    } else throw error;
    // After the next rendering, so that the field has its error.
    setTimeout(() => {
      /** @type {HTMLElement | null | undefined} */
      const first = element.current?.querySelector("[aria-invalid=true]");
      first?.focus();
    });
  }

  async function onSubmit(/** @type {Event} */ event) {
    event.preventDefault();
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setErrors({});
    setProblem(null);
    try {
      await send();
    } catch (error) {
      if (error?.message !== "cancelled") refuse(error);
    } finally {
      sending.current = false;
      setBusy(false);
    }
  }

  return {
    values,
    isBusy,
    problem,
    setProblem,
    set: (/** @type {Partial<Values>} */ changes) => setValues((old) => ({ ...old, ...changes })),
    form: { ref: element, onSubmit, noValidate: true, "aria-busy": isBusy },
    /** The properties of a field. @param {keyof Values & string} field */
    field: (field) => ({
      name: field,
      value: values[field],
      error: errors[field],
      onInput: (/** @type {any} */ event) => {
        setValues((old) => ({ ...old, [field]: event.currentTarget.value }));
      },
    }),
  };
}

/** @param {ApiError} error @param {boolean} isPayment */
function explain(error, isPayment) {
  if (error.status === 0) {
    return isPayment ? words.problems.offlinePayment : words.problems.offline;
  }
  if (error.code === "IDEMPOTENCY_KEY_REUSED") return words.problems.reused;
  if (error.code === "TWO_FACTOR_REQUIRED") {
    return html`${words.code.enrol} <a href="/app/settings/security">${words.code.enrolLink}</a>`;
  }
  if (error.code === "VALIDATION_ERROR") return Object.values(error.fields).flat().join(" ");
  return error.message;
}

/** What is wrong with the form as a whole. @param {{children: any}} props */
export function FormProblem({ children }) {
  return html`<div role="alert">
    ${children && html`<${Notice} tone="danger" role=${null}>${children}</${Notice}>`}
  </div>`;
}

/**
 * A labelled input with hint and error.
 * @param {{label: string, name: string, hint?: string, error?: string, isOptional?: boolean,
 *   children?: any, id?: string, [more: string]: any}} props
 */
export function Field({ label, name, hint, error, isOptional, id, children, suffix, ...input }) {
  const own = id ?? `field-${name}`;
  const notes = [hint && `${own}-hint`, error && `${own}-error`].filter(Boolean).join(" ");
  const described = {
    id: own, name, "aria-invalid": error ? "true" : null, "aria-describedby": notes || null,
  };
  return html`<div class="field">
    <label for=${own}>
      ${label}${isOptional && html` <span class="optional">${words.optional}</span>`}
    </label>
    <div class="control">
      ${children ? children(described) : html`<input class="input" ...${input} ...${described} />`}
      ${suffix && html`<span class="suffix" aria-hidden="true">${suffix}</span>`}
    </div>
    ${hint && html`<p class="hint" id="${own}-hint">${hint}</p>`}
    ${error && html`<p class="error" id="${own}-error">${error}</p>`}
  </div>`;
}

/** @param {{label: string, options: [string, string][], [more: string]: any}} props */
export function Select({ label, name, options, value, onInput, hint, error, id }) {
  return html`<${Field} label=${label} name=${name} hint=${hint} error=${error} id=${id}>
    ${(/** @type {any} */ described) => html`<select class="input" ...${described} value=${value}
      onChange=${onInput}>
      ${options.map(([each, text]) => html`<option key=${each} value=${each}
        selected=${each === value}>${text}</option>`)}
    </select>`}
  </${Field}>`;
}

/**
 * One of a few, each with what it means.
 * @param {{label: string, name: string, value: string, options: (readonly [string, string, string?])[],
 *   choose: (value: any) => void, hint?: string, look?: string}} props options: values, titles and texts
 */
export function Choices({ label, name, value, options, choose, hint, look = "" }) {
  return html`<fieldset class="choices ${look}">
    <legend>${label}</legend>
    ${hint && html`<p class="muted">${hint}</p>`}
    ${options.map(([each, title, text]) => html`<label key=${each} class="choice">
      <input type="radio" name=${name} value=${each} checked=${each === value} onChange=${() => choose(each)} />
      <span><strong>${title}</strong>${text && html`<span class="muted">${text}</span>`}</span>
    </label>`)}
  </fieldset>`;
}

/** Several lines of text. @param {{label: string, rows?: number, [more: string]: any}} props */
export function TextArea({ label, name, value, onInput, hint, error, id, isOptional, rows = 4, ...input }) {
  return html`<${Field} label=${label} name=${name} hint=${hint} error=${error} id=${id} isOptional=${isOptional}>
    ${(/** @type {any} */ described) => html`<textarea class="input" rows=${rows} dir="auto" ...${input}
      ...${described} value=${value} onInput=${onInput}></textarea>`}
  </${Field}>`;
}

/**
 * @param {{isBusy: boolean, children: any, wide?: boolean, disabled?: boolean,
 *   tone?: "primary" | "danger"}} props
 */
export function Submit({ isBusy, children, wide = false, disabled = false, tone = "primary" }) {
  return html`<button class="button ${tone === "danger" ? "danger-filled" : tone} ${wide ? "wide" : ""}" type="submit"
    aria-disabled=${isBusy ? "true" : null} disabled=${disabled}>
    ${isBusy && html`<span class="spinner" aria-hidden="true"></span>`}${children}
  </button>`;
}
