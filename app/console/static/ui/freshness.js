// @ts-check
// How fresh is what a view shows.

import { words } from "../text/en.js";
import { locale } from "./format.js";
import { html } from "./html.js";

const { freshness } = words;

/** How far away a time is: `in 2 hours`, `3 minutes ago`. @param {string} time */
export function distance(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  const far = Math.abs(seconds);
  /** @type {[Intl.RelativeTimeFormatUnit, number]} */
  const [unit, length] = far < 90 ? ["second", 1] : far < 5400 ? ["minute", 60]
    : far < 172_800 ? ["hour", 3600] : ["day", 86_400];
  const format = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" });
  return format.format(Math.round(seconds / length), unit);
}

/** @param {{connection: import("./live.js").Connection, at: string | null}} props at: of the last update */
export function Connected({ connection, at }) {
  const isOld = connection === "offline" || connection === "connecting";
  return html`<p class="freshness ${connection}" role="status">
    <span class="freshness-dot" aria-hidden="true"></span>${freshness.connections[connection]}
    ${isOld && at && html` <span class="muted">· ${freshness.lastUpdate(distance(at))}</span>`}
  </p>`;
}
