// @ts-check
// Add money: from a bank, and in development by a deposit.

import { useEffect, useState } from "preact/hooks";
import { ApiError, call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { FormProblem, Select, Submit, useForm } from "../ui/form.js";
import { money, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { usePolling } from "../ui/poll.js";
import { BASE, navigate } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../api/schema.js").Onramp} Onramp */

const { addMoney } = words;
const TONES = { PROCESSING: "warning", SUCCESS: "success", FAILURE: "danger", EXPIRED: "neutral" };
const canDeposit = document.querySelector("meta[name=deposits]")?.getAttribute("content") === "yes";
const POLL_MS = 1500;

export function AddMoney() {
  const loaded = useLoaded(async (signal) => {
    const [banks, wallet, earlier] = await Promise.all([
      call("GET /onramp/providers", { signal }),
      call("GET /wallet", { signal }),
      call("GET /onramp", { query: { limit: 5 }, signal }),
    ]);
    return { banks, wallet, earlier: earlier.data };
  }, []);
  return html`<${View} title=${addMoney.title} text=${addMoney.text} narrow>
    <${Loaded} of=${loaded} lines=${5}>${(/** @type {any} */ data) => html`
      ${data.banks.length
        ? html`<${FromBank} banks=${data.banks} currency=${data.wallet.currency} />`
        : html`<${Empty} icon="bank" title=${addMoney.none} />`}
      ${canDeposit && html`<${Deposit} currency=${data.wallet.currency} />`}
      ${data.earlier.length > 0 && html`<${Earlier} rows=${data.earlier} />`}`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{banks: {code: string, name: string}[], currency: string}} props */
function FromBank({ banks, currency }) {
  const initial = { provider: banks[0].code, amount: "" };
  const form = useForm("onramp", initial, async (values, { key }) => {
    const amount = requireAmount(values.amount, currency);
    const returnUrl = `${window.location.origin}${BASE}/add-money/latest`;
    const body = { provider: values.provider, amount, returnUrl };
    const made = await call("POST /onramp", { body, key });
    return () => {
      navigate(`/add-money/${made.id}`);
      if (made.paymentUrl) window.location.assign(made.paymentUrl);
    };
  }, { isPayment: true, isFirst: true });
  return html`<form class="card stack" ...${form.form}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${MoneyField} ...${form.field("amount")} label=${addMoney.amount} currency=${currency} />
    <${Select} ...${form.field("provider")} label=${addMoney.bank}
      options=${banks.map(({ code, name }) => [code, name])} />
    <${Submit} isBusy=${form.isBusy}>${addMoney.submit}</${Submit}>
  </form>`;
}

/** @param {{currency: string}} props */
function Deposit({ currency }) {
  const form = useForm("deposit", { amount: "" }, async (values, { key }) => {
    const amount = requireAmount(values.amount, currency);
    await call("POST /wallet/deposit", { body: { amount }, key });
    return () => {
      toast(addMoney.deposited(money(amount, currency)));
      navigate("/");
    };
  }, { isPayment: true });
  return html`<form class="card stack" ...${form.form} aria-labelledby="deposit">
    <div><h2 id="deposit">${addMoney.deposit}</h2><p class="muted">${addMoney.depositText}</p></div>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${MoneyField} ...${form.field("amount")} id="deposit-amount" label=${addMoney.amount}
      currency=${currency} />
    <button class="button" type="submit" aria-disabled=${form.isBusy ? "true" : null}>
      ${addMoney.depositSubmit}
    </button>
  </form>`;
}

/** @param {{rows: Onramp[]}} props */
function Earlier({ rows }) {
  return html`<section class="card" aria-labelledby="earlier">
    <h2 id="earlier">${addMoney.latest}</h2>
    <ul class="list">${rows.map((row) => html`<li key=${row.id}>
      <a class="list-row" href="/app/add-money/${row.id}">
        <span><strong>${money(row.amount, row.currency)}</strong>
          <span class="muted block">${row.providerName} · ${shortTime(row.createdAt)}</span></span>
        <${Badge} tone=${TONES[row.status]}>${addMoney.states[row.status]}</${Badge}>
      </a></li>`)}</ul>
  </section>`;
}

/** One payment; `latest` is where the bank's page leads back to. @param {{id: string}} props */
export function Payment({ id }) {
  const loaded = useLoaded(async (signal) => {
    if (id !== "latest") return call("GET /onramp/{onramp_id}", { path: { onramp_id: id }, signal });
    const { data } = await call("GET /onramp", { query: { limit: 1 }, signal });
    if (!data.length) throw new ApiError(404, {});
    return data[0];
  }, [id]);
  usePolling(loaded.reload, loaded.data?.status === "PROCESSING", POLL_MS);
  return html`<${View} title=${addMoney.title} back=${["/add-money", addMoney.title]} narrow>
    <${Loaded} of=${loaded}>${(/** @type {Onramp} */ data) => html`<div class="card" aria-live="polite">
      <${Outcome} onramp=${data} /></div>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{onramp: Onramp}} props */
function Outcome({ onramp }) {
  const again = html`<a class="button primary" href="/app/add-money">${addMoney.again}</a>`;
  if (onramp.status === "SUCCESS") {
    const text = addMoney.successText(money(onramp.amount, onramp.currency), onramp.providerName);
    return html`<${Empty} icon="check" tone="success" title=${addMoney.success} text=${text}>
      <a class="button primary" href="/app/shop">${addMoney.done}</a>
      <a class="button" href="/app">${words.problems.home}</a>
    </${Empty}>`;
  }
  if (onramp.status === "FAILURE") {
    return html`<${Empty} icon="cross" tone="danger" title=${addMoney.failure}
      text=${addMoney.failureText}>${again}</${Empty}>`;
  }
  if (onramp.status === "EXPIRED") {
    return html`<${Empty} icon="clock" title=${addMoney.expired} text=${addMoney.expiredText}>
      ${again}</${Empty}>`;
  }
  return html`<${Empty} icon="bank" title=${addMoney.waiting} text=${addMoney.waitingText}>
    <p class="countdown"><strong>${money(onramp.amount, onramp.currency)}</strong> ·
      ${" "}<${TimeLeft} until=${onramp.expiresAt} /></p>
    ${onramp.paymentUrl && html`<a class="button primary" href=${onramp.paymentUrl}>${addMoney.open}</a>`}
  </${Empty}>`;
}

/** @param {{until: string}} props */
function TimeLeft({ until }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((Date.parse(until) - now) / 1000));
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return html`<span role="timer" aria-live="off">${addMoney.left(text)}</span>`;
}
