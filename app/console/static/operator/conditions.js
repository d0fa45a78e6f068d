// @ts-check
// The editor of conditions: one row for each, as long as they are one list; their JSON otherwise.

import { useState } from "preact/hooks";
import { kinds, rules } from "../text/en-live.js";
import { Field, Invalid, TextArea } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Conditions } from "./risk.js";

/** @typedef {import("./risk.js").Condition} Condition */
/** @typedef {keyof typeof rules.fields} FieldName */

/** The type of each field, and whether it looks back on a window. */
const FIELDS = /** @type {Record<FieldName, {type: "amount" | "number" | "text" | "flag", back?: boolean}>} */ ({
  amount: { type: "amount" }, currency: { type: "text" }, type: { type: "text" },
  count: { type: "number", back: true }, sum: { type: "amount", back: true },
  receivers: { type: "number", back: true }, refused: { type: "number", back: true },
  refusedAtAddress: { type: "number", back: true }, share: { type: "number" },
  accountAge: { type: "number" }, newDevice: { type: "flag" }, newAddress: { type: "flag" },
  country: { type: "text" }, hour: { type: "number" }, merchant: { type: "text" },
  productKind: { type: "text" }, coupon: { type: "flag" }, list: { type: "text" },
  modelScore: { type: "number" },
});
const OPERATORS = {
  amount: ["<", "<=", ">", ">="], number: ["<", "<=", ">", ">=", "=", "!="],
  text: ["=", "!=", "in", "not in"], flag: ["=", "!="],
};
const WINDOWS = /** @type {(keyof typeof rules.windows)[]} */ (Object.keys(rules.windows));
/** May be written instead of an amount. */
const SETTING = "RISK_REVIEW_ABOVE";
const FIRST = { field: "amount", operator: ">", value: "1000.00" };

/** Whether the conditions are one list that rows can show. @param {any} conditions */
function isFlat(conditions) {
  const nodes = conditions?.all ?? conditions?.any;
  return Array.isArray(nodes) && nodes.every((node) => {
    const field = FIELDS[/** @type {FieldName} */ (node?.field)];
    return field && !node.model && node.field !== "modelScore";
  });
}

/** @param {string} text @returns {any} the conditions, or null if it is not JSON */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The conditions that were typed. Throws Invalid. @param {string} text */
export function requireConditions(text) {
  const conditions = parsed(text);
  if (!conditions || typeof conditions !== "object") throw new Invalid({ conditions: rules.badJson });
  return conditions;
}

/** The JSON that new conditions begin with. */
export const NEW_CONDITIONS = JSON.stringify({ all: [FIRST] }, null, 2);

/** @param {{value: string, error?: string, set: (text: string) => void}} props value: JSON */
export function ConditionsEditor({ value, error, set }) {
  const conditions = parsed(value);
  const [isJson, setJson] = useState(!isFlat(conditions));
  const canBeRows = isFlat(conditions);
  const showsRows = !isJson && canBeRows;
  const change = (/** @type {any} */ next) => set(JSON.stringify(next, null, 2));
  return html`<fieldset class="conditions-editor">
    <legend>${rules.conditions}</legend>
    ${showsRows
      ? html`<${Rows} conditions=${conditions} change=${change} />${error && html`<p class="error" role="alert">${error}</p>`}`
      : html`<${TextArea} name="conditions" label=${rules.json} hint=${rules.conditionsHint} rows=${12} class="input mono"
          spellcheck=${false} error=${error} value=${value} onInput=${(/** @type {any} */ event) => set(event.currentTarget.value)} />`}
    ${canBeRows && html`<button class="button quiet start" type="button" onClick=${() => setJson(!isJson)}>
      ${showsRows ? rules.asJson : rules.asRows}</button>`}
    ${!showsRows && html`<div><p class="muted">${rules.preview}</p><${Conditions} node=${conditions} /></div>`}
  </fieldset>`;
}

/** @param {{conditions: any, change: (conditions: any) => void}} props */
function Rows({ conditions, change }) {
  const how = conditions.all ? "all" : "any";
  /** @type {Condition[]} */
  const rows = conditions[how];
  const replace = (/** @type {number} */ at, /** @type {Condition | null} */ row) => {
    const next = rows.flatMap((each, index) => (index === at ? (row ? [row] : []) : [each]));
    change({ [how]: next });
  };
  return html`
    <${Field} label=${rules.combine} name="combine">${(/** @type {any} */ described) => html`<select class="input" ...${described}
      onChange=${(/** @type {any} */ event) => change({ [event.currentTarget.value]: rows })}>
      ${/** @type {const} */ (["all", "any"]).map((each) => html`<option key=${each} value=${each} selected=${each === how}>${rules[each]}</option>`)}
    </select>`}</${Field}>
    <ol class="condition-rows">${rows.map((row, index) => html`<li key=${index}>
      <${Row} row=${row} number=${index + 1} change=${(/** @type {Condition} */ next) => replace(index, next)}
        remove=${rows.length > 1 ? () => replace(index, null) : null} /></li>`)}</ol>
    <button class="button start-self" type="button" onClick=${() => change({ [how]: [...rows, FIRST] })}>
      <${Icon} name="addMoney" />${rules.addCondition}</button>`;
}

