// @ts-check
// One user: profile, wallets and sessions, and what an operator can do about them.

import { call, user as self } from "../api/client.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { Facts } from "../ui/facts.js";
import { count, date, dateTime, programName } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Badge, Notice } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { Action } from "./action.js";
import { nameOf } from "./parts.js";
import { ROLE_TONES } from "./users.js";
import { LockAction, WalletState, WalletSums } from "./wallets.js";

/** @typedef {import("../api/schema.js").UserDetail} UserDetail */
/** @typedef {import("../api/schema.js").UserWallet} UserWallet */

const { users, user1: text, wallets: walletText } = operations;

/** @param {{id: string}} props */
export function UserTabs({ id }) {
  return html`<${Tabs} label=${text.tabs} tabs=${[
    [`/operator/users/${id}`, text.profile], [`/operator/users/${id}/limits`, text.limitsTab],
  ]} />`;
}

/** @param {{id: string}} props */
export function UserProfile({ id }) {
  const loaded = useLoaded((signal) => call("GET /admin/users/{user_id}", { path: { user_id: id }, signal }), [id]);
  const title = loaded.data ? nameOf(loaded.data.user) : users.title;
  return html`<${View} title=${title} back=${["/operator/users", users.back]}
    actions=${loaded.data && html`<${Changes} detail=${loaded.data} reload=${loaded.reload} />`}>
    <${UserTabs} id=${id} />
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {UserDetail} */ detail) => html`
      ${id === self.value?.id && html`<${Notice} tone="info">${text.own}</${Notice}>`}
      <div class="sides">
        <div class="loaded">
          <${Profile} detail=${detail} />
          ${detail.wallets.map((wallet) => html`<${WalletCard} key=${wallet.id} wallet=${wallet} userId=${id} reload=${loaded.reload} />`)}
          <${Sessions} id=${id} />
        </div>
        <${Records} detail=${detail} />
      </div>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{detail: UserDetail, reload: () => void}} props */
