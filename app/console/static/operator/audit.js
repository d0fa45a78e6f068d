// @ts-check
// The audit log.

import { View } from "../shell/layout.js";
import { audit as text } from "../text/en-audit.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { dateTime } from "../ui/format.js";
import { AN_ID, filtered, periodFilters } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { BY_TIME } from "../ui/sort.js";
import { short } from "./figures.js";
import { Person } from "./parts.js";

/** @typedef {import("../api/schema.js").AuditRecord} AuditRecord */

/** A name of the API for people, if there is no text for it. @param {string} name such as `risk-list` */
function readable(name) {
  const words = name.replaceAll(/[-_]/g, " ").replace(".", ": ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @returns {import("../ui/filters.js").Filter[]} */
function filtersOf() {
  const byId = { only: AN_ID, hint: operations.idHint };
  const actions = Object.entries(text.actions).sort(([, one], [, other]) => one.localeCompare(other));
  return [
    { name: "action", label: text.what, options: actions },
    { name: "actorId", label: text.actorId, ...byId },
    { name: "targetId", label: text.targetId, ...byId },
    ...periodFilters(),
  ];
}

/** What it was done to, as a link where there is a page. @param {{row: AuditRecord}} props */
function Target({ row: { targetType, targetId } }) {
  const pages = {
    user: `/app/operator/users/${targetId}`,
    order: `/app/operator/orders/${targetId}`,
    onramp: `/app/operator/bank?reference=${targetId}`,
    payout: `/app/operator/bank/payouts?reference=${targetId}`,
  };
  const name = text.targets[targetType] ?? readable(targetType);
  return html`${pages[targetType] ? html`<a href=${pages[targetType]}>${name}</a>` : name}
    <a class="muted block" href="/app/operator/audit?targetId=${targetId}" aria-label=${text.targetOf(`…${targetId.slice(-8)}`)}>${short(targetId)}</a>`;
}

/** The values of an action. @param {{details: Record<string, any>}} props */
function Details({ details }) {
  const entries = Object.entries(details);
  if (!entries.length) return null;
  return html`<details class="more"><summary>${text.details}</summary>
    <dl class="facts small">${entries.map(([name, value]) => html`<div key=${name}><dt class="mono">${name}</dt>
      <dd dir="auto">${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}</dl>
  </details>`;
}

export function AuditLog() {
  const filters = filtersOf();
  const loaded = useList("GET /admin/audit", { filters, sorts: BY_TIME });
  const columns = [
    { title: text.what, kind: "main", cell: (/** @type {AuditRecord} */ row) => html`<span class="cell-title">${text.actions[row.action] ?? readable(row.action)}</span>
        ${row.reason && html`<span class="block" dir="auto">${row.reason}</span>`}
        <${Details} details=${row.details} />` },
    { title: text.who, cell: (/** @type {AuditRecord} */ row) => (row.actor ? html`<${Person} user=${row.actor} />` : text.command) },
    { title: text.when, sorts: ["oldest", "newest"], cell: (/** @type {AuditRecord} */ row) => html`<span class="muted">${dateTime(row.createdAt)}</span>` },
    { title: text.target, cell: (/** @type {AuditRecord} */ row) => html`<${Target} row=${row} />` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/audit/export" name="audit-log" query=${filtered(filters)} />`;
  return html`<${View} title=${text.title} text=${text.text} actions=${exporting}>
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${text.title} columns=${columns} empty=${text.empty} icon="file" />
  </${View}>`;
}
