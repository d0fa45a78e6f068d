// @ts-check
// Limits and quotas of one user.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { Field, Invalid, Select } from "../ui/form.js";
import { count, fileSize, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { MoneyField, requireAmount } from "../ui/money.js";
import { Badge, Empty } from "../ui/states.js";
import { Table } from "../ui/table.js";
import { Action } from "./action.js";
import { nameOf } from "./parts.js";
import { UserTabs } from "./user.js";

/** @typedef {import("../api/schema.js").EffectiveLimit} EffectiveLimit */
/** @typedef {import("../api/schema.js").Quota} Quota */
/** @typedef {import("../api/schema.js").UserDetail} UserDetail */

const { users, limits, quotas } = operations;

/** @param {{id: string}} props */
export function UserLimits({ id }) {
  const path = { user_id: id };
  const user = useLoaded((signal) => call("GET /admin/users/{user_id}", { path, signal }), [id]);
  const title = user.data ? nameOf(user.data.user) : users.title;
  return html`<${View} title=${title} back=${["/operator/users", users.back]}>
    <${UserTabs} id=${id} />
    <${Loaded} of=${user} lines=${8}>${(/** @type {UserDetail} */ { wallets }) => html`
      <${Limits} path=${path} currency=${wallets[0]?.currency ?? "USD"} /><${Quotas} path=${path} />`}
    </${Loaded}>
  </${View}>`;
}

/** @param {EffectiveLimit} limit */
function describe({ type, window }) {
  return `${limits.types[type]}, ${limits.windows[window]}`;
}

/** @param {{path: {user_id: string}, currency: string}} props */
function Limits({ path, currency }) {
  const loaded = useLoaded((signal) => call("GET /admin/users/{user_id}/limits", { path, signal }), [path.user_id]);
  const shared = { path, reload: loaded.reload };
  const columns = [
    { title: limits.what, kind: "wide", cell: (/** @type {EffectiveLimit} */ row) => html`
        <span class="cell-title">${limits.types[row.type]} ${row.isOwn && html`<${Badge} tone="warning">${limits.own}</${Badge}>`}</span>
        <span class="muted">${limits.windows[row.window]}</span>` },
    { title: limits.limit, kind: "number", cell: (/** @type {EffectiveLimit} */ row) => money(row.limit, row.currency) },
    { title: limits.used, kind: "number", cell: (/** @type {EffectiveLimit} */ row) => money(row.used, row.currency) },
    { title: limits.left, kind: "number", cell: (/** @type {EffectiveLimit} */ row) => money(row.remaining, row.currency) },
    { title: limits.change, kind: "number act", cell: (/** @type {EffectiveLimit} */ row) => html`<div class="actions end">
        ${row.isOwn && html`<${RemoveLimit} limit=${row} ...${shared} />`}
        <${SetLimit} limit=${row} currency=${row.currency} ...${shared} /></div>` },
  ];
  return html`<section class="card stacked" aria-labelledby="limits-title">
    <div class="card-head"><div><h2 id="limits-title">${limits.title}</h2><p class="muted">${limits.text}</p></div>
      <${SetLimit} currency=${currency} ...${shared} /></div>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {EffectiveLimit[]} */ rows) => (rows.length
      ? html`<${Table} caption=${limits.title} columns=${columns} rows=${rows} rowKey=${describe} />`
      : html`<${Empty} icon="check" title=${limits.empty} />`)}</${Loaded}>
  </section>`;
}

/** @param {{limit?: EffectiveLimit, currency: string, path: {user_id: string}, reload: () => void}} props */
function SetLimit({ limit, currency, path, reload }) {
  const initial = limit ? { amount: limit.limit } : { type: "OUTGOING", window: "DAY", amount: "" };
  const name = limit ? `limit-${limit.type}-${limit.window}` : "limit";
  return html`<${Action} name=${name} hasReason=${false} label=${limit ? limits.change : limits.add}
    aria=${limit && limits.changeLabel(describe(limit))} title=${limit ? describe(limit) : limits.add}
    initial=${initial} done=${limits.saved} onDone=${reload}
    fields=${(/** @type {any} */ form) => html`
      ${!limit && html`<div class="row">
        <${Select} ...${form.field("type")} label=${limits.type} options=${Object.entries(limits.types)} />
        <${Select} ...${form.field("window")} label=${limits.window} options=${Object.entries(limits.windows)} />
      </div>`}
      <${MoneyField} ...${form.field("amount")} id="${name}-amount" label=${limits.limit} currency=${currency} />`}
    send=${(/** @type {any} */ values, /** @type {any} */ sending) => {
      const { type, window } = limit ?? values;
      const body = { type, window, amount: requireAmount(values.amount, currency) };
      return call("PUT /admin/users/{user_id}/limits", { path, body, ...sending });
    }} />`;
}

/** @param {{limit: EffectiveLimit, path: {user_id: string}, reload: () => void}} props */
function RemoveLimit({ limit, path, reload }) {
  const { type, window } = limit;
  return html`<${Action} name="remove-${type}-${window}" hasReason=${false} label=${limits.remove}
    aria=${limits.removeLabel(describe(limit))} title=${limits.removeLabel(describe(limit))}
    done=${limits.removed} onDone=${reload}
    send=${(/** @type {any} */ _, /** @type {any} */ sending) => call("DELETE /admin/users/{user_id}/limits", { path, query: { type, window }, ...sending })} />`;
}

/** @param {Quota} row @param {number} amount */
function size(row, amount) {
  return row.quota === "FILE_BYTES" ? fileSize(amount) : count(amount);
}

/** @param {{path: {user_id: string}}} props */
function Quotas({ path }) {
  const loaded = useLoaded((signal) => call("GET /admin/users/{user_id}/quotas", { path, signal }), [path.user_id]);
  const columns = [
    { title: quotas.what, kind: "wide", cell: (/** @type {Quota} */ row) => html`<span class="cell-title">${quotas.names[row.quota]}
        ${" "}${row.isOwn && html`<${Badge} tone="warning">${quotas.own}</${Badge}>`}</span>` },
    { title: quotas.used, kind: "number", cell: (/** @type {Quota} */ row) => size(row, row.used) },
    { title: quotas.maximum, kind: "number", cell: (/** @type {Quota} */ row) => size(row, row.maximum) },
    { title: quotas.change, kind: "number act", cell: (/** @type {Quota} */ row) => html`<div class="actions end">
        <${SetQuota} quota=${row} path=${path} reload=${loaded.reload} /></div>` },
  ];
  return html`<section class="card stacked" aria-labelledby="quotas-title">
    <h2 id="quotas-title">${quotas.title}</h2><p class="muted">${quotas.text}</p>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {Quota[]} */ rows) => html`
      <${Table} caption=${quotas.title} columns=${columns} rows=${rows} rowKey=${(/** @type {Quota} */ row) => row.quota} />`}</${Loaded}>
  </section>`;
}

/** @param {{quota: Quota, path: {user_id: string}, reload: () => void}} props */
function SetQuota({ quota: row, path, reload }) {
  const { quota } = row;
  const name = quotas.names[quota];
  return html`<${Action} name="quota-${quota}" hasReason=${false} label=${quotas.change} aria=${quotas.changeLabel(name)}
    title=${name} initial=${{ maximum: row.isOwn ? String(row.maximum) : "" }} done=${quotas.saved} onDone=${reload}
    fields=${(/** @type {any} */ form) => html`<${Field} ...${form.field("maximum")} id="quota-${quota}-maximum" label=${quotas.maximum}
      hint=${quota === "FILE_BYTES" ? quotas.maximumBytesHint : quotas.maximumHint} class="input" inputmode="numeric" autocomplete="off" />`}
    send=${(/** @type {any} */ values, /** @type {any} */ sending) => {
      const typed = values.maximum.trim();
      if (typed && !/^\d{1,15}$/.test(typed)) throw new Invalid({ maximum: quotas.wrong });
      const body = { quota, maximum: typed ? Number(typed) : null };
      return call("PUT /admin/users/{user_id}/quotas", { path, body, ...sending });
    }} />`;
}
