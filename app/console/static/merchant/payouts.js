// @ts-check
// What has been paid out of the merchant's wallet, and what can be.

import { ExportPayouts, PayoutRows } from "../buyer/withdraw.js";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";

/** @typedef {import("../api/schema.js").Payout} Payout */

const { payouts } = sales;

export function Payouts() {
  const wallet = useLoaded((signal) => call("GET /wallet", { signal }), []);
  const loaded = useList("GET /wallet/payouts");
  const withdraw = html`<a class="button primary" href="/app/withdraw">${payouts.withdraw}</a>`;
  return html`<${View} title=${payouts.title} text=${payouts.text} actions=${html`
    <${ExportPayouts} of=${loaded} />
    <a class="button" href="/app/settings/bank-accounts">${payouts.accounts}</a>${withdraw}`}>
    <${Loaded} of=${wallet} lines=${2}>${(/** @type {any} */ { available, held, currency }) => html`<dl class="key-figures">
      <div class="card"><dt>${payouts.available}</dt><dd class="key-value">${money(available, currency)}</dd></div>
      <div class="card"><dt>${payouts.held}</dt><dd class="key-value">${money(held, currency)}</dd>
        <dd class="muted">${payouts.heldHint}</dd></div>
    </dl>`}</${Loaded}>
    <${List} of=${loaded} caption=${payouts.title} icon="bank" empty=${payouts.empty} emptyText=${payouts.emptyText}
      rows=${(/** @type {Payout[]} */ rows) => html`<${PayoutRows} rows=${rows} />`} />
  </${View}>`;
}
