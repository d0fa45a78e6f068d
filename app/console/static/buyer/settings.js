// @ts-check
// Settings: the profile.

import { call, signOut, user } from "../api/client.js";
import { ThemeChoice, View } from "../shell/layout.js";
import { wallet } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { Field, FormProblem, Select, Submit, useForm } from "../ui/form.js";
import { habits } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { zoneOptions } from "../ui/moments.js";
import { Tabs } from "../ui/tabs.js";
import { toast } from "../ui/toast.js";
import { Handles } from "./handles.js";

const { settings, account, menu } = words;

/** The pages of the settings. */
export function SettingsTabs() {
  return html`<${Tabs} label=${settings.title} tabs=${[
    ["/settings", settings.profile], ["/settings/security", settings.security],
    ["/settings/notifications", wallet.preferences.tab], ["/settings/bank-accounts", wallet.accounts.title],
    ["/settings/limits", wallet.limits.tab],
  ]} />`;
}

export function Profile() {
  const loaded = useLoaded((signal) => call("GET /auth/me", { signal }), []);
  return html`<${View} title=${settings.title} narrow>
    <${SettingsTabs} />
    <${Loaded} of=${loaded} lines=${6}>${(/** @type {any} */ me) => html`
      <${Form} me=${me} onSaved=${loaded.set} /><${Handles} me=${me} set=${loaded.set} reload=${loaded.reload} />`}</${Loaded}>
    <section class="card narrow-only stack">
      <${ThemeChoice} />
      <button class="button" onClick=${() => signOut().catch(() => {})}><${Icon} name="signOut" />${menu.signOut}</button>
    </section>
  </${View}>`;
}

/** Languages and regions to choose from; others are accepted as well. */
const LOCALES = [
  "ar-EG", "ar-SA", "bn-BD", "cs-CZ", "da-DK", "de-AT", "de-CH", "de-DE", "el-GR", "en-AU", "en-CA", "en-GB", "en-IN",
  "en-US", "es-ES", "es-MX", "fi-FI", "fr-CA", "fr-CH", "fr-FR", "he-IL", "hi-IN", "hu-HU", "id-ID", "it-IT", "ja-JP",
  "ko-KR", "nb-NO", "nl-NL", "pl-PL", "pt-BR", "pt-PT", "ro-RO", "ru-RU", "sv-SE", "th-TH", "tr-TR", "uk-UA", "vi-VN",
  "zh-CN", "zh-TW",
];

/** Languages by their own names. @param {string} chosen the present one @returns {[string, string][]} */
function localeOptions(chosen) {
  const all = LOCALES.includes(chosen) ? LOCALES : [chosen, ...LOCALES];
  return all.map((tag) => [tag, new Intl.DisplayNames([tag], { type: "language", languageDisplay: "standard" }).of(tag) ?? tag]);
}

/** How a language writes numbers and dates. @param {string} tag */
function exampleOf(tag) {
  const number = new Intl.NumberFormat(tag, { minimumFractionDigits: 2 }).format(1234.5);
  return settings.localeHint(number, new Intl.DateTimeFormat(tag, { dateStyle: "medium" }).format(new Date()));
}

/** @typedef {import("../api/schema.js").User} User */

/** @param {{me: User, onSaved: (me: User) => void}} props */
function Form({ me, onSaved }) {
  const initial = {
    firstName: me.firstName ?? "", lastName: me.lastName ?? "", phone: me.phone ?? "",
    locale: me.locale, timeZone: me.timeZone,
  };
  const form = useForm("profile", initial, async (values, { key }) => {
    const changed = await call("PATCH /auth/me", {
      body: {
        firstName: values.firstName.trim() || null,
        lastName: values.lastName.trim() || null,
        locale: values.locale.trim(),
        timeZone: values.timeZone,
        ...(values.phone.trim() === (me.phone ?? "") ? {} : { phone: values.phone.trim() || null }),
      },
      key,
    });
    return () => {
      habits.value = { locale: changed.locale, timeZone: changed.timeZone };
      if (user.value) user.value = { ...user.value, firstName: changed.firstName, lastName: changed.lastName };
      onSaved(changed);
      toast(words.saved);
    };
  });
  return html`<form class="card stack" ...${form.form}>
    <p class="muted">${settings.profileText}</p>
    <${FormProblem}>${form.problem}</${FormProblem}>
    <div class="row">
      <${Field} ...${form.field("firstName")} label=${account.firstName} class="input" autocomplete="given-name" maxlength="100" />
      <${Field} ...${form.field("lastName")} label=${account.lastName} class="input" autocomplete="family-name" maxlength="100" />
    </div>
    <${Field} ...${form.field("phone")} label=${settings.phone} hint=${account.nameHint} isOptional
      class="input" type="tel" autocomplete="tel" />
    <${Select} ...${form.field("locale")} label=${settings.locale} options=${localeOptions(me.locale)}
      hint=${exampleOf(form.values.locale)} />
    <${Select} ...${form.field("timeZone")} label=${settings.timeZone}
      options=${zoneOptions(me.timeZone)} />
    <${Submit} isBusy=${form.isBusy}>${words.save}</${Submit}>
  </form>`;
}
