// @ts-check
// Asks for a code of the second factor, whatever form needs it.

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { words } from "../text/en.js";
import { Dialog } from "./dialog.js";
import { html } from "./html.js";

/** @typedef {{send: (code: string) => Promise<void>, done: () => void, cancel: () => void, fail: (error: any) => void}} Question */

const question = signal(/** @type {Question | null} */ (null));

/**
 * Ask for a code and send it, again while it is wrong. Throws what `send` throws otherwise.
 * @param {(code: string) => Promise<void>} send
 */
export function askForCode(send) {
  return new Promise((resolve, reject) => {
    const close = (/** @type {() => void} */ act) => () => { question.value = null; act(); };
    question.value = {
      send,
      done: close(() => resolve(undefined)),
      cancel: close(() => reject(new Error("cancelled"))),
      fail: (error) => { question.value = null; reject(error); },
    };
  });
}

export function CodeDialog() {
  const asked = question.value;
  return asked && html`<${Asking} asked=${asked} />`;
}

/** @param {{asked: Question}} props */
function Asking({ asked }) {
  const [code, setCode] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);

  async function submit(/** @type {Event} */ event) {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    try {
      await asked.send(code.trim());
      asked.done();
    } catch (problem) {
      const isCode = ["TWO_FACTOR_REQUIRED", "TWO_FACTOR_CODE_WRONG"].includes(problem.code)
        || problem.fields?.["X-Two-Factor-Code"];
      if (!isCode) asked.fail(problem);
      else setError(problem.fields?.["X-Two-Factor-Code"]?.join(" ") ?? problem.message);
    } finally {
      setBusy(false);
    }
  }

  return html`<${Dialog} title=${words.code.title} onClose=${asked.cancel}>
    <form onSubmit=${submit} class="stack" noValidate>
      <p>${words.code.text}</p>
      <div class="field">
        <label for="two-factor-code">${words.code.label}</label>
        <input id="two-factor-code" class="input" autocomplete="one-time-code" value=${code}
          autofocus aria-invalid=${error ? "true" : null} aria-describedby="two-factor-error"
          onInput=${(/** @type {any} */ event) => setCode(event.currentTarget.value)} />
        <p class="error" id="two-factor-error" role="alert">${error}</p>
      </div>
      <button class="button primary" type="submit" aria-disabled=${isBusy ? "true" : null}>
        ${words.code.submit}
      </button>
    </form>
  </${Dialog}>`;
}
