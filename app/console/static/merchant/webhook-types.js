// @ts-check
// The types of events that webhooks can be about, in the order of the API. The types of the schema
// prove that each exists.

/** @type {NonNullable<NonNullable<import("../api/schema.js").CreateWebhookEndpoint["eventTypes"]>>} */
export const EVENT_TYPES = [
  "order-pending", "order-under-review", "order-rejected", "order-completed", "order-payment-failed",
  "order-failed", "order-cancelled", "order-refunded", "refund-settled", "refund-redirected",
  "refund-paid-externally", "refund-requested", "refund-request-approved", "refund-request-declined",
  "refund-request-withdrawn", "giveaway-created", "giveaway-closed", "product-file-uploaded",
  "product-file-removed", "file-downloaded", "downloads-reset", "codes-uploaded", "code-removed",
  "codes-revoked", "code-revoked", "code-reissued", "licence-activated", "licence-deactivated",
  "licence-revoked", "licence-reissued", "licence-limit-reached", "licence-terms-changed",
  "licence-terms-applied", "stock-low", "webhook-endpoint-disabled", "payout-submitted", "payout-paid",
  "payout-refused", "payment-request-created", "payment-request-paid", "payment-request-declined",
  "payment-request-cancelled", "payment-request-expired", "transfer-completed", "hold-placed",
  "hold-captured", "hold-released",
];
