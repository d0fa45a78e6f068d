// @ts-check
// The views of buyers, and what their navigation shows.

import { wallet } from "../text/en-wallet.js";
import { words } from "../text/en.js";

const { menu } = words;

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const VIEWS = [
  { at: "/sign-in", load: () => import("../buyer/account.js"), name: "SignIn", open: true },
  { at: "/register", load: () => import("../buyer/account.js"), name: "Register", open: true },
  { at: "/forgotten-password", load: () => import("../buyer/account.js"), name: "Forgotten", open: true },
  { at: "/", load: () => import("../buyer/home.js"), name: "Home" },
  { at: "/add-money", load: () => import("../buyer/add-money.js"), name: "AddMoney" },
  { at: "/add-money/:id", load: () => import("../buyer/add-money.js"), name: "Payment" },
  { at: "/send", load: () => import("../buyer/send.js"), name: "Send" },
  { at: "/request", load: () => import("../buyer/request.js"), name: "Request" },
  { at: "/request/all", load: () => import("../buyer/request.js"), name: "Requests" },
  { at: "/request/:id", load: () => import("../buyer/request.js"), name: "OneRequest" },
  { at: "/pay", load: () => import("../buyer/pay.js"), name: "Pay" },
  { at: "/pay/:token", load: () => import("../buyer/pay.js"), name: "PayLink" },
  { at: "/withdraw", load: () => import("../buyer/withdraw.js"), name: "Withdraw" },
  { at: "/withdraw/all", load: () => import("../buyer/withdraw.js"), name: "Withdrawals" },
  { at: "/withdraw/:id", load: () => import("../buyer/withdraw.js"), name: "OneWithdrawal" },
  { at: "/transactions", load: () => import("../buyer/transactions.js"), name: "Transactions" },
  { at: "/transactions/:id", load: () => import("../buyer/transaction.js"), name: "Transaction" },
  { at: "/shop", load: () => import("../buyer/shop.js"), name: "Shop" },
  { at: "/shop/:id", load: () => import("../buyer/product.js"), name: "Product" },
  { at: "/purchases", load: () => import("../buyer/purchases.js"), name: "Purchases" },
  { at: "/purchases/refund-requests", load: () => import("../buyer/refund-requests.js"), name: "BuyerRefundRequests" },
  { at: "/purchases/:id", load: () => import("../buyer/purchase.js"), name: "Purchase" },
  { at: "/notifications", load: () => import("../buyer/notifications.js"), name: "Notifications" },
  { at: "/settings", load: () => import("../buyer/settings.js"), name: "Profile" },
  { at: "/settings/security", load: () => import("../buyer/security.js"), name: "Security" },
  { at: "/settings/notifications", load: () => import("../buyer/preferences.js"), name: "Preferences" },
  { at: "/settings/bank-accounts", load: () => import("../buyer/bank-accounts.js"), name: "BankAccounts" },
  { at: "/settings/limits", load: () => import("../buyer/limits.js"), name: "Limits" },
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const ITEMS = [
  { to: "/", icon: "home", text: menu.home, tab: true },
  { to: "/add-money", icon: "addMoney", text: menu.addMoney, tab: false },
  { to: "/send", icon: "send", text: menu.send, tab: true },
  { to: "/request", icon: "request", text: wallet.menu.request, tab: false },
  { to: "/pay", icon: "qr", text: wallet.menu.pay, tab: false },
  { to: "/withdraw", icon: "bank", text: wallet.menu.withdraw, tab: false },
  { to: "/transactions", icon: "activity", text: menu.activity, tab: true },
  { to: "/shop", icon: "shop", text: menu.shop, tab: true },
  { to: "/purchases", icon: "purchases", text: menu.purchases, tab: true },
];
