// @ts-check
// Adds codes: pasted or from a file, shown before anything is added, then with progress and result.

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../api/client.js";
import { sendFile } from "../api/upload.js";
import { productWords } from "../text/en-products.js";
import { Choices, Field, FormProblem, Invalid, TextArea, useForm } from "../ui/form.js";
import { count } from "../ui/format.js";
import { html } from "../ui/html.js";
import { usePolling } from "../ui/poll.js";
import { Empty, Notice } from "../ui/states.js";
import { Bar, Upload, useUpload } from "../ui/upload.js";

/** @typedef {import("../api/schema.js").CodeFilePreview} Preview */
/** @typedef {import("../api/schema.js").CodeUpload} CodeUpload */
/** @typedef {{header?: boolean, column?: string, allowDamaged?: boolean}} Layout */

/**
 * What the API asks about a file: what its first line is, which columns to sell, or what to do about
 * lines.
 * @typedef {{about: "header" | "column" | "lines", problems: [string, string[]][]}} Question
 */

const { codes: text } = productWords;
const POLL_MS = 800;
const MAX_BYTES = 64 * 1024 ** 2;

/** @param {File} file */
const typeOf = (file) => (/\.(csv|tsv)$/i.test(file.name) || file.type === "text/csv" ? "text/csv" : "text/plain");

/** @param {any} error @returns {Question | null} */
function questionOf(error) {
  if (error.code !== "CODES_INVALID") return null;
  const problems = /** @type {[string, string[]][]} */ (Object.entries(error.fields));
  const [[where]] = problems;
  return { about: where === "header" || where === "column" ? where : "lines", problems };
}

/** A step that follows another: it gets the focus, so that screen readers read it. @param {any} props */
function Step({ children }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => place.current?.focus({ preventScroll: true }), []);
  return html`<div class="step" tabindex="-1" ref=${place}>${children}</div>`;
}

/** @param {{productId: string, onAdded: () => void}} props */
export function AddCodes({ productId, onAdded }) {
  const path = { product_id: productId };
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [layout, setLayout] = useState(/** @type {Layout} */ ({}));
  const [question, setQuestion] = useState(/** @type {Question | null} */ (null));
  const [preview, setPreview] = useState(/** @type {Preview | null} */ (null));
  const [adding, setAdding] = useState(/** @type {CodeUpload | null} */ (null));

  const checking = useUpload(async (chosen, sending) => check(chosen, {}, sending));
  const upload = useUpload(async (chosen, { signal, onSent, onLost }) => {
    // Codes that are there already are left out, so a file can be sent again.
    const stored = await sendFile("POST /products/{product_id}/codes", {
      path, query: { ...layout }, body: chosen, type: typeOf(chosen), signal, onSent, onLost,
    });
    setAdding(/** @type {CodeUpload} */ (stored));
    onAdded();
  });

  /** @param {File} chosen @param {Layout} next @param {any} [sending] */
  async function check(chosen, next, sending = {}) {
    setFile(chosen);
    setLayout(next);
    const { signal, onSent, onLost } = sending;
    try {
      const found = await sendFile("POST /products/{product_id}/codes", {
        path, query: { ...next, dryRun: true }, body: chosen, type: typeOf(chosen), signal, onSent, onLost,
      });
      setQuestion(null);
      setPreview(/** @type {Preview} */ (found));
    } catch (error) {
      const asked = questionOf(error);
      if (!asked) throw error;
      setQuestion(asked);
    }
  }

  function restart() {
    setFile(null);
    setLayout({});
    setQuestion(null);
    setPreview(null);
    setAdding(null);
  }

  let shown;
  if (adding) {
    shown = html`<${Step} key="adding"><${Adding} path=${path} upload=${adding} onChange=${setAdding}
      onEnd=${onAdded} onRestart=${restart} /></${Step}>`;
  } else if (question && file) {
    shown = html`<${Step} key=${question.about}><${Ask} question=${question} onRestart=${restart}
      answer=${(/** @type {Layout} */ more) => check(file, { ...layout, ...more })} /></${Step}>`;
  } else if (preview && file) {
    shown = upload.isBusy || upload.phase === "failed"
      ? html`<${Upload} of=${upload} id="codes-file" label=${text.fileLabel} isChosen />`
      : html`<${Step} key="check"><${Check} preview=${preview} onConfirm=${() => upload.start(file)}
          onRestart=${restart} /></${Step}>`;
  } else shown = html`<${Choose} checking=${checking} />`;
  return html`<section class="card stack" aria-labelledby="add">
    <h2 id="add">${text.add}</h2>${shown}</section>`;
}

/** @param {{checking: ReturnType<typeof useUpload>}} props */
function Choose({ checking }) {
  const [source, setSource] = useState(/** @type {"paste" | "file"} */ ("paste"));
  const form = useForm("paste", { codes: "" }, async ({ codes }) => {
    if (!codes.trim()) throw new Invalid({ codes: text.nothingPasted });
    checking.start(new File([codes], "codes.txt", { type: "text/plain" }));
  });
  if (checking.isBusy) return html`<${Upload} of=${checking} id="codes-file" label=${text.fileLabel} isChosen />`;
  return html`
    <${Choices} label=${text.source} name="source" value=${source} choose=${setSource} look="two"
      options=${[["paste", text.paste], ["file", text.file]]} />
    ${source === "file"
      ? html`<${Upload} of=${checking} id="codes-file" label=${text.fileLabel} hint=${text.fileHint}
          accept=".txt,.csv,.tsv,text/plain,text/csv" maxBytes=${MAX_BYTES} />`
      : html`<form class="stack" ...${form.form}>
        <${TextArea} ...${form.field("codes")} label=${text.pasted} hint=${text.pastedHint} rows=${7}
          spellcheck=${false} autocomplete="off" />
        <${FormProblem}>${checking.phase === "failed" ? checking.error.message : null}</${FormProblem}>
        <button class="button primary start-self" type="submit">${text.check}</button>
      </form>`}`;
}

