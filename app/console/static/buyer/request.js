// @ts-check
// Request money: a link and a QR code, for one person or for anyone.

import { call, download, user } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { ConfirmButton } from "../ui/confirm.js";
import { CopyButton } from "../ui/copy.js";
import { CsvButton } from "../ui/csv.js";
import { Facts } from "../ui/facts.js";
import { Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { dateTime, money, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { navigate } from "../ui/router.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { useImage } from "../ui/image.js";
import { usePolling } from "../ui/poll.js";
import { identify } from "./payee.js";

/** @typedef {import("../api/schema.js").PaymentRequest} PaymentRequest */

const { request } = texts;
const TONES = { OPEN: "warning", PAID: "success", DECLINED: "danger", CANCELLED: "neutral", EXPIRED: "neutral" };
const DEFAULT_PERIOD = "604800";
const LATEST = 5;

/** @param {PaymentRequest} row */
function isMine(row) {
  return row.requester.id === user.value?.id;
}

/** @param {PaymentRequest} row */
function amountOf(row) {
  return row.amount === null ? request.open : money(row.amount, row.currency);
}

/** Who asks whom. @param {PaymentRequest} row */
function partiesOf(row) {
  if (!isMine(row)) return request.asksYou(row.requester.name);
  const payer = row.payer?.name ?? row.payer?.email;
  return payer ? request.asked(payer) : request.askedAnyone;
}

export function Request() {
  const loaded = useLoaded(async (signal) => {
    const [wallet, latest] = await Promise.all([
      call("GET /wallet", { signal }),
      call("GET /payment-requests", { query: { limit: LATEST }, signal }),
    ]);
    return { currency: wallet.currency, latest: latest.data };
  }, []);
  return html`<${View} title=${request.title} text=${request.text} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ { currency, latest }) => html`
      <${NewRequest} currency=${currency} />
      ${latest.length > 0 && html`<section class="card" aria-labelledby="latest">
        <div class="card-head"><h2 id="latest">${request.latest}</h2>
          <a href="/app/request/all">${request.everything}</a></div>
        <${Rows} rows=${latest} />
      </section>`}`}
    </${Loaded}>
  </${View}>`;
}

/** What is wrong with the payer belongs beside their field. @param {any} error @returns {never} */
function besidePayer(error) {
  const inField = error.status === 404 || error.code === "CANNOT_TRANSFER_TO_SELF" || error.code === "RECIPIENT_NOT_VERIFIED";
  const given = error.details?.payer;
  if (given) throw new Invalid({ payer: Object.values(given).flat().join(" ") });
  if (inField) throw new Invalid({ payer: error.message });
  throw error;
}

/** @param {{currency: string}} props */
function NewRequest({ currency }) {
  const initial = { amount: "", payer: "", note: "", expiresIn: DEFAULT_PERIOD };
  const form = useForm("payment-request", initial, async (values, { key }) => {
    const payer = values.payer.trim();
    const body = {
      ...(values.amount.trim() ? { amount: requireAmount(values.amount, currency) } : {}),
      ...(payer ? { payer: identify(payer) } : {}),
      note: values.note.trim() || null,
      expiresIn: Number(values.expiresIn),
    };
    const made = await call("POST /payment-requests", { body, key }).catch(besidePayer);
    return () => navigate(`/request/${made.id}`);
  });
  return html`<form class="card stack" ...${form.form}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${MoneyField} ...${form.field("amount")} label=${request.amount} hint=${request.amountHint}
      currency=${currency} isOptional />
    <${Field} ...${form.field("payer")} label=${request.from} hint=${request.fromHint} isOptional
      class="input" autocomplete="off" autocapitalize="none" spellcheck=${false} />
    <${Field} ...${form.field("note")} label=${request.note} hint=${request.noteHint} isOptional
      class="input" maxlength="200" autocomplete="off" dir="auto" />
    <${Select} ...${form.field("expiresIn")} label=${request.expires} options=${Object.entries(request.periods)} />
    <${Submit} isBusy=${form.isBusy}>${request.submit}</${Submit}>
  </form>`;
}

/** @param {{rows: PaymentRequest[]}} props */
function Rows({ rows }) {
  return html`<ul class="list">${rows.map((row) => html`<li key=${row.id}>
    <a class="list-row" href="/app/request/${row.id}">
      <span><strong dir="auto">${row.note ?? partiesOf(row)}</strong>
        <span class="muted block">${row.note && html`<span dir="auto">${partiesOf(row)}</span> · `}${shortTime(row.createdAt)}</span></span>
      <span class="list-end"><strong>${amountOf(row)}</strong>
        <${Badge} tone=${TONES[row.status]}>${request.states[row.status]}</${Badge}></span>
    </a></li>`)}</ul>`;
}

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [{ name: "role", label: request.filter, options: Object.entries(request.roles) }];

/** @type {import("../ui/csv.js").Cells<PaymentRequest>} */
const CELLS = [
  ["paymentRequestId", ({ id }) => id], "createdAt", "status", "amount", "currency",
  ["from", ({ requester }) => requester.name], ["to", ({ payer }) => payer?.name ?? payer?.email ?? null], "note",
  "closedAt",
];

/** All requests, by whom they are made. */
export function Requests() {
  const loaded = useList("GET /payment-requests", { filters: FILTERS });
  return html`<${View} title=${request.everything} back=${["/request", request.title]}
    actions=${html`<${CsvButton} of=${loaded} name="payment-requests" cells=${CELLS} />`}>
    <${List} of=${loaded} filters=${FILTERS} caption=${request.everything} icon="request" empty=${request.empty}
      emptyText=${request.emptyText} rows=${(/** @type {PaymentRequest[]} */ rows) => html`<${Rows} rows=${rows} />`}>
      <a class="button primary" href="/app/request">${request.title}</a>
    </${List}>
  </${View}>`;
}

/** One request, for the person who made it and for the one who is asked. @param {{id: string}} props */
export function OneRequest({ id }) {
  const path = { payment_request_id: id };
  const loaded = useLoaded((signal) => call("GET /payment-requests/{payment_request_id}", { path, signal }), [id]);
  usePolling(loaded.reload, loaded.data?.status === "OPEN");
  return html`<${View} title=${request.one} back=${["/request", request.title]} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {PaymentRequest} */ row) => html`
      <section class="card stack">
        <div class="request-head" aria-live="polite">
          <p class="price">${amountOf(row)}</p>
          <${Badge} tone=${TONES[row.status]}>${request.states[row.status]}</${Badge}>
          ${row.note && html`<p dir="auto">${row.note}</p>`}
        </div>
        ${row.status === "OPEN" && isMine(row) && html`<${Share} row=${row} />`}
        ${row.status === "OPEN" && html`<${Actions} row=${row} onDone=${loaded.reload} />`}
      </section>
      <${About} row=${row} />`}
    </${Loaded}>
  </${View}>`;
}

/** The QR code and the link. @param {{row: PaymentRequest}} props */
function Share({ row }) {
  const image = useImage((signal) => download("GET /payment-requests/{payment_request_id}/qr.svg", {
    path: { payment_request_id: row.id }, signal,
  }), [row.id]);
  const share = () => navigator.share({ title: row.note ?? request.one, url: row.link }).catch(() => {});
  return html`<div class="share">
    ${image ? html`<img class="qr" src=${image} alt=${request.qr} />` : html`<div class="qr" aria-hidden="true"></div>`}
    <p class="muted">${request.scan}</p>
    <p class="mono link-text">${row.link}</p>
    <div class="actions">
      <${CopyButton} text=${row.link} label=${request.copy} done=${request.copied} look="primary" />
      ${"share" in navigator && html`<button class="button" onClick=${share}>${request.share}</button>`}
    </div>
    <p class="muted">${request.waiting}</p>
  </div>`;
}

/** @param {{row: PaymentRequest, onDone: () => void}} props */
function Actions({ row, onDone }) {
  const path = { payment_request_id: row.id };
  const after = (/** @type {string} */ text) => () => { toast(text); onDone(); };
  if (isMine(row)) {
    return html`<div class="actions"><${ConfirmButton} label=${request.cancel} name="cancel" title=${request.cancelTitle}
      text=${request.cancelText} action=${request.cancel} send=${async (/** @type {any} */ { key }) => {
        await call("POST /payment-requests/{payment_request_id}/cancel", { path, key });
        return after(request.cancelled);
      }} /></div>`;
  }
  return html`<div class="actions">
    <a class="button primary" href="/app/pay/${row.token}">${request.pay}</a>
    <${ConfirmButton} label=${request.decline} name="decline" title=${request.declineTitle}
      text=${request.declineText(row.requester.name)} action=${request.decline} send=${async (/** @type {any} */ { key }) => {
        await call("POST /payment-requests/{payment_request_id}/decline", { path, key });
        return after(request.declined);
      }} />
  </div>`;
}

/** @param {{row: PaymentRequest}} props */
function About({ row }) {
  const facts = [
    isMine(row)
      ? [request.payer, row.payer ? row.payer.name ?? row.payer.email : request.anyone]
      : [request.requester, html`<span dir="auto">${row.requester.name}</span>`],
    [request.created, dateTime(row.createdAt)],
    row.status === "OPEN" ? [request.until, dateTime(row.expiresAt)] : null,
    row.closedAt ? [request.closed, dateTime(row.closedAt)] : null,
  ];
  return html`<section class="card"><${Facts} facts=${facts} /></section>`;
}
