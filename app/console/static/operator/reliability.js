// @ts-check
// Whether the service keeps what it promises, and what keeps it from doing so.

import { call } from "../api/client.js";
import { View } from "../shell/layout.js";
import { reliability } from "../text/en-live.js";
import { operations } from "../text/en-operations.js";
import { Facts } from "../ui/facts.js";
import { count, date, dateTime, fileSize } from "../ui/format.js";
import { Connected } from "../ui/freshness.js";
import { html } from "../ui/html.js";
import { useLive } from "../ui/live.js";
import { Loaded } from "../ui/load.js";
import { Badge, Empty } from "../ui/states.js";
import { Table } from "../ui/table.js";
import { decimal, duration, percent } from "./figures.js";

/** @typedef {import("../api/schema.js").Backlog} Backlog */
/** @typedef {import("../api/schema.js").BurnRate} BurnRate */
/** @typedef {import("../api/schema.js").Alert} Alert */
/** @typedef {import("../api/schema.js").Objective} Objective */
/** @typedef {import("../api/schema.js").SystemHealth} SystemHealth */
/** @typedef {import("../api/schema.js").Uptime} UptimeOf */

const backlogNames = { ...operations.events.names, ...reliability.queueNames };
const EVERY_MS = 10_000;
const TONES = { OK: "success", BEHIND: "warning", PARKED: "warning", AWAY: "danger", AHEAD: "warning", MISSING: "danger", UNKNOWN: "danger" };

export function Reliability() {
  const loaded = useLive(async (signal) => {
    const [report, health] = await Promise.all([
      call("GET /insights/slo", { signal }), call("GET /insights/health", { signal }),
    ]);
    return { report, health };
  }, { every: EVERY_MS, follows: false });
  return html`<${View} title=${reliability.title} text=${reliability.text}
    actions=${html`<${Connected} connection=${loaded.connection} at=${loaded.at} />`}>
    <${Loaded} of=${loaded} lines=${10}>${(/** @type {any} */ { report, health }) => html`
      <div class="columns">
        ${report.objectives.map((/** @type {Objective} */ each) => html`
          <${ObjectiveCard} key=${each.name} objective=${each} period=${reliability.period(date(report.from), date(report.to))} />`)}
      </div>
      <div class="columns">
        <${Checks} health=${health} />
        <${Uptime} uptime=${report.uptime} />
      </div>
      <${Backlogs} rows=${health.backlogs} />
      <div class="columns">
        <${Books} verification=${health.verification} />
        <${Backup} archive=${health.archive} last=${health.backup} />
      </div>`}
    </${Loaded}>
  </${View}>`;
}

/** @param {{objective: Objective, period: string}} props */
function ObjectiveCard({ objective, period }) {
  const title = reliability.objectives[objective.name];
  const target = percent(objective.target);
  const left = objective.budgetLeft;
  const burn = [
    { title: reliability.window, cell: (/** @type {BurnRate} */ row) => row.window },
    { title: reliability.requests, kind: "number", cell: (/** @type {BurnRate} */ row) => count(row.requests) },
    { title: reliability.bad, kind: "number", cell: (/** @type {BurnRate} */ row) => count(row.bad) },
    { title: reliability.rate, kind: "number", cell: (/** @type {BurnRate} */ row) => (row.rate === null ? "–" : decimal(row.rate)) },
  ];
  const alerts = [
    { title: reliability.alert, kind: "wide", cell: (/** @type {Alert} */ row) => html`<span class="cell-title">${reliability.severities[row.severity]}</span>
      <span class="muted">${reliability.alertText(decimal(row.burnRate), row.long, row.short)}</span>` },
    { title: reliability.firing, kind: "number", cell: (/** @type {Alert} */ row) => html`<${Badge}
      tone=${row.isFiring ? "danger" : "neutral"}>${row.isFiring ? reliability.firing : reliability.quiet}</${Badge}>` },
  ];
  return html`<section class="card stack" aria-label=${title}>
    <div>
      <div class="card-head"><h2>${title}</h2>
        <${Badge} tone=${!objective.requests ? "neutral" : objective.isMet ? "success" : "danger"}>${
          !objective.requests ? reliability.noRequests : objective.isMet ? reliability.met : reliability.missed}</${Badge}></div>
      <p class="objective-value">${percent(objective.percent)}</p>
      <p class="muted">${reliability.targets[objective.name](target, duration(objective.thresholdMs))}</p>
      <p class="muted">${period}</p>
    </div>
    ${left !== null && html`<div class="budget">
      <p><span>${reliability.budget}</span><strong>${percent(left)}</strong></p>
      <meter min="0" max="100" low="25" high="50" optimum="100" value=${Math.max(0, left)} aria-label=${reliability.budget}>${percent(left)}</meter>
      <p class="muted">${reliability.budgetText(count(objective.bad), count(objective.allowed))}</p>
    </div>`}
    <${Small} title=${reliability.burnRates} columns=${burn} rows=${objective.burnRates}
      rowKey=${(/** @type {BurnRate} */ row) => row.window} isOpen />
    <${Small} title=${reliability.alerts} columns=${alerts} rows=${objective.alerts}
      isOpen=${objective.alerts.some((each) => each.isFiring)}
      rowKey=${(/** @type {Alert} */ row) => `${row.severity}${row.long}`} />
  </section>`;
}

