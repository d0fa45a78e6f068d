// @ts-check
// Settings: through which channels the user is notified of what.

import { useRef } from "preact/hooks";
import { call, newKey, user } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { toast } from "../ui/toast.js";
import { SettingsTabs } from "./settings.js";

/** @typedef {import("../api/schema.js").NotificationPreference} NotificationPreference */

const { preferences } = texts;
const CHANNELS = /** @type {const} */ (["inApp", "email", "sms"]);

/** @param {NotificationPreference} row */
function nameOf({ kind, description }) {
  return preferences.kinds[kind] ?? description;
}

/** What concerns merchants only. */
const OF_MERCHANTS = ["SALE", "LOW_STOCK", "WEBHOOK"];

export function Preferences() {
  const loaded = useLoaded((signal) => call("GET /notifications/preferences", { signal }), []);
  const isMerchant = user.value?.role === "MERCHANT";
  const turn = useRef(Promise.resolve()); // one change after the other, so that the last answer is the latest

  function choose(/** @type {NotificationPreference} */ row, /** @type {typeof CHANNELS[number]} */ channel, /** @type {boolean} */ chosen) {
    const body = { preferences: [{ kind: row.kind, [channel]: chosen }] };
    turn.current = turn.current.then(async () => {
      try {
        loaded.set(await call("PUT /notifications/preferences", { body, key: newKey() }));
        toast(preferences.saved);
      } catch (error) {
        toast(error.message || words.problems.offline);
        loaded.reload(); // what is shown is what is stored
      }
    });
  }
  const isShown = (/** @type {NotificationPreference} */ { kind }) => isMerchant || !OF_MERCHANTS.includes(kind);
  return html`<${View} title=${words.settings.title} narrow>
    <${SettingsTabs} />
    <section class="card" aria-labelledby="preferences-title">
      <h2 id="preferences-title">${preferences.title}</h2><p class="muted">${preferences.text}</p>
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ data) => html`
        <table class="preferences">
          <thead><tr><th scope="col">${preferences.kind}</th>
            ${CHANNELS.map((channel) => html`<th key=${channel} scope="col">${preferences[channel]}</th>`)}</tr></thead>
          <tbody>${data.preferences.filter(isShown).map((/** @type {NotificationPreference} */ row) => html`<tr key=${row.kind}>
            <th scope="row"><span>${nameOf(row)}</span>
              ${row.required && html`<span class="muted block">${preferences.required}</span>`}</th>
            ${CHANNELS.map((channel) => html`<td key=${channel}>
              <input type="checkbox" checked=${row[channel]} disabled=${row.required && channel !== "sms"}
                aria-label="${nameOf(row)}: ${preferences[channel]}"
                onChange=${(/** @type {any} */ event) => choose(row, channel, event.currentTarget.checked)} /></td>`)}
          </tr>`)}</tbody>
        </table>
        <p class="muted">${preferences.phone}</p>`}
      </${Loaded}>
    </section>
  </${View}>`;
}
