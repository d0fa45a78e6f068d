// @ts-check
// What buyers see of refunds: ask for one, withdraw the request, and what was paid back.

import { useState } from "preact/hooks";
import { call, callList } from "../api/client.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, FormProblem, Invalid, Select, Submit, TextArea, useForm } from "../ui/form.js";
import { count, dateTime, minus, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../api/schema.js").OrderDetail} OrderDetail */
/** @typedef {import("../api/schema.js").RefundRequest} RefundRequest */
/** @typedef {import("../api/schema.js").Refund} Refund */

const { refund } = texts;
export const REQUEST_TONES = { OPEN: "warning", APPROVED: "success", DECLINED: "danger", WITHDRAWN: "neutral" };
const PAGE = 100;

/** @param {{order: OrderDetail, onChange: () => void}} props onChange: the order may have changed */
export function Refunds({ order, onChange }) {
  const [isAsking, setAsking] = useState(false);
  const loaded = useLoaded(async (signal) => {
    const [requests, refunds] = await Promise.all([
      call("GET /refund-requests", { query: { role: "buyer", orderId: order.id, limit: PAGE }, signal }),
      callList("GET /orders/{order_id}/refunds", { path: { order_id: order.id }, query: { limit: PAGE }, signal }),
    ]);
    return { requests: requests.data, refunds: refunds.data };
  }, [order.id, order.refundedAmount]);
  const left = minus(order.amount, order.refundedAmount);
  const isRefundable = order.status === "COMPLETED" && order.giveawayId === null && /[1-9]/.test(left);
  const done = (/** @type {string} */ text) => () => { setAsking(false); toast(text); loaded.reload(); onChange(); };
  return html`<${Loaded} of=${loaded} lines=${2}>${(/** @type {any} */ { requests, refunds }) => {
    const isOpen = requests.some((/** @type {RefundRequest} */ each) => each.status === "OPEN");
    if (!isRefundable && !requests.length && !refunds.length) return null;
    return html`<section class="card stack" aria-labelledby="refund-title">
      <h2 id="refund-title">${refund.title}</h2>
      ${refunds.length > 0 && html`<ul class="list">${refunds.map((/** @type {Refund} */ each) => html`<${Paid} key=${each.id} row=${each} />`)}</ul>`}
      ${requests.length > 0 && html`<ul class="list">${requests.map((/** @type {RefundRequest} */ each) => html`
        <${Asked} key=${each.id} row=${each} onDone=${done(refund.withdrawn)} />`)}</ul>`}
      ${isAsking && html`<${Ask} order=${order} left=${left} onDone=${done(refund.sent)} onClose=${() => setAsking(false)} />`}
      ${!isAsking && isRefundable && !isOpen && html`<div class="actions">
        <button class="button" type="button" onClick=${() => setAsking(true)}>${refund.ask}</button></div>`}
    </section>`;
  }}</${Loaded}>`;
}

/** @param {{row: Refund}} props */
function Paid({ row }) {
  return html`<li class="session">
    <span class="grow"><strong>${money(row.amount, row.currency)}</strong>
      <span class="muted"> ${refund.destinations[row.destination]}${row.byPlatform ? `, ${refund.byPlatform}` : ""}</span>
      <span class="muted block">${dateTime(row.createdAt)}${row.reason && html` · <span dir="auto">${row.reason}</span>`}</span></span>
    <${Badge} tone=${row.status === "SUCCEEDED" ? "success" : "warning"}>${refund.refundStates[row.status]}</${Badge}>
  </li>`;
}

/** What the buyer wants back. @param {RefundRequest} row */
export function wanted({ amount, units, currency }) {
  if (amount !== null) return money(amount, currency);
  return units === null ? refund.wholeOrder : refund.unitsOf(count(units));
}

/** @param {{row: RefundRequest, onDone: () => void}} props */
function Asked({ row, onDone }) {
  const what = wanted(row);
  return html`<li class="session">
    <span class="grow"><strong>${what}</strong>
      <span class="block" dir="auto">${row.reason}</span>
      ${row.answer && html`<span class="block" dir="auto">${refund.answer(row.answer)}</span>`}
      <span class="muted block">${dateTime(row.createdAt)}</span></span>
    <${Badge} tone=${REQUEST_TONES[row.status]}>${refund.states[row.status]}</${Badge}>
    ${row.status === "OPEN" && html`<${ConfirmButton} label=${refund.withdraw} name="withdraw-${row.id}" title=${refund.withdrawTitle}
      text=${refund.withdrawText} action=${refund.withdraw} tone="primary" send=${async (/** @type {any} */ { key }) => {
        await call("POST /refund-requests/{refund_request_id}/withdraw", { path: { refund_request_id: row.id }, key });
        return onDone;
      }} />`}
  </li>`;
}

/** @param {{order: OrderDetail, left: string, onDone: () => void, onClose: () => void}} props left: to refund */
function Ask({ order, left, onDone, onClose }) {
  const units = order.quantity - order.refundedUnits;
  const initial = { what: "whole", units: "1", amount: "", reason: "" };
  const form = useForm("refund-request", initial, async (values, { key }) => {
    if (!values.reason.trim()) throw new Invalid({ reason: refund.reasonMissing });
    const typed = values.units.trim();
    const isCount = /^[1-9]\d{0,6}$/.test(typed) && Number(typed) <= units;
    if (values.what === "units" && !isCount) throw new Invalid({ units: refund.wrongUnits(count(units)) });
    const body = {
      reason: values.reason.trim(),
      ...(values.what === "units" ? { units: Number(typed) } : {}),
      ...(values.what === "part" ? { amount: requireAmount(values.amount, order.currency) } : {}),
    };
    await call("POST /orders/{order_id}/refund-requests", { path: { order_id: order.id }, body, key });
    return onDone;
  });
  /** @type {[string, string][]} */
  const choices = [["whole", refund.whole(money(left, order.currency))]];
  if (units > 1) choices.push(["units", refund.units]);
  choices.push(["part", refund.part]);
  return html`<form class="stack" ...${form.form} aria-labelledby="refund-title">
    <p class="muted">${refund.text(order.merchant.name)}</p>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Select} ...${form.field("what")} label=${refund.what} options=${choices} />
    ${form.values.what === "units" && html`<${Field} ...${form.field("units")} label=${refund.count}
      hint=${refund.countHint(count(units))} class="input" inputmode="numeric" />`}
    ${form.values.what === "part" && html`<${MoneyField} ...${form.field("amount")} label=${refund.amount} currency=${order.currency} />`}
    <${TextArea} ...${form.field("reason")} label=${refund.reason} rows=${3} maxlength="500" />
    <div class="actions">
      <${Submit} isBusy=${form.isBusy}>${refund.submit}</${Submit}>
      <button class="button" type="button" onClick=${onClose}>${words.cancel}</button>
    </div>
  </form>`;
}
