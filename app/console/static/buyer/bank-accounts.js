// @ts-check
// Settings: the bank accounts that money can be withdrawn to.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Empty } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { SettingsTabs } from "./settings.js";

/** @typedef {import("../api/schema.js").BankAccount} BankAccount */

const { accounts } = texts;
const REQUIRED = /** @type {const} */ (["holder", "number", "routing"]);

/** An account for people, such as `Savings, HDFC ••••••3456`. @param {BankAccount} account */
export function accountName({ label, provider, number }) {
  return [label, `${provider} ${number}`].filter(Boolean).join(", ");
}

export function BankAccounts() {
  const [isAdding, setAdding] = useState(false);
  const loaded = useLoaded(async (signal) => {
    const [saved, banks] = await Promise.all([
      call("GET /wallet/bank-accounts", { signal }), call("GET /onramp/providers", { signal }),
    ]);
    return { saved, banks };
  }, []);
  const add = html`<button class="button ${loaded.data?.saved.length ? "" : "primary"}" onClick=${() => setAdding(true)}>
    <${Icon} name="addMoney" />${accounts.add}</button>`;
  return html`<${View} title=${words.settings.title} narrow>
    <${SettingsTabs} />
    <${Loaded} of=${loaded} lines=${4}>${(/** @type {any} */ { saved, banks }) => html`
      <section class="card stack" aria-labelledby="accounts-title">
        <div><h2 id="accounts-title">${accounts.title}</h2><p class="muted">${accounts.text}</p></div>
        ${saved.length
          ? html`<ul class="list">${saved.map((/** @type {BankAccount} */ row) => html`<${Row} key=${row.id} row=${row} onRemoved=${loaded.reload} />`)}</ul>`
          : !isAdding && html`<${Empty} icon="bank" title=${accounts.empty} text=${accounts.emptyText}>${add}</${Empty}>`}
        ${!isAdding && saved.length > 0 && html`<div class="actions">${add}</div>`}
      </section>
      ${isAdding && html`<${Add} banks=${banks} onClose=${() => setAdding(false)}
        onSaved=${() => { setAdding(false); loaded.reload(); }} />`}`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{row: BankAccount, onRemoved: () => void}} props */
function Row({ row, onRemoved }) {
  const name = accountName(row);
  return html`<li class="session">
    <span class="grow"><strong dir="auto">${name}</strong>
      <span class="muted block"><span dir="auto">${row.holder}</span> · <span class="mono">${row.routing}</span></span></span>
    <${ConfirmButton} label=${accounts.remove} hidden=${accounts.removeLabel(name)} name="remove-${row.id}"
      title=${accounts.removeTitle} text=${accounts.removeText(name)} action=${accounts.remove}
      send=${async (/** @type {any} */ { key }) => {
        await call("DELETE /wallet/bank-accounts/{bank_account_id}", { path: { bank_account_id: row.id }, key });
        return () => { toast(accounts.removed); onRemoved(); };
      }} />
  </li>`;
}

/** @param {{banks: {code: string, name: string}[], onSaved: () => void, onClose: () => void}} props */
function Add({ banks, onSaved, onClose }) {
  const initial = { provider: banks[0]?.code ?? "", holder: "", number: "", routing: "", label: "", password: "" };
  const form = useForm("bank-account", initial, async (values, { key, code }) => {
    /** @type {Record<string, string>} */
    const missing = {};
    for (const name of REQUIRED) if (!values[name].trim()) missing[name] = accounts.required;
    if (!values.password) missing.password = words.account.passwordMissing;
    if (Object.keys(missing).length) throw new Invalid(missing);
    const body = {
      ...values, holder: values.holder.trim(), label: values.label.trim() || null, code: code ?? null,
    };
    try {
      await call("POST /wallet/bank-accounts", { body, key });
    } catch (error) {
      if (error.code === "INVALID_CREDENTIALS") throw new Invalid({ password: accounts.wrongPassword });
      if (error.code === "TWO_FACTOR_REQUIRED") error.details = { enrolled: true }; // required only of those who are
      throw error;
    }
    return () => { toast(accounts.saved); onSaved(); };
  });
  return html`<form class="card stack" ...${form.form} aria-labelledby="add-title">
    <h2 id="add-title">${accounts.add}</h2>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Select} ...${form.field("provider")} label=${accounts.bank} options=${banks.map(({ code, name }) => [code, name])} />
    <${Field} ...${form.field("holder")} label=${accounts.holder} hint=${accounts.holderHint} class="input"
      autocomplete="name" maxlength="100" dir="auto" />
    <div class="row">
      <${Field} ...${form.field("number")} label=${accounts.number} class="input" autocomplete="off"
        autocapitalize="characters" spellcheck=${false} />
      <${Field} ...${form.field("routing")} label=${accounts.routing} hint=${accounts.routingHint} class="input"
        autocomplete="off" autocapitalize="characters" spellcheck=${false} />
    </div>
    <${Field} ...${form.field("label")} label=${accounts.label} hint=${accounts.labelHint} isOptional class="input"
      autocomplete="off" maxlength="50" dir="auto" />
    <${Field} ...${form.field("password")} label=${accounts.password} hint=${accounts.passwordHint} type="password"
      class="input" autocomplete="current-password" />
    <div class="actions">
      <${Submit} isBusy=${form.isBusy}>${accounts.submit}</${Submit}>
      <button class="button" type="button" onClick=${onClose}>${words.cancel}</button>
    </div>
  </form>`;
}
