// @ts-check
// The frame around the views: navigation beside them, or above and below on narrow screens.

import { useEffect, useRef } from "preact/hooks";
import { signOut, user } from "../api/client.js";
import { words } from "../text/en.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { BASE, navigate, path } from "../ui/router.js";
import { areasOf, shownArea } from "./areas.js";
import { ConnectionState, watchConnection } from "./connection.js";
import { TestMode } from "./test-mode.js";
import { setTheme, theme } from "./theme.js";
import { unread, watchUnread } from "./unread.js";

const { menu } = words;
/** Longer ones are written smaller. */
const LONG_TITLE = 60;

/** @param {string} to @param {string[]} also */
function isCurrent(to, also) {
  const isHome = shownArea(path.value, user.value).at === to;
  const isBelow = (/** @type {string} */ at) => path.value === at || path.value.startsWith(`${at}/`);
  return path.value === to || (!isHome && [to, ...also].some(isBelow));
}

/** @param {any} props */
function Item({ to, icon, text, badge, label, tab = true, also = [] }) {
  const current = isCurrent(to, also) ? "page" : null;
  return html`<a href=${BASE + (to === "/" ? "" : to)} class="item ${tab ? "" : "not-tab"}"
    aria-current=${current} aria-label=${label}>
    <${Icon} name=${icon} /><span class="item-text">${text}</span>
    ${badge > 0 && html`<span class="count" data-count=${badge > 99 ? "99+" : badge}></span>`}
  </a>`;
}

function Bell() {
  const label = unread.value ? menu.unread(unread.value) : menu.notifications;
  return html`<${Item} to="/notifications" icon="bell" text=${menu.notifications}
    badge=${unread.value} label=${label} />`;
}

export function Brand() {
  return html`<a class="brand" href=${BASE}>
    <svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" />
      <path d="M9 11h12l-4-4M23 21H11l4 4" /></svg>
    <span>${words.product}</span>
  </a>`;
}

export function ThemeChoice() {
  return html`<label class="theme-choice"><span>${menu.theme}</span>
    <select class="input small" value=${theme.value}
      onChange=${(/** @type {any} */ event) => setTheme(event.currentTarget.value)}>
      ${Object.entries(menu.themes).map(([value, text]) => html`<option key=${value} value=${value}
        selected=${theme.value === value}>${text}</option>`)}
    </select>
  </label>`;
}

async function leave() {
  await signOut().catch(() => {}); // the session ends here even if the server did not hear of it
  navigate("/sign-in");
}

/** Narrow screens show some of the tabs; the others are scrolled to. @param {HTMLElement | null} tabs */
function showCurrent(tabs) {
  const current = /** @type {HTMLElement | null | undefined} */ (tabs?.querySelector("[aria-current]"));
  if (tabs && current) tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
}

/** @param {{children: any}} props */
export function Layout({ children }) {
  useEffect(watchUnread, []);
  useEffect(watchConnection, []);
  const tabs = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => showCurrent(tabs.current), [path.value]);
  const name = user.value?.firstName ?? user.value?.email ?? "";
  const area = shownArea(path.value, user.value);
  const others = areasOf(user.value).filter(({ at }) => at !== area.at);
  return html`<div class="shell">
    <a class="skip" href="#content">${words.skip}</a>
    <div class="side">
      <header class="top">
        <${Brand} />
        <nav class="top-links" aria-label=${menu.account}>
          ${others.map(({ at, text }) => html`<${Item} key=${at} to=${at} icon="switch" text=${text} />`)}
          <${Bell} />
          <${Item} to="/settings" icon="settings" text=${menu.settings} />
        </nav>
        <div class="account">
          <${ThemeChoice} />
          <span class="who" title=${user.value?.email ?? ""}>${name}</span>
          <button class="item" type="button" onClick=${leave}>
            <${Icon} name="signOut" /><span class="item-text">${menu.signOut}</span>
          </button>
        </div>
      </header>
      <nav class="tabs" ref=${tabs} aria-label=${menu.label}>
        ${area.items.map((item) => html`<${Item} key=${item.to} ...${item} />`)}
      </nav>
    </div>
    <main id="content" class="content" tabindex="-1"><${ConnectionState} />
      ${area.role === "MERCHANT" && html`<${TestMode} />`}${children}</main>
  </div>`;
}

/**
 * A view with its heading, which gets the focus when the view is shown, so that screen readers say
 * where the user is.
 * @param {{title: string, text?: string, actions?: any, children: any, back?: [string, string],
 *   narrow?: boolean}} props back: address and text of the view above
 */
export function View({ title, text, actions, children, back, narrow = false }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} – ${words.product}`;
  }, [title]);
  useEffect(() => {
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return html`<div class="view ${narrow ? "narrow" : ""}">
    ${back && html`<a class="back" href=${BASE + back[0]}><${Icon} name="back" />${back[1]}</a>`}
    <div class="view-head">
      <div>
        <h1 tabindex="-1" class=${title.length > LONG_TITLE ? "long" : null} ref=${heading}>${title}</h1>
        ${text && html`<p class="lead">${text}</p>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </div>
    ${children}
  </div>`;
}
