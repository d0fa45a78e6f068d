// @ts-check
// Wallets, their postings, and locks.

import { call } from "../api/client.js";
import { SignedAmount, describe } from "../buyer/movements.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { dateTime, money } from "../ui/format.js";
import { AN_ID, filtered, periodFilters } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge, Empty, Notice } from "../ui/states.js";
import { Action } from "./action.js";
import { CURRENCIES, Person, nameOf } from "./parts.js";
import { AccountTabs } from "./users.js";

/** @typedef {import("../api/schema.js").ListedWallet} ListedWallet */
/** @typedef {import("../api/schema.js").UserWallet} UserWallet */
/** @typedef {import("../api/schema.js").Transaction} Transaction */

const { wallets: text } = operations;

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [
  { name: "number", label: text.number, only: /(\d[ -]?){12}/, hint: text.numberHint },
  { name: "userId", label: operations.userId, only: AN_ID, hint: operations.idHint },
  { name: "isLocked", label: text.isLocked, options: [["true", operations.yes], ["false", operations.no]] },
  { name: "currency", label: operations.currency, options: CURRENCIES.map((code) => [code, code]) },
];

/** @param {{wallet: {isLocked: boolean}}} props */
export function WalletState({ wallet }) {
  return wallet.isLocked ? html`<${Badge} tone="danger">${text.locked}</${Badge}>`
    : html`<${Badge} tone="success">${text.open}</${Badge}>`;
}

/** What is in a wallet, and why it is locked. @param {{wallet: UserWallet}} props */
export function WalletSums({ wallet }) {
  const sums = [
    [text.available, money(wallet.available, wallet.currency)], [text.balance, money(wallet.balance, wallet.currency)],
    [text.held, money(wallet.held, wallet.currency)], [text.number, html`<span class="mono">${wallet.number}</span>`],
  ];
  return html`
    ${wallet.lockReason && html`<${Notice} tone="danger"><span dir="auto">${wallet.lockReason}</span></${Notice}>`}
    <dl class="sums">${sums.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** @param {{wallet: UserWallet | ListedWallet, reload: () => void}} props */
export function LockAction({ wallet, reload }) {
  const path = { wallet_id: wallet.id };
  if (wallet.isLocked) {
    return html`<${Action} name="unlock-${wallet.id}" label=${text.unlock} aria=${text.unlockLabel(wallet.number)}
      title=${text.unlockTitle} text=${text.unlockText} done=${text.unlockDone} onDone=${reload}
      send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/wallets/{wallet_id}/unlock", { path, body, ...sending })} />`;
  }
  return html`<${Action} name="lock-${wallet.id}" label=${text.lock} aria=${text.lockLabel(wallet.number)} isDangerous
    title=${text.lockTitle} text=${text.lockText} done=${text.lockDone} onDone=${reload}
    send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/wallets/{wallet_id}/lock", { path, body, ...sending })} />`;
}

export function Wallets() {
  const loaded = useList("GET /admin/wallets", { filters: FILTERS });
  const columns = [
    { title: operations.user, kind: "main", cell: (/** @type {ListedWallet} */ row) => html`<${Person} user=${row.user} />` },
    { title: text.number, cell: (/** @type {ListedWallet} */ row) => html`
        <a class="mono" href="/app/operator/users/${row.user.id}/wallets/${row.id}">${row.number}</a>` },
    { title: text.balance, kind: "number", cell: (/** @type {ListedWallet} */ row) => money(row.balance, row.currency) },
    { title: text.available, kind: "number", cell: (/** @type {ListedWallet} */ row) => money(row.available, row.currency) },
    { title: operations.status, cell: (/** @type {ListedWallet} */ row) => html`<${WalletState} wallet=${row} />` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/wallets/export" name="wallets" query=${filtered(FILTERS)} />`;
  return html`<${View} title=${text.title} actions=${exporting}>
    <${AccountTabs} />
    <${List} look="stacked" of=${loaded} filters=${FILTERS} caption=${text.title} columns=${columns} empty=${text.empty} icon="bank" />
  </${View}>`;
}

/** @returns {import("../ui/filters.js").Filter[]} */
function postingFilters() {
  return [{ name: "type", label: text.type, options: Object.entries(operations.transactionTypes) }, ...periodFilters()];
}

/** @param {{id: string, wallet: string}} props id: of the owner */
export function WalletPage({ id, wallet }) {
  const owner = useLoaded((signal) => call("GET /admin/users/{user_id}", { path: { user_id: id }, signal }), [id]);
  const filters = postingFilters();
  const loaded = useList("GET /admin/wallets/{wallet_id}/transactions", { filters, path: { wallet_id: wallet }, sorts: BY_TIME });
  const found = owner.data?.wallets.find((each) => each.id === wallet);
  const title = owner.data ? `${text.one}: ${nameOf(owner.data.user)}` : text.one;
  const columns = [
    { title: text.what, kind: "main", cell: (/** @type {Transaction} */ row) => html`
        <span class="cell-title" dir="auto">${describe(row)}</span>
        <span class="muted">${operations.transactionTypes[row.type]}${row.orderNumber ? ` · ${row.orderNumber}` : ""}</span>` },
    { title: text.when, sorts: ["oldest", "newest"], cell: (/** @type {Transaction} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: operations.amount, kind: "number", cell: (/** @type {Transaction} */ row) => html`<${SignedAmount} row=${row} />` },
    { title: text.after, kind: "number", cell: (/** @type {Transaction} */ row) => money(row.balanceAfter, row.currency) },
  ];
  return html`<${View} title=${title} back=${[`/operator/users/${id}`, text.back]}
    actions=${found && html`
      <${ExportButton} from="GET /admin/wallets/{wallet_id}/transactions/export" path=${{ wallet_id: wallet }}
        name="transactions" query=${filtered(filters)} />
      <${LockAction} wallet=${found} reload=${owner.reload} />`}>
    <section class="card stack" aria-label=${text.one}>
      <${Loaded} of=${owner} lines=${3}>${() => (found
        ? html`<p><${WalletState} wallet=${found} /></p><${WalletSums} wallet=${found} />`
        : html`<${Empty} title=${text.empty} />`)}</${Loaded}>
    </section>
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${text.postings} columns=${columns}
      empty=${text.noPostings} icon="activity" />
  </${View}>`;
}
