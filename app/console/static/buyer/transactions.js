// @ts-check
// The postings of the wallet, with filters in the address.

import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { ExportButton, FileButton } from "../ui/export.js";
import { filtered, periodFilters } from "../ui/filters.js";
import { money, shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { BY_TIME } from "../ui/sort.js";
import { SignedAmount, describe } from "./movements.js";

/** @typedef {import("../api/schema.js").Transaction} Transaction */

const { activity } = words;

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [
  { name: "type", label: activity.type, options: Object.entries(activity.types) }, ...periodFilters(),
];

const COLUMNS = [
  { title: activity.what, kind: "wide", cell: (/** @type {Transaction} */ row) => html`
      <a class="cell-title" href="/app/transactions/${row.id}" dir="auto">${describe(row)}</a>
      <span class="muted">${activity.types[row.type]}${row.orderNumber && html` · <span class="nowrap">${row.orderNumber}</span>`}</span>` },
  { title: activity.when, sorts: /** @type {[string, string]} */ (["oldest", "newest"]), cell: (/** @type {Transaction} */ row) => html`<span class="muted">${shortTime(row.createdAt)}</span>` },
  { title: activity.amount, kind: "number", cell: (/** @type {Transaction} */ row) => html`<${SignedAmount} row=${row} />` },
  { title: activity.balance, kind: "number extra", cell: (/** @type {Transaction} */ row) => money(row.balanceAfter, row.currency) },
];

export function Transactions() {
  const loaded = useList("GET /wallet/transactions", { filters: FILTERS, sorts: BY_TIME });
  const { type: _, ...period } = filtered(FILTERS);
  const actions = html`
    <${FileButton} from="GET /wallet/statement" query=${{ ...period, format: "pdf" }} name="statement.pdf" label=${activity.statement} />
    <${ExportButton} from="GET /wallet/transactions/export" query=${filtered(FILTERS)} name="transactions" />`;
  return html`<${View} title=${activity.title} actions=${actions}>
    <${List} of=${loaded} filters=${FILTERS} caption=${activity.title} columns=${COLUMNS} icon="activity"
      empty=${words.home.empty} emptyText=${words.home.emptyText} />
  </${View}>`;
}
