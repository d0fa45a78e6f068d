// @ts-check
// Withdraw money: to a saved bank account, and in development without a bank.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { Field, FormProblem, Select, Submit, useForm } from "../ui/form.js";
import { useState } from "preact/hooks";
import { CsvButton } from "../ui/csv.js";
import { Facts } from "../ui/facts.js";
import { dateTime, money, parseAmount, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { usePolling } from "../ui/poll.js";
import { navigate } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { accountName } from "./bank-accounts.js";
import { UnderReview, isUnderReview } from "./review.js";

/** @typedef {import("../api/schema.js").Payout} Payout */
/** @typedef {import("../api/schema.js").BankAccount} BankAccount */

const { withdraw } = texts;
const TONES = { PENDING: "warning", SUBMITTED: "warning", PAID: "success", REFUSED: "danger" };
const ICONS = { PENDING: "clock", SUBMITTED: "bank", PAID: "check", REFUSED: "cross" };
const LATEST = 5;
const canSkipBank = document.querySelector("meta[name=deposits]")?.getAttribute("content") === "yes";

export function Withdraw() {
  const [review, setReview] = useState(/** @type {any} */ (null));
  const loaded = useLoaded(async (signal) => {
    const [accounts, wallet, latest] = await Promise.all([
      call("GET /wallet/bank-accounts", { signal }),
      call("GET /wallet", { signal }),
      call("GET /wallet/payouts", { query: { limit: LATEST }, signal }),
    ]);
    return { accounts, wallet, latest: latest.data };
  }, []);
  const manage = html`<a class="button" href="/app/settings/bank-accounts">${withdraw.manage}</a>`;
  return html`<${View} title=${withdraw.title} text=${withdraw.text} actions=${manage} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ { accounts, wallet, latest }) => (review
      ? html`<section class="card" aria-live="polite"><${UnderReview} review=${review} /></section>`
      : html`
        ${accounts.length
          ? html`<${ToBank} accounts=${accounts} wallet=${wallet} onReview=${setReview} />`
          : html`<section class="card"><${Empty} icon="bank" title=${withdraw.none} text=${withdraw.noneText}>
              <a class="button primary" href="/app/settings/bank-accounts">${withdraw.add}</a>
            </${Empty}></section>`}
        ${canSkipBank && html`<${WithoutBank} currency=${wallet.currency} onReview=${setReview} />`}
        ${latest.length > 0 && html`<section class="card" aria-labelledby="latest">
          <div class="card-head"><h2 id="latest">${withdraw.latest}</h2>
            <a href="/app/withdraw/all">${withdraw.everything}</a></div>
          <${PayoutRows} rows=${latest} />
        </section>`}`)}
    </${Loaded}>
  </${View}>`;
}

/** @param {{accounts: BankAccount[], wallet: any, onReview: (review: any) => void}} props */
function ToBank({ accounts, wallet, onReview }) {
  const { currency } = wallet;
  const initial = { bankAccountId: accounts[0].id, amount: "", description: "" };
  const form = useForm("payout", initial, async (values, { key, code }) => {
    const amount = requireAmount(values.amount, currency);
    const body = { bankAccountId: values.bankAccountId, amount, description: values.description.trim() || null };
    const made = await call("POST /wallet/payouts", { body, key, code });
    return () => (isUnderReview(made) ? onReview(made) : navigate(`/withdraw/${made.id}`));
  }, { isPayment: true });
  const read = parseAmount(form.values.amount, currency);
  const label = "amount" in read ? withdraw.submitAmount(money(read.amount, currency)) : withdraw.submit;
  return html`<form class="card stack" ...${form.form}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${MoneyField} ...${form.field("amount")} label=${withdraw.amount} currency=${currency}
      hint=${withdraw.available(money(wallet.available, currency))} />
    <${Select} ...${form.field("bankAccountId")} label=${withdraw.account}
      options=${accounts.map((account) => [account.id, accountName(account)])} />
    <${Field} ...${form.field("description")} label=${withdraw.note} hint=${withdraw.noteHint} isOptional
      class="input" maxlength="200" autocomplete="off" dir="auto" />
    <${Submit} isBusy=${form.isBusy}>${label}</${Submit}>
  </form>`;
}

/** @param {{currency: string, onReview: (review: any) => void}} props */
function WithoutBank({ currency, onReview }) {
  const form = useForm("withdrawal", { amount: "" }, async (values, { key, code }) => {
    const amount = requireAmount(values.amount, currency);
    const made = await call("POST /wallet/withdraw", { body: { amount }, key, code });
    return () => {
      if (isUnderReview(made)) return onReview(made);
      toast(withdraw.withdrawn(money(amount, currency)));
      return navigate("/");
    };
  }, { isPayment: true });
  return html`<form class="card stack" ...${form.form} aria-labelledby="without-bank">
    <div><h2 id="without-bank">${withdraw.test}</h2><p class="muted">${withdraw.testText}</p></div>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${MoneyField} ...${form.field("amount")} id="withdrawal-amount" label=${withdraw.amount} currency=${currency} />
    <button class="button" type="submit" aria-disabled=${form.isBusy ? "true" : null}>${withdraw.testSubmit}</button>
  </form>`;
}

/** @param {{rows: Payout[]}} props */
export function PayoutRows({ rows }) {
  return html`<ul class="list">${rows.map((row) => html`<li key=${row.id}>
    <a class="list-row" href="/app/withdraw/${row.id}">
      <span><strong dir="auto">${accountName(row.bankAccount)}</strong>
        <span class="muted block">${row.description && html`<span dir="auto">${row.description}</span> · `}${shortTime(row.createdAt)}</span></span>
      <span class="list-end"><strong>${money(row.amount, row.currency)}</strong>
        <${Badge} tone=${TONES[row.status]}>${withdraw.states[row.status]}</${Badge}></span>
    </a></li>`)}</ul>`;
}

/** @type {import("../ui/csv.js").Cells<Payout>} */
const CELLS = [
  ["payoutId", ({ id }) => id], "createdAt", "status", "amount", "currency",
  ["bankAccount", ({ bankAccount }) => accountName(bankAccount)], "description", "settledAt", "bankReference",
  "reason",
];

/** @param {{of: any}} props of: from `useList` */
export function ExportPayouts({ of: loaded }) {
  return html`<${CsvButton} of=${loaded} name="payouts" cells=${CELLS} />`;
}

export function Withdrawals() {
  const loaded = useList("GET /wallet/payouts");
  return html`<${View} title=${withdraw.everything} back=${["/withdraw", withdraw.title]}
    actions=${html`<${ExportPayouts} of=${loaded} />`}>
    <${List} of=${loaded} caption=${withdraw.everything} icon="bank" empty=${withdraw.empty} emptyText=${withdraw.emptyText}
      rows=${(/** @type {Payout[]} */ rows) => html`<${PayoutRows} rows=${rows} />`}>
      <a class="button primary" href="/app/withdraw">${withdraw.title}</a>
    </${List}>
  </${View}>`;
}

/** One payout; waits for the bank. @param {{id: string}} props */
export function OneWithdrawal({ id }) {
  const loaded = useLoaded((signal) => call("GET /wallet/payouts/{payout_id}", { path: { payout_id: id }, signal }), [id]);
  usePolling(loaded.reload, ["PENDING", "SUBMITTED"].includes(loaded.data?.status ?? ""));
  return html`<${View} title=${withdraw.one} back=${["/withdraw", withdraw.title]} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {Payout} */ row) => html`
      <section class="card" aria-live="polite">
        <${Empty} icon=${ICONS[row.status]} tone=${row.status === "PAID" ? "success" : row.status === "REFUSED" ? "danger" : ""}
          title=${withdraw.titles[row.status]} text=${withdraw.texts[row.status]}>
          <p class="price">${money(row.amount, row.currency)}</p>
        </${Empty}>
      </section>
      <${About} row=${row} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{row: Payout}} props */
function About({ row }) {
  const facts = [
    [withdraw.status, html`<${Badge} tone=${TONES[row.status]}>${withdraw.states[row.status]}</${Badge}>`],
    [withdraw.account, html`<span dir="auto">${accountName(row.bankAccount)}</span>`],
    row.description ? [withdraw.note, html`<span dir="auto">${row.description}</span>`] : null,
    [withdraw.requested, dateTime(row.createdAt)],
    row.settledAt ? [withdraw.settled, dateTime(row.settledAt)] : null,
    row.bankReference ? [withdraw.reference, html`<span class="mono">${row.bankReference}</span>`] : null,
    row.reason ? [withdraw.reason, row.reason] : null,
  ];
  return html`<section class="card"><${Facts} facts=${facts} /></section>`;
}
