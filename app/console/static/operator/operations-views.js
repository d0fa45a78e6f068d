// @ts-check
// The views of users, money and events.

import { operator as menu } from "../text/en-menus.js";

/** The first that fits is shown. @type {import("../shell/areas.js").ViewAddress[]} */
export const OPERATIONS_VIEWS = [
  { at: "/operator/users", load: () => import("./users.js"), name: "Users" },
  { at: "/operator/users/wallets", load: () => import("./wallets.js"), name: "Wallets" },
  { at: "/operator/users/:id", load: () => import("./user.js"), name: "UserProfile" },
  { at: "/operator/users/:id/limits", load: () => import("./user-limits.js"), name: "UserLimits" },
  { at: "/operator/users/:id/wallets/:wallet", load: () => import("./wallets.js"), name: "WalletPage" },
  { at: "/operator/orders", load: () => import("./orders.js"), name: "Orders" },
  { at: "/operator/orders/refunds", load: () => import("./refunds.js"), name: "RefusedRefunds" },
  { at: "/operator/orders/:id/refund", load: () => import("./refund.js"), name: "PlatformRefund" },
  { at: "/operator/orders/:id", load: () => import("./orders.js"), name: "OrderPage" },
  { at: "/operator/bank", load: () => import("./bank.js"), name: "Onramps" },
  { at: "/operator/bank/payouts", load: () => import("./bank.js"), name: "Payouts" },
  { at: "/operator/bank/events", load: () => import("./inbound.js"), name: "InboundEvents" },
  { at: "/operator/bank/reconciliation", load: () => import("./reconciliation.js"), name: "ReconciliationPage" },
  { at: "/operator/events", load: () => import("./events.js"), name: "HeldEvents" },
  { at: "/operator/events/sinks", load: () => import("./events.js"), name: "EventSinks" },
  { at: "/operator/audit", load: () => import("./audit.js"), name: "AuditLog" },
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const OPERATIONS_ITEMS = [
  { to: "/operator/users", icon: "user", text: menu.users, tab: true },
  { to: "/operator/orders", icon: "purchases", text: menu.orders, tab: true },
  { to: "/operator/bank", icon: "bank", text: menu.bank, tab: true },
  { to: "/operator/events", icon: "clock", text: menu.events, tab: true },
  { to: "/operator/audit", icon: "file", text: menu.audit, tab: true },
];
