// @ts-check
// One delivery to a webhook endpoint: what is sent, and how it was answered.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { developers } from "../text/en-developers.js";
import { Act } from "../ui/act.js";
import { Facts } from "../ui/facts.js";
import { count, dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { DELIVERY_TONES } from "./timeline.js";

/** @typedef {import("../api/schema.js").WebhookAttempt} WebhookAttempt */
/** @typedef {import("../api/schema.js").WebhookDeliveryDetails} Delivery */

const { deliveries } = developers;
const MAX_ATTEMPTS = 50;
const POLL_MS = 3000;

/** @param {{id: string, delivery: string}} props */
export function WebhookDelivery({ id, delivery: deliveryId }) {
  const path = { endpoint_id: id, delivery_id: deliveryId };
  const loaded = useLoaded(async (signal) => {
    const [delivery, attempts] = await Promise.all([
      call("GET /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", { path, signal }),
      call("GET /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/attempts", { path, query: { limit: MAX_ATTEMPTS }, signal }),
    ]);
    return { delivery, attempts: attempts.data };
  }, [id, deliveryId]);
  const isWaiting = loaded.data?.delivery.status === "WAITING" && loaded.data.delivery.attempts === 0;
  usePolling(loaded.reload, isWaiting, POLL_MS);
  const title = loaded.data ? developers.typeName(loaded.data.delivery.type) : deliveries.one;
  const again = html`<${Act} name="replay" label=${deliveries.replay} send=${async (/** @type {any} */ { key }) => {
    await call("POST /webhook-endpoints/{endpoint_id}/replays", { path: { endpoint_id: id }, body: { deliveryIds: [deliveryId] }, key });
    return () => { toast(deliveries.replayed); loaded.reload(); };
  }} />`;
  return html`<${View} title=${title} back=${[`/merchant/webhooks/${id}`, deliveries.back]} actions=${again}>
    <${Loaded} of=${loaded} lines=${8}>${(/** @type {{delivery: Delivery, attempts: WebhookAttempt[]}} */ { delivery, attempts }) => html`
      <section class="card">
        <${Facts} facts=${[
          [deliveries.state, html`<${Badge} tone=${DELIVERY_TONES[delivery.status]}>${deliveries.states[delivery.status]}</${Badge}>
            <span class="muted block">${delivery.nextAttemptAt ? deliveries.next(dateTime(delivery.nextAttemptAt)) : deliveries.texts[delivery.status]}</span>`],
          [deliveries.when, dateTime(delivery.createdAt)],
          [deliveries.id, html`<span class="mono anywhere">${delivery.messageId}</span>`],
        ]} />
      </section>
      <section class="card" aria-labelledby="attempts">
        <h2 id="attempts">${deliveries.attempts}</h2>
        ${attempts.length
          ? html`<ul class="list">${attempts.map((attempt) => html`<${Attempt} key=${attempt.id} attempt=${attempt} />`)}</ul>`
          : html`<p class="muted">${deliveries.noAttempts}</p>`}
      </section>
      <section class="card" aria-labelledby="payload">
        <h2 id="payload">${deliveries.payload}</h2>
        <pre class="payload" tabindex="0" aria-labelledby="payload">${readable(delivery.body)}</pre>
      </section>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{attempt: WebhookAttempt}} props */
function Attempt({ attempt: { startedAt, duration, statusCode, error, excerpt } }) {
  const answer = statusCode === null ? deliveries.noAnswer : deliveries.answered(statusCode);
  return html`<li class="attempt">
    <div class="list-row">
      <span><${Badge} tone=${error ? "danger" : "success"}>${answer}</${Badge}>
        ${error && html`<span class="muted block">${error}</span>`}</span>
      <span class="list-end muted"><span>${dateTime(startedAt, { dateStyle: "medium", timeStyle: "medium" })}</span>
        <span>${deliveries.lasted(count(duration))}</span></span>
    </div>
    ${excerpt && html`<pre class="payload" tabindex="0" aria-label=${answer}>${excerpt}</pre>`}
  </li>`;
}

/** JSON in lines, or what it is if it is none. @param {string} text */
function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
