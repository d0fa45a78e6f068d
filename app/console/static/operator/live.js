// @ts-check
// What happens now: figures, charts of the last hour, and the latest transactions.

import { call } from "../api/client.js";
import { Chart } from "../charts/chart.js";
import { View } from "../shell/layout.js";
import { kinds, live } from "../text/en-live.js";
import { count, dateTime, money, sum } from "../ui/format.js";
import { Connected } from "../ui/freshness.js";
import { html } from "../ui/html.js";
import { Loaded } from "../ui/load.js";
import { useLive } from "../ui/live.js";
import { query, setQuery } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { Table } from "../ui/table.js";
import { Reading, compact, decimal, duration, percent } from "./figures.js";
import { Traffic } from "./traffic.js";

/** @typedef {import("../api/schema.js").Stats} Stats */
/** @typedef {import("../api/schema.js").SystemHealth} SystemHealth */
/** @typedef {import("../api/schema.js").FeedTransaction} FeedTransaction */

const MINUTES = 60;
const ROWS = 20;
const HEALTH_MS = 10_000;
const TONES = { APPROVED: "success", DECLINED: "danger", REVIEW: "warning" };
const SHOW = /** @type {Intl.DateTimeFormatOptions} */ ({ timeStyle: "short" });
const hasTraffic = document.querySelector("meta[name=traffic]")?.getAttribute("content") === "yes";

export function Live() {
  const loaded = useLive(async (signal) => {
    const [stats, feed] = await Promise.all([
      call("GET /insights/stats", { signal }),
      call("GET /insights/transactions", { query: { limit: ROWS }, signal }),
    ]);
    return { stats, feed: feed.data };
  });
  const health = useLive((signal) => call("GET /insights/health", { signal }), { every: HEALTH_MS, follows: false });
  return html`<${View} title=${live.title} text=${live.text}
    actions=${html`<${Connected} connection=${loaded.connection} at=${loaded.at} />`}>
    <${Loaded} of=${loaded} lines=${10}>${(/** @type {{stats: Stats, feed: FeedTransaction[]}} */ { stats, feed }) => html`
      <${Figures} stats=${stats} health=${health.data} />
      <${Charts} stats=${stats} />
      <${Latest} rows=${feed} />`}
    </${Loaded}>
    ${hasTraffic && html`<${Traffic} />`}
  </${View}>`;
}

/** The currency of the sums: that of the address, or the one with the most transactions. @param {Stats} stats */
function currencyOf({ totals }) {
  const asked = query.value.get("currency");
  const most = [...totals].sort((a, b) => b.approved - a.approved)[0]?.currency ?? "USD";
  return totals.some(({ currency }) => currency === asked) ? /** @type {string} */ (asked) : most;
}

/** Every minute of the last hour, oldest first, with what happened in it. @param {Stats} stats */
function minutesOf({ at, minutes }) {
  const byStart = new Map(minutes.map((minute) => [Date.parse(minute.startsAt), minute.sums]));
  const last = Math.floor(Date.parse(at) / 60_000) * 60_000;
  return Array.from({ length: MINUTES }, (_, index) => {
    const start = last - (MINUTES - 1 - index) * 60_000;
    return { startsAt: new Date(start).toISOString(), sums: byStart.get(start) ?? [] };
  });
}

/** @param {{stats: Stats, health: SystemHealth | null}} props */
function Figures({ stats, health }) {
  const currency = currencyOf(stats);
  const sums = stats.minutes.flatMap((minute) => minute.sums);
  const approved = sums.reduce((total, each) => total + each.approved, 0);
  const declined = sums.reduce((total, each) => total + each.declined, 0);
  const rate = approved + declined ? (100 * approved) / (approved + declined) : null;
  const volume = sum(["0.00", ...sums.filter((each) => each.currency === currency).map((each) => each.volume)]);
  const total = stats.totals.find((each) => each.currency === currency)?.volume ?? "0";
  const { requests, uptime } = stats;
  return html`<section aria-labelledby="figures">
    <h2 id="figures" class="section-title">${live.lastHour}</h2>
    <dl class="readings">
      <${Reading} wide label=${live.volume} value=${money(volume, currency)}
        text=${live.volumeTotal(money(total, currency))} />
      <${Reading} label=${live.approval} value=${percent(rate)}
        text=${live.approvalTotal(percent(stats.approvalRate))} />
      <${Reading} label=${live.transactions} value=${count(approved + declined)}
        text=${live.transactionsText(count(stats.lastMinute), count(stats.total))} />
      <${Reading} label=${live.decision} value=${duration(stats.averageLatencyMs)} text=${live.decisionText} />
      <${Reading} label=${live.latency} value=${duration(requests.p95Ms)}
        text=${live.latencyText(duration(requests.p50Ms), duration(requests.p90Ms), duration(requests.p99Ms))} />
      <${Reading} label=${live.requests} value=${count(requests.total)}
        text=${live.requestsText(count(requests.errors))} tone=${requests.errors ? "bad" : ""} />
      <${Reading} label=${live.uptime} to="/operator/reliability" value=${percent(uptime.percent)}
        text=${live.uptimeText(count(uptime.downMinutes), count(uptime.unknownMinutes))} />
      <${Waiting} health=${health} />
    </dl>
  </section>`;
}