/** A table that stays one on narrow screens, and can be closed. @param {any} props */
function Small({ title, isOpen = false, ...table }) {
  return html`<details class="small-table" open=${isOpen}><summary>${title}</summary>
    <${Table} caption=${title} ...${table} /></details>`;
}

/** @param {{health: SystemHealth}} props */
function Checks({ health }) {
  return html`<section class="card" aria-labelledby="checks"><h2 id="checks">${reliability.checks}</h2>
    <ul class="list">${health.checks.map(({ name, status }) => html`<li key=${name} class="list-row">
      <span>${reliability.checkNames[name] ?? name}</span>
      <${Badge} tone=${TONES[status]}>${reliability.statuses[status]}</${Badge}>
    </li>`)}</ul>
  </section>`;
}

/** @param {{uptime: UptimeOf}} props */
function Uptime({ uptime }) {
  const facts = [
    [reliability.minutesChecked, count(uptime.checkedMinutes)],
    [reliability.minutesDown, count(uptime.downMinutes)],
    [reliability.minutesUnknown, count(uptime.unknownMinutes)],
    [reliability.atLeast, percent(uptime.minPercent)],
  ];
  return html`<section class="card stack" aria-labelledby="uptime"><div><h2 id="uptime">${reliability.uptime}</h2>
      <p class="objective-value">${percent(uptime.percent)}</p>
      <p class="muted">${uptime.since ? reliability.uptimeSince(dateTime(uptime.since)) : reliability.noChecks}</p></div>
    <${Facts} facts=${facts} />
  </section>`;
}

/** @param {{rows: Backlog[]}} props */
function Backlogs({ rows }) {
  const columns = [
    { title: reliability.backlogName, kind: "wide", cell: (/** @type {Backlog} */ row) => html`
      <span class="cell-title">${backlogNames[row.name] ?? row.name}</span>
      <span class="muted">${reliability.backlogKinds[row.kind]} · <span class="mono">${row.name}</span></span>` },
    { title: reliability.oldest, cell: (/** @type {Backlog} */ row) => html`<span class="muted">${row.waiting ? duration(row.delaySeconds * 1000) : "–"}</span>` },
    { title: reliability.waiting, kind: "number", cell: (/** @type {Backlog} */ row) => count(row.waiting) },
    { title: reliability.parked, kind: "number", cell: (/** @type {Backlog} */ row) => (row.parked
      ? html`<a href="/app/operator/events">${count(row.parked)}</a>` : "–") },
  ];
  return html`<section class="card" aria-labelledby="backlogs"><h2 id="backlogs">${reliability.backlogs}</h2>
    <div class="stacked"><${Table} caption=${reliability.backlogs} columns=${columns} rows=${rows}
      rowKey=${(/** @type {Backlog} */ row) => `${row.kind} ${row.name}`} /></div>
  </section>`;
}

/** @param {{verification: SystemHealth["verification"]}} props */
function Books({ verification }) {
  return html`<section class="card stack" aria-labelledby="books">
    <div><h2 id="books">${reliability.books}</h2><p class="muted">${reliability.booksText}</p></div>
    ${verification === null
      ? html`<${Empty} icon="check" title=${reliability.never} text=${reliability.neverText} />`
      : html`<p><${Badge} tone=${verification.violated ? "danger" : "success"}>${
          verification.violated ? reliability.violated(count(verification.violated)) : reliability.sound}</${Badge}></p>
        <p>${reliability.ran(dateTime(verification.startedAt),
          duration(Date.parse(verification.finishedAt) - Date.parse(verification.startedAt)))}</p>
        ${verification.violated > 0 && html`<p class="error">${reliability.violatedText}</p>`}
        <p class="muted">${verification.since ? reliability.incremental(dateTime(verification.since)) : reliability.complete}</p>`}
  </section>`;
}

/** @param {{archive: SystemHealth["archive"], last: SystemHealth["backup"]}} props */
function Backup({ archive, last }) {
  return html`<section class="card stack" aria-labelledby="backup"><h2 id="backup">${reliability.backup}</h2>
    <p>${last ? reliability.lastBackup[last.kind](dateTime(last.finishedAt), fileSize(last.size)) : reliability.noBackup}</p>
    <p><${Badge} tone=${archive.isOn ? "success" : "warning"}>${archive.isOn ? reliability.archiveOn : reliability.archiveOff}</${Badge}></p>
    ${archive.isOn
      ? html`<p>${archive.archivedAt ? reliability.archived(dateTime(archive.archivedAt)) : reliability.archiveNever}</p>`
      : html`<p>${reliability.archiveOffText}</p>`}
    ${archive.failedAt && html`<p class="error">${reliability.archiveFailed(dateTime(archive.failedAt))}</p>`}
    <p class="muted">${reliability.dumps}</p>
  </section>`;
}
