// @ts-check
// Send money: find the recipient, check the masked name, then say how much.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { money, parseAmount } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { Empty } from "../ui/states.js";
import { Payee, identify } from "./payee.js";
import { ReceiptLink } from "./receipt.js";
import { UnderReview, isUnderReview } from "./review.js";

/** @typedef {import("../api/schema.js").UserIdentifier} UserIdentifier */
/** @typedef {{identifier: UserIdentifier, typed: string, shown: import("../api/schema.js").Recipient}} Found */

const { send } = words;

export function Send() {
  const wallet = useLoaded((signal) => call("GET /wallet", { signal }), []);
  const [found, setFound] = useState(/** @type {Found | null} */ (null));
  const [sent, setSent] = useState(
    /** @type {import("../api/schema.js").Transfer | import("../api/schema.js").Review | null} */ (null));
  function startAgain() {
    setFound(null);
    setSent(null);
    wallet.reload();
  }
  return html`<${View} title=${send.title} text=${send.text} narrow>
    <${Loaded} of=${wallet} lines=${4}>${(/** @type {any} */ data) => {
      if (isUnderReview(sent)) {
        return html`<section class="card" aria-live="polite"><${UnderReview} review=${sent} /></section>`;
      }
      if (sent) {
        const text = send.sentText(money(sent.amount, sent.currency), sent.receiver.name);
        return html`<div class="card" aria-live="polite">
          <${Empty} icon="check" tone="success" title=${send.sent} text=${text}>
            <button class="button primary" onClick=${startAgain}>${send.again}</button>
            <${ReceiptLink} transferId=${sent.id} />
          </${Empty}></div>`;
      }
      if (!found) return html`<${Recipient} onFound=${setFound} />`;
      return html`<${Amount} found=${found} wallet=${data} onSent=${setSent}
        onChange=${() => setFound(null)} />`;
    }}</${Loaded}>
  </${View}>`;
}

/** @param {{onFound: (found: Found) => void}} props */
function Recipient({ onFound }) {
  const form = useForm("recipient", { to: "" }, async ({ to }) => {
    const typed = to.trim();
    if (!typed) throw new Invalid({ to: send.toMissing });
    const identifier = identify(typed);
    try {
      const shown = await call("GET /transfers/recipient", { query: { ...identifier } });
      return () => onFound({ identifier, typed, shown });
    } catch (error) {
      const texts = Object.values(error.fields ?? {}).flat();
      if (texts.length) throw new Invalid({ to: texts.join(" ") });
      if (error.status === 404 || error.code === "CANNOT_TRANSFER_TO_SELF") {
        throw new Invalid({ to: error.message });
      }
      throw error;
    }
  }, { isFirst: true });
  return html`<form class="card stack" ...${form.form}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("to")} label=${send.to} hint=${send.toHint} class="input"
      autocomplete="off" autocapitalize="none" spellcheck=${false} />
    <${Submit} isBusy=${form.isBusy}>${send.find}</${Submit}>
  </form>`;
}

/** @param {{found: Found, wallet: any, onSent: (transfer: any) => void, onChange: () => void}} props */
function Amount({ found, wallet, onSent, onChange }) {
  const { currency } = wallet;
  const form = useForm("transfer", { amount: "", note: "" }, async (values, { key, code }) => {
    const amount = requireAmount(values.amount, currency);
    const body = { recipient: found.identifier, amount, note: values.note.trim() || null };
    const made = await call("POST /transfers", { body, key, code });
    return () => onSent(made);
  }, { isPayment: true, isFirst: true });
  const read = parseAmount(form.values.amount, currency);
  const label = "amount" in read ? send.submit(money(read.amount, currency)) : send.submitEmpty;
  const { shown } = found;
  return html`<form class="card stack" ...${form.form}>
    <div class="recipient">
      <h2>${send.confirmTitle}</h2>
      <${Payee} payee=${{ ...shown, name: shown.name ?? found.typed }} unverified=${send.unverified}>
        ${[shown.email, shown.walletNumber].filter(Boolean).map((each) => html`<p key=${each} class="muted mono">${each}</p>`)}
      </${Payee}>
      <button class="button quiet" type="button" onClick=${onChange}>${send.change}</button>
    </div>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${MoneyField} ...${form.field("amount")} label=${send.amount} currency=${currency}
      hint=${send.available(money(wallet.available, currency))} />
    <${Field} ...${form.field("note")} label=${send.note} hint=${send.noteHint} isOptional
      class="input" maxlength="140" autocomplete="off" />
    <${Submit} isBusy=${form.isBusy}>${label}</${Submit}>
  </form>`;
}
