// @ts-check
// The views of users, money and events.

import { operations } from "../text/en-operations.js";

const { menu } = operations;

/** The first that fits is shown. @type {import("../shell/areas.js").ViewAddress[]} */
export const OPERATIONS_VIEWS = [
  { at: "/operator/users", load: () => import("./users.js"), name: "Users" },
  { at: "/operator/users/wallets", load: () => import("./wallets.js"), name: "Wallets" },
  { at: "/operator/users/:id", load: () => import("./user.js"), name: "UserProfile" },
  { at: "/operator/users/:id/limits", load: () => import("./user-limits.js"), name: "UserLimits" },
  { at: "/operator/users/:id/wallets/:wallet", load: () => import("./wallets.js"), name: "WalletPage" },
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const OPERATIONS_ITEMS = [
  { to: "/operator/users", icon: "user", text: menu.users, tab: true },
];
