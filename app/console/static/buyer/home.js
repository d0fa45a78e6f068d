// @ts-check
// The home page of buyers: what they have, and what has happened.

import { useEffect } from "preact/hooks";
import { call, user } from "../api/client.js";
import { follow } from "../api/stream.js";
import { View } from "../shell/layout.js";
import { unread } from "../shell/unread.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Empty, Notice } from "../ui/states.js";
import { Movements } from "./movements.js";

const { home, menu } = words;
const more = texts.menu;
const RECENT = 6;
const EVERY_MS = 15_000;

export function Home() {
  const wallet = useLoaded((signal) => call("GET /wallet", { signal }), []);
  const recent = useLoaded(
    (signal) => call("GET /wallet/transactions", { query: { limit: RECENT }, signal }), [],
  );
  useEffect(() => {
    const reload = () => { if (!document.hidden) { wallet.reload(); recent.reload(); } };
    const timer = setInterval(reload, EVERY_MS);
    const unfollow = follow({ onEvent: reload, onChange: () => {} });
    return () => { clearInterval(timer); unfollow(); };
  }, []);
  // A new notification usually means that money has moved.
  useEffect(() => {
    if (wallet.data) { wallet.reload(); recent.reload(); }
  }, [unread.value]);

  return html`<${View} title=${home.hello(user.value?.firstName ?? null)}>
    <${Loaded} of=${wallet} lines=${3}>${(/** @type {any} */ data) => html`
      ${data.isLocked && html`<${Notice} tone="danger">${home.locked}</${Notice}>`}
      <section class="balance-card" aria-label=${home.balance}>
        <div>
          <p class="balance-label">${home.available}</p>
          <p class="balance" data-testid="available">${money(data.available, data.currency)}</p>
          <dl class="balance-parts">
            <div><dt>${home.balance}</dt><dd>${money(data.balance, data.currency)}</dd></div>
            <div><dt>${home.held}</dt><dd>${money(data.held, data.currency)}</dd></div>
            <div><dt>${home.number}</dt><dd class="mono">${data.number}</dd></div>
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
      </section>`}
    </${Loaded}>
    <section class="card" aria-labelledby="recent">
      <div class="card-head">
        <h2 id="recent">${home.recent}</h2>
        <a href="/app/transactions">${home.everything}</a>
      </div>
      <${Loaded} of=${recent} lines=${RECENT}>${(/** @type {any} */ data) => (data.data.length
        ? html`<${Movements} rows=${data.data} />`
        : html`<${Empty} icon="activity" title=${home.empty} text=${home.emptyText}>
            <a class="button primary" href="/app/add-money">${menu.addMoney}</a>
          </${Empty}>`)}
      </${Loaded}>
    </section>
  </${View}>`;
}
