// @ts-check
// Amounts and dates as the user writes them. Amounts stay decimal strings: they are never floats.

import { computed, signal } from "@preact/signals";

/** Language, region and time zone of the user's profile; those of the browser before that. */
export const habits = signal({
  locale: navigator.language,
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});

export const locale = computed(() => {
  try {
    return Intl.getCanonicalLocales(habits.value.locale.replace("_", "-"))[0] ?? "en";
  } catch {
    return "en";
  }
});

/** @param {string} currency */
export function decimalsOf(currency) {
  const rules = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return rules.maximumFractionDigits ?? 2;
}

/** @param {string} amount decimal string @param {string} currency @param {boolean} [signed] */
export function money(amount, currency, signed = false) {
  const format = new Intl.NumberFormat(locale.value, {
    style: "currency", currency, signDisplay: signed ? "exceptZero" : "auto",
  });
  return format.format(/** @type {any} */ (amount)); // exact for strings
}

/** @param {number} number */
export function count(number) {
  return new Intl.NumberFormat(locale.value).format(number);
}

/** @param {string} time @param {Intl.DateTimeFormatOptions} [options] */
export function dateTime(time, options = { dateStyle: "medium", timeStyle: "short" }) {
  const { timeZone } = habits.value;
  const text = new Intl.DateTimeFormat(locale.value, { ...options, timeZone }).format(new Date(time));
  return text.replace(/(\d) (?=\S+$)/, "$1\u00a0"); // 5:53 PM stays on one line
}

/** A time in a list: without the year if it is this one. @param {string} time */
export function shortTime(time) {
  const year = (/** @type {string} */ moment) => dateTime(moment, { year: "numeric" });
  if (year(time) !== year(new Date().toISOString())) return dateTime(time);
  return dateTime(time, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}

/** @param {string} time */
export function date(time) {
  return dateTime(time, { dateStyle: "medium" });
}

/** @param {number} bytes */
export function fileSize(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let size = bytes;
  let index = 0;
  while (size >= 1000 && index < units.length - 1) {
    size /= 1000;
    index += 1;
  }
  return new Intl.NumberFormat(locale.value, {
    style: "unit", unit: units[index], maximumFractionDigits: size < 10 ? 1 : 0,
  }).format(size);
}

/** How an amount can be typed. @param {string} currency */
export function amountExample(currency) {
  const decimals = decimalsOf(currency);
  return new Intl.NumberFormat(locale.value, {
    useGrouping: false, minimumFractionDigits: decimals, maximumFractionDigits: decimals, numberingSystem: "latn",
  }).format(decimals ? 1234.5 : 1234);
}

/**
 * The amount that somebody typed, as a decimal string, or why it is refused.
 *
 * Either sign may separate the decimals. Whatever could be read in two ways is refused with a hint.
 * @param {string} text @param {string} currency
 * @returns {{amount: string} | {problem: "empty" | "invalid" | "unclear" | "decimals" | "zero"}}
 */
export function parseAmount(text, currency) {
  const typed = text.trim().replace(/[\u00a0\u202f ]/g, "");
  if (!typed) return { problem: "empty" };
  const found = /^(\d{1,15})(?:[.,](\d*))?$/.exec(typed);
  const decimals = decimalsOf(currency);
  if (!found) return { problem: /^\d[\d.,'’]*$/.test(typed) ? "unclear" : "invalid" };
  const [, whole, part = ""] = found;
  if (part.length > decimals) return { problem: part.length === 3 ? "unclear" : "decimals" };
  if (/^0*$/.test(whole + part)) return { problem: "zero" };
  const units = whole.replace(/^0+(?=\d)/, "");
  return { amount: decimals ? `${units}.${part.padEnd(decimals, "0")}` : units };
}

/** The difference of two amounts of one currency, exactly. @param {string} amount @param {string} less */
export function minus(amount, less) {
  const decimals = amount.split(".")[1]?.length ?? 0;
  return withDecimals(BigInt(amount.replace(".", "")) - BigInt(less.replace(".", "")), decimals);
}

/** The exact sum of amounts of one currency. @param {string[]} amounts */
export function sum(amounts) {
  const decimals = amounts[0]?.split(".")[1]?.length ?? 0;
  return withDecimals(amounts.reduce((total, each) => total + BigInt(each.replace(".", "")), 0n), decimals);
}

/** An amount in the smallest units of its currency. @param {bigint} minor @param {number} decimals of the currency */
export function withDecimals(minor, decimals) {
  const sign = minor < 0n ? "-" : "";
  const padded = minor.toString().replace("-", "").padStart(decimals + 1, "0");
  return sign + (decimals ? `${padded.slice(0, -decimals)}.${padded.slice(-decimals)}` : padded);
}

/** A part of an amount, rounded down. @param {string} amount @param {number} parts */
export function divided(amount, parts) {
  const decimals = amount.split(".")[1]?.length ?? 0;
  return withDecimals(BigInt(amount.replace(".", "")) / BigInt(parts), decimals);
}

/** A price times a quantity, exactly. @param {string} price @param {number} quantity */
export function times(price, quantity) {
  const decimals = price.split(".")[1]?.length ?? 0;
  return withDecimals(BigInt(price.replace(".", "")) * BigInt(quantity), decimals);
}

const PROGRAMS = [
  ["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
];
const SYSTEMS = [
  ["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"],
  ["Mac OS X", "macOS"], ["Linux", "Linux"],
];

/** A program for people, such as `Firefox, Linux`. @param {string} agent as it calls itself */
export function programName(agent) {
  const named = (/** @type {string[][]} */ names) => names.find(([sign]) => agent.includes(sign))?.[1];
  const program = named(PROGRAMS) ?? agent.split("/")[0];
  return [program, named(SYSTEMS)].filter(Boolean).join(", ");
}
