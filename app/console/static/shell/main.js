// @ts-check
// Starts the console: restores the session, then shows the view of the address.

import { effect, signal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { call, probe, reconnections, restoreSession, user } from "../api/client.js";
import { VIEWS as BUYER } from "../buyer/views.js";
import { VIEWS as MERCHANT } from "../merchant/views.js";
import { VIEWS as OPERATOR } from "../operator/views.js";
import { words } from "../text/en.js";
import { CodeDialog } from "../ui/code.js";
import { habits } from "../ui/format.js";
import { html } from "../ui/html.js";
import { navigate, path, query, startRouter } from "../ui/router.js";
import { Empty, Problem, Skeleton } from "../ui/states.js";
import { Toasts } from "../ui/toast.js";
import { areaOf, areasOf, homeOf } from "./areas.js";
import { Layout, View } from "./layout.js";

/** @typedef {import("./areas.js").ViewAddress} ViewAddress */

/** @type {ViewAddress[]} */
const VIEWS = [...BUYER, ...MERCHANT, ...OPERATOR];

/** @param {string} address */
function find(address) {
  for (const view of VIEWS) {
    const pattern = view.at.replace(/:(\w+)/g, "(?<$1>[^/]+)");
    const match = new RegExp(`^${pattern}$`).exec(address);
    if (match) return { view, given: match.groups ?? {} };
  }
  return null;
}

const shown = signal(/** @type {{key: string, content: any} | null} */ (null));
const failure = signal(/** @type {any} */ (null));

/** The address of the view whose script could not be loaded. */
let unloaded = "";

/** @param {string} address */
async function show(address) {
  unloaded = "";
  const found = find(address);
  if (!found) {
    const { problems } = words;
    shown.value = {
      key: address,
      content: html`<${View} title=${problems.notFound}>
        <${Empty} title=${problems.missing} text=${problems.missingText}>
          <a class="button" href="/app">${problems.home}</a>
        </${Empty}>
      </${View}>`,
    };
    return;
  }
  const area = areaOf(address);
  if (user.peek() && !areasOf(user.peek()).includes(area)) {
    shown.value = {
      key: address,
      content: html`<${View} title=${area.text}><section class="card"><${Problem} error=${{ status: 403 }} /></section></${View}>`,
    };
    return;
  }
  try {
    const module = await found.view.load();
    if (path.value !== address) return;
    const Shown = module[found.view.name];
    shown.value = { key: address, content: html`<${Shown} key=${address} ...${found.given} />` };
  } catch {
    if (path.value !== address) return;
    unloaded = address;
    probe(); // tells of a lost connection
    shown.value = {
      key: address,
      content: html`<${View} title=${words.problems.title}>
        <${Problem} error=${{ status: 0 }} retry=${() => window.location.reload()} /></${View}>`,
    };
  }
}

effect(() => {
  if (reconnections.value && unloaded === path.peek()) show(unloaded);
});

/** Where to go after the sign-in: only to views of the console. */
function target() {
  const next = query.value.get("next") ?? "";
  return next.startsWith("/") && !next.startsWith("//") ? next : homeOf(user.value);
}

effect(() => {
  const address = path.value;
  if (user.value === undefined) return;
  const isOpen = find(address)?.view.open ?? false;
  if (!user.value && !isOpen) {
    const filters = query.peek().toString();
    const next = address + (filters ? `?${filters}` : "");
    const rest = next === "/" ? "" : `?next=${encodeURIComponent(next)}`;
    queueMicrotask(() => navigate(`/sign-in${rest}`, { replace: true }));
  } else if (user.value && isOpen) {
    queueMicrotask(() => navigate(target(), { replace: true }));
  } else {
    show(address);
  }
});

effect(() => {
  if (!user.value) return;
  call("GET /auth/me").then(({ locale, timeZone }) => {
    habits.value = { locale, timeZone };
  }).catch(() => {}); // amounts are written as the browser does until then
});

function App() {
  useEffect(startRouter, []);
  if (failure.value) {
    return html`<main class="alone"><${Problem} error=${{ status: 0, ...failure.value }}
      retry=${() => window.location.reload()} /></main>`;
  }
  if (!shown.value || user.value === undefined) {
    return html`<main class="alone"><${Skeleton} lines=${6} /></main>`;
  }
  const content = shown.value.content;
  const isOpen = find(path.value)?.view.open ?? false;
  return html`
    ${user.value && !isOpen ? html`<${Layout}>${content}</${Layout}>` : content}
    <${CodeDialog} /><${Toasts} />`;
}

const place = /** @type {HTMLElement} */ (document.getElementById("app"));
place.replaceChildren();
render(html`<${App} />`, place);
restoreSession().catch((error) => { failure.value = error; });
find(path.value)?.view.load().catch(() => {}); // meanwhile; if that fails, it is tried again when it is shown
