// @ts-check
// Compares a bank's statement with our records, and settles what is safe.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { operations } from "../text/en-operations.js";
import { saveFile } from "../ui/export.js";
import { Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { count, habits, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { zoneOptions } from "../ui/moments.js";
import { Badge, Empty } from "../ui/states.js";
import { Table } from "../ui/table.js";
import { Action } from "./action.js";
import { BankTabs } from "./bank.js";
import { CURRENCIES } from "./parts.js";

/** @typedef {import("../api/schema.js").Reconciliation} Reconciliation */
/** @typedef {import("../api/schema.js").ReconciliationRow} Row */
/** @typedef {{file: Blob, query: Record<string, any>, report: Reconciliation}} Found */

const { reconciliation: text, bank } = operations;
const MAX_ROWS = 1000;
const OUTCOME_TONES = { MATCHED: "success", MISSING_HERE: "danger", MISSING_THERE: "danger", AMOUNT_DIFFERS: "danger", STATUS_DIFFERS: "warning", DUPLICATE: "warning" };

/** @param {Blob} body @param {Record<string, any>} query @param {{code?: string}} [sending] */
function compare(body, query, { code } = {}) {
  return call("POST /admin/reconciliations", { query, body, code });
}

export function ReconciliationPage() {
  const [found, setFound] = useState(/** @type {Found | null} */ (null));
  const banks = useLoaded((signal) => call("GET /onramp/providers", { signal }), []);
  return html`<${View} title=${bank.title} text=${text.text}>
    <${BankTabs} />
    <${Loaded} of=${banks} lines=${5}>${(/** @type {{code: string, name: string}[]} */ all) => (all.length
      ? html`<${Upload} banks=${all} onDone=${setFound} />`
      : html`<section class="card"><${Empty} icon="bank" title=${text.nothing} /></section>`)}</${Loaded}>
    ${found && html`<${Report} found=${found} onDone=${setFound} />`}
  </${View}>`;
}

/** @param {{banks: {code: string, name: string}[], onDone: (found: Found) => void}} props */
function Upload({ banks, onDone }) {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const initial = {
    provider: banks[0].code, file: "", from: "", to: "", timeZone: habits.value.timeZone,
    currency: "", columns: "", decimalComma: false, monthFirst: false,
  };
  const form = useForm("statement", initial, async (values) => {
    if (!file) throw new Invalid({ file: text.fileMissing });
    const body = new Blob([file], { type: "text/csv" });
    const { file: _, ...query } = values;
    const report = await compare(body, query);
    return () => onDone({ file: body, query, report });
  });
  const check = (/** @type {"decimalComma" | "monthFirst"} */ name, /** @type {string} */ label) => html`<label class="check">
    <input type="checkbox" checked=${form.values[name]} onChange=${(/** @type {any} */ event) => form.set({ [name]: event.currentTarget.checked })} />
    <span>${label}</span></label>`;
  const { value: _, onInput: __, ...fileField } = form.field("file");
  return html`<form class="card stack" ...${form.form} aria-label=${text.title}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <div class="row">
      <${Select} ...${form.field("provider")} label=${text.bank} options=${banks.map(({ code, name }) => [code, name])} />
      <${Field} ...${fileField} label=${text.file} hint=${text.fileHint}>
        ${(/** @type {any} */ described) => html`<input class="input" type="file" accept=".csv,text/csv" ...${described}
          onChange=${(/** @type {any} */ event) => setFile(event.currentTarget.files[0] ?? null)} />`}
      </${Field}>
    </div>
    <div class="row">
      <${Field} ...${form.field("from")} label=${words.from} hint=${text.fromHint} type="date" class="input" />
      <${Field} ...${form.field("to")} label=${words.to} type="date" class="input" />
      <${Select} ...${form.field("timeZone")} label=${text.zone} options=${zoneOptions(habits.value.timeZone)} />
    </div>
    <details class="more">
      <summary>${text.layout}</summary>
      <div class="stack">
        <${Select} ...${form.field("currency")} label=${text.currency} hint=${text.currencyHint} options=${["", ...CURRENCIES].map((code) => [code, code || operations.none])} />
        <${Field} ...${form.field("columns")} label=${text.columns} hint=${text.columnsHint} class="input" autocomplete="off" maxlength="1000" isOptional />
        ${check("decimalComma", text.comma)}
        ${check("monthFirst", text.monthFirst)}
      </div>
    </details>
    <div class="actions"><${Submit} isBusy=${form.isBusy}>${text.compare}</${Submit}></div>
  </form>`;
}

/** @param {{found: Found, onDone: (found: Found) => void}} props */
function Report({ found, onDone }) {
  const { report, query, file } = found;
  const safe = report.counts.canClose ?? 0;
  const save = () => saveFile("POST /admin/reconciliations", { query: { ...query, format: "csv" }, body: file },
    `reconciliation-${report.provider}-${report.from}.csv`);
  const counts = Object.entries(text.counts).filter(([name]) => report.counts[name] > 0);
  return html`<section class="card stack stacked" aria-labelledby="report-title" aria-live="polite">
    <div class="card-head"><div><h2 id="report-title">${text.result}</h2>
      <p class="muted">${report.provider} · ${text.period(report.from, report.to)} · ${report.timeZone}</p></div>
      <div class="actions">
        <button class="button" type="button" onClick=${save}><${Icon} name="download" />${text.csv}</button>
        ${safe > 0 && html`<${Action} name="settle" hasReason=${false} label=${text.settle(count(safe))} title=${text.settleTitle}
          text=${text.settleText} done=${text.settled}
          send=${(/** @type {any} */ _, /** @type {any} */ sending) => compare(file, { ...query, apply: true }, sending)}
          onDone=${(/** @type {Reconciliation} */ next) => onDone({ ...found, report: next })} />`}
      </div></div>
    <dl class="sums">${counts.map(([name, label]) => html`<div key=${name}><dt>${label}</dt><dd>${count(report.counts[name])}</dd></div>`)}</dl>
    ${report.rows.length ? html`<${Differences} rows=${report.rows} />`
      : html`<${Empty} icon="check" tone="success" title=${text.fine} text=${text.fineText} />`}
    ${report.rows.length === MAX_ROWS && html`<p class="muted">${text.more}</p>`}
  </section>`;
}

/** @param {{rows: Row[]}} props */
function Differences({ rows }) {
  const sum = (/** @type {string | null} */ amount, /** @type {string | null} */ currency) => (
    amount !== null && currency ? money(amount, currency) : operations.none);
  const columns = [
    { title: text.outcome, kind: "main", cell: (/** @type {Row} */ row) => html`<${Badge} tone=${OUTCOME_TONES[row.outcome]}>${text.outcomes[row.outcome]}</${Badge}>
        <span class="muted block">${text.actions[row.action]}${row.line !== null ? ` · ${text.line(count(row.line))}` : ""}${row.date ? ` · ${row.date}` : ""}</span>` },
    { title: operations.reference, cell: (/** @type {Row} */ row) => html`<span class="muted mono anywhere">${row.reference ?? row.bankReference ?? operations.none}</span>` },
    { title: text.atBank, kind: "number", cell: (/** @type {Row} */ row) => html`${sum(row.amount, row.currency)} <span class="muted">${text.directions[row.direction]}</span>` },
    { title: text.here, kind: "number", cell: (/** @type {Row} */ row) => html`${sum(row.ourAmount, row.ourCurrency)}
        ${row.ourStatus && html`<span class="muted block">${bank.onrampStates[row.ourStatus] ?? bank.payoutStates[row.ourStatus] ?? row.ourStatus}</span>`}` },
  ];
  const keys = new Map(rows.map((row, index) => [row, String(index)]));
  return html`<${Table} caption=${text.result} columns=${columns} rows=${rows} rowKey=${(/** @type {Row} */ row) => keys.get(row)} />`;
}
