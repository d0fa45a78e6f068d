// @ts-check
// The rules of screening, all versions.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { rules } from "../text/en-live.js";
import { date } from "../ui/format.js";
import { Filters, NoRows, filtered, position } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query } from "../ui/router.js";
import { Badge } from "../ui/states.js";
import { Pages, Table } from "../ui/table.js";
import { decimal } from "./figures.js";
import { RiskTabs } from "./risk.js";

/** @typedef {import("../api/schema.js").Rule} Rule */

const PAGE = 50;
export const RULE_TONES = { DRAFT: "neutral", SHADOW: "warning", ACTIVE: "success", RETIRED: "neutral" };

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [
  { name: "status", label: rules.status, options: Object.entries(rules.statuses) },
  { name: "key", label: rules.key, only: /.{1,50}/ },
];

export function Rules() {
  const loaded = useLoaded((signal) => call("GET /admin/risk/rules", {
    query: { ...filtered(FILTERS), ...position(), limit: PAGE }, signal,
  }), [query.value.toString()]);
  const columns = [
    { title: rules.rule, kind: "wide", cell: (/** @type {Rule} */ row) => html`
        <a class="cell-title" href="/app/operator/rules/${row.id}"><bdi>${row.name}</bdi></a>
        <span class="muted"><span class="mono">${row.key}</span> · ${rules.version(String(row.version))}</span>` },
    { title: rules.outcome, cell: (/** @type {Rule} */ row) => html`${rules.outcomes[row.outcome]}
        <span class="muted block">${rules.weight} ${decimal(Number(row.weight))}</span>` },
    { title: rules.status, kind: "number", cell: (/** @type {Rule} */ row) => html`<${Badge} tone=${RULE_TONES[row.status]}>${rules.statuses[row.status]}</${Badge}>` },
    { title: rules.changed, kind: "extra", cell: (/** @type {Rule} */ row) => html`<span class="muted">${
        date(row.retiredAt ?? row.activatedAt ?? row.createdAt)}</span>` },
  ];
  const add = html`<a class="button primary" href="/app/operator/rules/new"><${Icon} name="addMoney" />${rules.add}</a>`;
  return html`<${View} title=${rules.title} text=${rules.text} actions=${add}>
    <${RiskTabs} />
    <${Filters} filters=${FILTERS} />
    <section class="card">
      <${Loaded} of=${loaded} lines=${8}>${(/** @type {any} */ data) => (data.data.length
        ? html`<${Table} caption=${rules.title} columns=${columns} rows=${data.data} />`
        : html`<${NoRows} filters=${FILTERS} icon="rules" title=${rules.empty} text=${rules.emptyText} />`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />
  </${View}>`;
}
