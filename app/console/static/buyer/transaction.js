// @ts-check
// One transaction: what has moved the money, and its receipt.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { toast } from "../ui/toast.js";
import { accountName } from "./bank-accounts.js";
import { SignedAmount, describe } from "./movements.js";
import { OpenPage, ReceiptLink, pathOf } from "./receipt.js";

/** @typedef {import("../api/schema.js").Transaction} Transaction */
/** @typedef {import("../api/schema.js").Transfer} Transfer */

/**
 * What a transaction belongs to: facts about it, and what can be done with it.
 * @typedef {{facts: [string, any][], actions?: any, transfer?: Transfer}} Origin
 */

const { transaction } = texts;
const { activity } = words;
const OF_BUYERS = ["PAYMENT", "REFUND"];

/** @param {{id: string}} props */
export function Transaction({ id }) {
  const loaded = useLoaded(async (signal) => {
    const row = await call("GET /wallet/transactions/{transaction_id}", { path: { transaction_id: id }, signal });
    return { row, origin: await originOf(row, signal) };
  }, [id]);
  return html`<${View} title=${transaction.title} back=${["/transactions", activity.title]} narrow>
    <${Loaded} of=${loaded} lines=${7}>${(/** @type {{row: Transaction, origin: Origin}} */ { row, origin }) => html`
      <section class="card stack">
        <div class="request-head">
          <p class="request-about" dir="auto">${describe(row)}</p>
          <p class="price"><${SignedAmount} row=${row} /></p>
          <p class="muted">${dateTime(row.createdAt, { dateStyle: "full", timeStyle: "long" })}</p>
        </div>
        <div class="actions">
          ${origin.actions}
          <button class="button" type="button" onClick=${() => window.print()}><${Icon} name="print" />${transaction.print}</button>
        </div>
      </section>
      <section class="card"><${Facts} facts=${[
          [transaction.type, activity.types[row.type]], ...origin.facts,
          [transaction.before, money(row.balanceBefore, row.currency)],
          [transaction.after, money(row.balanceAfter, row.currency)],
          [transaction.id, html`<span class="mono">${row.id}</span>`],
        ]} /></section>
      ${origin.transfer?.direction === "OUT" && html`<${Share} transfer=${origin.transfer} />`}`}
    </${Loaded}>
  </${View}>`;
}

/** @param {Transaction} row @param {AbortSignal} signal @returns {Promise<Origin>} */
async function originOf(row, signal) {
  const id = row.referenceId ?? "";
  try {
    if (row.orderNumber) return await ofOrder(row, row.orderNumber, signal);
    if (row.referenceType === "transfer") {
      return ofTransfer(await call("GET /transfers/{transfer_id}", { path: { transfer_id: id }, signal }));
    }
    if (row.referenceType === "payout") {
      const payout = await call("GET /wallet/payouts/{payout_id}", { path: { payout_id: id }, signal });
      return {
        facts: [[transaction.account, html`<span dir="auto">${accountName(payout.bankAccount)}</span>`]],
        actions: html`<a class="button primary" href="/app/withdraw/${id}">${transaction.payout}</a>`,
      };
    }
    if (row.referenceType === "onramp") {
      const onramp = await call("GET /onramp/{onramp_id}", { path: { onramp_id: id }, signal });
      return {
        facts: [[transaction.bank, onramp.providerName]],
        actions: html`<a class="button primary" href="/app/add-money/${id}">${transaction.onramp}</a>`,
      };
    }
  } catch (error) {
    if (error.status !== 404) throw error; // the transaction itself is there
  }
  return { facts: [] };
}

/** @param {Transaction} row @param {string} number @param {AbortSignal} signal @returns {Promise<Origin>} */
async function ofOrder(row, number, signal) {
  const fact = /** @type {[string, any]} */ ([transaction.order, html`<span class="mono">${number}</span>`]);
  if (!OF_BUYERS.includes(row.type)) {
    const sale = `/app/merchant/orders?number=${encodeURIComponent(number)}`;
    return { facts: [[transaction.order, html`<a class="mono" href=${sale}>${number}</a>`]] };
  }
  const { data: [order] } = await call("GET /orders", { query: { number, limit: 1 }, signal });
  if (!order) return { facts: [fact] };
  const receipt = async () => {
    const { url } = await call("GET /orders/{order_id}/page", { path: { order_id: order.id } });
    return `${pathOf(url)}/receipt`;
  };
  return {
    facts: [[transaction.order, html`<a class="mono" href="/app/purchases/${order.id}">${number}</a>`]],
    actions: html`<${OpenPage} load=${receipt} look="primary">${transaction.receipt}</${OpenPage}>
      <a class="button" href="/app/purchases/${order.id}">${transaction.purchase}</a>`,
  };
}

/** @param {Transfer} transfer @returns {Origin} */
function ofTransfer(transfer) {
  const isOut = transfer.direction === "OUT";
  const name = (/** @type {{name: string}} */ party) => html`<span dir="auto">${party.name}</span>`;
  return {
    transfer,
    facts: [
      [transaction.from, isOut ? transaction.you : name(transfer.sender)],
      [transaction.to, isOut ? name(transfer.receiver) : transaction.you],
      ...(transfer.note ? [/** @type {[string, any]} */ ([transaction.note, html`<span dir="auto">${transfer.note}</span>`])] : []),
    ],
    actions: isOut && html`<${ReceiptLink} transferId=${transfer.id} look="primary" />`,
  };
}

/** The address of the receipt, to give to others. @param {{transfer: Transfer}} props */
function Share({ transfer }) {
  const path = { transfer_id: transfer.id };
  async function copy() {
    try {
      const { url } = await call("GET /transfers/{transfer_id}/receipt", { path });
      await navigator.clipboard.writeText(url);
      toast(transaction.shared);
    } catch (error) {
      toast(error.message || words.problems.offline);
    }
  }
  return html`<section class="card stack no-print" aria-label=${transaction.receipt}>
    <p class="muted">${transaction.shareText}</p>
    <div class="actions">
      ${navigator.clipboard && html`<button class="button" type="button" onClick=${copy}>
        <${Icon} name="copy" />${transaction.share}</button>`}
      <${ConfirmButton} label=${transaction.revoke} name="revoke" title=${transaction.revokeTitle} tone="primary"
        text=${transaction.revokeText} action=${transaction.revoke} send=${async (/** @type {any} */ { key }) => {
          await call("POST /transfers/{transfer_id}/receipt/revoke", { path, key });
          return () => toast(transaction.revoked);
        }} />
    </div>
  </section>`;
}
