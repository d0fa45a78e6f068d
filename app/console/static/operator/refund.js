// @ts-check
// A refund that an operator makes for a merchant.

import { call } from "../api/client.js";
import { RefundForm } from "../merchant/refund.js";
import { View } from "../shell/layout.js";
import { operations } from "../text/en-operations.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Empty, Notice } from "../ui/states.js";

/** @typedef {import("../api/schema.js").OrderRecord} OrderRecord */

const { orders, platformRefund: text } = operations;

/** @param {{id: string}} props */
export function PlatformRefund({ id }) {
  const loaded = useLoaded((signal) => call("GET /admin/orders/{order_id}", { path: { order_id: id }, signal }), [id]);
  const title = loaded.data ? text.title(loaded.data.number) : orders.refund;
  return html`<${View} title=${title} text=${loaded.data?.product.name} narrow back=${[`/operator/orders/${id}`, orders.order]}>
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {OrderRecord} */ order) => (order.status === "COMPLETED"
      ? html`<${Notice} tone="info">${text.text}</${Notice}><${RefundForm} order=${order} isPlatform />`
      : html`<section class="card"><${Empty} title=${text.nothing} text=${text.nothingText} /></section>`)}
    </${Loaded}>
  </${View}>`;
}
