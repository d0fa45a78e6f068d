// @ts-check
// Settings: what the wallet may still move.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Badge, Empty } from "../ui/states.js";
import { SettingsTabs } from "./settings.js";

/** @typedef {import("../api/schema.js").EffectiveLimit} EffectiveLimit */

const { limits } = texts;
const TYPES = /** @type {(EffectiveLimit["type"])[]} */ (Object.keys(limits.types));
const WINDOWS = ["TRANSACTION", "DAY", "MONTH"];

export function Limits() {
  const loaded = useLoaded((signal) => call("GET /wallet/limits", { signal }), []);
  return html`<${View} title=${words.settings.title} narrow>
    <${SettingsTabs} />
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {EffectiveLimit[]} */ all) => (all.length
      ? html`<section class="card" aria-labelledby="limits-title">
          <h2 id="limits-title">${limits.title}</h2><p class="muted">${limits.text}</p>
          <div class="limits">${TYPES.map((type) => html`<${OfType} key=${type} type=${type}
            rows=${all.filter((each) => each.type === type)} />`)}</div>
        </section>`
      : html`<section class="card"><${Empty} icon="check" title=${limits.none} text=${limits.noneText} /></section>`)}
    </${Loaded}>
  </${View}>`;
}

/** @param {{type: EffectiveLimit["type"], rows: EffectiveLimit[]}} props */
function OfType({ type, rows }) {
  if (!rows.length) return null;
  const sorted = [...rows].sort((one, other) => WINDOWS.indexOf(one.window) - WINDOWS.indexOf(other.window));
  return html`<section aria-labelledby="limit-${type}">
    <h3 id="limit-${type}">${limits.types[type]}</h3>
    ${sorted.map((row) => html`<${One} key=${row.window} row=${row} />`)}
  </section>`;
}

/** @param {{row: EffectiveLimit}} props */
function One({ row }) {
  const limit = money(row.limit, row.currency);
  const name = html`<span>${limits.windows[row.window]}${row.isOwn && html` <${Badge}>${limits.own}</${Badge}>`}</span>`;
  if (row.window === "TRANSACTION") {
    return html`<p class="limit"><span class="limit-line">${name}<strong>${limits.each(limit)}</strong></span></p>`;
  }
  const text = limits.left(money(row.remaining, row.currency), limit);
  return html`<div class="limit">
    <p class="limit-line">${name}<strong>${text}</strong></p>
    <meter class="limit-meter" min="0" max="1" value=${Number(row.limit) ? Number(row.used) / Number(row.limit) : 0}
      aria-label="${limits.types[row.type]}, ${limits.windows[row.window]}">${limits.used(money(row.used, row.currency))}</meter>
    ${row.freesAt && html`<p class="muted">${limits.frees(dateTime(row.freesAt))}</p>`}
  </div>`;
}
