// @ts-check
// Webhook endpoints: the list, and the form of a new or changed one.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { developers } from "../text/en-developers.js";
import { Choices, Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { count } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { navigate } from "../ui/router.js";
import { SecretOnce } from "../ui/secret.js";
import { Badge } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { EVENT_TYPES } from "./webhook-types.js";

/** @typedef {import("../api/schema.js").WebhookEndpoint} WebhookEndpoint */

const { webhooks } = developers;

/** The lists for developers. */
export function DeveloperTabs() {
  return html`<${Tabs} label=${developers.tabs} tabs=${[
    ["/merchant/webhooks", webhooks.tab], ["/merchant/api-keys", developers.keys.tab],
  ]} />`;
}

/** @param {{endpoint: WebhookEndpoint}} props */
export function EndpointState({ endpoint }) {
  const { status, failures } = endpoint;
  if (status === "DISABLED") return html`<${Badge} tone="neutral">${webhooks.states.DISABLED}</${Badge}>`;
  return failures
    ? html`<${Badge} tone="danger">${webhooks.failing(count(failures))}</${Badge}>`
    : html`<${Badge} tone="success">${webhooks.states.ENABLED}</${Badge}>`;
}

/** @param {WebhookEndpoint} endpoint */
export function eventsOf({ eventTypes }) {
  if (eventTypes === null) return webhooks.allEvents;
  return eventTypes.length > 2 ? webhooks.countEvents(count(eventTypes.length))
    : eventTypes.map(developers.typeName).join(", ");
}

export function Webhooks() {
  const loaded = useList("GET /webhook-endpoints");
  const create = html`<a class="button primary" href="/app/merchant/webhooks/new">${webhooks.create}</a>`;
  const columns = [
    { title: webhooks.url, kind: "wide", cell: (/** @type {WebhookEndpoint} */ row) => html`
        <a class="cell-title clamp" href="/app/merchant/webhooks/${row.id}">${row.url}</a>
        ${row.description && html`<span class="muted block anywhere" dir="auto">${row.description}</span>`}` },
    { title: webhooks.events, kind: "extra", cell: (/** @type {WebhookEndpoint} */ row) => html`<span class="muted">${eventsOf(row)}</span>` },
    { title: webhooks.state, cell: (/** @type {WebhookEndpoint} */ row) => html`<${EndpointState} endpoint=${row} />` },
  ];
  return html`<${View} title=${webhooks.title} text=${webhooks.text} actions=${create}>
    <${DeveloperTabs} />
    <${List} of=${loaded} caption=${webhooks.title} columns=${columns} empty=${webhooks.empty} icon="code"
      emptyText=${webhooks.emptyText}>${create}</${List}>
  </${View}>`;
}

export function NewWebhook() {
  const [made, setMade] = useState(/** @type {{id: string, secret: string} | null} */ (null));
  return html`<${View} title=${webhooks.createTitle} back=${["/merchant/webhooks", webhooks.back]} narrow>
    ${made
      ? html`<${SecretOnce} title=${webhooks.secretTitle} text=${webhooks.secretText} secret=${made.secret}
          done=${webhooks.secretDone} onDone=${() => navigate(`/merchant/webhooks/${made.id}`, { replace: true })} />`
      : html`<${EndpointForm} submit=${webhooks.submit} send=${async (/** @type {any} */ body, /** @type {{key: string}} */ { key }) => {
          const answer = await call("POST /webhook-endpoints", { body, key });
          return () => setMade(answer);
        }} />`}
  </${View}>`;
}

/**
 * The inputs of an endpoint.
 * @param {{endpoint?: WebhookEndpoint, submit: string,
 *   send: (body: any, sending: {key: string}) => Promise<(() => void) | void>}} props endpoint: the one that is changed
 */
export function EndpointForm({ endpoint, submit, send }) {
  const initial = {
    url: endpoint?.url ?? "",
    description: endpoint?.description ?? "",
    all: endpoint ? endpoint.eventTypes === null : true,
    eventTypes: endpoint?.eventTypes ?? /** @type {string[]} */ ([]),
    isThin: endpoint?.isThin ?? false,
  };
  const form = useForm("endpoint", initial, async (values, sending) => {
    if (!values.all && !values.eventTypes.length) throw new Invalid({ eventTypes: webhooks.eventsMissing });
    const body = {
      url: values.url.trim(),
      description: values.description.trim() || null,
      eventTypes: values.all ? null : values.eventTypes,
      isThin: values.isThin,
    };
    return send(body, sending);
  });
  const { all, eventTypes, isThin } = form.values;
  const { error } = form.field("eventTypes");
  return html`<form class="card stack" ...${form.form}>
    <${Field} ...${form.field("url")} label=${webhooks.url} hint=${webhooks.urlHint} type="url" autocomplete="off" />
    <${Field} ...${form.field("description")} label=${webhooks.description} isOptional maxlength="200" dir="auto" />
    <${Choices} label=${webhooks.events} name="events" value=${all ? "all" : "some"}
      choose=${(/** @type {string} */ chosen) => form.set({ all: chosen === "all" })}
      options=${[["all", webhooks.allEvents, webhooks.allEventsText], ["some", webhooks.someEvents, webhooks.someEventsText]]} />
    ${!all && html`<fieldset class="checks" aria-describedby=${error ? "events-error" : null}>
      <legend class="visually-hidden">${webhooks.someEvents}</legend>
      ${EVENT_TYPES.map((type) => html`<label key=${type} class="check">
        <input type="checkbox" checked=${eventTypes.includes(type)} aria-invalid=${error ? "true" : null}
          onChange=${() => form.set({ eventTypes: toggled(eventTypes, type) })} />
        <span>${developers.typeName(type)}</span>
      </label>`)}
      ${error && html`<p class="error" id="events-error">${error}</p>`}
    </fieldset>`}
    <label class="check"><input type="checkbox" checked=${isThin} onChange=${() => form.set({ isThin: !isThin })} />
      <span>${webhooks.thin}<span class="muted block">${webhooks.thinText}</span></span></label>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Submit} isBusy=${form.isBusy} wide>${submit}</${Submit}>
  </form>`;
}

/** The list with the value, or without it. @param {string[]} values @param {string} value */
export function toggled(values, value) {
  return values.includes(value) ? values.filter((each) => each !== value) : [...values, value];
}
