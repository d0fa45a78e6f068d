// @ts-check
// One version of a rule: what it looks at, and putting it into force.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { backtests, rules } from "../text/en-live.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { Field, FormProblem, Select, Submit, TextArea, useForm } from "../ui/form.js";
import { dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { navigate, query } from "../ui/router.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { ConditionsEditor, NEW_CONDITIONS, requireConditions } from "./conditions.js";
import { decimal } from "./figures.js";
import { Conditions } from "./risk.js";
import { RULE_TONES } from "./rules.js";

/** @typedef {import("../api/schema.js").Rule} RuleOf */
/** @typedef {{key: string, code?: string}} Sending */

const DAYS_BACK = 7;

/** @param {{id: string}} props */
export function Rule({ id }) {
  const path = { rule_id: id };
  const loaded = useLoaded((signal) => call("GET /admin/risk/rules/{rule_id}", { path, signal }), [id]);
  return html`<${View} title=${loaded.data?.name ?? rules.rule} back=${["/operator/rules", rules.back]}>
    <${Loaded} of=${loaded} lines=${10}>${(/** @type {RuleOf} */ rule) => html`
      <div class="case">
        <div class="stack">
          ${rule.status === "DRAFT"
            ? html`<${Editor} key=${rule.id} rule=${rule} done=${(/** @type {RuleOf} */ saved) => { loaded.set(saved); toast(rules.saved); }} />`
            : html`<${Details} rule=${rule} />`}
        </div>
        <div class="stack"><${Actions} rule=${rule} set=${loaded.set} /><${RunBacktest} rule=${rule} /></div>
      </div>`}
    </${Loaded}>
  </${View}>`;
}

/** A new rule, or the next version of the one in the address. */
export function NewRule() {
  const from = query.value.get("from");
  const loaded = useLoaded(async (signal) => (from
    ? { rule: await call("GET /admin/risk/rules/{rule_id}", { path: { rule_id: from }, signal }) }
    : { rule: null }), [from]);
  const before = loaded.data?.rule ?? null;
  return html`<${View} title=${from ? rules.next : rules.add} text=${before && rules.nextText(before.name)}
    back=${["/operator/rules", rules.back]} narrow>
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ { rule }) => html`
      <${Editor} rule=${rule} isNew done=${(/** @type {RuleOf} */ created) => { navigate(`/operator/rules/${created.id}`); toast(rules.created); }} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{rule: RuleOf | null, isNew?: boolean, done: (rule: RuleOf) => void}} props rule: what it begins with */
function Editor({ rule, isNew = false, done }) {
  const initial = {
    key: rule?.key ?? "",
    name: rule?.name ?? "",
    description: rule?.description ?? "",
    outcome: /** @type {RuleOf["outcome"]} */ (rule?.outcome ?? "REVIEW"),
    weight: rule ? String(Number(rule.weight)) : "0.4",
    conditions: rule ? JSON.stringify(rule.conditions, null, 2) : NEW_CONDITIONS,
  };
  const form = useForm("rule", initial, async (values, { key }) => {
    const body = {
      name: values.name.trim(),
      description: values.description.trim() || null,
      outcome: values.outcome,
      weight: values.weight.trim().replace(",", "."),
      conditions: requireConditions(values.conditions),
    };
    const saved = await (isNew
      ? call("POST /admin/risk/rules", { body: { ...body, key: values.key.trim() }, key })
      : call("PATCH /admin/risk/rules/{rule_id}", { path: { rule_id: /** @type {RuleOf} */ (rule).id }, body, key }));
    return () => done(saved);
  });
  return html`<form class="card stack" ...${form.form} aria-labelledby="edit">
    <h2 id="edit">${rules.edit}</h2>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("name")} label=${rules.name} class="input" dir="auto" />
    ${isNew && html`<${Field} ...${form.field("key")} label=${rules.key} hint=${rules.keyHint} class="input mono" readonly=${rule !== null} />`}
    <${TextArea} ...${form.field("description")} label=${rules.description} isOptional rows=${2} />
    <div class="row">
      <${Select} ...${form.field("outcome")} label=${rules.outcome} options=${Object.entries(rules.outcomes)} />
      <${Field} ...${form.field("weight")} label=${rules.weight} hint=${rules.weightHint} class="input" inputmode="decimal" />
    </div>
    <${ConditionsEditor} value=${form.values.conditions} error=${form.field("conditions").error}
      set=${(/** @type {string} */ conditions) => form.set({ conditions })} />
    <div><${Submit} isBusy=${form.isBusy}>${isNew ? rules.create : rules.save}</${Submit}></div>
  </form>`;
}

/** @param {{rule: RuleOf}} props */
function Details({ rule }) {
  return html`<section class="card stack" aria-labelledby="edit">
    <h2 id="edit">${rules.edit}</h2>
    ${rule.description && html`<p class="description" dir="auto">${rule.description}</p>`}
    <${Facts} facts=${[
      [rules.outcome, rules.outcomes[rule.outcome]],
      [rules.weight, decimal(Number(rule.weight))],
    ]} />
    <div><h3>${rules.conditions}</h3><${Conditions} node=${rule.conditions} /></div>
  </section>`;
}

/** @param {{rule: RuleOf, set: (rule: RuleOf) => void}} props */
function Actions({ rule, set }) {
  const path = { rule_id: rule.id };
  const { status } = rule;
  const change = (/** @type {"shadow" | "activate" | "retire"} */ action, /** @type {string} */ said) => async (/** @type {Sending} */ sending) => {
    const changed = await call(`POST /admin/risk/rules/{rule_id}/${action}`, { path, ...sending });
    return () => {
      set(changed);
      toast(action === "activate" && changed.status !== "ACTIVE" ? rules.activationAsked : said);
    };
  };
  return html`<section class="card stack" aria-labelledby="state">
    <div class="card-head"><h2 id="state">${rules.status}</h2><${Badge} tone=${RULE_TONES[status]}>${rules.statuses[status]}</${Badge}></div>
    <p class="muted">${rules.statusTexts[status]}</p>
    ${rule.activationRequestedBy && !rule.activatedAt && html`<${Notice} tone="warning">${rules.requested}</${Notice}>`}
    <${Facts} facts=${[
      [rules.key, html`<a class="mono" href="/app/operator/rules?key=${rule.key}">${rule.key}</a>`],
      [rules.versionLabel, String(rule.version)],
      [rules.changed, dateTime(rule.retiredAt ?? rule.activatedAt ?? rule.createdAt)],
    ]} />
    ${(status === "DRAFT" || status === "SHADOW") && html`<${ConfirmButton} name="activate" label=${rules.activate} look="primary wide" tone="primary"
      action=${rules.activate} title=${rules.activateTitle} text=${rules.activateText} send=${change("activate", rules.activated)} />`}
    ${status === "DRAFT" && html`<${ConfirmButton} name="shadow" label=${rules.shadow} look="wide" tone="primary"
      action=${rules.shadow} title=${rules.shadowTitle} text=${rules.shadowText} send=${change("shadow", rules.shadowed)} />`}
    ${status !== "DRAFT" && html`<a class="button wide" href="/app/operator/rules/new?from=${rule.id}">${rules.next}</a>`}
    ${(status === "SHADOW" || status === "ACTIVE") && html`<${ConfirmButton} name="retire" label=${rules.retire} look="wide"
      action=${rules.retire} title=${rules.retireTitle} text=${rules.retireText} send=${change("retire", rules.retired)} />`}
    ${status === "DRAFT" && html`<${ConfirmButton} name="remove" label=${rules.remove} look="wide" action=${rules.remove} title=${rules.removeTitle}
      send=${async (/** @type {Sending} */ { key }) => {
        await call("DELETE /admin/risk/rules/{rule_id}", { path, key });
        return () => { navigate("/operator/rules", { replace: true }); toast(rules.removed); };
      }} />`}
  </section>`;
}

/** @param {{rule: RuleOf}} props */
function RunBacktest({ rule }) {
  const first = new Date(Date.now() - DAYS_BACK * 86_400_000).toISOString().slice(0, 10);
  const form = useForm("backtest", { from: first }, async (values, { key, code }) => {
    const body = { ruleId: rule.id, from: `${values.from}T00:00:00Z` };
    const made = await call("POST /admin/risk/backtests", { body, key, code });
    return () => { navigate(`/operator/rules/backtests/${made.id}`); toast(backtests.started); };
  });
  return html`<form class="card stack" ...${form.form} aria-labelledby="backtest">
    <div><h2 id="backtest">${backtests.run}</h2><p class="muted">${backtests.runText}</p></div>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("from")} label=${backtests.from} type="date" class="input" max=${new Date().toISOString().slice(0, 10)} />
    <${Submit} isBusy=${form.isBusy} wide>${backtests.start}</${Submit}>
  </form>`;
}
