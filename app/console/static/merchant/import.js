// @ts-check
// Imports products from CSV: every change is shown before anything happens.

import { useState } from "preact/hooks";
import { sendFile } from "../api/upload.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { ExportButton } from "../ui/export.js";
import { count } from "../ui/format.js";
import { html } from "../ui/html.js";
import { navigate } from "../ui/router.js";
import { Badge, Empty, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { Upload, useUpload } from "../ui/upload.js";

/** @typedef {import("../api/schema.js").ProductImport} ProductImport */
/** @typedef {import("../api/schema.js").ProductChange} Change */
/** @typedef {Change["fields"][number]} FieldChange */

const { transfer: text, products } = productWords;
const MAX_BYTES = 5 * 1024 ** 2;
const TYPE = "text/csv";

export function Import() {
  const [planned, setPlanned] = useState(/** @type {{file: File, plan: ProductImport} | null} */ (null));
  const [problems, setProblems] = useState(/** @type {[string, string[]][]} */ ([]));

  const refuse = (/** @type {any} */ error) => {
    const found = Object.entries(error.fields ?? {});
    if (error.code !== "VALIDATION_ERROR" || !found.length) throw error;
    setProblems(/** @type {[string, string[]][]} */ (found));
    setPlanned(null);
  };
  const checking = useUpload(async (file, { signal, onSent, onLost }) => {
    setProblems([]);
    try {
      // Nothing is changed, so this needs no Idempotency-Key.
      const plan = await sendFile("POST /products/import", {
        query: { dryRun: true }, body: file, type: TYPE, signal, onSent, onLost,
      });
      setPlanned({ file, plan });
    } catch (error) {
      refuse(error);
    }
  });
  const importing = useUpload(async (file, { key, signal, onSent, onLost }) => {
    try {
      const made = await sendFile("POST /products/import", { body: file, type: TYPE, key, signal, onSent, onLost });
      toast(text.done(count(made.created), count(made.changed)));
      navigate("/merchant/products");
    } catch (error) {
      refuse(error);
    }
  });

  const actions = html`<${ExportButton} from="GET /products/merchant/export" name="products" label=${text.export} />`;
  return html`<${View} title=${text.title} text=${text.text} actions=${actions} back=${["/merchant/products", products.title]}>
    ${problems.length > 0 && html`<${Problems} rows=${problems} />`}
    ${planned
      ? html`<${Plan} file=${planned.file} plan=${planned.plan} importing=${importing} onRestart=${() => setPlanned(null)} />`
      : html`<section class="card stack">
          <${Upload} of=${checking} id="products-file" label=${text.choose} hint=${text.hint} accept=".csv,text/csv" maxBytes=${MAX_BYTES} />
          <div><h2>${text.how}</h2><ol class="steps">${text.steps.map((step) => html`<li key=${step}>${step}</li>`)}</ol></div>
        </section>`}
  </${View}>`;
}

/** @param {{rows: [string, string[]][]}} props */
function Problems({ rows }) {
  return html`<section class="card stack" role="alert">
    <${Notice} tone="danger" role=${null}><strong>${text.problems}</strong><br />${text.problemsText}</${Notice}>
    <ul class="problems">${rows.map(([where, messages]) => html`<li key=${where}>
      <strong>${where}</strong> <span>${messages.join(" ")}</span></li>`)}</ul>
  </section>`;
}

/**
 * @param {{file: File, plan: ProductImport, importing: ReturnType<typeof useUpload>,
 *   onRestart: () => void}} props
 */
function Plan({ file, plan, importing, onRestart }) {
  const total = plan.created + plan.changed;
  const changes = plan.changes ?? [];
  const again = html`<button class="button" type="button" onClick=${onRestart}>${text.other}</button>`;
  if (!total) {
    return html`<section class="card"><${Empty} icon="check" title=${text.nothing} text=${text.nothingText}>${again}</${Empty}></section>`;
  }
  return html`<section class="card stack" aria-labelledby="plan">
    <div class="card-head"><h2 id="plan">${text.checked}</h2>
      <span class="muted">${text.summary(count(plan.created), count(plan.changed), count(plan.unchanged))}</span></div>
    <ol class="changes">${changes.map((change) => html`<li key=${change.line}><${Changed} change=${change} /></li>`)}</ol>
    ${total > changes.length && html`<p class="muted">${text.rest(count(total - changes.length))}</p>`}
    ${importing.isBusy || importing.phase === "failed"
      ? html`<${Upload} of=${importing} id="products-file" label=${text.choose} isChosen />`
      : html`<div class="group">
          <button class="button primary" type="button" onClick=${() => importing.start(file)}>${text.apply(count(total), total)}</button>
          ${again}
        </div>`}
  </section>`;
}

/** What one row changes. @param {{change: Change}} props */
function Changed({ change }) {
  const isNew = change.productId === null;
  return html`
    <p class="change-head"><${Badge} tone=${isNew ? "success" : "warning"}>${isNew ? text.created : text.changed}</${Badge}>
      <strong dir="auto">${change.name}</strong> <span class="muted">${text.line(count(change.line))}</span></p>
    <dl class="diff">${change.fields.map((field) => html`<div key=${field.field}>
      <dt>${text.fields[/** @type {"name"} */ (field.field)]}</dt>
      <dd>${!isNew && html`<del><span class="visually-hidden">${text.was} </span>${cell(field, field.before)}</del> <span aria-hidden="true">→</span> `}<ins>
        ${!isNew && html`<span class="visually-hidden">${text.becomes} </span>`}${cell(field, field.after)}</ins></dd>
    </div>`)}</dl>`;
}

/** A cell for people. @param {FieldChange} field @param {string | null} value */
function cell({ field }, value) {
  if (value === null) return html`<em>${text.blank}</em>`;
  if (field === "isActive") return text.values[/** @type {"true"} */ (value)];
  if (field === "kind") return products.kinds[/** @type {"PLAIN"} */ (value)];
  return html`<span dir="auto">${value}</span>`;
}
