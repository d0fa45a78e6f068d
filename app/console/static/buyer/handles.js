// @ts-check
// Settings: verify the email address and the phone number, and change the address.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client.js";
import { handles as text } from "../text/en-handles.js";
import { words } from "../text/en.js";
import { Act } from "../ui/act.js";
import { Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { usePolling } from "../ui/poll.js";
import { Badge, Notice } from "../ui/states.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../api/schema.js").User} User */
/** @typedef {{me: User, set: (me: User) => void, reload: () => void}} Props */

const POLL_MS = 4000;

/** @param {Props} props */
export function Handles(props) {
  return html`<section class="card stack" aria-labelledby="handles">
    <div><h2 id="handles">${text.title}</h2><p class="muted">${text.text}</p></div>
    <${Email} ...${props} /><${Phone} key=${props.me.phone} ...${props} />
  </section>`;
}

/** @param {{label: string, value: string | null, verifiedAt: string | null, children: any}} props */
function Handle({ label, value, verifiedAt, children }) {
  return html`<div class="stack handle">
    <div><div class="card-head"><h3>${label}</h3>
      ${value && html`<${Badge} tone=${verifiedAt ? "success" : "warning"}>${verifiedAt ? text.verified : text.unverified}</${Badge}>`}</div>
      <p class="anywhere" dir="auto">${value ?? text.none}</p></div>
    ${children}
  </div>`;
}

/** @param {Props} props */
function Email({ me, reload }) {
  const [sentTo, setSentTo] = useState("");
  const [isChanging, setChanging] = useState(false);
  const [changeTo, setChangeTo] = useState("");
  const isVerified = me.emailVerifiedAt !== null;
  // The link is opened elsewhere.
  usePolling(reload, Boolean(sentTo || changeTo), POLL_MS);
  useEffect(() => {
    if (changeTo && me.email?.toLowerCase() === changeTo.toLowerCase()) {
      toast(text.emailChanged(changeTo));
      setChangeTo("");
    }
    if (sentTo && isVerified) {
      toast(text.emailVerified);
      setSentTo("");
    }
  }, [me.email, isVerified]);

  const verify = async () => {
    try {
      await call("POST /auth/email/verification");
    } catch (error) {
      if (error.code !== "NOTHING_TO_VERIFY") throw error; // verified meanwhile
      return reload;
    }
    return () => setSentTo(me.email ?? "");
  };
  return html`<${Handle} label=${text.email} value=${me.email} verifiedAt=${me.emailVerifiedAt}>
    ${me.emailVerifiedAt && html`<p class="muted">${text.since(date(me.emailVerifiedAt))}</p>`}
    ${sentTo && html`<${Notice}><p><strong dir="auto">${text.linkSent(sentTo)}</strong> ${text.linkText}</p></${Notice}>`}
    ${changeTo && html`<${Notice}><p><strong dir="auto">${text.changeSent(changeTo)}</strong> ${
      me.email ? text.changeSentText(me.email) : text.changeSentNoEarlier}</p></${Notice}>`}
    ${isChanging
      ? html`<${ChangeEmail} onClose=${() => setChanging(false)}
          onSent=${(/** @type {string} */ address) => { setChanging(false); setChangeTo(address); }} />`
      : html`<div class="actions">
          ${me.email && !isVerified && html`<${Act} name="verify-email" label=${sentTo ? text.sendAgain : text.sendLink}
            look=${sentTo ? "" : "primary"} send=${verify} />`}
          <button class="button" type="button" onClick=${() => setChanging(true)}>${text.changeEmail}</button>
        </div>`}
  </${Handle}>`;
}

/** @param {{onSent: (address: string) => void, onClose: () => void}} props */
function ChangeEmail({ onSent, onClose }) {
  const form = useForm("change-email", { newEmail: "", password: "" }, async (values, { code }) => {
    const newEmail = values.newEmail.trim();
    /** @type {Record<string, string>} */
    const missing = {};
    if (!newEmail) missing.newEmail = text.missing;
    if (!values.password) missing.password = words.account.passwordMissing;
    if (Object.keys(missing).length) throw new Invalid(missing);
    try {
      await call("POST /auth/email", { body: { newEmail, password: values.password, code: code ?? null } });
    } catch (error) {
      if (error.code === "INVALID_CREDENTIALS") throw new Invalid({ password: words.settings.wrongPassword });
      if (error.code === "TWO_FACTOR_REQUIRED") error.details = { enrolled: true }; // required only of those who are
      throw error;
    }
    return () => onSent(newEmail);
  });
  return html`<form class="stack" ...${form.form} aria-label=${text.changeEmail}>
    <p class="muted">${text.changeText}</p>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <${Field} ...${form.field("newEmail")} label=${text.newEmail} type="email" class="input" autocomplete="email" />
    <${Field} ...${form.field("password")} id="change-email-password" label=${text.password} type="password" class="input"
      autocomplete="current-password" />
    <div class="actions">
      <${Submit} isBusy=${form.isBusy}>${text.sendToNew}</${Submit}>
      <button class="button" type="button" onClick=${onClose}>${words.cancel}</button>
    </div>
  </form>`;
}

/** @param {Props} props */
function Phone({ me, set }) {
  const [isSent, setSent] = useState(false);
  const phone = me.phone ?? "";
  const form = useForm("verify-phone", { phoneCode: "" }, async (values) => {
    const phoneCode = values.phoneCode.trim();
    if (!phoneCode) throw new Invalid({ phoneCode: text.codeMissing });
    const changed = await call("POST /auth/phone/verification/confirm", { body: { phoneCode } }).catch((error) => {
      if (error.code === "PHONE_CODE_INVALID") throw new Invalid({ phoneCode: error.message });
      throw error;
    });
    return () => { setSent(false); set(changed); toast(text.phoneVerified); };
  });
  const send = async () => {
    await call("POST /auth/phone/verification", { body: { phone } });
    return () => { form.set({ phoneCode: "" }); setSent(true); };
  };
  return html`<${Handle} label=${text.phone} value=${me.phone} verifiedAt=${me.phoneVerifiedAt}>
    ${!me.phone && html`<p class="muted">${text.noPhone}</p>`}
    ${me.phoneVerifiedAt && html`<p class="muted">${text.since(date(me.phoneVerifiedAt))}</p>`}
    ${isSent && html`<form class="stack" ...${form.form} aria-label=${text.confirm}>
      <${Notice}><p><strong dir="auto">${text.codeSent(phone)}</strong> ${text.codeText}</p></${Notice}>
      <${FormProblem}>${form.problem}</${FormProblem}>
      <${Field} ...${form.field("phoneCode")} label=${text.code} class="input" inputmode="numeric" autocomplete="one-time-code" />
      <div><${Submit} isBusy=${form.isBusy}>${text.confirm}</${Submit}></div>
    </form>`}
    ${me.phone && !me.phoneVerifiedAt && html`<div class="actions">
      <${Act} name="send-code" label=${isSent ? text.sendCodeAgain : text.sendCode} send=${send} /></div>`}
  </${Handle}>`;
}
