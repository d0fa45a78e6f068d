// @ts-check
// One product, and buying it.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { Choices, Field, FormProblem, Submit, useForm } from "../ui/form.js";
import { count, money, times } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { navigate } from "../ui/router.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { Picture } from "./shop.js";

/** @typedef {import("../api/schema.js").Product} Product */

const { shop } = words;

/** @param {{id: string}} props */
export function Product({ id }) {
  const loaded = useLoaded(async (signal) => {
    const [product, wallet] = await Promise.all([
      call("GET /products/{product_id}", { path: { product_id: id }, signal }),
      call("GET /wallet", { signal }),
    ]);
    return { product, wallet };
  }, [id]);
  const title = loaded.data?.product.name ?? shop.title;
  return html`<${View} title=${title} back=${["/shop", shop.back]}>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ { product, wallet }) => html`
      <div class="product-page">
        <section class="card product-about">
          <${Picture} product=${product} width=${800} />
          <p class="product-line">
            <${Badge}>${shop.kinds[product.kind]}</${Badge}>
            <span class="muted" dir="auto">${shop.by(product.merchant.name)}</span>
          </p>
          ${product.description && html`<p class="description" dir="auto">${product.description}</p>`}
        </section>
        <${Buy} product=${product} wallet=${wallet} />
      </div>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{product: Product, wallet: any}} props */
function Buy({ product, wallet }) {
  const [hasCoupon, setHasCoupon] = useState(false);
  const [agreed, setAgreed] = useState(/** @type {string | null} */ (null));
  const [isShort, setShort] = useState(false);
  const initial = { quantity: 1, couponCode: "", paymentMethod: "WALLET" };
  const form = useForm("order", initial, async (values, { key, code }) => {
    setShort(false);
    const body = {
      productId: product.id,
      quantity: values.quantity,
      paymentMethod: /** @type {"WALLET" | "GATEWAY"} */ (values.paymentMethod),
      couponCode: values.couponCode.trim() || null,
      expectedAmount: agreed ?? times(product.price, values.quantity),
    };
    try {
      const made = await call("POST /orders", { body, key, code });
      return () => {
        if ("checkoutUrl" in made && made.checkoutUrl) window.location.assign(made.checkoutUrl);
        else {
          toast(shop.bought);
          const order = /** @type {import("../api/schema.js").Order} */ (made);
          navigate(`/purchases/${order.id}`);
        }
      };
    } catch (error) {
      if (error.code === "PRICE_CHANGED") setAgreed(error.details.amount);
      if (error.code === "INSUFFICIENT_FUNDS") setShort(true);
      throw error;
    }
  }, { isPayment: true });
  const { quantity, paymentMethod } = form.values;
  const total = agreed ?? times(product.price, quantity);
  const shown = money(total, product.currency);
  const most = Math.min(product.availableUnits, product.purchaseLimit ?? 999, 999);
  const change = (/** @type {any} */ changes) => {
    setAgreed(null); // a changed order has another total
    form.setProblem(null);
    form.set(changes);
  };
  if (product.availableUnits === 0 || !product.isReady) {
    return html`<aside class="card buy"><p class="price">${money(product.price, product.currency)}</p>
      <${Notice} tone="info">${product.availableUnits === 0 ? shop.soldOut : shop.notReady}</${Notice}></aside>`;
  }
  let problem = form.problem;
  if (agreed !== null && problem) problem = shop.newTotal(shown);
  if (isShort && problem) problem = html`${shop.short} <a href="/app/add-money">${shop.addMoney}</a>`;
  return html`<form class="card buy stack" ...${form.form}>
    <div>
      <p class="price">${money(product.price, product.currency)}</p>
      <p class="muted">${shop.left(count(product.availableUnits))}</p>
    </div>
    <div class="field">
      <label for="quantity">${shop.quantity}</label>
      <div class="stepper">
        <button class="button" type="button" aria-label=${shop.less} disabled=${quantity <= 1}
          onClick=${() => change({ quantity: quantity - 1 })}>−</button>
        <input id="quantity" class="input" type="number" inputmode="numeric" min="1" max=${most}
          value=${quantity} onInput=${(/** @type {any} */ event) => {
            const typed = Number.parseInt(event.currentTarget.value, 10);
            change({ quantity: Math.min(Math.max(Number.isNaN(typed) ? 1 : typed, 1), most) });
          }} />
        <button class="button" type="button" aria-label=${shop.more1} disabled=${quantity >= most}
          onClick=${() => change({ quantity: quantity + 1 })}>+</button>
      </div>
    </div>
    ${hasCoupon
      ? html`<${Field} ...${form.field("couponCode")} label=${shop.coupon} class="input mono"
          autocomplete="off" autocapitalize="characters" spellcheck=${false}
          onInput=${(/** @type {any} */ event) => change({ couponCode: event.currentTarget.value })} />`
      : html`<button class="button quiet start" type="button" onClick=${() => setHasCoupon(true)}>${shop.addCoupon}</button>`}
    <${Choices} label=${shop.method} name="paymentMethod" value=${paymentMethod}
      choose=${(/** @type {string} */ chosen) => change({ paymentMethod: chosen })} options=${[
        ["WALLET", shop.wallet, shop.walletHas(money(wallet.available, wallet.currency))],
        ["GATEWAY", shop.card, shop.cardText],
      ]} />
    <p class="total"><span>${shop.total}</span><strong>${shown}</strong></p>
    <${FormProblem}>${problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide>${shop.buy(shown)}</${Submit}>
  </form>`;
}