/** @param {{row: Condition, number: number, change: (row: Condition) => void, remove: (() => void) | null}} props */
function Row({ row, number, change, remove }) {
  const field = FIELDS[/** @type {FieldName} */ (row.field)];
  const choose = (/** @type {FieldName} */ name) => {
    const { type, back } = FIELDS[name];
    const value = { amount: "1000.00", number: 1, text: "", flag: true }[type];
    change({ field: name, operator: OPERATORS[type].includes(row.operator) ? row.operator : OPERATORS[type][0], value, ...(back ? { window: "HOUR" } : {}) });
  };
  const operate = (/** @type {string} */ operator) => {
    const isList = operator.endsWith("in");
    const value = isList ? [row.value].flat() : [row.value].flat()[0] ?? "";
    change({ ...row, operator, value });
  };
  const select = (/** @type {string} */ label, /** @type {string} */ value, /** @type {[string, string][]} */ options, /** @type {(value: any) => void} */ pick) => html`
    <select class="input" aria-label="${label} ${number}" onChange=${(/** @type {any} */ event) => pick(event.currentTarget.value)}>
      ${options.map(([each, text]) => html`<option key=${each} value=${each} selected=${each === value}>${text}</option>`)}</select>`;
  const operators = OPERATORS[field.type].map((each) => /** @type {[string, string]} */ (
    [each, rules.operators[/** @type {keyof typeof rules.operators} */ (each)]]));
  return html`<div class="condition-row">
    ${select(rules.helpField, row.field, Object.entries(rules.fields).filter(([name]) => name !== "modelScore"), choose)}
    ${field.back && select(rules.helpWindow, row.window ?? "HOUR", WINDOWS.map((each) => [each, rules.windows[each]]), (window) => change({ ...row, window }))}
    ${select(rules.helpOperator, row.operator, operators, operate)}
    <${Value} row=${row} type=${field.type} number=${number} change=${change} />
    ${remove && html`<button class="button icon-only quiet" type="button" aria-label=${rules.removeCondition(String(number))} onClick=${remove}><${Icon} name="cross" /></button>`}
  </div>`;
}

/** @param {{row: Condition, type: string, number: number, change: (row: Condition) => void}} props */
function Value({ row, type, number, change }) {
  const label = `${rules.helpValue} ${number}`;
  const set = (/** @type {any} */ value) => change({ ...row, value });
  if (type === "flag") {
    return html`<select class="input" aria-label=${label} onChange=${(/** @type {any} */ event) => set(event.currentTarget.value === "yes")}>
      <option value="yes" selected=${row.value === true}>${rules.yes}</option>
      <option value="no" selected=${row.value !== true}>${rules.no}</option></select>`;
  }
  if (type === "amount") {
    const shown = typeof row.value === "object" ? row.value.setting : row.value;
    const typed = (/** @type {string} */ text) => (text === SETTING ? { setting: SETTING } : text);
    return html`<input class="input" aria-label=${label} value=${shown}
      onInput=${(/** @type {any} */ event) => set(typed(event.currentTarget.value.trim()))} />`;
  }
  if (type === "number") {
    return html`<input class="input" aria-label=${label} type="number" step="1" value=${row.value}
      onInput=${(/** @type {any} */ event) => set(event.currentTarget.value === "" ? "" : Number(event.currentTarget.value))} />`;
  }
  const isList = Array.isArray(row.value);
  const known = row.field === "type" ? Object.entries(kinds) : null;
  if (known && !isList) {
    return html`<select class="input" aria-label=${label} onChange=${(/** @type {any} */ event) => set(event.currentTarget.value)}>
      <option value="" disabled selected=${!row.value}>–</option>
      ${known.map(([each, text]) => html`<option key=${each} value=${each} selected=${each === row.value}>${text}</option>`)}</select>`;
  }
  const typed = (/** @type {string} */ text) => (isList ? text.split(",").map((each) => each.trim()).filter(Boolean) : text.trim());
  return html`<input class="input" aria-label=${label} value=${isList ? row.value.join(", ") : row.value}
    onChange=${(/** @type {any} */ event) => set(typed(event.currentTarget.value))} />`;
}
