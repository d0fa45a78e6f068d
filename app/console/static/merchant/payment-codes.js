// @ts-check
// Codes that buyers scan to pay: the list, a new one, and the sheet to print.

import { call, download } from "../api/client.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { CopyButton } from "../ui/copy.js";
import { saveFile } from "../ui/export.js";
import { Choices, Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { useImage } from "../ui/image.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { navigate } from "../ui/router.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { SalesTabs } from "./orders.js";
import { useProductChoice } from "./products-choice.js";

/** @typedef {import("../api/schema.js").MerchantCode} MerchantCode */

const { codes } = sales;

/** @param {MerchantCode} code @param {[string, string][]} products */
function whatOf({ productId, amount, currency }, products) {
  if (productId) return products.find(([id]) => id === productId)?.[1] ?? codes.product;
  return amount === null ? codes.open : money(amount, currency);
}

export function PaymentCodes() {
  const loaded = useList("GET /merchant-codes");
  const products = useProductChoice() ?? [];
  const create = html`<a class="button primary" href="/app/merchant/payment-codes/new">${codes.create}</a>`;
  const columns = [
    { title: codes.label, kind: "wide", cell: (/** @type {MerchantCode} */ row) => html`
        <a class="cell-title" href="/app/merchant/payment-codes/${row.id}" dir="auto">${row.label ?? whatOf(row, products)}</a>
        ${row.label && html`<span class="muted block anywhere" dir="auto">${whatOf(row, products)}</span>`}` },
    { title: sales.coupons.state, cell: (/** @type {MerchantCode} */ row) => html`
        <${Badge} tone=${row.isActive ? "success" : "neutral"}>${row.isActive ? codes.active : codes.inactive}</${Badge}>` },
  ];
  return html`<${View} title=${codes.title} actions=${create}>
    <${SalesTabs} />
    <${List} of=${loaded} caption=${codes.title} columns=${columns} empty=${codes.empty} icon="scan"
      emptyText=${codes.emptyText}>${create}</${List}>
  </${View}>`;
}

export function NewPaymentCode() {
  const loaded = useLoaded((signal) => call("GET /wallet", { signal }), []);
  return html`<${View} title=${codes.createTitle} back=${["/merchant/payment-codes", codes.back]} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ wallet) => html`<${CreateForm} currency=${wallet.currency} />`}</${Loaded}>
  </${View}>`;
}

/** @param {{currency: string}} props */
function CreateForm({ currency }) {
  const products = useProductChoice();
  const form = useForm("code", { kind: "open", amount: "", productId: "", label: "" }, async (values, { key }) => {
    if (values.kind === "product" && !values.productId) throw new Invalid({ productId: codes.productMissing });
    const body = {
      label: values.label.trim() || null,
      ...(values.kind === "fixed" ? { amount: requireAmount(values.amount, currency) } : {}),
      ...(values.kind === "product" ? { productId: values.productId } : {}),
    };
    const made = await call("POST /merchant-codes", { body, key });
    return () => { toast(codes.created); navigate(`/merchant/payment-codes/${made.id}`, { replace: true }); };
  });
  const { kind } = form.values;
  return html`<form class="card stack" ...${form.form}>
    <${Choices} label=${codes.what} name="kind" value=${kind} options=${Object.entries(codes.kinds)}
      choose=${(/** @type {string} */ chosen) => form.set({ kind: chosen })} />
    ${kind === "fixed" && html`<${MoneyField} ...${form.field("amount")} label=${codes.amount} currency=${currency} />`}
    ${kind === "product" && (products?.length === 0
      ? html`<${Notice} tone="warning">${codes.noProducts}</${Notice}>`
      : html`<${Select} ...${form.field("productId")} label=${codes.product} options=${[["", "–"], ...(products ?? [])]} />`)}
    <${Field} ...${form.field("label")} label=${codes.label} hint=${codes.labelHint} isOptional maxlength="100" dir="auto" />
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide>${codes.submit}</${Submit}>
  </form>`;
}

/** @param {{id: string}} props */
export function PaymentCode({ id }) {
  const path = { merchant_code_id: id };
  const products = useProductChoice() ?? [];
  const loaded = useLoaded((signal) => call("GET /merchant-codes/{merchant_code_id}", { path, signal }), [id]);
  const code = loaded.data;
  const title = code ? code.label ?? whatOf(code, products) : codes.title;
  return html`<${View} title=${title} text=${code?.label ? whatOf(code, products) : undefined}
    back=${["/merchant/payment-codes", codes.back]} narrow>
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {MerchantCode} */ found) => html`
      ${!found.isActive && html`<${Notice} tone="warning">${codes.offText}</${Notice}>`}
      <${Sheet} code=${found} name=${title} />
      ${found.isActive && html`<div class="actions">
        <${ConfirmButton} name="deactivate" look="danger" label=${codes.turnOff} title=${codes.turnOffTitle}
          text=${codes.turnOffText} action=${codes.turnOff} send=${async (/** @type {any} */ { key }) => {
            const changed = await call("POST /merchant-codes/{merchant_code_id}/deactivate", { path, key });
            return () => { toast(codes.turnedOff); loaded.set(changed); };
          }} />
      </div>`}`}
    </${Loaded}>
  </${View}>`;
}

/** The sheet as it is printed, and its files. @param {{code: MerchantCode, name: string}} props */
function Sheet({ code, name }) {
  const path = { merchant_code_id: code.id };
  const sheet = useImage((signal) => download("GET /merchant-codes/{merchant_code_id}/sheet.svg", { path, signal }),
    [code.id]);
  const save = (/** @type {"sheet.svg" | "qr.png"} */ file) => (
    saveFile(`GET /merchant-codes/{merchant_code_id}/${file}`, { path }, file));
  return html`<section class="card stack">
    <div class="sheet">${sheet
      ? html`<img src=${sheet} alt=${codes.sheet(name)} />`
      : html`<span class="sheet-space" role="status" aria-label=${words.loading}></span>`}</div>
    <div class="actions">
      <button class="button primary" type="button" onClick=${() => window.print()}><${Icon} name="print" />${codes.print}</button>
      <button class="button" type="button" onClick=${() => save("sheet.svg")}><${Icon} name="download" />${codes.saveSheet}</button>
      <button class="button" type="button" onClick=${() => save("qr.png")}><${Icon} name="download" />${codes.saveCode}</button>
    </div>
    <div class="secret screen-only">
      <span class="secret-text mono">${code.link}</span>
      <${CopyButton} text=${code.link} label=${codes.copyLink} />
    </div>
  </section>`;
}
