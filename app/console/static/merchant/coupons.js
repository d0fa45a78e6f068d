// @ts-check
// Coupons: the list with their uses, one coupon, and a new one.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { sales } from "../text/en-sales.js";
import { words } from "../text/en.js";
import { Act } from "../ui/act.js";
import { ConfirmButton } from "../ui/confirm.js";
import { CsvButton } from "../ui/csv.js";
import { Facts } from "../ui/facts.js";
import { Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { count, date, dateTime, habits, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { moment, typed } from "../ui/moments.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { navigate } from "../ui/router.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { SalesTabs } from "./orders.js";
import { percent } from "./parts.js";
import { useProductChoice } from "./products-choice.js";

/** @typedef {import("../api/schema.js").Coupon} Coupon */

const { coupons } = sales;
const TONES = { active: "success", inactive: "neutral", early: "warning", over: "neutral", used: "neutral" };

/** @param {Coupon} coupon @returns {keyof typeof TONES} */
function stateOf({ isActive, startsAt, endsAt, maxUses, uses }) {
  const now = Date.now();
  if (!isActive) return "inactive";
  if (endsAt && Date.parse(endsAt) <= now) return "over";
  if (maxUses !== null && uses >= maxUses) return "used";
  return startsAt && Date.parse(startsAt) > now ? "early" : "active";
}

/** @param {Coupon} coupon */
function discountOf({ kind, value, currency }) {
  return coupons.off(kind === "PERCENT" ? percent(Number(value), 2) : money(value, currency));
}

/** @param {Coupon} coupon */
function validityOf({ startsAt, endsAt }) {
  const parts = [startsAt && coupons.from(dateTime(startsAt)), endsAt && coupons.until(dateTime(endsAt))];
  return parts.filter(Boolean).join(" · ") || coupons.always;
}

/** How much of a limit is used, as a bar; nothing without a limit. @param {{coupon: Coupon}} props */
function Uses({ coupon: { uses, maxUses } }) {
  return html`<span class="uses">${coupons.usesOf(count(uses), maxUses === null ? null : count(maxUses))}
    ${maxUses !== null && html`<meter class="meter" min="0" max=${maxUses} value=${uses} aria-label=${coupons.uses}></meter>`}
  </span>`;
}

function State({ coupon }) {
  const state = stateOf(coupon);
  return html`<${Badge} tone=${TONES[state]}>${coupons.states[state]}</${Badge}>`;
}

/** @type {import("../ui/csv.js").Cells<Coupon>} */
const CELLS = [
  ["couponId", ({ id }) => id], "code", "createdAt", "kind", "value", "currency", "productId", "uses", "maxUses",
  "maxUsesPerUser", "startsAt", "endsAt", "isActive",
];

export function Coupons() {
  const loaded = useList("GET /coupons", { sorts: BY_TIME });
  const create = html`<a class="button primary" href="/app/merchant/coupons/new">${coupons.create}</a>`;
  const columns = [
    { title: coupons.code, kind: "wide", cell: (/** @type {Coupon} */ row) => html`
        <a class="cell-title mono" href="/app/merchant/coupons/${row.id}">${row.code}</a>
        <span class="muted block">${discountOf(row)} · ${row.productId ? coupons.oneProduct : coupons.allProducts}</span>` },
    { title: coupons.state, cell: (/** @type {Coupon} */ row) => html`<${State} coupon=${row} />` },
    { title: coupons.uses, kind: "number", cell: (/** @type {Coupon} */ row) => html`<${Uses} coupon=${row} />` },
    { title: coupons.validity, kind: "extra", cell: (/** @type {Coupon} */ row) => html`<span class="muted">${validityOf(row)}</span>` },
    { title: coupons.made, kind: "extra", sorts: ["oldest", "newest"], cell: (/** @type {Coupon} */ row) => html`<span class="muted">${date(row.createdAt)}</span>` },
  ];
  return html`<${View} title=${coupons.title} actions=${html`<${CsvButton} of=${loaded} name="coupons" cells=${CELLS} />${create}`}>
    <${SalesTabs} />
    <${List} of=${loaded} caption=${coupons.title} columns=${columns} empty=${coupons.empty}
      emptyText=${coupons.emptyText}>${create}</${List}>
  </${View}>`;
}

/** A limit that was typed; null for none. @param {string} text @param {string} field */
function requireLimit(text, field) {
  if (!text.trim()) return null;
  if (!/^[1-9]\d{0,8}$/.test(text.trim())) throw new Invalid({ [field]: coupons.limitWrong });
  return Number(text);
}

/** The validity that was typed. @param {{startsAt: string, endsAt: string}} values */
function requirePeriod(values) {
  const [startsAt, endsAt] = [moment(values.startsAt), moment(values.endsAt)];
  if (startsAt && endsAt && endsAt <= startsAt) throw new Invalid({ endsAt: coupons.endsWrong });
  return { startsAt, endsAt };
}

/** The inputs of a validity. @param {{form: any}} props */
function Period({ form }) {
  const hint = sales.zone(habits.value.timeZone);
  return html`<div class="row">
    <${Field} ...${form.field("startsAt")} label=${coupons.starts} type="datetime-local" isOptional />
    <${Field} ...${form.field("endsAt")} label=${coupons.ends} type="datetime-local" isOptional hint=${hint} />
  </div>`;
}

export function NewCoupon() {
  const loaded = useLoaded((signal) => call("GET /wallet", { signal }), []);
  return html`<${View} title=${coupons.createTitle} back=${["/merchant/coupons", coupons.back]} narrow>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ wallet) => html`<${CreateForm} currency=${wallet.currency} />`}</${Loaded}>
  </${View}>`;
}

/** @param {{currency: string}} props */
function CreateForm({ currency }) {
  const products = useProductChoice() ?? [];
  const initial = {
    code: "", kind: "PERCENT", value: "", productId: "", maxUses: "", maxUsesPerUser: "", startsAt: "", endsAt: "",
  };
  const form = useForm("coupon", initial, async (values, { key }) => {
    const body = {
      kind: /** @type {"PERCENT" | "FIXED"} */ (values.kind),
      value: values.kind === "PERCENT" ? requirePercent(values.value) : requireAmount(values.value, currency, "value"),
      ...(values.code.trim() ? { code: values.code.trim() } : {}),
      productId: values.productId || null,
      maxUses: requireLimit(values.maxUses, "maxUses"),
      maxUsesPerUser: requireLimit(values.maxUsesPerUser, "maxUsesPerUser"),
      ...requirePeriod(values),
    };
    const made = await call("POST /coupons", { body, key });
    return () => { toast(coupons.created(made.code)); navigate(`/merchant/coupons/${made.id}`, { replace: true }); };
  });
  const isPercent = form.values.kind === "PERCENT";
  return html`<form class="card stack" ...${form.form}>
    <${Field} ...${form.field("code")} label=${coupons.code} hint=${coupons.codeHint} isOptional autocomplete="off"
      maxlength="40" autocapitalize="characters" />
    <${Select} ...${form.field("kind")} label=${coupons.kind} options=${Object.entries(coupons.kinds)} />
    ${isPercent
      ? html`<${Field} ...${form.field("value")} key="percent" label=${coupons.percent} inputmode="decimal" autocomplete="off" suffix="%" />`
      : html`<${MoneyField} ...${form.field("value")} key="amount" label=${coupons.discount} currency=${currency} />`}
    <${Select} ...${form.field("productId")} label=${coupons.product} options=${[["", coupons.allProducts], ...products]} />
    <div class="row">
      <${Field} ...${form.field("maxUses")} label=${coupons.maxUses} inputmode="numeric" isOptional hint=${coupons.noLimit} />
      <${Field} ...${form.field("maxUsesPerUser")} label=${coupons.maxUsesPerUser} inputmode="numeric" isOptional />
    </div>
    <${Period} form=${form} />
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide>${coupons.submit}</${Submit}>
  </form>`;
}

/** @param {string} text */
function requirePercent(text) {
  const typedText = text.trim().replace(",", ".");
  const isRight = /^(100(\.0{1,2})?|\d{1,2}(\.\d{1,2})?)$/.test(typedText) && !/^[0.]+$/.test(typedText);
  if (!isRight) throw new Invalid({ value: coupons.percentWrong });
  return typedText;
}

/** @param {{id: string}} props */
export function CouponPage({ id }) {
  const path = { coupon_id: id };
  const loaded = useLoaded((signal) => call("GET /coupons/{coupon_id}", { path, signal }), [id]);
  const title = loaded.data?.code ?? coupons.title;
  return html`<${View} title=${title} back=${["/merchant/coupons", coupons.back]} narrow
    actions=${loaded.data && html`<${Actions} coupon=${loaded.data} set=${loaded.set} />`}>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {Coupon} */ coupon) => html`
      <section class="card">
        <${Facts} facts=${[
          [coupons.state, html`<${State} coupon=${coupon} />`],
          [coupons.discount, html`<strong>${discountOf(coupon)}</strong>`],
          [coupons.product, coupon.productId
            ? html`<a href="/app/merchant/products/${coupon.productId}">${coupons.oneProduct}</a>` : coupons.allProducts],
          [coupons.uses, html`<${Uses} coupon=${coupon} /> <a href="/app/merchant/orders?couponId=${coupon.id}">${coupons.orders}</a>`],
          coupon.maxUsesPerUser !== null && [coupons.maxUsesPerUser, count(coupon.maxUsesPerUser)],
          [coupons.validity, validityOf(coupon)],
        ]} />
      </section>
      <${EditForm} key=${coupon.updatedAt} coupon=${coupon} set=${loaded.set} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{coupon: Coupon, set: (coupon: Coupon) => void}} props */
function Actions({ coupon, set }) {
  const path = { coupon_id: coupon.id };
  const { isActive } = coupon;
  return html`<${Act} name="toggle" label=${isActive ? coupons.turnOff : coupons.turnOn} send=${async (/** @type {any} */ { key }) => {
      const changed = await call("PATCH /coupons/{coupon_id}", { path, key, body: { isActive: !isActive } });
      return () => { toast(isActive ? coupons.turnedOff : coupons.turnedOn); set(changed); };
    }} />
    <${ConfirmButton} name="delete" look="danger" label=${coupons.remove} title=${coupons.removeTitle(coupon.code)}
      text=${coupons.removeText} action=${coupons.remove} send=${async (/** @type {any} */ { key }) => {
        await call("DELETE /coupons/{coupon_id}", { path, key });
        return () => { toast(coupons.removed); navigate("/merchant/coupons", { replace: true }); };
      }} />`;
}

/** @param {{coupon: Coupon, set: (coupon: Coupon) => void}} props */
function EditForm({ coupon, set }) {
  const initial = {
    maxUses: coupon.maxUses === null ? "" : String(coupon.maxUses),
    startsAt: typed(coupon.startsAt), endsAt: typed(coupon.endsAt),
  };
  const form = useForm("terms", initial, async (values, { key }) => {
    const body = { maxUses: requireLimit(values.maxUses, "maxUses"), ...requirePeriod(values) };
    const changed = await call("PATCH /coupons/{coupon_id}", { path: { coupon_id: coupon.id }, body, key });
    return () => { toast(words.saved); set(changed); };
  });
  return html`<form class="card stack" ...${form.form} aria-label=${coupons.terms}>
    <h2>${coupons.terms}</h2>
    <${Field} ...${form.field("maxUses")} label=${coupons.maxUses} inputmode="numeric" isOptional hint=${coupons.noLimit} />
    <${Period} form=${form} />
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy}>${words.save}</${Submit}>
  </form>`;
}