function Changes({ detail, reload }) {
  const { user, twoFactor } = detail;
  if (user.id === self.value?.id) return null;
  const path = { user_id: user.id };
  const activity = user.isActive
    ? html`<${Action} name="deactivate" label=${text.deactivate} title=${text.deactivateTitle} text=${text.deactivateText}
        isDangerous done=${text.deactivated} onDone=${reload}
        send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/users/{user_id}/deactivate", { path, body, ...sending })} />`
    : html`<${Action} name="activate" label=${text.activate} title=${text.activateTitle} text=${text.activateText}
        done=${text.activated} onDone=${reload}
        send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/users/{user_id}/activate", { path, body, ...sending })} />`;
  return html`
    ${twoFactor.enabled && html`<${Action} name="reset-two-factor" label=${text.reset} title=${text.resetTitle}
      text=${text.resetText} isDangerous done=${text.resetDone} onDone=${reload}
      send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/users/{user_id}/reset-two-factor", { path, body, ...sending })} />`}
    ${activity}`;
}

/** An address and whether it is verified. @param {string | null} address @param {string | null} since */
function verified(address, since) {
  if (!address) return operations.none;
  return html`<span dir="auto">${address}</span> ${since
    ? html`<${Badge} tone="success">${text.verified}</${Badge}>` : html`<${Badge}>${text.unverified}</${Badge}>`}`;
}

/** @param {{detail: UserDetail}} props */
function Profile({ detail: { user, twoFactor } }) {
  return html`<section class="card" aria-label=${text.profile}>
    <${Facts} facts=${[
      [users.state, user.isActive ? html`<${Badge} tone="success">${users.states.ACTIVE}</${Badge}>`
        : html`<${Badge} tone="danger">${users.states.DEACTIVATED}</${Badge}>`],
      [users.role, html`<${Badge} tone=${ROLE_TONES[user.role]}>${users.roles[user.role]}</${Badge}>`],
      user.shopName && [text.shop, html`<span dir="auto">${user.shopName}</span>`],
      [text.email, verified(user.email, user.emailVerifiedAt)],
      [text.phone, verified(user.phone, user.phoneVerifiedAt)],
      [text.secondFactor, twoFactor.enabled && twoFactor.confirmedAt
        ? text.factorOn(date(twoFactor.confirmedAt), count(twoFactor.recoveryCodesLeft)) : text.factorOff],
      [text.registered, dateTime(user.createdAt)],
      [users.lastSeen, user.lastLoginAt ? dateTime(user.lastLoginAt) : users.never],
      [text.habits, `${user.locale}, ${user.timeZone.replaceAll("_", " ")}`],
      [text.id, html`<span class="mono">${user.id}</span>`],
    ]} />
  </section>`;
}

/** @param {{wallet: UserWallet, userId: string, reload: () => void}} props */
function WalletCard({ wallet, userId, reload }) {
  const heading = `wallet-${wallet.id}`;
  return html`<section class="card stack" aria-labelledby=${heading}>
    <div class="card-head">
      <h2 id=${heading}>${walletText.one} ${wallet.currency} <${WalletState} wallet=${wallet} /></h2>
      <a href="/app/operator/users/${userId}/wallets/${wallet.id}">${walletText.postings}</a>
    </div>
    <${WalletSums} wallet=${wallet} />
    <div class="actions"><${LockAction} wallet=${wallet} reload=${reload} /></div>
  </section>`;
}

/** @param {{id: string}} props */
function Sessions({ id }) {
  const path = { user_id: id };
  const loaded = useLoaded((signal) => call("GET /admin/users/{user_id}/sessions", { path, query: { limit: 50 }, signal }), [id]);
  const any = loaded.data !== null && loaded.data.data.length > 0;
  return html`<section class="card" aria-labelledby="sessions-title">
    <div class="card-head"><div><h2 id="sessions-title">${text.sessions}</h2><p class="muted">${text.sessionsText}</p></div>
      ${any && html`<${Action} name="end-sessions" label=${text.end} title=${text.endTitle} text=${text.endText} isDangerous
        done=${text.ended} onDone=${loaded.reload}
        send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/users/{user_id}/revoke-sessions", { path, body, ...sending })} />`}
    </div>
    <${Loaded} of=${loaded} lines=${3}>${() => (any
      ? html`<ul class="list">${loaded.data?.data.map((row) => html`<li key=${row.id} class="session">
          <span class="grow"><strong>${row.userAgent ? programName(row.userAgent) : text.unknown}</strong>
            <span class="muted block">${[row.address, text.lastUsed(dateTime(row.lastUsedAt)), text.since(dateTime(row.createdAt))].filter(Boolean).join(" · ")}</span></span>
        </li>`)}</ul>`
      : html`<p class="muted">${text.noSessions}</p>`)}</${Loaded}>
  </section>`;
}

/** @param {{detail: UserDetail}} props */
function Records({ detail: { user } }) {
  const { links } = text;
  const all = [
    [`/operator/orders?buyerId=${user.id}`, links.bought],
    user.role === "MERCHANT" && [`/operator/orders?merchantId=${user.id}`, links.sold],
    [`/operator/bank?userId=${user.id}`, links.onramps],
    [`/operator/bank/payouts?userId=${user.id}`, links.payouts],
    user.role === "ADMIN" && [`/operator/audit?actorId=${user.id}`, links.done],
    [`/operator/audit?targetId=${user.id}`, links.audit],
  ];
  return html`<nav class="card" aria-labelledby="records-title">
    <h2 id="records-title">${text.more}</h2>
    <ul class="list">
      ${all.map((link) => link && html`<li key=${link[0]}><a class="list-row" href="/app${link[0]}"><strong>${link[1]}</strong></a></li>`)}
    </ul>
  </nav>`;
}
