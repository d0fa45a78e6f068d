// @ts-check
// Times that are typed, in the time zone of the user's profile, and the choice of a time zone.

import { habits } from "./format.js";

/** The same as `datetime-local` inputs write it. @param {number} moment milliseconds */
function written(moment) {
  const { timeZone } = habits.value;
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  const parts = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

/** A time of the API for an input, empty for null. @param {string | null} time */
export function typed(time) {
  return time === null ? "" : written(Date.parse(time));
}

/** What an input has, as a time of the API; null if it is empty. @param {string} text */
export function moment(text) {
  if (!text) return null;
  const wanted = Date.parse(`${text}Z`);
  let found = wanted;
  // The offset is that of the time itself, which may differ from that of the first guess.
  for (let turn = 0; turn < 2; turn += 1) {
    found += wanted - Date.parse(`${written(found)}Z`);
  }
  return new Date(found).toISOString();
}

/** The time zones of a choice. @param {string} first the one that is chosen @returns {[string, string][]} */
export function zoneOptions(first) {
  const zones = new Set([first, "UTC", ...Intl.supportedValuesOf("timeZone")]);
  return [...zones].map((zone) => [zone, zone.replaceAll("_", " ")]);
}
