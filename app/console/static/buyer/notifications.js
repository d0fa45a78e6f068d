// @ts-check
// Notifications, with unread ones marked.

import { call, newKey } from "../api/client.js";
import { View } from "../shell/layout.js";
import { countUnread, unread } from "../shell/unread.js";
import { words } from "../text/en.js";
import { shortTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { Empty } from "../ui/states.js";
import { Pages } from "../ui/table.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../api/schema.js").Notification} Notification */

const { notifications } = words;
const PAGE = 20;

/** Where what it is about is shown, by topic. */
const PLACES = {
  purchase: "/purchases", refund: "/purchases", deposit: "/add-money", deposit_failed: "/add-money",
  payout: "/withdraw", payout_refused: "/withdraw", payment_request: "/request",
  payment_request_declined: "/request", payment_request_cancelled: "/request", payment_request_expired: "/request",
};

/** @param {{row: Notification}} props */
function Title({ row }) {
  const place = /** @type {Record<string, string>} */ (PLACES)[row.topic];
  const title = html`<strong dir="auto">${row.title}</strong>`;
  return place ? html`<a href="/app${place}/${row.referenceId}">${title}</a>` : title;
}

export function Notifications() {
  const filters = query.value;
  const loaded = useLoaded((signal) => call("GET /notifications", {
    query: { unread: filters.get("unread") ? true : null, cursor: filters.get("cursor"), limit: PAGE },
    signal,
  }), [filters.toString(), unread.value]);

  async function attempt(/** @type {() => Promise<any>} */ act) {
    try {
      await act();
      await countUnread();
      loaded.reload();
    } catch (error) {
      toast(error.message || words.problems.offline);
    }
  }
  const markAll = () => attempt(async () => {
    await call("POST /notifications/read", { key: newKey() });
    toast(notifications.marked);
  });
  const mark = (/** @type {string} */ id) => attempt(() => call(
    "POST /notifications/{notification_id}/read", { path: { notification_id: id }, key: newKey() },
  ));
  const actions = unread.value > 0
    && html`<button class="button" onClick=${markAll}>${notifications.markAll}</button>`;
  return html`<${View} title=${notifications.title} actions=${actions}>
    <div class="filters">
      <div class="field"><label for="show">${notifications.filter}</label>
        <select id="show" class="input"
          onChange=${(/** @type {any} */ event) => setQuery({ unread: event.currentTarget.value })}>
          <option value="" selected=${!filters.get("unread")}>${words.all}</option>
          <option value="yes" selected=${Boolean(filters.get("unread"))}>${notifications.unreadOnly}</option>
        </select></div>
    </div>
    <section class="card">
      <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ data) => (data.data.length
        ? html`<ul class="list">${data.data.map((/** @type {Notification} */ row) => html`<li key=${row.id}
            class="notification ${row.readAt ? "" : "is-unread"}">
            <span class="grow">
              ${!row.readAt && html`<span class="dot" role="img" aria-label=${notifications.unread}></span>`}
              <${Title} row=${row} />
              <span class="block" dir="auto">${row.text}</span>
              <span class="muted block">${shortTime(row.createdAt)}</span>
            </span>
            ${!row.readAt && html`<button class="button quiet" onClick=${() => mark(row.id)}>${notifications.mark}
              <span class="visually-hidden">: ${row.title}</span></button>`}
          </li>`)}</ul>`
        : html`<${Empty} icon="bell" title=${notifications.empty} text=${notifications.emptyText} />`)}
      </${Loaded}>
    </section>
    <${Pages} next=${loaded.data?.meta.nextCursor ?? null} />
  </${View}>`;
}
