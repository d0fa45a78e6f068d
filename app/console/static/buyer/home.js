// @ts-check
// The home page of buyers: what they have, and what has happened.

import { call, user } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { money } from "../ui/format.js";
import { Connected } from "../ui/freshness.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { useLive } from "../ui/live.js";
import { Loaded } from "../ui/load.js";
import { Empty, Notice } from "../ui/states.js";
import { Movements } from "./movements.js";

const { home, menu } = words;
const more = texts.menu;
const RECENT = 6;
/** Without a stream, which tells of every change of the wallet. */
const EVERY_MS = 5000;

export function Home() {
  const live = useLive(async (signal) => {
    const [wallet, recent] = await Promise.all([
      call("GET /wallet", { signal }), call("GET /wallet/transactions", { query: { limit: RECENT }, signal }),
    ]);
    return { wallet, recent: recent.data };
  }, { every: EVERY_MS });

  return html`<${View} title=${home.hello(user.value?.firstName ?? null)}
    actions=${html`<${Connected} connection=${live.connection} at=${live.at} />`}>
    <${Loaded} of=${live} lines=${3 + RECENT}>${(/** @type {any} */ { wallet, recent }) => html`
      <${Balance} wallet=${wallet} /><${Recent} rows=${recent} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{wallet: import("../api/schema.js").Wallet}} props */
function Balance({ wallet }) {
  const { currency } = wallet;
  return html`
    ${wallet.isLocked && html`<${Notice} tone="danger">${home.locked}</${Notice}>`}
    <section class="balance-card" aria-label=${home.balance}>
      <div>
        <p class="balance-label">${home.available}</p>
        <p class="balance" data-testid="available">${money(wallet.available, currency)}</p>
        <dl class="balance-parts">
          <div><dt>${home.balance}</dt><dd>${money(wallet.balance, currency)}</dd></div>
          <div><dt>${home.held}</dt><dd>${money(wallet.held, currency)}</dd></div>
          <div><dt>${home.number}</dt><dd class="mono">${wallet.number}</dd></div>
        </dl>
      </div>
      <div class="quick">
        <a class="quick-action" href="/app/add-money"><${Icon} name="addMoney" />${menu.addMoney}</a>
        <a class="quick-action" href="/app/send"><${Icon} name="send" />${menu.send}</a>
        <a class="quick-action" href="/app/request"><${Icon} name="request" />${more.request}</a>
        <a class="quick-action" href="/app/pay"><${Icon} name="qr" />${more.pay}</a>
        <a class="quick-action" href="/app/withdraw"><${Icon} name="bank" />${more.withdraw}</a>
        <a class="quick-action" href="/app/shop"><${Icon} name="shop" />${menu.shop}</a>
      </div>
    </section>`;
}

/** @param {{rows: any[]}} props */
function Recent({ rows }) {
  return html`<section class="card" aria-labelledby="recent">
    <div class="card-head">
      <h2 id="recent">${home.recent}</h2>
      <a href="/app/transactions">${home.everything}</a>
    </div>
    ${rows.length
      ? html`<${Movements} rows=${rows} />`
      : html`<${Empty} icon="activity" title=${home.empty} text=${home.emptyText}>
          <a class="button primary" href="/app/add-money">${menu.addMoney}</a>
        </${Empty}>`}
  </section>`;
}
