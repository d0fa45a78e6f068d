// @ts-check
// One payment under review: why it is held, what is known, and the decision.

import { useRef } from "preact/hooks";
import { call, user } from "../api/client.js";
import { View } from "../shell/layout.js";
import { cases, kinds } from "../text/en-live.js";
import { Act } from "../ui/act.js";
import { ConfirmButton } from "../ui/confirm.js";
import { Facts } from "../ui/facts.js";
import { FormProblem, Invalid, Select, Submit, TextArea, useForm } from "../ui/form.js";
import { dateTime, money } from "../ui/format.js";
import { distance } from "../ui/freshness.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { CASE_TONES, assignee } from "./cases.js";
import { decimal, short } from "./figures.js";
import { inputOf } from "./risk.js";

/** @typedef {import("../api/schema.js").Case} CaseOf */
/** @typedef {import("../api/schema.js").CaseSummary} CaseSummary */
/** @typedef {import("../api/schema.js").ListedUser} ListedUser */
/** @typedef {{key: string, code?: string}} Sending */

const HOUR_MS = 3_600_000;

/** @param {{id: string}} props */
export function Case({ id }) {
  const loaded = useLoaded(async (signal) => {
    const found = await call("GET /admin/risk/cases/{case_id}", { path: { case_id: id }, signal });
    const ids = [found.case.userId, found.case.payeeId].filter((each) => each !== null);
    const people = await Promise.all(ids.map((each) => personOf(each, signal)));
    return { found, people };
  }, [id]);
  const set = (/** @type {CaseOf} */ found) => {
    if (loaded.data) loaded.set({ ...loaded.data, found });
  };
  const title = loaded.data ? kinds[loaded.data.found.case.kind] : cases.title;
  return html`<${View} title=${title} back=${["/operator/cases", cases.back]}>
    <${Loaded} of=${loaded} lines=${10}>${(/** @type {any} */ { found, people }) => html`
      <div class="case">
        <div class="stack">
          <${Summary} found=${found.case} people=${people} />
          <${Why} found=${found} />
          <${Notes} found=${found} set=${set} />
        </div>
        <div class="stack">
          <${Decide} found=${found.case} set=${set} reload=${loaded.reload} />
        </div>
      </div>`}
    </${Loaded}>
  </${View}>`;
}

/** Who pays or is paid; null if that cannot be found. @param {string} id @param {AbortSignal} signal */
async function personOf(id, signal) {
  try {
    return (await call("GET /admin/users/{user_id}", { path: { user_id: id }, signal })).user;
  } catch {
    return null;
  }
}

/** @param {{person: ListedUser | null | undefined, id: string}} props */
function Person({ person, id }) {
  const name = person && [person.firstName, person.lastName].filter(Boolean).join(" ");
  return html`<a href="/app/operator/users/${id}" dir="auto">${person ? name || person.email || short(id) : short(id)}</a>
    ${person && name && html`<span class="muted block">${person.email ?? person.phone}</span>`}`;
}

/** @param {{found: CaseSummary, people: (ListedUser | null)[]}} props */
function Summary({ found, people }) {
  const person = (/** @type {string} */ id) => people.find((each) => each?.id === id);
  const facts = [
    [cases.payer, html`<${Person} id=${found.userId} person=${person(found.userId)} />`],
    found.payeeId && [cases.payee, html`<${Person} id=${found.payeeId} person=${person(found.payeeId)} />`],
    found.referenceId && [cases.order, html`<a href="/app/operator/orders/${found.referenceId}">${short(found.referenceId)}</a>`],
    [cases.score, decimal(Number(found.score))],
    [cases.since, dateTime(found.createdAt)],
    found.status === "OPEN" ? [cases.expires, `${dateTime(found.expiresAt)} · ${distance(found.expiresAt)}`]
      : found.decidedAt && [cases.decided, `${dateTime(found.decidedAt)}${found.decidedBy ? ` · ${assignee(found.decidedBy)}` : ""}`],
    found.reason && [cases.reason, html`<span dir="auto">${found.reason}</span>`],
    found.resultId && [cases.result, short(found.resultId)],
  ];
  return html`<section class="card" aria-label=${cases.payment}>
    <div class="card-head"><p class="objective-value">${money(found.amount, found.currency)}</p>
      <${Badge} tone=${CASE_TONES[found.status]}>${cases.statuses[found.status]}</${Badge}></div>
    <${Facts} facts=${facts} />
  </section>`;
}

/** A rule by its key and version, such as `large-amount@1`. @param {string} name */
function ruleLink(name) {
  const [key] = name.split("@");
  return html`<li key=${name}><a href="/app/operator/rules?key=${encodeURIComponent(key)}">${name.replace("@", " · ")}</a></li>`;
}

/** @param {{found: CaseOf}} props */
function Why({ found }) {
  const { rules: matched, shadow, skipped } = found.reasons;
  const read = Object.entries(found.inputs).filter(([name]) => name !== "parameters");
  const inputs = read.map(([name, value]) => inputOf(name, value, found.case.currency));
  return html`<section class="card stack" aria-labelledby="why">
    <h2 id="why">${cases.why}</h2>
    <div><p class="muted">${cases.rules}</p>
      ${matched.length ? html`<ul class="chips">${matched.map(ruleLink)}</ul>` : html`<p>${cases.noRules}</p>`}</div>
    ${shadow.length > 0 && html`<div><p class="muted">${cases.shadow}</p><ul class="chips">${shadow.map(ruleLink)}</ul></div>`}
    ${skipped.length > 0 && html`<div><p class="muted">${cases.skipped}</p><ul class="chips">${skipped.map(ruleLink)}</ul></div>`}
    <div><h3>${cases.inputs}</h3><p class="muted">${inputs.length ? cases.inputsText : cases.noInputs}</p>
      <dl class="facts">${inputs.map(({ label, text }) => html`<div key=${label}><dt>${label}</dt><dd dir="auto">${text}</dd></div>`)}</dl></div>
  </section>`;
}

