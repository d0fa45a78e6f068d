// @ts-check
// The licences that a product has sold.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { ConfirmButton } from "../ui/confirm.js";
import { CsvButton } from "../ui/csv.js";
import { AN_ID } from "../ui/filters.js";
import { count, date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { List, useList } from "../ui/list.js";
import { useLoaded } from "../ui/load.js";
import { BY_TIME } from "../ui/sort.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { addressOf } from "./parts.js";

/** @typedef {import("../api/schema.js").SoldLicence} SoldLicence */

const { licences: text } = productWords;
const TONES = { ACTIVE: "success", EXPIRED: "neutral", REVOKED: "danger" };

/** @type {import("../ui/filters.js").Filter[]} */
const FILTERS = [
  { name: "buyerEmail", label: text.buyer, type: "search", only: /\S+@\S+/, hint: text.buyerHint },
  { name: "isRevoked", label: text.state, options: [["false", text.valid], ["true", text.revokedOnes]] },
  { name: "orderId", label: text.orderId, only: AN_ID, hint: text.orderHint, isLinked: true },
];

/** @type {import("../ui/csv.js").Cells<SoldLicence>} */
const CELLS = [
  ["licenceId", ({ id }) => id], "key", "orderNumber", "createdAt", "status", "activations", "activationLimit",
  "expiresAt", "revokedAt", "revocationReason",
];

/** @param {{id: string}} props */
export function Licences({ id }) {
  const path = { product_id: id };
  const product = useLoaded((signal) => call("GET /products/{product_id}", { path, signal }), [id]);
  const loaded = useList("GET /products/{product_id}/licences", { path, filters: FILTERS, sorts: BY_TIME });
  const columns = [
    { title: text.licence, kind: "wide", cell: (/** @type {SoldLicence} */ row) => html`
        <span class="cell-title mono">${row.key}</span>
        <span class="muted"><a href="/app/merchant/orders/${row.orderId}">${row.orderNumber}</a> · ${date(row.createdAt)}</span>
        ${row.revocationReason && html`<span class="muted block" dir="auto">${row.revocationReason}</span>`}` },
    { title: text.state, cell: (/** @type {SoldLicence} */ row) => html`<span class="thing-state">
        <${Badge} tone=${TONES[row.status]}>${text.states[row.status]}</${Badge}>
        ${row.expiresAt && html` <span class="muted">${text.until(date(row.expiresAt))}</span>`}</span>` },
    { title: text.machines, kind: "number", cell: (/** @type {SoldLicence} */ row) => text.machinesOf(
      count(row.activations), row.activationLimit === null ? null : count(row.activationLimit)) },
    { title: text.sold, kind: "extra", sorts: ["oldest", "newest"], cell: (/** @type {SoldLicence} */ row) => html`
        <span class="muted">${date(row.createdAt)}</span>` },
    { title: text.actions, kind: "act", cell: (/** @type {SoldLicence} */ row) => html`<${Actions} id=${id} row=${row} reload=${loaded.reload} />` },
  ];
  return html`<${View} title=${text.title} text=${product.data?.name}
    actions=${html`<${CsvButton} of=${loaded} name="licences" cells=${CELLS} />`}
    back=${[addressOf(id), product.data?.name ?? productWords.products.one]}>
    <${List} of=${loaded} filters=${FILTERS} caption=${text.title} columns=${columns} empty=${text.empty}
      emptyText=${text.emptyText} icon="key" />
  </${View}>`;
}

/** @param {{id: string, row: SoldLicence, reload: () => void}} props */
function Actions({ id, row, reload }) {
  if (row.status === "REVOKED") return null;
  const path = { product_id: id, licence_id: row.id };
  const reason = { label: text.reason, hint: text.reasonHint };
  const change = (/** @type {"reissue" | "revoke"} */ action, /** @type {string} */ said) => (
    async (/** @type {{key: string}} */ { key }, /** @type {string} */ why) => {
      await call(`POST /products/{product_id}/licences/{licence_id}/${action}`, { path, key, body: { reason: why } });
      return () => { toast(said); reload(); };
    });
  return html`<span class="group end">
    <${ConfirmButton} look="quiet" label=${text.reissue} hidden=${`${text.reissue} ${row.key}`} tone="primary"
      name="reissue-${row.id}" title=${text.reissueTitle} text=${text.reissueText} action=${text.reissue} reason=${reason}
      send=${change("reissue", text.reissued)} />
    <${ConfirmButton} look="quiet" label=${text.revoke} hidden=${`${text.revoke} ${row.key}`}
      name="revoke-${row.id}" title=${text.revokeTitle} text=${text.revokeText} action=${text.revoke} reason=${reason}
      send=${change("revoke", text.revoked)} />
  </span>`;
}
