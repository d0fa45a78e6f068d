// @ts-check
// Payments that wait for a review, and those that were reviewed.

import { call, user } from "../api/client.js";
import { View } from "../shell/layout.js";
import { cases, kinds } from "../text/en-live.js";
import { ExportButton } from "../ui/export.js";
import { Select } from "../ui/form.js";
import { dateTime, money } from "../ui/format.js";
import { distance } from "../ui/freshness.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { BY_TIME, sortOf } from "../ui/sort.js";
import { Badge, Empty } from "../ui/states.js";
import { Pages, Table } from "../ui/table.js";
import { decimal } from "./figures.js";
import { nameOf } from "./parts.js";
import { RiskTabs } from "./risk.js";

/** @typedef {import("../api/schema.js").ListedCase} ListedCase */

const PAGE = 25;
export const CASE_TONES = { OPEN: "warning", RELEASED: "success", REJECTED: "danger", EXPIRED: "neutral" };

/** What the API is asked for, by the filters of the address. */
function asked() {
  const shown = query.value.get("show") ?? "";
  const status = cases.shows.some(([value]) => value === shown) ? shown : "";
  return {
    status: status === "all" ? null : status || "OPEN",
    withSnoozed: status !== "",
    assignedTo: query.value.get("assigned") === "me" ? user.value?.id : null,
  };
}

/** Who works on a case. @param {string | null} id @returns {string} */
export function assignee(id) {
  if (id === null) return cases.nobody;
  return id === user.value?.id ? cases.you : cases.colleague;
}

export function Cases() {
  const loaded = useLoaded((signal) => call("GET /admin/risk/cases", {
    query: { ...asked(), sort: sortOf(BY_TIME), cursor: query.value.get("cursor"), limit: PAGE }, signal,
  }), [query.value.toString()]);
  const select = (/** @type {string} */ name) => (/** @type {any} */ event) => {
    setQuery({ [name]: event.currentTarget.value });
  };
  const columns = [
    { title: cases.payment, kind: "wide", cell: (/** @type {ListedCase} */ row) => html`
        <a class="cell-title" href="/app/operator/cases/${row.id}">${kinds[row.kind]}</a>
        <span class="block" dir="auto">${nameOf(row.payer)}</span>
        <span class="muted">${cases.scoreShort(decimal(Number(row.score)))}${
          row.assignedTo ? ` · ${row.assignedTo === user.value?.id ? cases.mine : cases.taken}` : ""}</span>` },
    { title: cases.since, sorts: ["oldest", "newest"], cell: (/** @type {ListedCase} */ row) => html`<span class="muted">${dateTime(row.createdAt)}${
        row.status === "OPEN" ? html`<span class="block">${cases.expiresIn(distance(row.expiresAt))}</span>` : ""}</span>` },
    { title: cases.amount, kind: "number", cell: (/** @type {ListedCase} */ row) => html`<strong>${money(row.amount, row.currency)}</strong>` },
    { title: cases.status, kind: "number", cell: (/** @type {ListedCase} */ row) => {
      const isSnoozed = row.status === "OPEN" && row.snoozedUntil && Date.parse(row.snoozedUntil) > Date.now();
      return html`<${Badge} tone=${isSnoozed ? "neutral" : CASE_TONES[row.status]}>${isSnoozed ? cases.snoozed : cases.statuses[row.status]}</${Badge}>`;
    } },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/risk/cases/export" name="cases" query=${asked()} />`;
  return html`<${View} title=${cases.title} text=${cases.text} actions=${exporting}>
    <${RiskTabs} />
    <div class="filters">
      <${Select} name="show" label=${cases.show} options=${cases.shows} value=${query.value.get("show") ?? ""} onInput=${select("show")} />
      <${Select} name="assigned" label=${cases.assigned} options=${[["", cases.anybody], ["me", cases.me]]}
        value=${query.value.get("assigned") ?? ""} onInput=${select("assigned")} />
    </div>
    <section class="card">
      <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ data) => (data.data.length
        ? html`<${Table} caption=${cases.title} columns=${columns} rows=${data.data} sort=${sortOf(BY_TIME)} />`
        : html`<${Empty} icon="shield" title=${cases.empty} text=${cases.emptyText} />`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />
  </${View}>`;
}
