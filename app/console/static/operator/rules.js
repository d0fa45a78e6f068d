// @ts-check
// The rules of screening, all versions.

import { View } from "../shell/layout.js";
import { rules } from "../text/en-live.js";
import { date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
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
  const loaded = useList("GET /admin/risk/rules", { filters: FILTERS, limit: PAGE });
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
    <${List} of=${loaded} filters=${FILTERS} caption=${rules.title} columns=${columns} icon="rules" empty=${rules.empty} emptyText=${rules.emptyText} />
  </${View}>`;
}
