// @ts-check
// Uploads: choose or drop a file, see how much has been sent, cancel, and send it again.

import { useEffect, useRef, useState } from "preact/hooks";
import { newKey } from "../api/client.js";
import { words } from "../text/en.js";
import { fileSize } from "./format.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { Notice } from "./states.js";

const { upload } = words;

/**
 * @typedef {object} Sending
 * @property {string} key the Idempotency-Key of this file
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} onSent
 * @property {() => void} onLost
 */

/**
 * @typedef {object} UploadState
 * @property {"idle" | "sending" | "checking" | "lost" | "failed"} phase
 * @property {File | null} file
 * @property {number} sent bytes
 * @property {any} error why it failed
 * @property {string} key its Idempotency-Key
 */

/** @type {UploadState} */
const IDLE = { phase: "idle", file: null, sent: 0, error: null, key: "" };

/**
 * One upload at a time. A failed one can be sent again without choosing the file again; leaving the
 * page while it is being sent is confirmed.
 * @param {(file: File, sending: Sending) => Promise<void>} send sends the file, and shows the result
 */
export function useUpload(send) {
  const [state, setState] = useState(IDLE);
  const aborting = useRef(/** @type {AbortController | null} */ (null));
  const latest = useRef(send);
  latest.current = send;
  const isBusy = ["sending", "checking", "lost"].includes(state.phase);
  useEffect(() => () => aborting.current?.abort(), []);
  useEffect(() => {
    if (!isBusy) return undefined;
    const warn = (/** @type {Event} */ event) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [isBusy]);

  async function start(/** @type {File} */ file, key = newKey()) {
    aborting.current?.abort();
    const mine = new AbortController();
    aborting.current = mine;
    const change = (/** @type {Partial<UploadState>} */ changes) => {
      if (!mine.signal.aborted) setState((before) => ({ ...before, ...changes }));
    };
    setState({ phase: "sending", file, sent: 0, error: null, key });
    try {
      await latest.current(file, {
        key,
        signal: mine.signal,
        onSent: (sent) => change({ phase: sent < file.size ? "sending" : "checking", sent }),
        onLost: () => change({ phase: "lost" }),
      });
      change(IDLE);
    } catch (error) {
      change({ phase: "failed", error });
    }
  }

  return {
    ...state,
    isBusy,
    start: (/** @type {File} */ file) => start(file),
    // With the same key while nobody knows whether it has had its effect.
    again: () => { if (state.file) start(state.file, state.error?.isUncertain ? state.key : newKey()); },
    cancel: () => { aborting.current?.abort(); setState(IDLE); },
  };
}

/**
 * The place for a file, its progress, and what went wrong.
 * @param {{
 *   of: ReturnType<typeof useUpload>,
 *   label: string,
 *   hint?: string,
 *   accept?: string,
 *   types?: string[],
 *   maxBytes?: number,
 *   id: string,
 *   explain?: (error: any) => any,
 *   isChosen?: boolean,
 * }} props of: from `useUpload`; accept: as of an input; types: media types that are taken, all if it
 *   is left out; explain: says why it failed, instead of the API's message;
 *   isChosen: no other file can be chosen
 */
export function Upload({ of: state, label, hint, accept, types, maxBytes, id, explain, isChosen = false }) {
  const [refusal, setRefusal] = useState("");
  const [isOver, setOver] = useState(false);
  const take = (/** @type {File | undefined | null} */ file) => {
    if (!file) return;
    let problem = "";
    if (!file.size) problem = upload.empty;
    else if (maxBytes && file.size > maxBytes) problem = upload.tooLarge(fileSize(maxBytes));
    else if (types && !types.includes(file.type)) problem = upload.wrongType;
    setRefusal(problem);
    if (!problem) state.start(file);
  };
  if (state.isBusy) return html`<${Progress} of=${state} />`;
  const failure = state.phase === "failed" && (explain?.(state.error) ?? said(state.error));
  return html`<div class="upload">
    <div role="alert">
      ${(refusal || failure) && html`<${Notice} tone="danger" role=${null}>${refusal || failure}</${Notice}>`}
    </div>
    ${failure && !refusal && state.error.status !== 400 && html`<button class="button start-self" type="button"
      onClick=${state.again}>${upload.again}</button>`}
    ${!isChosen && html`<label class="drop ${isOver ? "over" : ""}" for=${id}
      onDragOver=${(/** @type {DragEvent} */ event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)}
      onDrop=${(/** @type {DragEvent} */ event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files[0]);
      }}>
      <input id=${id} class="drop-input" type="file" accept=${accept} aria-describedby=${hint && `${id}-hint`}
        onChange=${(/** @type {any} */ event) => {
          take(event.currentTarget.files[0]);
          event.currentTarget.value = ""; // so that the same file can be chosen again
        }} />
      <${Icon} name="upload" />
      <span><strong>${label}</strong> <span class="muted">${upload.drop}</span></span>
      ${hint && html`<span class="muted" id="${id}-hint">${hint}</span>`}
    </label>`}
  </div>`;
}

/** @param {any} error */
function said(error) {
  const fields = Object.values(error?.fields ?? {}).flat().join(" ");
  return fields || error?.message || words.problems.offline;
}

/** @param {{of: ReturnType<typeof useUpload>}} props */
function Progress({ of: state }) {
  const total = state.file?.size ?? 0;
  const name = state.file?.name ?? "";
  const isSending = state.phase === "sending";
  let text = upload.checking;
  if (isSending) text = upload.sent(fileSize(state.sent), fileSize(total));
  if (state.phase === "lost") text = upload.waiting;
  return html`<div class="upload-progress">
    <div class="upload-line"><strong dir="auto">${upload.sending(name)}</strong>
      <button class="button quiet" type="button" onClick=${state.cancel}>${words.cancel}</button></div>
    <${Bar} label=${upload.sending(name)} value=${state.phase === "checking" ? null : state.sent} max=${total} />
    <p class="muted" role=${isSending ? null : "status"}>${text}</p>
  </div>`;
}

/** How far something is. @param {{label: string, value: number | null, max: number}} props null: unknown */
export function Bar({ label, value, max }) {
  return html`<progress class="bar" aria-label=${label} max=${max || 1} value=${value} />`;
}
