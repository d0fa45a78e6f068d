// @ts-check
// Models of risk: how each was evaluated, and the rules that read its score.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { rules } from "../text/en-live.js";
import { models } from "../text/en-models.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { count, date, dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { decimal, percent } from "./figures.js";
import { RiskTabs, featureOf } from "./risk.js";

/** @typedef {import("../api/schema.js").Model} ModelOf */
/** @typedef {import("../api/schema.js").ReadingRule} ReadingRule */
/** @typedef {{key: string, code?: string}} Sending */

const TONES = { ACTIVE: "success", SHADOW: "warning", UNUSED: "neutral" };
const FOUR_DIGITS = { minimumFractionDigits: 4, maximumFractionDigits: 4 };

const auc = (/** @type {string} */ figure) => decimal(Number(figure), FOUR_DIGITS);
const precision = (/** @type {string} */ figure) => percent(100 * Number(figure));

/** @param {ModelOf} model */
function State({ status }) {
  return html`<${Badge} tone=${TONES[status]}>${models.statuses[status]}</${Badge}>`;
}

export function Models() {
  const loaded = useList("GET /admin/risk/models");
  const against = (/** @type {(figure: string) => string} */ show, /** @type {"rocAuc" | "precisionAt1Percent"} */ name) =>
    (/** @type {ModelOf} */ { report }) => html`${show(report.model[name])}
      <span class="muted block">${models.againstRules(show(report.rules[name]))}</span>`;
  const columns = [
    { title: models.model, kind: "wide", cell: (/** @type {ModelOf} */ row) => html`
        <a class="cell-title" href="/app/operator/rules/models/${row.id}">${models.version(count(row.version))}</a>
        <span class="muted">${models.trained} ${date(row.createdAt)}</span>` },
    { title: models.rocAuc, kind: "number", cell: against(auc, "rocAuc") },
    { title: models.precision, kind: "number", cell: against(precision, "precisionAt1Percent") },
    { title: models.status, kind: "number", cell: State },
  ];
  return html`<${View} title=${models.title} text=${models.text}>
    <${RiskTabs} />
    <${List} of=${loaded} caption=${models.title} columns=${columns} icon="gauge" empty=${models.empty} emptyText=${models.emptyText} />
  </${View}>`;
}

/** @param {{id: string}} props */
export function Model({ id }) {
  const loaded = useLoaded((signal) => call("GET /admin/risk/models/{model_id}", { path: { model_id: id }, signal }), [id]);
  return html`<${View} title=${loaded.data ? models.version(count(loaded.data.version)) : models.model} back=${["/operator/rules/models", models.back]}>
    <${Loaded} of=${loaded} lines=${10}>${(/** @type {ModelOf} */ model) => html`
      <div class="case">
        <div class="stack"><${Evaluation} model=${model} /><${Reads} model=${model} /></div>
        <div class="stack"><${Rules} model=${model} reload=${loaded.reload} /></div>
      </div>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{model: ModelOf}} props */
function Evaluation({ model: { report, startsAt, endsAt, createdAt, checksum } }) {
  const rows = /** @type {const} */ ([
    [models.rocAuc, models.rocAucText, auc, "rocAuc"],
    [models.precision, models.precisionText, precision, "precisionAt1Percent"],
  ]);
  return html`<section class="card stack" aria-labelledby="evaluation">
    <div><h2 id="evaluation">${models.evaluation}</h2><p class="muted">${models.evaluationText}</p></div>
    <table class="compare short"><caption class="visually-hidden">${models.evaluation}</caption>
      <thead><tr><th scope="col">${models.figure}</th><th scope="col" class="number">${models.withModel}</th>
        <th scope="col" class="number">${models.withRules}</th></tr></thead>
      <tbody>${rows.map(([title, text, show, name]) => html`<tr key=${name}>
        <th scope="row">${title}<span class="muted block">${text}</span></th>
        <td class="number">${show(report.model[name])}</td><td class="number">${show(report.rules[name])}</td></tr>`)}</tbody>
    </table>
    <${Facts} facts=${[
      [models.learned, models.attempts(count(report.learningAttempts), count(report.learningBad))],
      [models.tested, models.attempts(count(report.testAttempts), count(report.testBad))],
      [models.period, `${date(startsAt)} – ${date(endsAt)}`],
      [models.trained, dateTime(createdAt)],
      [models.checksum, html`<span class="mono checksum">${checksum}</span>`],
    ]} />
  </section>`;
}

/** @param {{model: ModelOf}} props */
function Reads({ model }) {
  return html`<section class="card stack" aria-labelledby="reads">
    <div><h2 id="reads">${models.reads}</h2><p class="muted">${models.readsText}</p></div>
    <ul class="chips">${model.features.map((name) => html`<li key=${name}>${featureOf(name)}</li>`)}</ul>
  </section>`;
}

/** @param {{model: ModelOf, reload: () => void}} props */
function Rules({ model, reload }) {
  const isUnused = model.status === "UNUSED";
  return html`<section class="card stack" aria-labelledby="state">
    <div class="card-head"><h2 id="state">${models.status}</h2><${State} ...${model} /></div>
    <p class="muted">${models.statusTexts[model.status]}</p>
    <div class="stack"><h3>${models.rules}</h3>
      ${isUnused && html`<p>${models.noRules}</p>`}
      ${model.active.map((rule) => html`<${ReadingRule} key=${rule.id} rule=${rule} status="ACTIVE" reload=${reload} />`)}
      ${model.shadow.map((rule) => html`<${ReadingRule} key=${rule.id} rule=${rule} status="SHADOW" reload=${reload} />`)}
      ${isUnused && html`<a class="button wide" href="/app/operator/rules?key=model">${models.allVersions}</a>`}
    </div>
  </section>`;
}

/** @param {{rule: ReadingRule, status: "ACTIVE" | "SHADOW", reload: () => void}} props */
function ReadingRule({ rule, status, reload }) {
  const change = (/** @type {"activate" | "retire"} */ action, /** @type {string} */ said) => async (/** @type {Sending} */ sending) => {
    const changed = await call(`POST /admin/risk/rules/{rule_id}/${action}`, { path: { rule_id: rule.id }, ...sending });
    return () => {
      toast(action === "activate" && changed.status !== "ACTIVE" ? rules.activationAsked : said);
      reload();
    };
  };
  return html`<div class="stack">
    <p><a href="/app/operator/rules/${rule.id}">${models.rule(rule.key, count(rule.version))}</a></p>
    ${status === "SHADOW" && html`<${ConfirmButton} name=${`activate-${rule.id}`} label=${rules.activate} look="primary wide" tone="primary"
      action=${rules.activate} title=${models.activateTitle} text=${models.activateText} send=${change("activate", rules.activated)} />`}
    <${ConfirmButton} name=${`retire-${rule.id}`} label=${rules.retire} look="wide"
      action=${rules.retire} title=${models.retireTitle} text=${models.retireText} send=${change("retire", rules.retired)} />
  </div>`;
}