/** @param {{question: Question, answer: (more: Layout) => Promise<void>, onRestart: () => void}} props */
function Ask({ question, answer, onRestart }) {
  const form = useForm(`codes-${question.about}`, { column: "", header: "true" }, async (values) => {
    if (question.about === "header") await answer({ header: values.header === "true" });
    else if (question.about === "lines") await answer({ allowDamaged: true });
    else {
      if (!values.column.trim()) throw new Invalid({ column: text.columnMissing });
      await answer({ column: values.column.trim() });
    }
  });
  const again = html`<button class="button" type="button" onClick=${onRestart}>${text.other}</button>`;
  const isDamaged = question.problems.some(([, problems]) => problems.join().includes("allowDamaged"));
  const [[, [problem]]] = question.problems;
  return html`<form class="stack" ...${form.form}>
    ${question.about === "header" && html`<${Choices} label=${text.header} hint=${text.headerText} name="header"
      value=${form.values.header} choose=${(/** @type {string} */ header) => form.set({ header })} look="two"
      options=${[["true", text.headerYes], ["false", text.headerNo]]} />`}
    ${question.about === "column" && html`
      <p class="muted">${problem.split(": state")[0]}</p>
      <${Field} ...${form.field("column")} label=${text.column} hint=${text.columnHint} class="input" autocomplete="off" />`}
    ${question.about === "lines" && html`<h3>${text.lines}</h3>
      <ul class="problems">${question.problems.map(([where, problems]) => html`<li key=${where}>
        <strong>${where}</strong> <span>${problems.join(" ")}</span></li>`)}</ul>`}
    <${FormProblem}>${form.problem}</${FormProblem}>
    <div class="group">
      ${(question.about !== "lines" || isDamaged) && html`<button class="button primary" type="submit"
        aria-disabled=${form.isBusy ? "true" : null}>${isDamaged ? text.damaged : text.again}</button>`}
      ${again}
    </div>
  </form>`;
}

/** @param {{preview: Preview, onConfirm: () => void, onRestart: () => void}} props */
function Check({ preview, onConfirm, onRestart }) {
  const added = preview.total - preview.duplicates;
  return html`<div class="stack">
    <h3>${text.preview}</h3>
    <p>${text.previewText(count(preview.total), preview.total)}</p>
    <ul class="samples">${preview.codes.map((code, index) => html`<li key=${index} class="mono" dir="auto">${code}</li>`)}</ul>
    ${preview.header && html`<p class="muted">${text.previewColumns(preview.columns.join(", "))}</p>`}
    ${preview.duplicates > 0 && html`<${Notice} tone="warning">${added
      ? text.previewSkipped(count(preview.duplicates), preview.duplicates) : text.nothingNew}</${Notice}>`}
    <div class="group">
      ${added > 0 && html`<button class="button primary" type="button" onClick=${onConfirm}>${text.confirm(count(added), added)}</button>`}
      <button class="button" type="button" onClick=${onRestart}>${text.other}</button>
    </div>
  </div>`;
}

/**
 * @param {{path: {product_id: string}, upload: CodeUpload, onChange: (upload: CodeUpload) => void,
 *   onEnd: () => void, onRestart: () => void}} props
 */
function Adding({ path, upload, onChange, onEnd, onRestart }) {
  const isOpen = upload.closedAt === null;
  usePolling(async () => {
    const found = await call("GET /products/{product_id}/codes/uploads/{upload_id}", {
      path: { ...path, upload_id: upload.id },
    }).catch(() => null); // asked again at the next turn
    if (!found) return;
    onChange(found);
    if (found.closedAt) onEnd();
  }, isOpen, POLL_MS);
  if (isOpen) {
    const done = upload.added + upload.duplicates;
    return html`<div class="upload-progress"><strong>${text.adding}</strong>
      <${Bar} label=${text.adding} value=${done} max=${upload.total} />
      <p class="muted">${text.progress(count(done), count(upload.total))}</p></div>`;
  }
  const isFailed = upload.status === "FAILED";
  const lines = upload.duplicateLines;
  return html`<${Empty} icon=${isFailed ? "cross" : "check"} tone=${isFailed ? "danger" : "success"}
    title=${isFailed ? text.failed : text.done} text=${isFailed ? text.failedText : text.doneText(count(upload.added), upload.added)}>
    ${upload.duplicates > 0 && html`<p class="muted">${text.skipped(count(upload.duplicates), upload.duplicates)}
      ${" "}${text.skippedLines(lines.map((line) => count(line)).join(", "), lines.length < upload.duplicates)}</p>`}
    <button class="button primary" type="button" onClick=${onRestart}>${text.add}</button>
  </${Empty}>`;
}
