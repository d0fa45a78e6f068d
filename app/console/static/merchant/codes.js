// @ts-check
// The codes of a product: add some, and what has become of each.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { productWords } from "../text/en-products.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { count, dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { Pages, Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";
import { AddCodes } from "./add-codes.js";
import { CodeFigures } from "./code-summary.js";
import { addressOf } from "./parts.js";

/** @typedef {import("../api/schema.js").ProductCode} ProductCode */
/** @typedef {import("../api/schema.js").CodeUpload} CodeUpload */

const { codes: text } = productWords;
const PAGE = 25;
const TONES = { AVAILABLE: "success", SOLD: "neutral", REVOKED: "danger" };
const UPLOAD_TONES = { RECEIVING: "warning", PROCESSING: "warning", COMPLETED: "success", FAILED: "danger" };

/** @param {{id: string}} props */
export function Codes({ id }) {
  const path = { product_id: id };
  const filters = query.value;
  const about = useLoaded(async (signal) => {
    const [product, counts, uploads] = await Promise.all([
      call("GET /products/{product_id}", { path, signal }),
      call("GET /products/{product_id}/codes/summary", { path, signal }),
      call("GET /products/{product_id}/codes/uploads", { path, query: { limit: 5 }, signal }),
    ]);
    return { product, counts, uploads: uploads.data };
  }, [id]);
  const list = useLoaded((signal) => call("GET /products/{product_id}/codes", {
    path, query: { status: filters.get("status"), cursor: filters.get("cursor"), limit: PAGE }, signal,
  }), [id, filters.toString()]);
  const reload = () => { about.reload(); list.reload(); };
  return html`<${View} title=${text.title} text=${about.data?.product.name}
    back=${[addressOf(id), about.data?.product.name ?? productWords.products.one]}>
    <${Loaded} of=${about} lines=${4}>${(/** @type {any} */ { counts, uploads }) => html`
      <${CodeFigures} counts=${counts} />
      <${AddCodes} productId=${id} onAdded=${reload} />
      ${uploads.length > 0 && html`<${Uploads} rows=${uploads} />`}`}
    </${Loaded}>
    <section class="card" aria-labelledby="all">
      <div class="card-head"><h2 id="all">${text.list}</h2>
        <label class="theme-choice"><span>${text.status}</span>
          <select class="input small" onChange=${(/** @type {any} */ event) => setQuery({ status: event.currentTarget.value })}>
            <option value="">${words.all}</option>
            ${Object.entries(text.statuses).map(([value, name]) => html`<option key=${value} value=${value}
              selected=${filters.get("status") === value}>${name}</option>`)}
          </select></label></div>
      <${Loaded} of=${list} lines=${6}>${(/** @type {any} */ { data }) => (data.length
        ? html`<${Table} caption=${text.list} columns=${columns(id, reload)} rows=${data} />`
        : html`<${Empty} icon="key" title=${text.empty} text=${text.emptyText} />`)}
      </${Loaded}>
    </section>
    <${Pages} next=${list.data?.meta.nextCursor ?? null} older=${text.more} newest=${text.newest} />
  </${View}>`;
}

/** @param {string} id @param {() => void} reload */
const columns = (id, reload) => [
  { title: text.code, kind: "wide", cell: (/** @type {ProductCode} */ row) => html`
      <span class="cell-title mono">${row.code}</span>
      ${row.orderNumber && html`<span class="muted">${row.orderNumber}${row.takenAt ? ` · ${dateTime(row.takenAt)}` : ""}</span>`}
      ${row.revocationReason && html`<span class="muted block" dir="auto">${row.revocationReason}</span>`}` },
  { title: text.status, cell: (/** @type {ProductCode} */ row) => html`<span class="thing-state">
      <${Badge} tone=${TONES[row.status]}>${text.statuses[row.status]}</${Badge}>
      ${row.status === "SOLD" && html` <span class="muted">${row.seenAt ? text.seen : text.unseen}</span>`}</span>` },
  { title: text.actions, kind: "number", cell: (/** @type {ProductCode} */ row) => html`<${Actions} id=${id} row=${row} reload=${reload} />` },
];

/** @param {{id: string, row: ProductCode, reload: () => void}} props */
function Actions({ id, row, reload }) {
  const path = { product_id: id, code_id: row.id };
  const reason = { label: text.reason, hint: text.reasonHint };
  const look = "quiet";
  if (row.status === "AVAILABLE") {
    return html`<${ConfirmButton} look=${look} label=${text.remove} hidden=${`${text.remove} ${row.code}`}
      name="delete-${row.id}" title=${text.removeTitle} text=${text.removeText} action=${text.remove}
      send=${async (/** @type {{key: string}} */ { key }) => {
        await call("DELETE /products/{product_id}/codes/{code_id}", { path, key });
        return () => { toast(text.removed); reload(); };
      }} />`;
  }
  if (row.status === "REVOKED") return null;
  const change = (/** @type {"reissue" | "revoke"} */ action, /** @type {string} */ said) => (
    async (/** @type {{key: string}} */ { key }, /** @type {string} */ why) => {
      await call(`POST /products/{product_id}/codes/{code_id}/${action}`, { path, key, body: { reason: why } });
      return () => { toast(said); reload(); };
    });
  return html`<span class="group end">
    <${ConfirmButton} look=${look} label=${text.reissue} hidden=${`${text.reissue} ${row.code}`} tone="primary"
      name="reissue-${row.id}" title=${text.reissueTitle} text=${text.reissueText} action=${text.reissue} reason=${reason}
      send=${change("reissue", text.reissued)} />
    <${ConfirmButton} look=${look} label=${text.revoke} hidden=${`${text.revoke} ${row.code}`}
      name="revoke-${row.id}" title=${text.revokeTitle} text=${text.revokeText} action=${text.revoke} reason=${reason}
      send=${change("revoke", text.revoked)} />
  </span>`;
}

/** @param {{rows: CodeUpload[]}} props */
function Uploads({ rows }) {
  const listed = [
    { title: text.when, kind: "wide", cell: (/** @type {CodeUpload} */ row) => html`<span class="cell-title">${dateTime(row.createdAt)}</span>` },
    { title: text.result, cell: (/** @type {CodeUpload} */ row) => html`<span class="muted">${text.resultText(count(row.added), count(row.duplicates))}</span>` },
    { title: text.status, kind: "number", cell: (/** @type {CodeUpload} */ row) => html`<${Badge} tone=${UPLOAD_TONES[row.status]}>${text.uploadStates[row.status]}</${Badge}>` },
  ];
  return html`<section class="card" aria-labelledby="uploads">
    <div class="card-head"><h2 id="uploads">${text.uploads}</h2></div>
    <${Table} caption=${text.uploads} columns=${listed} rows=${rows} />
  </section>`;
}
