// @ts-check
// Sign in, register, forgotten password.

import { useState } from "preact/hooks";
import { begin, call, hasEnded } from "../api/client.js";
import { Brand, ThemeChoice } from "../shell/layout.js";
import { words } from "../text/en.js";
import { Choices, Field, FormProblem, Invalid, Submit, useForm } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { query } from "../ui/router.js";
import { Notice } from "../ui/states.js";
import { useEffect, useRef } from "preact/hooks";

const { account } = words;

/** @param {{title: string, text: string, children: any}} props */
function Open({ title, text, children }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} – ${words.product}`;
    heading.current?.focus();
  }, [title]);
  return html`<div class="open">
    <aside class="pitch">
      <${Brand} />
      <div>
        <p class="pitch-title">${account.pitch}</p>
        <ul>${account.points.map((point) => html`<li key=${point}><${Icon} name="check" />${point}</li>`)}</ul>
      </div>
    </aside>
    <main class="open-main">
      <div class="open-card">
        <h1 tabindex="-1" ref=${heading}>${title}</h1>
        <p class="lead">${text}</p>
        ${children}
        <${ThemeChoice} />
      </div>
    </main>
  </div>`;
}

/** Keeps where the user wanted to go. @param {string} to */
function withNext(to) {
  const next = query.value.get("next");
  return `/app${to}${next ? `?next=${encodeURIComponent(next)}` : ""}`;
}

export function SignIn() {
  const form = useForm("sign-in", { email: "", password: "" }, async (values) => {
    const name = values.email.trim();
    /** @type {Record<string, string>} */
    const missing = {};
    if (!name) missing.email = account.nameMissing;
    if (!values.password) missing.password = account.passwordMissing;
    if (Object.keys(missing).length) throw new Invalid(missing);
    try {
      const answer = name.startsWith("+")
        ? await call("POST /auth/phone", { body: { phone: name, password: values.password }, cookie: true })
        : await call("POST /auth/login", { body: { email: name, password: values.password }, cookie: true });
      return () => begin(answer);
    } catch (error) {
      if (error.fields?.phone) throw new Invalid({ email: error.fields.phone.join(" ") });
      throw error;
    }
  }, { isFirst: true });
  const wrong = form.problem && form.problem === "Invalid credentials" ? account.wrong : form.problem;
  return html`<${Open} title=${account.signInTitle} text=${account.signInText}>
    <form class="stack" ...${form.form}>
      ${hasEnded.value && !wrong && html`<${Notice}>${account.ended}</${Notice}>`}
      <${FormProblem}>${wrong}</${FormProblem}>
      <${Field} ...${form.field("email")} label=${account.name} hint=${account.nameHint}
        class="input" autocomplete="username" autocapitalize="none" spellcheck=${false} />
      <${Field} ...${form.field("password")} label=${account.password} type="password"
        class="input" autocomplete="current-password" />
      <${Submit} isBusy=${form.isBusy} wide>${account.signIn}</${Submit}>
    </form>
    <p class="links"><a href="/app/forgotten-password">${account.forgotten}</a></p>
    <p class="links">${account.noAccount} <a href=${withNext("/register")}>${account.register}</a></p>
  </${Open}>`;
}

export function Register() {
  const empty = { role: /** @type {"USER" | "MERCHANT"} */ ("USER"), email: "", password: "", firstName: "", lastName: "" };
  const form = useForm("register", empty, async (values) => {
    const body = {
      email: values.email.trim(),
      password: values.password,
      firstName: values.firstName.trim() || null,
      lastName: values.lastName.trim() || null,
      role: values.role,
    };
    if (!body.email) throw new Invalid({ email: account.nameMissing });
    if (!body.password) throw new Invalid({ password: account.passwordMissing });
    const answer = await call("POST /auth/register", { body, cookie: true });
    return () => begin(answer);
  });
  return html`<${Open} title=${account.registerTitle} text=${account.registerText}>
    <form class="stack" ...${form.form}>
      <${FormProblem}>${form.problem}</${FormProblem}>
      <${Choices} label=${account.use} name="role" value=${form.values.role} look="two" options=${account.uses}
        choose=${(/** @type {"USER" | "MERCHANT"} */ role) => form.set({ role })} />
      <div class="row">
        <${Field} ...${form.field("firstName")} label=${account.firstName} isOptional class="input"
          autocomplete="given-name" maxlength="100" />
        <${Field} ...${form.field("lastName")} label=${account.lastName} isOptional class="input"
          autocomplete="family-name" maxlength="100" />
      </div>
      <${Field} ...${form.field("email")} label=${account.email} type="email" class="input"
        autocomplete="email" />
      <${Field} ...${form.field("password")} label=${account.password} type="password" class="input"
        autocomplete="new-password" hint=${account.passwordHint} />
      <${Submit} isBusy=${form.isBusy} wide>${account.register}</${Submit}>
    </form>
    <p class="links">${account.hasAccount} <a href=${withNext("/sign-in")}>${account.signIn}</a></p>
  </${Open}>`;
}

export function Forgotten() {
  const [sentTo, setSentTo] = useState("");
  const form = useForm("forgotten", { email: "" }, async ({ email }) => {
    if (!email.trim()) throw new Invalid({ email: account.nameMissing });
    await call("POST /auth/password/forgotten", { body: { email: email.trim() } });
    return () => setSentTo(email.trim());
  }, { isFirst: true });
  if (sentTo) {
    return html`<${Open} title=${account.linkSent} text=${account.linkSentText(sentTo)}>
      <p class="links"><a href="/app/sign-in">${account.signIn}</a></p>
    </${Open}>`;
  }
  return html`<${Open} title=${account.forgottenTitle} text=${account.forgottenText}>
    <form class="stack" ...${form.form}>
      <${FormProblem}>${form.problem}</${FormProblem}>
      <${Field} ...${form.field("email")} label=${account.email} type="email" class="input"
        autocomplete="username" />
      <${Submit} isBusy=${form.isBusy} wide>${account.sendLink}</${Submit}>
    </form>
    <p class="links"><a href="/app/sign-in">${account.signIn}</a></p>
  </${Open}>`;
}
