// @ts-check
// The views of sales and of developers.

import { merchant as menu } from "../text/en-menus.js";

/** The first that fits is shown. @type {import("../shell/areas.js").ViewAddress[]} */
export const SALES_VIEWS = [
  { at: "/merchant/orders", load: () => import("./orders.js"), name: "Orders" },
  { at: "/merchant/orders/:id", load: () => import("./order.js"), name: "OrderPage" },
  { at: "/merchant/orders/:id/refund", load: () => import("./refund.js"), name: "Refund" },
  { at: "/merchant/refund-requests", load: () => import("./refund-requests.js"), name: "RefundRequests" },
  { at: "/merchant/coupons", load: () => import("./coupons.js"), name: "Coupons" },
  { at: "/merchant/coupons/new", load: () => import("./coupons.js"), name: "NewCoupon" },
  { at: "/merchant/coupons/:id", load: () => import("./coupons.js"), name: "CouponPage" },
  { at: "/merchant/payment-codes", load: () => import("./payment-codes.js"), name: "PaymentCodes" },
  { at: "/merchant/payment-codes/new", load: () => import("./payment-codes.js"), name: "NewPaymentCode" },
  { at: "/merchant/payment-codes/:id", load: () => import("./payment-codes.js"), name: "PaymentCode" },
  { at: "/merchant/payouts", load: () => import("./payouts.js"), name: "Payouts" },
  { at: "/merchant/webhooks", load: () => import("./webhooks.js"), name: "Webhooks" },
  { at: "/merchant/webhooks/new", load: () => import("./webhooks.js"), name: "NewWebhook" },
  { at: "/merchant/webhooks/:id", load: () => import("./webhook.js"), name: "WebhookPage" },
  { at: "/merchant/webhooks/:id/change", load: () => import("./webhook.js"), name: "ChangeWebhook" },
  { at: "/merchant/webhooks/:id/deliveries/:delivery", load: () => import("./webhook-delivery.js"), name: "WebhookDelivery" },
  { at: "/merchant/api-keys", load: () => import("./api-keys.js"), name: "ApiKeys" },
  { at: "/merchant/api-keys/new", load: () => import("./api-keys.js"), name: "NewApiKey" },
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const SALES_ITEMS = [
  { to: "/merchant/orders", icon: "receipt", text: menu.orders, tab: true,
    also: ["/merchant/refund-requests", "/merchant/coupons", "/merchant/payment-codes"] },
  { to: "/merchant/webhooks", icon: "code", text: menu.developers, tab: true, also: ["/merchant/api-keys"] },
  { to: "/merchant/payouts", icon: "bank", text: menu.payouts, tab: true },
];
