// @ts-check
// What several views of operators share.

import { operations } from "../text/en-operations.js";
import { html } from "../ui/html.js";
import { Tabs } from "../ui/tabs.js";

export const CURRENCIES = ["USD", "EUR", "GBP", "INR", "EGP", "JPY", "KWD"];

/** The lists of orders. */
export function OrderTabs() {
  const { orders, refunds } = operations;
  return html`<${Tabs} label=${orders.tabs}
    tabs=${[["/operator/orders", orders.title], ["/operator/orders/refunds", refunds.decisions]]} />`;
}

/** A person's name, or their shop's. @param {{firstName: string | null, lastName: string | null, shopName?: string | null}} user */
export function nameOf({ firstName, lastName, shopName }) {
  return [firstName, lastName].filter(Boolean).join(" ") || shopName || operations.nobody;
}

/** A link to a user, with the address below. @param {{user: any}} props user: summary, or null */
export function Person({ user }) {
  return html`<span class="person">
    <a href="/app/operator/users/${user.id}" class="cell-title" dir="auto">${nameOf(user)}</a>
    <span class="muted" dir="auto">${user.email ?? user.phone ?? ""}</span>
  </span>`;
}
