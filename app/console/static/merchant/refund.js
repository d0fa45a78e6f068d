// @ts-check
// A refund of a part or of everything, with a preview of what moves.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { Facts } from "../ui/facts.js";
import { Choices, Field, FormProblem, Invalid, Submit, TextArea, useForm } from "../ui/form.js";
import { count, minus, money, parseAmount } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { navigate } from "../ui/router.js";
import { Empty, Notice, Problem, Skeleton } from "../ui/states.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../api/schema.js").OrderDetail} OrderDetail */
/** @typedef {import("../api/schema.js").RefundPreview} RefundPreview */
/** @typedef {{amount?: string, units?: number}} Part what is refunded; empty for all that is left */

const { refund: words } = sales;
const TYPING_MS = 300;

/** @param {{id: string}} props */
export function Refund({ id }) {
  const loaded = useLoaded((signal) => call("GET /orders/{order_id}", { path: { order_id: id }, signal }), [id]);
  const order = loaded.data;
  const text = order ? words.of(order.number, order.product.name) : undefined;
  return html`<${View} title=${words.title} text=${text} narrow
    back=${[`/merchant/orders/${id}`, words.back(order?.number ?? "")]}>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {OrderDetail} */ found) => (found.status === "COMPLETED"
      ? html`<${RefundForm} order=${found} />`
      : html`<section class="card"><${Empty} title=${words.nothing} text=${words.nothingText} /></section>`)}
    </${Loaded}>
  </${View}>`;
}

/** @param {{part: string, units: string, amount: string}} values @param {string} currency @returns {Part | null} */
function partOf({ part, units, amount }, currency) {
  if (part === "all") return {};
  if (part === "units") return /^[1-9]\d{0,5}$/.test(units.trim()) ? { units: Number(units) } : null;
  const read = parseAmount(amount, currency);
  return "amount" in read ? { amount: read.amount } : null;
}

/**
 * @param {{order: Pick<OrderDetail, "id" | "currency" | "quantity">, isPlatform?: boolean}} props
 *   isPlatform: made by an operator, for the merchant
 */
export function RefundForm({ order, isPlatform = false }) {
  const { currency } = order;
  const path = { order_id: order.id };
  const initial = { part: "all", units: "1", amount: "", reason: "" };
  const form = useForm("refund", initial, async (values, sending) => {
    if (values.part === "amount") requireAmount(values.amount, currency);
    const part = partOf(values, currency);
    if (!part) throw new Invalid({ units: words.unitsWrong });
    const reason = values.reason.trim();
    if (isPlatform && !reason) throw new Invalid({ reason: words.reasonMissing });
    const made = isPlatform
      ? await call("POST /admin/orders/{order_id}/refunds", { path, body: { ...part, reason }, ...sending })
      : await call("POST /orders/{order_id}/refunds", { path, body: { ...part, reason: reason || null }, ...sending });
    return () => {
      const amount = money(made.amount, currency);
      toast(made.status === "PENDING" ? words.pending(amount) : words.done(amount));
      navigate(`/${isPlatform ? "operator" : "merchant"}/orders/${order.id}`, { replace: true });
    };
  });
  const part = partOf(form.values, currency);
  const preview = usePreview(order.id, part, isPlatform);
  const kinds = order.quantity > 1 ? ["all", "units", "amount"] : ["all", "amount"];
  return html`<form class="card stack" ...${form.form}>
    <${Choices} label=${words.what} name="part" value=${form.values.part}
      choose=${(/** @type {string} */ chosen) => form.set({ part: chosen })}
      options=${kinds.map((kind) => [kind, words.parts[kind], words.partTexts[kind]])} />
    ${form.values.part === "units" && html`<${Field} ...${form.field("units")} label=${words.units}
      inputmode="numeric" autocomplete="off" />`}
    ${form.values.part === "amount" && html`<${MoneyField} ...${form.field("amount")} label=${words.amount}
      currency=${currency} />`}
    <${TextArea} ...${form.field("reason")} label=${words.reason} hint=${isPlatform ? words.bothSee : words.reasonHint} isOptional=${!isPlatform}
      rows=${2} maxlength="500" />
    <section class="preview" aria-labelledby="moves" aria-live="polite">
      <h2 id="moves">${words.moves}</h2>
      ${part ? html`<${Shown} of=${preview} />` : html`<p class="muted">${words.enter}</p>`}
    </section>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide tone="danger">
      ${part && preview.data ? words.submit(money(preview.data.preview.amount, currency)) : words.submitEmpty}
    </${Submit}>
  </form>`;
}

/**
 * What a refund would move, and what the merchant's wallet has, if it is the merchant who asks.
 * @param {string} orderId @param {Part | null} part @param {boolean} [isPlatform]
 */
function usePreview(orderId, part, isPlatform = false) {
  const wanted = JSON.stringify(part);
  const [settled, setSettled] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wanted), TYPING_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  return useLoaded(async (signal) => {
    const asked = JSON.parse(settled);
    if (!asked) return null;
    const request = { path: { order_id: orderId }, query: asked, signal };
    if (isPlatform) {
      return { preview: await call("GET /admin/orders/{order_id}/refunds/preview", request), available: null };
    }
    const [preview, wallet] = await Promise.all([
      call("GET /orders/{order_id}/refunds/preview", request),
      call("GET /wallet", { signal }),
    ]);
    return { preview, available: wallet.available };
  }, [orderId, settled]);
}

/** What a refund of an order would move. @param {{orderId: string, part: Part}} props */
export function Preview({ orderId, part }) {
  return html`<div class="preview"><${Shown} of=${usePreview(orderId, part)} /></div>`;
}

/** @param {{of: any}} props of: from `usePreview` */
function Shown({ of: loaded }) {
  if (loaded.error?.status === 400 || loaded.error?.status === 409) {
    return html`<${Notice} tone="danger">${loaded.error.message}</${Notice}>`;
  }
  if (loaded.error) return html`<${Problem} error=${loaded.error} retry=${loaded.reload} />`;
  if (!loaded.data) return html`<${Skeleton} lines=${3} />`;
  const { preview, available } = /** @type {{preview: RefundPreview, available: string | null}} */ (loaded.data);
  const show = (/** @type {string} */ amount) => money(amount, preview.currency);
  return html`<${Facts} facts=${[
    [words.gets[preview.destination], html`<strong>${show(preview.amount)}</strong>`],
    Number(preview.fee) > 0 && [available === null ? words.feeOfMerchant : words.fee, show(preview.fee)],
    [available === null ? words.netOfMerchant : words.net, html`<strong>${show(preview.net)}</strong>`],
    preview.units > 0 && [words.units1, count(preview.units)],
    [words.left, show(preview.amountLeft)],
  ]} />
  ${available !== null && (minus(available, preview.net).startsWith("-")
    ? html`<${Notice} tone="warning">${words.short(show(available))} <a href="/app/add-money">${words.addMoney}</a></${Notice}>`
    : html`<p class="muted">${words.available(show(available))}</p>`)}`;
}
