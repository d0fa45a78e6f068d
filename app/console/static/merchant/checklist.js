// @ts-check
// What a new merchant does before the first sale. It disappears when everything is done.

import { useState } from "preact/hooks";
import { call, callList } from "../api/client.js";
import { productWords } from "../text/en-products.js";
import { count } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { useLoaded } from "../ui/load.js";
import { toast } from "../ui/toast.js";
import { Bar } from "../ui/upload.js";

const { checklist: text } = productWords;

/** @typedef {{title: string, text: string, isDone: boolean, to?: string, link?: string, action?: any}} Step */

/** @typedef {import("../api/schema.js").Shop} Shop */

/** @param {Shop} shop @param {AbortSignal} signal @returns {Promise<Step[]>} */
async function loadSteps(shop, signal) {
  const mine = (/** @type {any} */ query) => callList("GET /products/merchant/my-products", {
    query: { ...query, limit: 1 }, signal,
  });
  const [me, products, onSale, banks, factor, sales] = await Promise.all([
    call("GET /auth/me", { signal }),
    mine({}),
    mine({ availability: "ON_SALE" }),
    call("GET /wallet/bank-accounts", { signal }),
    call("GET /auth/two-factor", { signal }),
    call("GET /orders/merchant/sales", { query: { status: "COMPLETED", limit: 1 }, signal }),
  ]);
  const hasSold = sales.data.length > 0;
  return [
    { title: text.email, text: text.emailText, isDone: me.emailVerifiedAt !== null, action: html`<${SendLink} />` },
    { title: text.shop, text: text.shopText, isDone: shop.name !== null, to: "/merchant/shop", link: text.shopLink },
    { title: text.product, text: text.productText, isDone: products.data.length > 0, to: "/merchant/products/new", link: text.productLink },
    { title: text.sale, text: text.saleText, isDone: onSale.data.length > 0 || hasSold, to: "/merchant/products", link: text.saleLink },
    { title: text.bank, text: text.bankText, isDone: banks.length > 0, to: "/settings/bank-accounts", link: text.bankLink },
    { title: text.security, text: text.securityText, isDone: factor.enabled, to: "/settings/security", link: text.securityLink },
    { title: text.first, text: text.firstText, isDone: hasSold,
      to: onSale.data.length ? `/shop/${onSale.data[0].id}` : "/shop", link: text.firstLink },
  ];
}

/** @param {{shop: Shop}} props */
export function Checklist({ shop }) {
  const loaded = useLoaded((signal) => loadSteps(shop, signal), []);
  const steps = loaded.data;
  // It is no more than help: without it, the overview is complete.
  if (!steps || steps.every(({ isDone }) => isDone)) return null;
  const done = steps.filter(({ isDone }) => isDone).length;
  const next = steps.findIndex(({ isDone }) => !isDone);
  return html`<section class="card checklist" aria-labelledby="checklist">
    <div class="card-head"><h2 id="checklist">${text.title}</h2>
      <span class="muted">${text.text(count(done), count(steps.length))}</span></div>
    <${Bar} label=${text.title} value=${done} max=${steps.length} />
    <ol>${steps.map((step, index) => html`<li key=${step.title} class=${step.isDone ? "done" : ""}>
      <span class="step-mark">${step.isDone
        ? html`<${Icon} name="check" /><span class="visually-hidden">${text.done}</span>` : count(index + 1)}</span>
      <span class="grow"><strong>${step.title}</strong>${!step.isDone && html`<span class="muted block">${step.text}</span>`}</span>
      ${!step.isDone && (step.action ?? html`<a class="button ${index === next ? "primary" : ""}" href="/app${step.to}">${step.link}</a>`)}
    </li>`)}</ol>
  </section>`;
}

function SendLink() {
  const [isBusy, setBusy] = useState(false);
  async function send() {
    if (isBusy) return;
    setBusy(true);
    try {
      await call("POST /auth/email/verification");
      toast(text.emailSent);
    } catch (error) {
      toast(error.message);
    } finally {
      setBusy(false);
    }
  }
  return html`<button class="button" type="button" onClick=${send} aria-disabled=${isBusy ? "true" : null}>${text.emailSend}</button>`;
}
