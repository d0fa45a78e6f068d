// @ts-check
// What has happened to an order, oldest first.

import { sales } from "../text/en-sales.js";
import { developers } from "../text/en-developers.js";
import { count, dateTime, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Badge } from "../ui/states.js";
import { wanted } from "./refund-requests.js";

/** @typedef {import("../api/schema.js").OrderDetail} OrderDetail */
/** @typedef {import("../api/schema.js").Refund} Refund */
/** @typedef {import("../api/schema.js").RefundRequest} RefundRequest */
/** @typedef {import("../api/schema.js").WebhookDelivery} WebhookDelivery */
/** @typedef {{at: string, title: string, text?: any, tone?: string, quiet?: boolean}} Happening */

const { events } = sales.order;
const { deliveries } = developers;

/** @param {OrderDetail} order @returns {Happening[]} */
function ofOrder(order) {
  const { product, quantity, currency, createdAt, updatedAt, completedAt, failedAt, failureReason } = order;
  /** @type {Happening[]} */
  const found = [{
    at: createdAt, title: events.created, text: events.createdText(product.name, count(quantity)),
  }];
  if (completedAt) {
    const delivered = events.deliveredTexts[product.kind];
    found.push({ at: completedAt, title: events.paid(money(order.amount, currency)), tone: "success" });
    found.push(delivered
      ? { at: completedAt, title: events.delivered, text: delivered, tone: "success" }
      : { at: completedAt, title: events.notDelivered, text: events.notDeliveredText });
  }
  if (failedAt) found.push({ at: failedAt, title: events.failed, text: failureReason, tone: "danger" });
  if (order.status === "CANCELLED") found.push({ at: updatedAt, title: events.cancelled });
  if (order.status === "PENDING_REVIEW") {
    found.push({ at: updatedAt, title: events.review, text: events.reviewText, tone: "warning" });
  }
  if (order.status === "PENDING" || order.status === "PAYMENT_PROCESSING") {
    found.push({ at: updatedAt, title: events.waiting, tone: "warning" });
  }
  return found;
}

/** @param {Refund} refund @returns {Happening[]} */
function ofRefund(refund) {
  const amount = money(refund.amount, refund.currency);
  const isInstant = refund.settledAt === refund.createdAt;
  const text = [
    events.destinations[refund.destination],
    refund.units ? events.refundedUnits(count(refund.units)) : "",
    refund.byPlatform ? events.byPlatform : "", refund.reason ?? "", refund.failureReason ?? "",
  ].filter(Boolean).join(" · ");
  const made = {
    at: refund.createdAt, text, tone: refund.failureReason ? "danger" : "warning",
    title: isInstant ? events.refunded(amount) : events.refundPending(amount),
  };
  if (isInstant || !refund.settledAt) return [made];
  return [made, { at: refund.settledAt, title: events.refundSettled(amount), tone: "success" }];
}

/** @param {RefundRequest} request @returns {Happening[]} */
function ofRequest(request) {
  const { createdAt, decidedAt, reason, answer, status } = request;
  const made = { at: createdAt, title: events.requested(wanted(request)), text: reason, tone: "warning" };
  if (!decidedAt) return [made];
  return [made, { at: decidedAt, title: events.decided[status], text: answer ?? "" }];
}

/** @param {WebhookDelivery & {endpoint: any}} delivery @returns {Happening} */
function ofDelivery(delivery) {
  const { endpoint } = delivery;
  return {
    at: delivery.createdAt,
    quiet: true,
    title: events.webhook(developers.typeName(delivery.type)),
    text: html`<${Badge} tone=${DELIVERY_TONES[delivery.status]}>${deliveries.states[delivery.status]}</${Badge}>
      ${" "}<a class="clamp" href="/app/merchant/webhooks/${endpoint.id}/deliveries/${delivery.id}">${endpoint.description ?? endpoint.url}</a>`,
  };
}

export const DELIVERY_TONES = {
  WAITING: "warning", HELD: "warning", DELIVERED: "success", FAILED: "danger", SKIPPED: "neutral",
};

/**
 * @param {{order: OrderDetail, refunds: Refund[], requests: RefundRequest[], deliveries: (WebhookDelivery & {endpoint: any})[]}} props
 *   deliveries: webhooks about the order, each with its endpoint
 */
export function Timeline({ order, refunds, requests, deliveries: sent }) {
  const found = [...ofOrder(order), ...requests.flatMap(ofRequest), ...refunds.flatMap(ofRefund), ...sent.map(ofDelivery)];
  found.sort((one, other) => Date.parse(one.at) - Date.parse(other.at)); // stable
  return html`<ol class="timeline">
    ${found.map(({ at, title, text, tone = "", quiet }, index) => html`<li key=${index}
      class="${tone} ${quiet ? "quiet" : ""}">
      <div class="timeline-text"><strong>${title}</strong>
        ${text && html`<p class="muted" dir="auto">${text}</p>`}</div>
      <time class="muted" datetime=${at}>${dateTime(at)}</time>
    </li>`)}
  </ol>`;
}
