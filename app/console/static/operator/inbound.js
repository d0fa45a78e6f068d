// @ts-check
// What banks and the payment provider have reported, and what contradicts our records.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { count, dateTime, money } from "../ui/format.js";
import { filtered, periodFilters } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge, Notice } from "../ui/states.js";
import { Action } from "./action.js";
import { BankTabs } from "./bank.js";

/** @typedef {import("../api/schema.js").InboundEvent} InboundEvent */

const { inbound: text, bank } = operations;
const TONES = { RECEIVED: "warning", PROCESSED: "success", QUARANTINED: "danger", DISMISSED: "neutral" };

/** @returns {import("../ui/filters.js").Filter[]} */
function filtersOf() {
  return [
    { name: "reference", label: operations.reference, type: "search", hint: text.referenceHint },
    { name: "status", label: operations.status, options: Object.entries(text.states) },
    { name: "provider", label: operations.provider },
    ...periodFilters(),
  ];
}

export function InboundEvents() {
  const filters = filtersOf();
  const loaded = useList("GET /admin/inbound-events", { filters });
  const exporting = html`<${ExportButton} from="GET /admin/inbound-events/export" name="inbound-events" query=${filtered(filters)} />`;
  return html`<${View} title=${bank.title} actions=${exporting}>
    <${BankTabs} />
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${bank.events} empty=${text.empty} icon="bell"
      rows=${(/** @type {InboundEvent[]} */ rows) => html`<ul class="list">
        ${rows.map((event) => html`<li key=${event.id} class="event"><${Event} event=${event} reload=${loaded.reload} /></li>`)}
      </ul>`} />
  </${View}>`;
}

/** A link to what the event is about. @param {{event: InboundEvent}} props */
function Subject({ event: { subjectType, subjectId } }) {
  if (!subjectType || !subjectId) return null;
  const pages = {
    order: `/app/operator/orders/${subjectId}`,
    onramp: `/app/operator/bank?reference=${subjectId}`,
    payout: `/app/operator/bank/payouts?reference=${subjectId}`,
    refund: "/app/operator/orders/refunds",
  };
  return html` · <a href=${pages[subjectType]}>${text.subjects[subjectType]}</a>`;
}

/** @param {{event: InboundEvent, reload: () => void}} props */
function Event({ event, reload }) {
  const path = { event_id: event.id };
  const amount = event.amount !== null && event.currency ? money(event.amount, event.currency) : null;
  return html`
    <div class="list-row">
      <span class="grow"><strong>${text.types[event.type] ?? event.type}</strong>
        <span class="muted block">${event.provider} · ${dateTime(event.receivedAt)}<${Subject} event=${event} /></span>
        <span class="muted mono block anywhere">${event.reference}</span>
        ${event.providerReference && html`<span class="muted block">${text.theirs} <span class="mono">${event.providerReference}</span></span>`}
        ${event.reason && html`<span class="muted block" dir="auto">${text.theirReason} ${event.reason}</span>`}
        ${event.status === "RECEIVED" && event.lastError && html`<span class="error block">${event.lastError} · ${text.attempts(count(event.attempts))}</span>`}
      </span>
      <span class="list-end">${amount && html`<strong>${amount}</strong>`}
        <${Badge} tone=${TONES[event.status]}>${text.states[event.status]}</${Badge}></span>
    </div>
    ${event.status === "QUARANTINED" && html`<${Notice} tone="warning" role=${null}>
      <strong>${event.quarantineReason ? text.reasons[event.quarantineReason] : text.whatToDo}</strong>
      <p>${event.advice}</p>
      <div class="actions">
        ${event.canRetry && html`<${Action} name="retry-${event.id}" label=${text.retry} aria=${text.retryLabel(event.reference)}
          title=${text.retryTitle} text=${text.retryText} done=${text.retried} onDone=${reload}
          send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/inbound-events/{event_id}/retry", { path, body, ...sending })} />`}
        <${Action} name="dismiss-${event.id}" label=${text.dismiss} aria=${text.dismissLabel(event.reference)} isDangerous
          title=${text.dismissTitle} text=${text.dismissText} done=${text.dismissed} onDone=${reload}
          send=${(/** @type {any} */ body, /** @type {any} */ sending) => call("POST /admin/inbound-events/{event_id}/dismiss", { path, body, ...sending })} />
      </div>
    </${Notice}>`}`;
}
