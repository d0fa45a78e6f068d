// @ts-check
// Money from and to banks, as operators see it.

import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { count, dateTime, money } from "../ui/format.js";
import { AN_ID, filtered, periodFilters } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { Person } from "./parts.js";

/** @typedef {import("../api/schema.js").OnrampRecord} OnrampRecord */
/** @typedef {import("../api/schema.js").PayoutRecord} PayoutRecord */
/** @typedef {import("../ui/filters.js").Filter} Filter */

const { bank: text } = operations;
const ONRAMP_TONES = { PROCESSING: "warning", SUCCESS: "success", FAILURE: "danger", EXPIRED: "neutral" };
const PAYOUT_TONES = { PENDING: "warning", SUBMITTED: "warning", PAID: "success", REFUSED: "danger" };

/** The pages about banks. */
export function BankTabs() {
  return html`<${Tabs} label=${text.tabs} tabs=${[
    ["/operator/bank", text.onramps], ["/operator/bank/payouts", text.payouts],
    ["/operator/bank/events?status=QUARANTINED", text.events], ["/operator/bank/reconciliation", text.reconciliation],
  ]} />`;
}

/** @param {Filter[]} own @returns {Filter[]} */
function filtersOf(own) {
  return [
    { name: "reference", label: text.reference, type: "search", hint: operations.referenceHint },
    ...own,
    { name: "provider", label: text.code },
    { name: "userId", label: operations.userId, only: AN_ID, hint: operations.idHint, isLinked: true },
    ...periodFilters(),
  ];
}

/** Our reference and the bank's. @param {{ours: string, theirs: string | null, provider: string}} props */
function References({ ours, theirs, provider }) {
  return html`<span class="muted">${provider}${theirs && html` · <span class="mono">${theirs}</span>`}</span>
    <span class="muted mono block anywhere">${ours}</span>`;
}

/** A link to what the bank has reported against our record. @param {{reference: string, events: any[]}} props */
function Contradicted({ reference, events }) {
  if (!events.length) return null;
  return html` <a class="badge danger" href="/app/operator/bank/events?reference=${encodeURIComponent(reference)}"
    aria-label=${text.contradictedLabel}>${text.contradicted}</a>`;
}

export function Onramps() {
  const filters = filtersOf([
    { name: "status", label: operations.status, options: Object.entries(text.onrampStates) },
    { name: "quarantined", label: text.quarantined, options: [["true", text.only]] },
  ]);
  const loaded = useList("GET /admin/on-ramps", { filters, sorts: BY_TIME });
  const columns = [
    { title: operations.user, kind: "main", cell: (/** @type {OnrampRecord} */ row) => html`<${Person} user=${row.user} />` },
    { title: operations.reference, cell: (/** @type {OnrampRecord} */ row) => html`
        <${References} ours=${row.token} theirs=${row.bankReference} provider=${row.provider} />` },
    { title: operations.amount, kind: "number", cell: (/** @type {OnrampRecord} */ row) => html`<strong>${money(row.amount, row.currency)}</strong>` },
    { title: operations.created, sorts: ["oldest", "newest"], cell: (/** @type {OnrampRecord} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: operations.status, cell: (/** @type {OnrampRecord} */ row) => html`
        <${Badge} tone=${ONRAMP_TONES[row.status]}>${text.onrampStates[row.status]}</${Badge}>
        ${row.late && html` <${Badge} tone="warning">${text.late}</${Badge}>`}
        <${Contradicted} reference=${row.token} events=${row.quarantined} />
        ${row.failureReason && html`<span class="muted block" dir="auto">${row.failureReason}</span>`}` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/on-ramps/export" name="on-ramps" query=${filtered(filters)} />`;
  return html`<${View} title=${text.title} actions=${exporting}>
    <${BankTabs} />
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${text.onramps} columns=${columns} empty=${text.emptyOnramps} icon="bank" />
  </${View}>`;
}

export function Payouts() {
  const filters = filtersOf([
    { name: "status", label: operations.status, options: Object.entries(text.payoutStates) },
    { name: "flagged", label: text.flagged, options: [["true", text.needs]] },
  ]);
  const loaded = useList("GET /admin/payouts", { filters, sorts: BY_TIME });
  const columns = [
    { title: operations.user, kind: "main", cell: (/** @type {PayoutRecord} */ row) => html`<${Person} user=${row.user} />
        <span class="muted block">${text.account} <span class="mono">${row.bankAccount.number}</span></span>` },
    { title: operations.reference, cell: (/** @type {PayoutRecord} */ row) => html`
        <${References} ours=${row.id} theirs=${row.bankReference} provider=${row.provider} />` },
    { title: operations.amount, kind: "number", cell: (/** @type {PayoutRecord} */ row) => html`<strong>${money(row.amount, row.currency)}</strong>` },
    { title: operations.created, sorts: ["oldest", "newest"], cell: (/** @type {PayoutRecord} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: operations.status, cell: (/** @type {PayoutRecord} */ row) => html`
        <${Badge} tone=${PAYOUT_TONES[row.status]}>${text.payoutStates[row.status]}</${Badge}>
        ${row.flaggedAt && html` <${Badge} tone="danger">${text.needs}</${Badge}>`}
        <${Contradicted} reference=${row.id} events=${row.quarantined} />
        ${row.flaggedAt && html`<span class="muted block">${text.needsText(dateTime(row.flaggedAt))}</span>`}
        ${row.attempts > 0 && html`<span class="muted block">${text.requests(count(row.attempts))}</span>`}
        ${row.reason && html`<span class="muted block" dir="auto">${row.reason}</span>`}` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/payouts/export" name="payouts" query=${filtered(filters)} />`;
  return html`<${View} title=${text.title} actions=${exporting}>
    <${BankTabs} />
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${text.payouts} columns=${columns} empty=${text.emptyPayouts} icon="bank" />
  </${View}>`;
}
