// @ts-check
// One webhook endpoint: its state, what can be done with it, and what was sent to it.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { developers } from "../text/en-developers.js";
import { words } from "../text/en.js";
import { Act } from "../ui/act.js";
import { Confirm, ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { Select } from "../ui/form.js";
import { count, dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { navigate } from "../ui/router.js";
import { SecretOnce } from "../ui/secret.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { DELIVERY_TONES } from "./timeline.js";
import { EVENT_TYPES } from "./webhook-types.js";
import { EndpointForm, EndpointState, eventsOf } from "./webhooks.js";

/** @typedef {import("../api/schema.js").WebhookDelivery} WebhookDelivery */
/** @typedef {import("../api/schema.js").WebhookEndpoint} WebhookEndpoint */
/** @typedef {import("../api/schema.js").WebhookReplay} WebhookReplay */

const { webhooks, deliveries } = developers;
const HOUR_MS = 3_600_000;

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [
  { name: "status", label: deliveries.state, options: Object.entries(deliveries.states) },
  { name: "eventType", label: deliveries.event, options: EVENT_TYPES.map((type) => [type, developers.typeName(type)]) },
];

/** @param {{id: string}} props */
export function WebhookPage({ id }) {
  const path = { endpoint_id: id };
  const loaded = useLoaded((signal) => call("GET /webhook-endpoints/{endpoint_id}", { path, signal }), [id]);
  const sent = useList("GET /webhook-endpoints/{endpoint_id}/deliveries", { filters: FILTERS, path });
  const replays = useLoaded((signal) => call("GET /webhook-endpoints/{endpoint_id}/replays", { path, query: { limit: 3 }, signal }), [id]);
  const isReplaying = replays.data?.data.some(({ status }) => status === "RUNNING") ?? false;
  usePolling(() => { sent.reload(); replays.reload(); }, isReplaying);
  const [secret, setSecret] = useState("");
  const endpoint = loaded.data;
  const columns = [
    { title: deliveries.event, kind: "wide", cell: (/** @type {WebhookDelivery} */ row) => html`
        <a class="cell-title" href="/app/merchant/webhooks/${id}/deliveries/${row.id}">${developers.typeName(row.type)}</a>
        <span class="muted block">${dateTime(row.createdAt)}</span>` },
    { title: deliveries.state, cell: (/** @type {WebhookDelivery} */ row) => html`
        <${Badge} tone=${DELIVERY_TONES[row.status]}>${deliveries.states[row.status]}</${Badge}>
        ${row.nextAttemptAt && row.attempts > 0 && html`<span class="muted block">${deliveries.next(dateTime(row.nextAttemptAt))}</span>`}` },
    { title: deliveries.attempts, kind: "number extra", cell: (/** @type {WebhookDelivery} */ row) => count(row.attempts) },
  ];
  return html`<${View} title=${endpoint?.description || webhooks.facts} text=${endpoint?.url}
    back=${["/merchant/webhooks", webhooks.back]}>
    <${Loaded} of=${loaded} lines=${5}>${(/** @type {WebhookEndpoint} */ found) => html`
      ${secret && html`<${SecretOnce} title=${webhooks.secretTitle} text=${webhooks.secretText} secret=${secret}
        done=${webhooks.secretDone} onDone=${() => setSecret("")} />`}
      ${found.disabledBecause && html`<${Notice} tone="warning">${webhooks.because[found.disabledBecause]}</${Notice}>`}
      ${found.failingSince && !found.disabledBecause && html`<${Notice} tone="danger">${webhooks.failingSince(dateTime(found.failingSince))}.
        ${found.pausedUntil && ` ${webhooks.paused(dateTime(found.pausedUntil))}`}</${Notice}>`}
      <section class="card stack">
        <${Facts} facts=${[
          [webhooks.state, html`<${EndpointState} endpoint=${found} />`],
          [webhooks.events, eventsOf(found)],
          [webhooks.publicKey, html`<span class="mono anywhere">${found.publicKeys[0]}</span>`],
          [webhooks.created, dateTime(found.createdAt)],
        ]} />
        <${Actions} endpoint=${found} set=${loaded.set} reload=${sent.reload} setSecret=${setSecret} />
      </section>`}
    </${Loaded}>
    <div class="section-head">
      <h2>${deliveries.title}</h2>
      ${endpoint?.status === "ENABLED" && html`<${Replay} id=${id} onDone=${() => { sent.reload(); replays.reload(); }} />`}
    </div>
    <${List} of=${sent} filters=${FILTERS} caption=${deliveries.title} columns=${columns} icon="send"
      empty=${deliveries.empty} emptyText=${deliveries.emptyText} />
    ${replays.data && replays.data.data.length > 0 && html`<${Replays} rows=${replays.data.data} />`}
  </${View}>`;
}

/** @param {{endpoint: WebhookEndpoint, set: (endpoint: WebhookEndpoint) => void, reload: () => void, setSecret: (secret: string) => void}} props */
function Actions({ endpoint, set, reload, setSecret }) {
  const path = { endpoint_id: endpoint.id };
  const isOn = endpoint.status === "ENABLED";
  return html`<div class="actions">
    ${isOn && html`<${Act} name="ping" look="primary" label=${webhooks.ping} send=${async (/** @type {any} */ { key }) => {
      await call("POST /webhook-endpoints/{endpoint_id}/ping", { path, key });
      return () => { toast(webhooks.pinged); reload(); };
    }} />`}
    <a class="button" href="/app/merchant/webhooks/${endpoint.id}/change">${webhooks.edit}</a>
    <${Rotate} id=${endpoint.id} setSecret=${setSecret} />
    <${Act} name="toggle" label=${isOn ? webhooks.turnOff : webhooks.turnOn} send=${async (/** @type {any} */ { key }) => {
      /** @type {{status: "ENABLED" | "DISABLED"}} */
      const body = { status: isOn ? "DISABLED" : "ENABLED" };
      const changed = await call("PATCH /webhook-endpoints/{endpoint_id}", { path, body, key });
      return () => { toast(isOn ? webhooks.turnedOff : webhooks.turnedOn); set(changed); };
    }} />
    <${ConfirmButton} name="delete" look="danger" label=${webhooks.remove} title=${webhooks.removeTitle}
      text=${webhooks.removeText} action=${webhooks.remove} send=${async (/** @type {any} */ { key }) => {
        await call("DELETE /webhook-endpoints/{endpoint_id}", { path, key });
        return () => { toast(webhooks.removed); navigate("/merchant/webhooks", { replace: true }); };
      }} />
  </div>`;
}

/** @param {{id: string, setSecret: (secret: string) => void}} props */
function Rotate({ id, setSecret }) {
  const [isOpen, setOpen] = useState(false);
  const [days, setDays] = useState("1");
  return html`<button class="button" type="button" onClick=${() => setOpen(true)}>${webhooks.rotate}</button>
    ${isOpen && html`<${Confirm} name="rotate" title=${webhooks.rotateTitle} text=${webhooks.rotateText}
      action=${webhooks.rotate} tone="primary" onClose=${() => setOpen(false)} send=${async (/** @type {any} */ { key }) => {
        const made = await call("POST /webhook-endpoints/{endpoint_id}/rotate-secret", {
          path: { endpoint_id: id }, body: { overlapDays: Number(days) }, key,
        });
        return () => setSecret(made.secret);
      }}>
      <${Select} name="overlap" label=${webhooks.overlap} value=${days} options=${Object.entries(webhooks.overlaps)}
        onInput=${(/** @type {any} */ event) => setDays(event.currentTarget.value)} />
    </${Confirm}>`}`;
}

/** @param {{id: string, onDone: () => void}} props */
function Replay({ id, onDone }) {
  const [isOpen, setOpen] = useState(false);
  const [status, setStatus] = useState("FAILED");
  const [hours, setHours] = useState("24");
  const value = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) => set(event.currentTarget.value);
  return html`<button class="button" type="button" onClick=${() => setOpen(true)}>${deliveries.replayAll}</button>
    ${isOpen && html`<${Confirm} name="replay" title=${deliveries.replayTitle} text=${deliveries.replayText}
      action=${deliveries.replayAll} tone="primary" onClose=${() => setOpen(false)} send=${async (/** @type {any} */ { key }) => {
        const from = new Date(Math.floor((Date.now() - Number(hours) * HOUR_MS) / HOUR_MS) * HOUR_MS).toISOString();
        const body = { from, ...(status ? { status: /** @type {any} */ (status) } : {}) };
        await call("POST /webhook-endpoints/{endpoint_id}/replays", { path: { endpoint_id: id }, body, key });
        return () => { toast(deliveries.replayStarted); onDone(); };
      }}>
      <${Select} name="which" label=${deliveries.which} value=${status} options=${Object.entries(deliveries.whichStates)} onInput=${value(setStatus)} />
      <${Select} name="period" label=${deliveries.since} value=${hours} options=${Object.entries(deliveries.periods)} onInput=${value(setHours)} />
    </${Confirm}>`}`;
}

/** @param {{rows: WebhookReplay[]}} props */
function Replays({ rows }) {
  return html`<section class="card" aria-labelledby="replays">
    <h2 id="replays">${deliveries.replays}</h2>
    <ul class="list">${rows.map((row) => html`<li key=${row.id} class="list-row">
      <span>${deliveries.progress(count(row.delivered), count(row.total))}
        ${row.failed > 0 && html`<span class="muted block">${deliveries.failed(count(row.failed))}</span>`}
        <span class="muted block">${dateTime(row.createdAt)}</span></span>
      <${Badge} tone=${row.status === "RUNNING" ? "warning" : "success"}>
        ${row.status === "RUNNING" ? deliveries.running : deliveries.completed}</${Badge}>
    </li>`)}</ul>
  </section>`;
}

/** @param {{id: string}} props */
export function ChangeWebhook({ id }) {
  const path = { endpoint_id: id };
  const loaded = useLoaded((signal) => call("GET /webhook-endpoints/{endpoint_id}", { path, signal }), [id]);
  return html`<${View} title=${webhooks.edit} text=${loaded.data?.url} narrow back=${[`/merchant/webhooks/${id}`, deliveries.back]}>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {WebhookEndpoint} */ endpoint) => html`
      <${EndpointForm} endpoint=${endpoint} submit=${webhooks.save} send=${async (/** @type {any} */ body, /** @type {any} */ { key }) => {
        await call("PATCH /webhook-endpoints/{endpoint_id}", { path, body, key });
        return () => { toast(words.saved); navigate(`/merchant/webhooks/${id}`, { replace: true }); };
      }} />`}</${Loaded}>
  </${View}>`;
}