/** @param {{health: SystemHealth | null}} props */
function Waiting({ health }) {
  if (!health) return html`<${Reading} label=${live.waiting} value="–" />`;
  const waiting = health.backlogs.reduce((total, each) => total + each.waiting, 0);
  const parked = health.backlogs.reduce((total, each) => total + each.parked, 0);
  const oldest = Math.max(0, ...health.backlogs.map((each) => each.delaySeconds));
  const texts = [
    health.isWell ? live.isWell : live.isIll,
    parked ? live.parked(count(parked)) : waiting ? live.waitingText(duration(oldest * 1000)) : null,
  ];
  return html`<${Reading} label=${live.waiting} to="/operator/reliability" tone=${health.isWell ? "good" : "bad"}
    value=${waiting ? live.waitingValue(count(waiting)) : live.nothingWaits}
    text=${texts.filter(Boolean).join(" · ")} />`;
}

/** @param {{stats: Stats}} props */
function Charts({ stats }) {
  const currency = currencyOf(stats);
  const minutes = minutesOf(stats);
  const times = minutes.map((minute) => minute.startsAt);
  const volumes = minutes.map(({ sums }) => sums.find((each) => each.currency === currency)?.volume ?? "0");
  const counted = (/** @type {"approved" | "declined" | "reviewed"} */ name) => {
    const values = minutes.map(({ sums }) => sums.reduce((total, each) => total + each[name], 0));
    return { title: live[name], values, texts: values.map(count) };
  };
  return html`<div class="charts">
    <section class="card" aria-label=${live.volumeChart}>
      ${stats.totals.length > 1 && html`<label class="chart-choice"><span>${live.currency}</span>
        <select class="input small" onChange=${(/** @type {any} */ event) => setQuery({ currency: event.currentTarget.value })}>
          ${stats.totals.map((each) => html`<option key=${each.currency} value=${each.currency}
            selected=${each.currency === currency}>${each.currency}</option>`)}
        </select></label>`}
      <${Chart} title="${live.volumeChart} (${currency})" times=${times} axis=${compact} show=${SHOW}
        series=${[{ title: live.volume, values: volumes.map(Number), texts: volumes.map((each) => money(each, currency)) }]} />
    </section>
    <section class="card" aria-label=${live.countChart}>
      <${Chart} title=${live.countChart} times=${times} axis=${compact} show=${SHOW}
        series=${[counted("approved"), counted("reviewed"), counted("declined")]} />
    </section>
  </div>`;
}

/** @param {string | null} code */
function reasonOf(code) {
  return code && (live.reasons[code] ?? code.toLowerCase().replaceAll("_", " "));
}

/** @param {{rows: FeedTransaction[]}} props */
function Latest({ rows }) {
  const columns = [
    { title: live.what, kind: "wide", cell: (/** @type {FeedTransaction} */ row) => html`
        <span class="cell-title"><bdi>${row.merchantId ? row.merchantName : kinds[row.kind]}</bdi></span>
        <span class="muted">${row.merchantId ? `${kinds[row.kind]} · ` : ""}${live.payer(`#${row.userNumber}`)}</span>` },
    { title: live.when, cell: (/** @type {FeedTransaction} */ row) => html`<span class="muted">${
        dateTime(row.occurredAt, { timeStyle: "medium" })}</span>` },
    { title: live.amount, kind: "number", cell: (/** @type {FeedTransaction} */ row) => money(row.amount, row.currency) },
    { title: live.outcome, cell: (/** @type {FeedTransaction} */ row) => html`
        <${Badge} tone=${TONES[row.status]}>${live.outcomes[row.status]}</${Badge}>
        ${row.declineReason && html`<span class="muted block">${reasonOf(row.declineReason)}</span>`}` },
    { title: live.took, kind: "number extra", cell: (/** @type {FeedTransaction} */ row) => duration(row.latencyMs) },
    { title: live.score, kind: "number extra", cell: (/** @type {FeedTransaction} */ row) => (
        row.riskScore === null ? "–" : decimal(Number(row.riskScore))) },
  ];
  return html`<section class="card" aria-labelledby="latest">
    <div class="card-head"><h2 id="latest">${live.latest}</h2></div>
    ${rows.length
      ? html`<div class="feed"><${Table} caption=${live.latest} columns=${columns} rows=${rows} /></div>`
      : html`<${Empty} icon="pulse" title=${live.empty} text=${live.emptyText} />`}
  </section>`;
}
