// @ts-check
// What the views of risk share: their tabs, and conditions for people.

import { kinds, rules } from "../text/en-live.js";
import { models } from "../text/en-models.js";
import { decimalsOf, money, withDecimals } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Tabs } from "../ui/tabs.js";
import { decimal } from "./figures.js";

export function RiskTabs() {
  return html`<${Tabs} label=${rules.title} tabs=${[
    ["/operator/cases", rules.tabs.cases], ["/operator/rules", rules.tabs.rules],
    ["/operator/rules/lists", rules.tabs.lists], ["/operator/rules/backtests", rules.tabs.backtests],
    ["/operator/rules/models", models.title],
  ]} />`;
}

/** @typedef {{field: string, operator: string, value: any, window?: string, model?: string}} Condition */
/** @typedef {Condition | {all: Node[]} | {any: Node[]}} Node */

/** @param {string} field */
function nameOf(field) {
  return rules.fields[/** @type {keyof typeof rules.fields} */ (field)] ?? field;
}

/** @param {any} value */
function valueOf(value) {
  if (Array.isArray(value)) return value.map(valueOf).join(", ");
  if (value === true) return rules.yes;
  if (value === false) return rules.no;
  if (value && typeof value === "object") return `${rules.setting} ${value.setting ?? "?"}`;
  return kinds[/** @type {keyof typeof kinds} */ (value)] ?? String(value);
}

/** Conditions as nested lists. @param {{node: any}} props node: of a rule, or what somebody is typing */
export function Conditions({ node }) {
  if (!node || typeof node !== "object") return null;
  const group = Array.isArray(node.all) ? node.all : Array.isArray(node.any) ? node.any : null;
  if (group) {
    return html`<div class="conditions"><p class="muted">${node.all ? rules.all : rules.any}</p>
      <ul>${group.map((/** @type {any} */ each, /** @type {number} */ index) => html`<li key=${index}><${Conditions} node=${each} /></li>`)}</ul></div>`;
  }
  const { field, operator, value, window, model } = node;
  return html`<span><strong>${nameOf(field)}</strong>${window ? ` ${rules.windows[/** @type {keyof typeof rules.windows} */ (window)] ?? window}` : ""}
    ${" "}${rules.operators[/** @type {keyof typeof rules.operators} */ (operator)] ?? operator} <strong>${valueOf(value)}</strong>${
      model ? html` <span class="mono">${model}</span>` : ""}</span>`;
}

/** @param {string} name of what a model reads */
export function featureOf(name) {
  return models.features[/** @type {keyof typeof models.features} */ (name)] ?? name;
}

/** What a rule has read, with its name. @param {string} name @param {any} value @param {string} currency */
export function inputOf(name, value, currency) {
  const [field, window] = name.split(".");
  const label = [nameOf(field), rules.windows[/** @type {keyof typeof rules.windows} */ (window)]].filter(Boolean).join(" ");
  if (value === null) return { label, text: field === "list" ? rules.noList : rules.unknown };
  if (field === "modelReasons") {
    const raised = Object.entries(value).sort(([, one], [, other]) => other - one).map(([feature]) => featureOf(feature));
    return { label: models.reasons, text: raised.join(", ") };
  }
  if (field === "amount" || field === "sum") {
    return { label, text: money(withDecimals(BigInt(value), decimalsOf(currency)), currency) };
  }
  return { label, text: typeof value === "number" ? decimal(value) : valueOf(value) };
}
