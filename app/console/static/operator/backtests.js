// @ts-check
// What versions of rules would have done with the payments of the past.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { backtests, kinds, rules } from "../text/en-live.js";
import { count, date, dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { query } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { Pages, Table } from "../ui/table.js";
import { Bar } from "../ui/upload.js";
import { moneys, percent } from "./figures.js";
import { RiskTabs } from "./risk.js";

/** @typedef {import("../api/schema.js").Backtest} BacktestOf */
/** @typedef {import("../api/schema.js").BacktestSide} Side */
/** @typedef {import("../api/schema.js").Mistake} Mistake */
/** @typedef {{count: number, value: Record<string, string>}} Counted */

const PAGE = 25;

/** @param {string | null} precision 0 to 1 */
function precisionOf(precision) {
  return percent(precision === null ? null : 100 * Number(precision));
}

/** @param {BacktestOf} backtest */
function State({ status, progress }) {
  return html`<${Badge} tone=${status === "COMPLETED" ? "success" : "warning"}>${
    status === "COMPLETED" ? backtests.statuses.COMPLETED : percent(progress)}</${Badge}>`;
}

export function Backtests() {
  const loaded = useLoaded((signal) => call("GET /admin/risk/backtests", {
    query: { cursor: query.value.get("cursor"), limit: PAGE }, signal,
  }), [query.value.toString()]);
  const columns = [
    { title: backtests.rule, kind: "wide", cell: (/** @type {BacktestOf} */ row) => html`
        <a class="cell-title mono" href="/app/operator/rules/backtests/${row.id}">${row.key}</a>
        <span class="muted">${rules.version(String(row.version))} · ${date(row.startsAt)} – ${date(row.endsAt)}</span>` },
    { title: backtests.stopped, cell: (/** @type {BacktestOf} */ row) => html`${count(row.draft.reviewed + row.draft.declined)}
        <span class="muted block">${moneys(row.draft.blocked)}</span>` },
    { title: backtests.status, kind: "number", cell: State },
    { title: backtests.precision, kind: "number extra", cell: (/** @type {BacktestOf} */ row) => precisionOf(row.draft.precision) },
  ];
  return html`<${View} title=${backtests.title} text=${backtests.text}>
    <${RiskTabs} />
    <section class="card">
      <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ data) => (data.data.length
        ? html`<${Table} caption=${backtests.title} columns=${columns} rows=${data.data} />`
        : html`<${Empty} icon="clock" title=${backtests.empty} text=${backtests.emptyText}>
            <a class="button" href="/app/operator/rules">${rules.title}</a></${Empty}>`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />
  </${View}>`;
}

/** @param {{id: string}} props */
export function Backtest({ id }) {
  const loaded = useLoaded((signal) => call("GET /admin/risk/backtests/{backtest_id}", { path: { backtest_id: id }, signal }), [id]);
  const isRunning = loaded.data?.status === "RUNNING";
  usePolling(loaded.reload, isRunning);
  const title = loaded.data ? `${loaded.data.key} · ${rules.version(String(loaded.data.version))}` : backtests.title;
  return html`<${View} title=${title} back=${["/operator/rules/backtests", backtests.back]}>
    <${Loaded} of=${loaded} lines=${10}>${(/** @type {BacktestOf} */ found) => html`
      <${Summary} found=${found} />
      <${Comparison} found=${found} />
      ${/** @type {const} */ (["draft", "active"]).map((side) => html`<${Mistakes} key=${side} title=${backtests.mistakesOf[side]} rows=${found[side].mistakes} />`)}`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{found: BacktestOf}} props */
function Summary({ found }) {
  const skipped = Object.entries(found.skipped);
  return html`<section class="card stack" aria-label=${backtests.period}>
    <div class="card-head"><p>${dateTime(found.startsAt)} – ${dateTime(found.endsAt)}</p><${State} ...${found} /></div>
    ${found.status === "RUNNING" && html`<${Bar} label=${backtests.progress} value=${found.progress} max=${100} />`}
    <p>${backtests.evaluated(count(found.evaluated))}${found.notEvaluable ? html` · <span class="muted">${backtests.notEvaluable(count(found.notEvaluable))}</span>` : ""}</p>
    ${skipped.length > 0 && html`<p class="muted">${backtests.skipped}: ${skipped.map(([name, number]) => `${name.replace("@", " · ")} (${count(number)})`).join(", ")}</p>`}
    <p><a href="/app/operator/rules/${found.ruleId}">${backtests.open}</a></p>
  </section>`;
}

/** @param {Counted} counted */
function counted({ count: number, value }) {
  return html`${count(number)}${number ? html`<span class="muted block">${moneys(value)}</span>` : ""}`;
}

/** @type {[string, (side: Side) => any][]} */
const FIGURES = [
  [backtests.matched, (side) => count(side.matched)],
  [backtests.reviewed, (side) => count(side.reviewed)],
  [backtests.declined, (side) => count(side.declined)],
  [backtests.blocked, (side) => moneys(side.blocked)],
  [backtests.precision, (side) => precisionOf(side.precision)],
  [backtests.refunded, (side) => counted(side.endings.refunded)],
  [backtests.rejected, (side) => counted(side.endings.rejected)],
  [backtests.fine, (side) => counted(side.endings.fine)],
  [backtests.failed, (side) => counted(side.endings.failed)],
  [backtests.pending, (side) => counted(side.endings.pending)],
  [backtests.missed, (side) => counted(side.missed)],
  [backtests.allReviewed, (side) => count(side.allReviewed)],
  [backtests.allDeclined, (side) => count(side.allDeclined)],
];

/** @param {{found: BacktestOf}} props */
function Comparison({ found }) {
  return html`<section class="card" aria-labelledby="result"><h2 id="result">${backtests.result}</h2>
    <table class="compare"><caption class="visually-hidden">${backtests.result}</caption>
      <thead><tr><th scope="col">${backtests.figure}</th><th scope="col" class="number">${backtests.draft}</th><th scope="col" class="number">${backtests.active}</th></tr></thead>
      <tbody>${FIGURES.map(([name, show]) => html`<tr key=${name}><th scope="row">${name}</th>
        <td class="number">${show(found.draft)}</td><td class="number">${show(found.active)}</td></tr>`)}</tbody>
    </table>
    <p class="muted">${backtests.precision}: ${backtests.precisionText}.</p>
  </section>`;
}

/** @param {{title: string, rows: Mistake[]}} props */
function Mistakes({ title, rows }) {
  const columns = [
    { title: backtests.payment, kind: "wide", cell: (/** @type {Mistake} */ row) => html`<span class="cell-title">${kinds[row.kind]}</span>
        <span class="muted">${row.reasons.map((each) => each.replace("@", " · ")).join(", ") || "–"}</span>` },
    { title: backtests.when, cell: (/** @type {Mistake} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: backtests.amount, kind: "number", cell: (/** @type {Mistake} */ row) => money(row.amount, row.currency) },
    { title: backtests.mistake, kind: "number", cell: (/** @type {Mistake} */ row) => html`<${Badge} tone="warning">${backtests.mistakeKinds[row.mistake]}</${Badge}>
        <span class="muted block">${backtests.endings[row.ending]}</span>` },
  ];
  return html`<section class="card" aria-label=${title}><h2>${title}</h2>
    ${rows.length ? html`<${Table} caption=${title} columns=${columns} rows=${rows} rowKey=${(/** @type {Mistake} */ row) => row.decisionId} />`
      : html`<p class="muted">${backtests.noMistakes}</p>`}
  </section>`;
}
