// @ts-check
// The users: search and filters.

import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { ExportButton } from "../ui/export.js";
import { date, dateTime } from "../ui/format.js";
import { filtered, periodFilters } from "../ui/filters.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { Person } from "./parts.js";

/** @typedef {import("../api/schema.js").ListedUser} ListedUser */

const { users, wallets } = operations;

export const ROLE_TONES = { USER: "neutral", MERCHANT: "success", ADMIN: "warning" };

/** @returns {import("../ui/filters.js").Filter[]} */
function filtersOf() {
  return [
    { name: "q", label: users.search, type: "search" },
    { name: "role", label: users.role, options: Object.entries(users.roles) },
    { name: "state", label: users.state, options: Object.entries(users.states) },
    ...periodFilters(),
  ];
}

/** The pages about accounts. */
export function AccountTabs() {
  return html`<${Tabs} label=${users.tabs}
    tabs=${[["/operator/users", users.title], ["/operator/users/wallets", wallets.title]]} />`;
}

export function Users() {
  const filters = filtersOf();
  const loaded = useList("GET /admin/users", { filters, sorts: BY_TIME });
  const columns = [
    { title: operations.user, kind: "main", cell: (/** @type {ListedUser} */ row) => html`<${Person} user=${row} />
        ${row.shopName && html`<span class="muted block" dir="auto">${row.shopName}</span>`}` },
    { title: users.role, cell: (/** @type {ListedUser} */ row) => html`<${Badge} tone=${ROLE_TONES[row.role]}>${users.roles[row.role]}</${Badge}>` },
    { title: users.state, cell: (/** @type {ListedUser} */ row) => (row.isActive
      ? html`<span class="muted">${users.states.ACTIVE}</span>`
      : html`<${Badge} tone="danger">${users.states.DEACTIVATED}</${Badge}>`) },
    { title: operations.created, sorts: ["oldest", "newest"], cell: (/** @type {ListedUser} */ row) => html`<span class="muted">${date(row.createdAt)}</span>` },
    { title: users.lastSeen, cell: (/** @type {ListedUser} */ row) => html`<span class="muted">
        ${row.lastLoginAt ? dateTime(row.lastLoginAt) : users.never}</span>` },
  ];
  const exporting = html`<${ExportButton} from="GET /admin/users/export" name="users" query=${filtered(filters)} />`;
  return html`<${View} title=${users.title} actions=${exporting}>
    <${AccountTabs} />
    <${List} look="stacked" of=${loaded} filters=${filters} caption=${users.title} columns=${columns}
      empty=${users.empty} icon="user" />
  </${View}>`;
}
