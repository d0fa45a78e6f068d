// @ts-check
// The filters of a list. They are in the address, so that back, reload and bookmarks keep them.

import { words } from "../text/en.js";
import { habits } from "./format.js";
import { html } from "./html.js";
import { query, setQuery } from "./router.js";
import { Empty } from "./states.js";

/**
 * A filter of a list, by the name of the API's parameter.
 *
 * `search` has the width that is left; `date` is a day of the user's time zone, of which `to` is the
 * last one; `options` are the values of a choice and their texts. `only` are values that the API
 * accepts, as a pattern of the whole text; others say `hint` instead of being sent.
 * @typedef {object} Filter
 * @property {string} name
 * @property {string} label
 * @property {"search" | "text" | "date"} [type]
 * @property {[string, string][]} [options]
 * @property {RegExp} [only]
 * @property {string} [hint]
 * @property {boolean} [isLinked] shown only while it is set, because links to the list set it
 */

/** From and to, as many lists have them. @returns {Filter[]} */
export function periodFilters() {
  return [
    { name: "from", label: words.from, type: "date" },
    { name: "to", label: words.to, type: "date" },
  ];
}

/** The ID of a record. */
export const AN_ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/** @param {Filter} filter @param {string} value */
function isAccepted({ options, type, only }, value) {
  if (options) return options.some(([each]) => each === value);
  if (type === "date") return !Number.isNaN(Date.parse(value));
  return !only || new RegExp(`^(${only.source})$`, only.flags).test(value);
}

/** The day after, because the API's `to` is exclusive. @param {string} day */
function after(day) {
  const next = new Date(`${day}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}

/**
 * What the API is asked for: the filters of the address, without those that it would refuse. The same
 * without the position is what an export has to contain.
 * @param {Filter[]} filters
 * @returns {Record<string, string>}
 */
export function filtered(filters) {
  /** @type {Record<string, string>} */
  const asked = {};
  for (const filter of filters) {
    const value = query.value.get(filter.name) ?? "";
    if (!value || !isAccepted(filter, value)) continue;
    asked[filter.name] = filter.name === "to" && filter.type === "date" ? after(value) : value;
  }
  if (asked.from || asked.to) asked.timeZone = habits.value.timeZone;
  return asked;
}

/** The position in the list, for `call`. @returns {{cursor: string}} */
export function position() {
  return { cursor: query.value.get("cursor") ?? "" };
}

/** @param {Filter[]} filters */
function clear(filters) {
  setQuery(Object.fromEntries(filters.map(({ name }) => [name, ""])));
}

/** The filter bar. Texts are searched for with Enter, or when the input is left. @param {{filters: Filter[]}} props */
export function Filters({ filters }) {
  const isSet = filters.some(({ name }) => query.value.get(name));
  return html`<form class="filters ${filters.length > 3 ? "many" : ""}" role="search" onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault(); // Enter has changed the filter already
  }}>
    ${filters.filter(({ name, isLinked }) => !isLinked || query.value.has(name)).map((filter) => html`<${Input} key=${filter.name} filter=${filter} />`)}
    ${isSet && html`<button class="button quiet" type="button" onClick=${() => clear(filters)}>
      ${words.filters.clear}</button>`}
  </form>`;
}

/** @param {{filter: Filter}} props */
function Input({ filter }) {
  const { name, label, options, type = "text", hint } = filter;
  const id = `filter-${name}`;
  const value = query.value.get(name) ?? "";
  const isWrong = value !== "" && !isAccepted(filter, value);
  const shared = {
    id, value, class: "input", "aria-invalid": isWrong ? "true" : null,
    "aria-describedby": isWrong ? `${id}-error` : null,
    onChange: (/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value.trim() }),
  };
  return html`<div class="field ${type === "search" ? "grow" : ""}">
    <label for=${id}>${label}</label>
    ${options
      ? html`<select ...${shared}>
          <option value="">${words.all}</option>
          ${options.map(([each, text]) => html`<option key=${each} value=${each}
            selected=${each === value}>${text}</option>`)}
        </select>`
      : html`<input ...${shared} type=${type} autocomplete="off" />`}
    ${isWrong && html`<p class="error" id="${id}-error">${hint ?? words.filters.wrong}</p>`}
  </div>`;
}

/**
 * What a list without rows shows: that nothing matches the filters, or that there is nothing yet.
 * @param {{filters: Filter[], title: string, text?: string, icon?: string, children?: any}} props
 */
export function NoRows({ filters, title, text, icon, children }) {
  if (!filters.some(({ name }) => query.value.get(name))) {
    return html`<${Empty} icon=${icon} title=${title} text=${text}>${children}</${Empty}>`;
  }
  return html`<${Empty} title=${words.filters.empty} text=${words.filters.emptyText}>
    <button class="button" type="button" onClick=${() => clear(filters)}>${words.filters.clear}</button>
  </${Empty}>`;
}
