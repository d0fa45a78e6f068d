// @ts-check
// Events that could not be delivered, and the sinks that receive events.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { count, dateTime } from "../ui/format.js";
import { AN_ID, filtered } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { Action } from "./action.js";

/** @typedef {import("../api/schema.js").HeldEvent} HeldEvent */
/** @typedef {import("../api/schema.js").EventSink} EventSink */

const { events: text } = operations;
const QUIET_MS = 600_000;
const TONES = { RETRYING: "warning", WAITING: "neutral", PARKED: "danger" };

/** @returns {import("../ui/filters.js").Filter[]} */
function filtersOf() {
  return [
    { name: "status", label: operations.status, options: Object.entries(text.states) },
    { name: "sink", label: text.sink },
    { name: "type", label: text.type },
    { name: "aggregateId", label: text.aggregate, only: AN_ID, hint: operations.idHint },
  ];
}

function EventTabs() {
  return html`<${Tabs} label=${text.tabs}
    tabs=${[["/operator/events", text.held], ["/operator/events/sinks", text.sinks]]} />`;
}

export function HeldEvents() {
  const filters = filtersOf();
  const loaded = useList("GET /admin/events", { filters });
  const columns = [
    { title: text.event, kind: "main", cell: (/** @type {HeldEvent} */ row) => html`<span class="cell-title">${row.type}</span>
        <span class="muted">${dateTime(row.occurredAt)} · ${row.aggregateType} <span class="mono anywhere">${row.aggregateId}</span></span>` },
    { title: text.sink, cell: (/** @type {HeldEvent} */ row) => html`<span class="muted">${row.sink}</span>` },
    { title: operations.status, cell: (/** @type {HeldEvent} */ row) => html`<${Badge} tone=${TONES[row.status]}>${text.states[row.status]}</${Badge}>
        ${row.nextAttemptAt && html`<span class="muted block">${text.next(dateTime(row.nextAttemptAt))}</span>`}` },
    { title: text.reason, cell: (/** @type {HeldEvent} */ row) => (row.reason
      ? html`<span class="mono">${row.reason}</span><span class="muted block">${text.attempts(count(row.attempts))}</span>` : operations.none) },
    { title: text.decide, kind: "number act", cell: (/** @type {HeldEvent} */ row) => row.status !== "WAITING" && html`<${Decide} event=${row} reload=${loaded.reload} />` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/events/export" name="events" query=${filtered(filters)} />`;
  return html`<${View} title=${text.title} text=${text.text} actions=${exporting}>
    <${EventTabs} />
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${text.held} columns=${columns} empty=${text.empty} emptyText=${text.emptyText}
      icon="check" rowKey=${(/** @type {HeldEvent} */ row) => `${row.sink} ${row.id}`} />
  </${View}>`;
}

/** @param {{event: HeldEvent, reload: () => void}} props */
function Decide({ event: { id, sink, type }, reload }) {
  const path = { held_event_id: id };
  return html`<div class="actions end">
    <${Action} name="retry-${sink}-${id}" label=${text.retry} aria=${text.retryLabel(type, sink)} title=${text.retryTitle} text=${text.retryText}
      done=${text.retried} onDone=${reload}
      send=${(/** @type {any} */ { reason }, /** @type {any} */ sending) => call("POST /admin/events/{held_event_id}/retry", { path, body: { reason, sink }, ...sending })} />
    <${Action} name="skip-${sink}-${id}" label=${text.skip} aria=${text.skipLabel(type, sink)} title=${text.skipTitle} text=${text.skipText}
      isDangerous done=${text.skipped} onDone=${reload}
      send=${(/** @type {any} */ { reason }, /** @type {any} */ sending) => call("POST /admin/events/{held_event_id}/skip", { path, body: { reason, sink }, ...sending })} />
  </div>`;
}

/** Whether nothing seems to deliver to a sink any more; the API knows for sure. @param {EventSink} sink */
function isAbandoned({ behind, held, deliveredAt }) {
  const isQuiet = !deliveredAt || Date.now() - Date.parse(deliveredAt) > QUIET_MS;
  return isQuiet && behind + held > 0;
}

export function EventSinks() {
  const loaded = useList("GET /admin/event-sinks");
  const sinks = /** @type {EventSink[]} */ (/** @type {any} */ (loaded.data)?.data ?? []);
  const columns = [
    { title: text.sink, kind: "main", cell: (/** @type {EventSink} */ row) => html`<span class="cell-title">${text.names[row.name] ?? row.name}</span>
        <span class="muted"><span class="mono">${row.name}</span> · ${text.delivered} ${row.deliveredAt ? dateTime(row.deliveredAt) : text.never}</span>` },
    { title: operations.status, cell: (/** @type {EventSink} */ row) => (row.problem
      ? html`<${Badge} tone="danger">${text.problem}</${Badge}> <span class="muted" dir="auto">${row.problem}</span>`
      : html`<${Badge} tone="success">${text.fine}</${Badge}>`) },
    { title: text.behind, kind: "number", cell: (/** @type {EventSink} */ row) => count(row.behind) },
    { title: text.heldCount, kind: "number", cell: (/** @type {EventSink} */ row) => count(row.held) },
    { title: text.parked, kind: "number", cell: (/** @type {EventSink} */ row) => (row.parked
      ? html`<a href="/app/operator/events?status=PARKED&sink=${encodeURIComponent(row.name)}">${count(row.parked)}</a>` : count(0)) },
    ...(sinks.some(isAbandoned) ? [{ title: text.decide, kind: "number act", cell: (/** @type {EventSink} */ row) => isAbandoned(row) && html`
        <div class="actions end"><${Remove} name=${row.name} reload=${loaded.reload} /></div>` }] : []),
  ];
  return html`<${View} title=${text.title}>
    <${EventTabs} />
    <${List} look="stacked" of=${loaded} caption=${text.sinks} columns=${columns} empty=${text.noSinks} icon="clock"
      rowKey=${(/** @type {EventSink} */ row) => row.name} />
  </${View}>`;
}

/** @param {{name: string, reload: () => void}} props */
function Remove({ name, reload }) {
  return html`<${Action} name="remove-${name}" hasReason=${false} label=${text.remove} aria=${text.removeLabel(name)}
    title=${text.removeTitle(name)} text=${text.removeText} isDangerous done=${text.removed} onDone=${reload}
    send=${(/** @type {any} */ _, /** @type {any} */ sending) => call("DELETE /admin/event-sinks/{sink_name}", { path: { sink_name: name }, ...sending })} />`;
}
