// @ts-check
// API keys: the list, and a new one, which is shown once.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { developers } from "../text/en-developers.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, FormProblem, Invalid, Select, Submit, useForm } from "../ui/form.js";
import { count, date, dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { navigate } from "../ui/router.js";
import { SecretOnce } from "../ui/secret.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { DeveloperTabs, toggled } from "./webhooks.js";

/** @typedef {import("../api/schema.js").ApiKey} ApiKey */
/** @typedef {import("../api/schema.js").CreateApiKey["scopes"]} Scopes */

const { keys } = developers;
const DAY_MS = 86_400_000;

/** Permissions in the order of the API, by what they are for. @type {Record<string, Scopes>} */
const SCOPES = {
  products: ["products:read", "products:write"],
  coupons: ["coupons:read", "coupons:write"],
  orders: ["orders:read", "orders:write"],
  refunds: ["refunds:write"],
  delivery: ["delivery:read", "delivery:write"],
  wallet: ["wallet:read", "wallet:write"],
  payment_requests: ["payment_requests:read", "payment_requests:write"],
  transfers: ["transfers:write"],
  payouts: ["payouts:write"],
  webhooks: ["webhooks:read", "webhooks:write"],
};
const SPENDING = ["orders:write", "refunds:write", "transfers:write", "payouts:write"];

/** @param {ApiKey} key */
function isUsable({ revokedAt, expiresAt }) {
  return !revokedAt && !(expiresAt && Date.parse(expiresAt) <= Date.now());
}

/** @param {{row: ApiKey}} props */
function State({ row }) {
  if (isUsable(row)) {
    return html`<${Badge} tone="success">${keys.active}</${Badge}>
      ${row.expiresAt && html`<span class="muted block">${keys.until(date(row.expiresAt))}</span>`}`;
  }
  return html`<${Badge}>${row.revokedAt ? keys.revoked : keys.expired}</${Badge}>`;
}

export function ApiKeys() {
  const loaded = useList("GET /auth/api-keys");
  const create = html`<a class="button primary" href="/app/merchant/api-keys/new">${keys.create}</a>`;
  const columns = [
    { title: keys.name, kind: "wide", cell: (/** @type {ApiKey} */ row) => html`
        <strong class="block anywhere" dir="auto">${row.name}</strong>
        <span class="muted block"><span class="mono">${row.prefix}…</span> · <span title=${row.scopes.join(", ")}>${keys.count(count(row.scopes.length))}</span></span>
        <span class="muted block">${keys.used}: ${row.lastUsedAt ? dateTime(row.lastUsedAt) : keys.never}</span>` },
    { title: keys.created, kind: "extra", cell: (/** @type {ApiKey} */ row) => html`<span class="muted">${date(row.createdAt)}</span>` },
    { title: keys.state, cell: (/** @type {ApiKey} */ row) => html`<${State} row=${row} />` },
    { title: keys.revoke, kind: "number", cell: (/** @type {ApiKey} */ row) => isUsable(row) && html`
        <${ConfirmButton} name="revoke-${row.id}" look="danger" label=${keys.revoke} hidden=${keys.revokeOf(row.name)}
          title=${keys.revokeTitle(row.name)} text=${keys.revokeText} action=${keys.revoke}
          send=${async (/** @type {any} */ { key }) => {
            await call("DELETE /auth/api-keys/{api_key_id}", { path: { api_key_id: row.id }, key });
            return () => { toast(keys.done); loaded.reload(); };
          }} />` },
  ];
  return html`<${View} title=${keys.title} text=${keys.text} actions=${create}>
    <${DeveloperTabs} />
    <${List} of=${loaded} caption=${keys.title} columns=${columns} empty=${keys.empty} icon="key"
      emptyText=${keys.emptyText}>${create}</${List}>
  </${View}>`;
}

export function NewApiKey() {
  const loaded = useLoaded((signal) => call("GET /auth/two-factor", { signal }), []);
  const [key, setKey] = useState("");
  return html`<${View} title=${keys.createTitle} back=${["/merchant/api-keys", keys.back]} narrow>
    ${key
      ? html`<${SecretOnce} title=${keys.newTitle} text=${keys.newText} secret=${key} done=${keys.newDone}
          onDone=${() => navigate("/merchant/api-keys", { replace: true })} />`
      : html`<${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ { enabled }) => html`
          <${CreateForm} needsCode=${enabled} setKey=${setKey} />`}</${Loaded}>`}
  </${View}>`;
}

/** @param {{needsCode: boolean, setKey: (key: string) => void}} props */
function CreateForm({ needsCode, setKey }) {
  const initial = { name: "", scopes: /** @type {Scopes} */ ([]), days: "", password: "", code: "" };
  const form = useForm("key", initial, async (values, { key }) => {
    if (!values.scopes.length) throw new Invalid({ scopes: keys.scopesMissing });
    const body = {
      name: values.name.trim(),
      scopes: values.scopes,
      expiresAt: values.days ? new Date(Date.now() + Number(values.days) * DAY_MS).toISOString() : null,
      password: values.password,
      code: needsCode ? values.code.trim() || null : null,
    };
    const made = await call("POST /auth/api-keys", { body, key }).catch((error) => {
      if (error.code === "INVALID_CREDENTIALS") throw new Invalid({ password: keys.wrongPassword });
      if (error.code === "TWO_FACTOR_CODE_WRONG" || error.code === "TWO_FACTOR_REQUIRED") throw new Invalid({ code: error.message });
      throw error;
    });
    return () => setKey(made.key);
  });
  const { scopes } = form.values;
  const { error } = form.field("scopes");
  return html`<form class="card stack" ...${form.form}>
    <${Field} ...${form.field("name")} label=${keys.name} hint=${keys.nameHint} maxlength="100" dir="auto" autocomplete="off" />
    <fieldset class="checks" aria-describedby=${error ? "scopes-error" : "scopes-hint"}>
      <legend>${keys.scopes}</legend>
      <p class="hint" id="scopes-hint">${keys.scopesHint}</p>
      ${Object.entries(SCOPES).map(([group, rights]) => html`<div key=${group} class="scope">
        <span>${keys.groups[group]}</span>
        <span class="rights">${rights.map((scope) => html`<label key=${scope} class="check">
          <input type="checkbox" checked=${scopes.includes(scope)} aria-invalid=${error ? "true" : null}
            aria-label=${`${keys.groups[group]}: ${keys.rights[scope.split(":")[1]]}`}
            onChange=${() => form.set({ scopes: /** @type {Scopes} */ (toggled(scopes, scope)) })} />
          <span>${keys.rights[scope.split(":")[1]]}</span></label>`)}</span>
        ${rights.some((scope) => SPENDING.includes(scope) && scopes.includes(scope)) && html`
          <${Badge} tone="warning">${keys.spends}</${Badge}>`}
      </div>`)}
      ${error && html`<p class="error" id="scopes-error">${error}</p>`}
    </fieldset>
    <${Select} ...${form.field("days")} label=${keys.expires} options=${Object.entries(keys.lives)} />
    <${Field} ...${form.field("password")} label=${keys.password} type="password" autocomplete="current-password" />
    ${needsCode && html`<${Field} ...${form.field("code")} label=${keys.code} autocomplete="one-time-code" />`}
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide>${keys.submit}</${Submit}>
  </form>`;
}