/** @param {{found: CaseOf, set: (found: CaseOf) => void}} props */
function Notes({ found, set }) {
  const form = useForm("note", { text: "" }, async (values, { key }) => {
    if (!values.text.trim()) throw new Invalid({ text: cases.noteMissing });
    const body = { text: values.text.trim() };
    const noted = await call("POST /admin/risk/cases/{case_id}/notes", { path: { case_id: found.case.id }, body, key });
    return () => { form.set({ text: "" }); set(noted); };
  });
  return html`<section class="card stack" aria-labelledby="notes">
    <h2 id="notes">${cases.notes}</h2>
    ${found.notes.length
      ? html`<ul class="list">${found.notes.map((note) => html`<li key=${note.createdAt} class="note">
          <p dir="auto">${note.text}</p><p class="muted">${assignee(note.authorId)} · ${dateTime(note.createdAt)}</p></li>`)}</ul>`
      : html`<p class="muted">${cases.noNotes}</p>`}
    <form class="stack" ...${form.form}>
      <${TextArea} ...${form.field("text")} label=${cases.note} rows=${3} />
      <${FormProblem}>${form.problem}</${FormProblem}>
      <div><${Submit} isBusy=${form.isBusy}>${cases.addNote}</${Submit}></div>
    </form>
  </section>`;
}

/** @param {{found: CaseSummary, set: (found: CaseOf) => void, reload: () => void}} props */
function Decide({ found, set, reload }) {
  if (found.status !== "OPEN") return null;
  const path = { case_id: found.id };
  const amount = money(found.amount, found.currency);
  const isMine = found.assignedTo === user.value?.id;
  const isOwn = found.userId === user.value?.id;
  const isSnoozed = found.snoozedUntil !== null && Date.parse(found.snoozedUntil) > Date.now();
  /** Somebody else may have decided meanwhile. @param {any} error */
  const noticed = (error) => {
    if (error.code === "RISK_CASE_DECIDED") {
      toast(cases.already(cases.statuses[/** @type {CaseSummary["status"]} */ (error.details?.status)]));
      reload();
    }
    throw error;
  };
  return html`<section class="card stack" aria-labelledby="decide">
    <h2 id="decide">${cases.decide}</h2>
    ${isOwn && html`<${Notice} tone="warning">${cases.own}</${Notice}>`}
    <${ConfirmButton} name="release" label=${cases.release} look="primary wide" tone="primary" action=${cases.release}
      title=${cases.releaseTitle} text=${cases.releaseText(amount)} reason=${{ label: cases.reasonLabel, isOptional: true }}
      send=${async (/** @type {Sending} */ sending, /** @type {string} */ reason) => {
        const body = { reason: reason || null };
        const decided = await call("POST /admin/risk/cases/{case_id}/release", { path, body, ...sending }).catch(noticed);
        return () => { set(decided); toast(cases.released); };
      }} />
    <${ConfirmButton} name="reject" label=${cases.reject} look="wide" action=${cases.reject}
      title=${cases.rejectTitle} text=${cases.rejectText(amount)} reason=${{ label: cases.reasonLabel }}
      send=${async (/** @type {Sending} */ sending, /** @type {string} */ reason) => {
        const decided = await call("POST /admin/risk/cases/{case_id}/reject", { path, body: { reason }, ...sending }).catch(noticed);
        return () => { set(decided); toast(cases.rejected); };
      }} />
    <hr class="rule" />
    <p><span class="muted">${cases.assignedTo}</span> ${assignee(found.assignedTo)}</p>
    <${Act} name="assign" look="wide" icon="user" label=${isMine ? cases.drop : cases.take} send=${async (/** @type {Sending} */ { key }) => {
      const body = { assigneeId: isMine ? null : user.value?.id ?? null };
      const assigned = await call("POST /admin/risk/cases/{case_id}/assign", { path, body, key });
      return () => { set(assigned); toast(isMine ? cases.dropped : cases.takenToast); };
    }} />
    <hr class="rule" />
    ${isSnoozed && html`<p class="muted">${cases.snoozedUntil(dateTime(/** @type {string} */ (found.snoozedUntil)))}</p>`}
    <${Snooze} found=${found} set=${set} />
  </section>`;
}

/** @param {{found: CaseSummary, set: (found: CaseOf) => void}} props */
function Snooze({ found, set }) {
  const fits = cases.snoozes.filter(([hours]) => Date.now() + Number(hours) * HOUR_MS < Date.parse(found.expiresAt));
  const times = useRef(/** @type {Record<string, string>} */ ({})); // repeated with the same time
  const form = useForm("snooze", { hours: fits[0]?.[0] ?? "1" }, async (values, { key }) => {
    const until = new Date(Date.now() + Number(values.hours) * HOUR_MS).toISOString();
    const body = { until: times.current[`${key} ${values.hours}`] ??= until };
    const snoozed = await call("POST /admin/risk/cases/{case_id}/snooze", { path: { case_id: found.id }, body, key });
    return () => { set(snoozed); toast(cases.snoozedToast); };
  });
  if (!fits.length) return null;
  return html`<form class="stack" ...${form.form}>
    <${Select} ...${form.field("hours")} label=${cases.snoozeFor} options=${fits} />
    <${FormProblem}>${form.problem}</${FormProblem}>
    <button class="button wide" type="submit" aria-disabled=${form.isBusy ? "true" : null}>${cases.snooze}</button>
  </form>`;
}
