// @ts-check
// Settings: password, second factor and sessions.

import { useState } from "preact/hooks";
import { call, callList, newKey } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { date, dateTime, programName } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { SettingsTabs } from "./settings.js";

const { settings, account, code } = words;

/** A wrong password belongs beside its field. @param {string} field */
function besidePassword(field) {
  return (/** @type {any} */ error) => {
    if (error.code === "INVALID_CREDENTIALS") throw new Invalid({ [field]: settings.wrongPassword });
    throw error;
  };
}

export function Security() {
  return html`<${View} title=${settings.title} narrow>
    <${SettingsTabs} />
    <${Password} /><${SecondFactor} /><${Sessions} />
  </${View}>`;
}

function Password() {
  const empty = { currentPassword: "", newPassword: "" };
  const form = useForm("password", empty, async (values) => {
    if (!values.currentPassword) throw new Invalid({ currentPassword: account.passwordMissing });
    await call("POST /auth/password", { body: values }).catch(besidePassword("currentPassword"));
    return () => {
      form.set(empty);
      toast(settings.changed);
    };
  });
  return html`<form class="card stack" ...${form.form} aria-labelledby="password-title">
    <div><h2 id="password-title">${settings.password}</h2><p class="muted">${settings.passwordText}</p></div>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("currentPassword")} label=${settings.current} type="password" class="input" autocomplete="current-password" />
    <${Field} ...${form.field("newPassword")} label=${settings.next} type="password" class="input" autocomplete="new-password" hint=${account.passwordHint} />
    <${Submit} isBusy=${form.isBusy}>${settings.change}</${Submit}>
  </form>`;
}

function SecondFactor() {
  const loaded = useLoaded((signal) => call("GET /auth/two-factor", { signal }), []);
  const [enrolment, setEnrolment] = useState(/** @type {any} */ (null));
  const [recovery, setRecovery] = useState(/** @type {string[] | null} */ (null));
  return html`<section class="card stack" aria-labelledby="factor-title">
    <div><h2 id="factor-title">${settings.secondFactor}</h2><p class="muted">${settings.secondFactorText}</p></div>
    <${Loaded} of=${loaded} lines=${2}>${(/** @type {any} */ status) => {
      if (recovery) {
        return html`<${Notice}><strong>${settings.recovery}</strong><p>${settings.recoveryText}</p>
          <ul class="recovery mono">${recovery.map((each) => html`<li key=${each}>${each}</li>`)}</ul>
          <button class="button" onClick=${() => { setRecovery(null); loaded.reload(); }}>${settings.recoveryDone}</button></${Notice}>`;
      }
      if (status.enabled) {
        return html`<p><${Badge} tone="success">${settings.on}</${Badge}> <span class="muted">
          ${settings.since(date(status.confirmedAt))} · ${settings.codesLeft(status.recoveryCodesLeft)}</span></p>
          <${TurnOff} onDone=${loaded.reload} />`;
      }
      if (enrolment) {
        return html`<${Confirm} enrolment=${enrolment} onDone=${(/** @type {string[]} */ codes) => { setEnrolment(null); setRecovery(codes); }} />`;
      }
      return html`<p><${Badge}>${settings.off}</${Badge}></p><${TurnOn} onDone=${setEnrolment} />`;
    }}</${Loaded}>
  </section>`;
}

/** @param {{onDone: (enrolment: any) => void}} props */
function TurnOn({ onDone }) {
  const form = useForm("enrol", { password: "" }, async (values) => {
    if (!values.password) throw new Invalid({ password: account.passwordMissing });
    const made = await call("POST /auth/two-factor", { body: values }).catch(besidePassword("password"));
    return () => onDone(made);
  });
  return html`<form class="stack" ...${form.form}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("password")} id="enrol-password" label=${account.password} hint=${settings.turnOnHint} type="password" class="input" autocomplete="current-password" />
    <${Submit} isBusy=${form.isBusy}>${settings.turnOn}</${Submit}>
  </form>`;
}

/** @param {{enrolment: any, onDone: (codes: string[]) => void}} props */
function Confirm({ enrolment, onDone }) {
  const form = useForm("confirm", { code: "" }, async (values) => {
    const body = { code: values.code.trim() };
    const made = await call("POST /auth/two-factor/confirm", { body }).catch((error) => {
      if (error.code === "TWO_FACTOR_CODE_WRONG") throw new Invalid({ code: error.message });
      throw error;
    });
    return () => onDone(made.recoveryCodes);
  });
  return html`<form class="stack" ...${form.form}>
    <p>${settings.scan}</p>
    <img class="qr" src=${enrolment.qrSvg} alt=${settings.qr} />
    <p class="muted">${settings.secret} <span class="mono">${enrolment.secret}</span></p>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("code")} label=${code.label} class="input" inputmode="numeric" autocomplete="one-time-code" />
    <${Submit} isBusy=${form.isBusy}>${settings.confirm}</${Submit}>
  </form>`;
}

/** @param {{onDone: () => void}} props */
function TurnOff({ onDone }) {
  const form = useForm("turn-off", { password: "", code: "" }, async (values) => {
    const body = { password: values.password, code: values.code.trim() };
    await call("DELETE /auth/two-factor", { body }).catch(besidePassword("password"));
    return () => { toast(settings.turnedOff); onDone(); };
  });
  return html`<form class="stack" ...${form.form}>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <div class="row">
      <${Field} ...${form.field("password")} id="off-password" label=${account.password} type="password" class="input" autocomplete="current-password" />
      <${Field} ...${form.field("code")} label=${code.label} class="input" autocomplete="one-time-code" />
    </div>
    <button class="button" type="submit" aria-disabled=${form.isBusy ? "true" : null}>${settings.turnOff}</button>
  </form>`;
}

/** @param {import("../api/schema.js").Session} session */
function nameOf(session) {
  return session.userAgent ? programName(session.userAgent) : settings.unknown;
}

function Sessions() {
  const loaded = useLoaded((signal) => callList("GET /auth/sessions", { query: { limit: 50 }, signal }), []);
  async function end(/** @type {string} */ id) {
    try {
      await call("DELETE /auth/sessions/{login_session_id}", { path: { login_session_id: id }, key: newKey() });
      toast(settings.ended);
      loaded.reload();
    } catch (error) {
      toast(error.message || words.problems.offline);
    }
  }
  return html`<section class="card" aria-labelledby="sessions-title">
    <h2 id="sessions-title">${settings.sessions}</h2><p class="muted">${settings.sessionsText}</p>
    <${Loaded} of=${loaded} lines=${3}>${(/** @type {any} */ data) => html`<ul class="list">
      ${data.data.map((/** @type {import("../api/schema.js").Session} */ row) => html`<li key=${row.id} class="session">
        <span class="grow"><strong>${nameOf(row)}</strong>
          <span class="muted block">${row.address} · ${settings.lastUsed(dateTime(row.lastUsedAt))}</span></span>
        ${row.current ? html`<${Badge} tone="success">${settings.thisSession}</${Badge}>`
          : html`<button class="button" aria-label=${settings.endLabel(nameOf(row))}
              onClick=${() => end(row.id)}>${settings.end}</button>`}
      </li>`)}</ul>`}
    </${Loaded}>
  </section>`;
}
