// @ts-check
// The allow and block lists, which rules look up.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { lists } from "../text/en-live.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Field, Select } from "../ui/form.js";
import { date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { Action } from "./action.js";
import { RiskTabs } from "./risk.js";

/** @typedef {import("../api/schema.js").Entry} Entry */

const PAGE = 50;

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [
  { name: "list", label: lists.list, options: Object.entries(lists.lists) },
  { name: "kind", label: lists.kind, options: Object.entries(lists.kinds) },
];

export function Lists() {
  const loaded = useList("GET /admin/risk/lists", { filters: FILTERS, limit: PAGE });
  const columns = [
    { title: lists.value, kind: "wide", cell: (/** @type {Entry} */ row) => html`
        <span class="cell-title anywhere"><bdi>${row.value}</bdi></span><span class="muted">${lists.kinds[row.kind]} · <bdi>${row.reason}</bdi></span>` },
    { title: lists.expires, cell: (/** @type {Entry} */ row) => html`<span class="muted">${row.expiresAt ? lists.until(date(row.expiresAt)) : lists.forever}</span>` },
    { title: lists.list, kind: "number", cell: (/** @type {Entry} */ row) => html`<${Badge} tone=${row.list === "BLOCK" ? "danger" : "success"}>${lists.states[row.list]}</${Badge}>` },
    { title: lists.remove, kind: "number", cell: (/** @type {Entry} */ row) => html`<${Remove} row=${row} onDone=${loaded.reload} />` },
  ];
  return html`<${View} title=${lists.title} text=${lists.text} actions=${html`<${Add} onDone=${loaded.reload} />`}>
    <${RiskTabs} />
    <${List} of=${loaded} filters=${FILTERS} caption=${lists.title} columns=${columns} icon="shield" empty=${lists.empty} emptyText=${lists.emptyText} />
  </${View}>`;
}

/** @param {{row: Entry, onDone: () => void}} props */
function Remove({ row, onDone }) {
  return html`<${ConfirmButton} name="remove-${row.id}" label=${lists.remove} hidden=${lists.removeOf(row.value)}
    title=${lists.removeTitle} text=${lists.removeText(row.value)} action=${lists.remove}
    send=${async (/** @type {{key: string, code?: string}} */ sending) => {
      await call("DELETE /admin/risk/lists/{entry_id}", { path: { entry_id: row.id }, ...sending });
      return () => { toast(lists.removed); onDone(); };
    }} />`;
}

/** @param {{onDone: () => void}} props */
function Add({ onDone }) {
  return html`<${Action} name="list-entry" label=${lists.add} title=${lists.add} done=${lists.added} onDone=${onDone}
    initial=${{ list: "BLOCK", kind: "EMAIL_DOMAIN", value: "", expiresAt: "" }}
    fields=${(/** @type {any} */ form) => html`
      <${Select} ...${form.field("list")} label=${lists.list} options=${Object.entries(lists.lists)} />
      <${Select} ...${form.field("kind")} label=${lists.kind} options=${Object.entries(lists.kinds)} />
      <${Field} ...${form.field("value")} label=${lists.value} class="input" dir="auto"
        hint=${lists.hints[/** @type {keyof typeof lists.hints} */ (form.values.kind)]} />
      <${Field} ...${form.field("expiresAt")} label=${lists.expires} type="date" class="input" isOptional />`}
    send=${(/** @type {any} */ values, /** @type {any} */ sending) => {
      const { expiresAt, ...entry } = values;
      const body = { ...entry, expiresAt: expiresAt ? `${expiresAt}T00:00:00Z` : null };
      return call("POST /admin/risk/lists", { body, ...sending });
    }} />`;
}
