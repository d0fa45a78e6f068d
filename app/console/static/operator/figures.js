// @ts-check
// What the operators' views show figures with.

import { locale, money } from "../ui/format.js";
import { live } from "../text/en-live.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";

/** A number as the user writes it. @param {number} number @param {Intl.NumberFormatOptions} [options] */
export function decimal(number, options = { maximumFractionDigits: 2 }) {
  return new Intl.NumberFormat(locale.value, options).format(number);
}

/** Rounded down, so that what is not perfect never looks so. @param {number | null} percent 0 to 100 */
export function percent(percent) {
  if (percent === null) return "–";
  const digits = percent > 99 && percent < 100 ? 3 : 2;
  return decimal(percent / 100, /** @type {any} */ (
    { style: "percent", maximumFractionDigits: digits, roundingMode: "floor" }));
}

/** For axes, where there is little space. @param {number} number */
export function compact(number) {
  return decimal(number, { notation: "compact", maximumFractionDigits: 1 });
}

/** A duration for people. @param {number | null} milliseconds */
export function duration(milliseconds) {
  if (milliseconds === null) return "–";
  if (milliseconds < 1000) {
    return live.milliseconds(decimal(milliseconds, { maximumFractionDigits: milliseconds < 10 ? 1 : 0 }));
  }
  const seconds = milliseconds / 1000;
  if (seconds < 100) return live.seconds(decimal(seconds, { maximumFractionDigits: 1 }));
  /** @type {[string, number]} */
  const [unit, length] = seconds < 7200 ? ["minute", 60] : seconds < 172_800 ? ["hour", 3600] : ["day", 86_400];
  return decimal(Math.round(seconds / length), { style: "unit", unit, unitDisplay: "long" });
}

/** Sums by currency. @param {Record<string, string>} values */
export function moneys(values) {
  const shown = Object.entries(values).map(([currency, amount]) => money(amount, currency));
  return shown.length ? shown.join(", ") : "–";
}

/**
 * One figure with what it means.
 * @param {{label: string, value: any, text?: any, tone?: string, wide?: boolean, to?: string}} props
 *   to: the view that has more
 */
export function Reading({ label, value, text, tone = "", wide = false, to }) {
  return html`<div class="reading ${tone} ${wide ? "wide" : ""}">
    <dt>${to ? html`<a href="/app${to}">${label}<${Icon} name="back" /></a>` : label}</dt>
    <dd class="reading-value">${value}</dd>
    ${text && html`<dd class="muted">${text}</dd>`}
  </div>`;
}

/** A short form of an ID, to tell records apart. @param {string} id */
export function short(id) {
  return html`<span class="mono" title=${id}>…${id.slice(-8)}</span>`;
}
