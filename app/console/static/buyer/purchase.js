// @ts-check
// One purchase with its goods.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { CopyButton } from "../ui/copy.js";
import { Facts } from "../ui/facts.js";
import { count, date, dateTime, fileSize, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { Badge } from "../ui/states.js";
import { Download } from "./download.js";
import { Machines } from "./machines.js";
import { ORDER_TONES } from "./purchases.js";
import { Refunds } from "./refund.js";

/** @typedef {import("../api/schema.js").Delivery} Delivery */
/** @typedef {import("../api/schema.js").OrderDetail} OrderDetail */

const { purchases } = words;
const OPEN = ["PENDING", "PAYMENT_PROCESSING", "PENDING_REVIEW"];

/** @param {{id: string}} props */
export function Purchase({ id }) {
  const loaded = useLoaded(async (signal) => {
    const path = { order_id: id };
    const order = await call("GET /orders/{order_id}", { path, signal });
    const hasGoods = order.status === "COMPLETED" || order.status === "REFUNDED";
    const delivery = hasGoods ? await deliveryOf(path, signal) : null;
    return { order, delivery, isPending: hasGoods ? delivery === null : OPEN.includes(order.status) };
  }, [id]);
  usePolling(loaded.reload, loaded.data?.isPending ?? false);
  const title = loaded.data?.order.product.name ?? purchases.title;
  return html`<${View} title=${title} back=${["/purchases", purchases.back]} narrow>
    <${Loaded} of=${loaded} lines=${5}>${(/** @type {any} */ { order, delivery }) => html`
      <section class="card" aria-labelledby="goods" aria-live="polite">
        <h2 id="goods">${purchases.goods}</h2>
        ${delivery ? html`<${Goods} delivery=${delivery} reload=${loaded.reload} />`
          : html`<p class="muted">${OPEN.includes(order.status) ? purchases.pending : purchases.nothing}</p>`}
      </section>
      <${Refunds} order=${order} onChange=${loaded.reload} />
      <${About} order=${order} />`}
    </${Loaded}>
  </${View}>`;
}

/** The goods, or null while they are not there yet. */
async function deliveryOf(/** @type {{order_id: string}} */ path, /** @type {AbortSignal} */ signal) {
  try {
    return await call("GET /orders/{order_id}/delivery", { path, signal });
  } catch (error) {
    if (error.code === "ORDER_NOT_DELIVERED") return null;
    throw error;
  }
}

/** @param {{order: OrderDetail}} props */
function About({ order }) {
  const facts = [
    [purchases.status, html`<${Badge} tone=${ORDER_TONES[order.status]}>${purchases.states[order.status]}</${Badge}>`],
    [purchases.number, html`<span class="mono">${order.number}</span>`],
    [purchases.bought, dateTime(order.createdAt)],
    [purchases.seller, html`<span dir="auto">${order.merchant.name}</span>`],
    [purchases.quantity, count(order.quantity)],
    [purchases.method, purchases.methods[order.paymentMethod]],
    Number(order.discount) ? [purchases.discount, money(order.discount, order.currency)] : null,
    [purchases.paid, html`<strong>${money(order.amount, order.currency)}</strong>`],
    Number(order.refundedAmount) ? [purchases.refunded, money(order.refundedAmount, order.currency)] : null,
  ];
  return html`<section class="card"><${Facts} facts=${facts} /></section>`;
}

/** @param {{delivery: Delivery, reload: () => void}} props */
function Goods({ delivery, reload }) {
  const { codes = [], revokedCodes = [], licences = [], files = [] } = delivery;
  const isEmpty = !codes.length && !revokedCodes.length && !licences.length && !files.length;
  if (isEmpty) return html`<p class="muted">${purchases.nothing}</p>`;
  return html`<ul class="goods">
    ${codes.map((code, index) => html`<li key=${code}><${Secret} label=${purchases.code(index + 1)} text=${code} /></li>`)}
    ${revokedCodes.map(({ code, reason }) => html`<li key=${code}>
      <span class="mono struck">${code}</span> <${Badge} tone="danger">${purchases.revoked}</${Badge}>
      <span class="muted" dir="auto">${reason}</span></li>`)}
    ${licences.map((licence) => html`<li key=${licence.id}>
      <${Secret} label=${purchases.licence} text=${licence.key} />
      <p class="muted">
        <${Badge} tone=${licence.status === "ACTIVE" ? "success" : "danger"}>${purchases.licenceStates[licence.status]}</${Badge}>
        ${" "}${purchases.machines.active(licence.activations, licence.activationLimit)} ·
        ${" "}${licence.expiresAt ? purchases.until(date(licence.expiresAt)) : purchases.forever}
      </p>
      ${licence.revocationReason && html`<p class="muted" dir="auto">${licence.revocationReason}</p>`}
      ${licence.activations > 0 && html`<${Machines} licenceId=${licence.id} onChange=${reload} />`}</li>`)}
    ${files.map((file) => html`<li key=${file.sha256} class="file">
      <${Icon} name="file" />
      <span class="grow"><strong dir="auto">${file.name}</strong>
        <span class="muted block">${fileSize(file.size)} · ${purchases.download.left(file.downloadsLeft)}</span></span>
      ${file.url && html`<${Download} file=${file} url=${file.url} onSaved=${reload} />`}
    </li>`)}
  </ul>`;
}

/** A code that is shown on demand. @param {{label: string, text: string}} props */
function Secret({ label, text }) {
  const [isShown, setShown] = useState(false);
  return html`<div class="secret">
    <span class="secret-label">${label}</span>
    <span class="secret-text mono">${isShown ? text : html`<span aria-label=${purchases.hidden} role="img">••••••••••</span>`}</span>
    <button class="button" aria-pressed=${isShown} onClick=${() => setShown(!isShown)}>
      ${isShown ? purchases.hide : purchases.reveal}</button>
    <${CopyButton} text=${text} />
  </div>`;
}
