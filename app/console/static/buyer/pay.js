// @ts-check
// Pay a payment request or a merchant's code: scanned, or by its link.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { wallet as texts } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { divided, money, parseAmount, times } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { navigate } from "../ui/router.js";
import { Empty } from "../ui/states.js";
import { Scanner, canScan } from "./scanner.js";
import { ReceiptLink } from "./receipt.js";
import { Payee } from "./payee.js";
import { UnderReview, isUnderReview } from "./review.js";

/** @typedef {import("../api/schema.js").PublicPaymentRequest} PublicPaymentRequest */
/** @typedef {import("../api/schema.js").PublicMerchantCode} PublicMerchantCode */

/**
 * What a link is for. `price` is a decimal string, null if the payer chooses the amount.
 * @typedef {{
 *   request: PublicPaymentRequest | null, code: PublicMerchantCode | null,
 *   payee: PublicPaymentRequest["requester"], price: string | null, currency: string,
 * }} Payable
 */

const { pay } = texts;
const TOKEN = /^[A-Za-z0-9_-]{22}$/;

/** The token of a payment link, or a token itself; null of anything else. @param {string} text */
function tokenOf(text) {
  const typed = text.trim();
  if (TOKEN.test(typed)) return typed;
  const found = /\/pay\/([A-Za-z0-9_-]+)\/?(?:[?#].*)?$/.exec(typed);
  return found && TOKEN.test(found[1]) ? found[1] : null;
}

export function Pay() {
  const [isScanning, setScanning] = useState(false);
  const form = useForm("pay-link", { link: "" }, async ({ link }) => {
    if (!link.trim()) throw new Invalid({ link: pay.missing });
    const token = tokenOf(link);
    if (!token) throw new Invalid({ link: pay.unknown });
    return () => navigate(`/pay/${token}`);
  });
  function accept(/** @type {string} */ text) {
    const token = tokenOf(text);
    if (token) navigate(`/pay/${token}`);
    return token !== null;
  }
  return html`<${View} title=${pay.title} text=${pay.text} narrow>
    <section class="card stack" aria-label=${pay.scan}>
      ${isScanning ? html`<${Scanner} onFound=${accept} onStop=${() => setScanning(false)} />`
        : canScan ? html`<button class="button primary wide" onClick=${() => setScanning(true)}>
            <${Icon} name="camera" />${pay.scan}</button>`
          : html`<p class="muted">${pay.noScan}</p>`}
    </section>
    <form class="card stack" ...${form.form}>
      <${FormProblem}>${form.problem}</${FormProblem}>
      <${Field} ...${form.field("link")} label=${pay.link} hint=${pay.linkHint} class="input"
        inputmode="url" autocomplete="off" autocapitalize="none" spellcheck=${false} />
      <${Submit} isBusy=${form.isBusy}>${pay.submit}</${Submit}>
    </form>
  </${View}>`;
}

/** @param {string} token @param {AbortSignal} signal @returns {Promise<Payable | null>} */
async function payableOf(token, signal) {
  const none = (/** @type {any} */ error) => {
    if (error.status === 404) return null;
    throw error;
  };
  const request = await call("GET /payment-requests/by-token/{payment_request_token}", {
    path: { payment_request_token: token }, signal,
  }).catch(none);
  if (request) {
    return { request, code: null, payee: request.requester, price: request.amount, currency: request.currency };
  }
  const code = await call("GET /merchant-codes/by-token/{merchant_code_token}", {
    path: { merchant_code_token: token }, signal,
  }).catch(none);
  if (!code) return null;
  const price = code.product?.price ?? code.amount;
  return { request: null, code, payee: code.merchant, price, currency: code.currency };
}

/** What a link asks for, and paying it. @param {{token: string}} props */
export function PayLink({ token }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const loaded = useLoaded(async (signal) => {
    const [payable, wallet] = await Promise.all([payableOf(token, signal), call("GET /wallet", { signal })]);
    return { payable, wallet };
  }, [token]);
  return html`<${View} title=${pay.title} back=${["/pay", pay.title]} narrow>
    <${Loaded} of=${loaded} lines=${5}>${(/** @type {any} */ { payable, wallet }) => {
      if (made) return html`<section class="card" aria-live="polite"><${Paid} made=${made} /></section>`;
      const refusal = payable ? whyNot(payable) : [pay.gone, pay.goneText];
      if (refusal) {
        return html`<section class="card"><${Empty} icon="qr" title=${refusal[0]} text=${refusal[1]}>
          <a class="button primary" href="/app/pay">${pay.another}</a>
        </${Empty}></section>`;
      }
      return html`<${PayForm} token=${token} payable=${payable} wallet=${wallet} onPaid=${setMade} />`;
    }}</${Loaded}>
  </${View}>`;
}

/** Why nothing can be paid, as title and text; null if it can. @param {Payable} payable */
function whyNot({ request, code }) {
  if (request && request.status !== "OPEN") return [pay.ended[request.status], pay.endedText];
  if (code?.product && !code.product.isActive) return [pay.notOnSale, ""];
  if (code?.product && code.product.availableUnits === 0) return [pay.soldOut, ""];
  return null;
}

/** What was paid: a transfer, an order, or a review. @param {{made: any}} props */
function Paid({ made }) {
  if (isUnderReview(made)) return html`<${UnderReview} review=${made} />`;
  const name = made.object === "order" ? made.product.name : made.receiver.name;
  const amount = money(made.amount, made.currency);
  return html`<${Empty} icon="check" tone="success" title=${pay.paid}
    text=${made.object === "order" ? `${name}, ${amount}` : pay.paidText(name, amount)}>
    ${made.object === "order"
      ? html`<a class="button primary" href="/app/purchases/${made.id}">${pay.purchase}</a>`
      : html`<${ReceiptLink} transferId=${made.id} look="primary" />`}
    <a class="button" href="/app/pay">${pay.another}</a>
  </${Empty}>`;
}

/** The typed number of units, null unless it is one. @param {string} text */
function unitsOf(text) {
  return /^[1-9]\d{0,5}$/.test(text.trim()) ? Number(text) : null;
}

/** @param {{token: string, payable: Payable, wallet: any, onPaid: (made: any) => void}} props */
function PayForm({ token, payable, wallet, onPaid }) {
  const { request, code, payee, currency } = payable;
  const product = code?.product ?? null;
  const [price, setPrice] = useState(payable.price);
  const form = useForm("pay", { amount: "", quantity: "1" }, async (values, { key, code: factor }) => {
    const quantity = unitsOf(values.quantity);
    if (product && quantity === null) throw new Invalid({ quantity: pay.wrongQuantity });
    const chosen = price === null ? { amount: requireAmount(values.amount, currency) } : {};
    const total = price === null ? chosen.amount : times(price, product ? quantity ?? 1 : 1);
    const body = { ...chosen, expectedAmount: total, ...(product ? { quantity: quantity ?? 1 } : {}) };
    try {
      const made = request
        ? await call("POST /payment-requests/{payment_request_id}/pay", {
          path: { payment_request_id: request.id }, body: { ...chosen, expectedAmount: total }, key, code: factor,
        })
        : await call("POST /merchant-codes/{merchant_code_token}/pay", {
          path: { merchant_code_token: token }, body, key, code: factor,
        });
      return () => onPaid(made);
    } catch (error) {
      if (error.code === "PRICE_CHANGED") {
        setPrice(divided(error.details.amount, quantity ?? 1));
        error.message = pay.newTotal(money(error.details.amount, currency));
      }
      if (error.code === "PAYMENT_REQUEST_NOT_FOUND") error.message = pay.addressed;
      throw error;
    }
  }, { isPayment: true });
  const units = product ? unitsOf(form.values.quantity) : 1;
  const typed = price === null ? parseAmount(form.values.amount, currency) : null;
  const total = typed ? ("amount" in typed ? typed.amount : null) : units && price && times(price, units);
  const about = product?.name ?? request?.note ?? code?.label;
  return html`<form class="card stack" ...${form.form}>
    <div class="request-head">
      ${about && html`<p class="request-about" dir="auto">${about}</p>`}
      ${price !== null && html`<p class="price">${money(price, currency)}${product && html` <span class="muted">${pay.each}</span>`}</p>`}
    </div>
    <${Payee} payee=${payee} />
    <${FormProblem}>${form.problem}</${FormProblem}>
    ${price === null && html`<${MoneyField} ...${form.field("amount")} label=${pay.amount} currency=${currency} />`}
    ${product && html`<${Field} ...${form.field("quantity")} label=${pay.quantity} class="input" inputmode="numeric" />`}
    <p class="muted">${pay.available(money(wallet.available, wallet.currency))}
      ${" "}<a href="/app/add-money">${words.menu.addMoney}</a></p>
    <${Submit} isBusy=${form.isBusy} wide>${total ? pay.submitAmount(money(total, currency)) : pay.submitEmpty}</${Submit}>
  </form>`;
}
