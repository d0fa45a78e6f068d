// @ts-check
// What a view shows while there is nothing to show: loading, empty, or failed.

import { words } from "../text/en.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/** Lines where content will be. @param {{lines?: number}} props */
export function Skeleton({ lines = 4 }) {
  return html`<div class="skeleton" role="status" aria-label=${words.loading}>
    ${Array.from({ length: lines }, (_, line) => html`<span key=${line}></span>`)}
  </div>`;
}

/** @param {{icon?: any, title: string, text?: string, children?: any, tone?: string}} props */
export function Empty({ icon = "search", title, text, children, tone = "" }) {
  return html`<div class="empty ${tone}">
    <span class="empty-icon"><${Icon} name=${icon} /></span>
    <h2>${title}</h2>
    ${text && html`<p>${text}</p>`}
    ${children && html`<div class="actions">${children}</div>`}
  </div>`;
}

/** Why a view cannot be shown. @param {{error: any, retry?: () => void}} props */
export function Problem({ error, retry }) {
  const { problems } = words;
  const again = retry && html`<button class="button" onClick=${retry}>${words.retry}</button>`;
  if (error.status === 404) {
    return html`<${Empty} title=${problems.missing} text=${problems.missingText}>
      <a class="button" href="/app">${problems.home}</a>
    </${Empty}>`;
  }
  if (error.status === 403) {
    return html`<${Empty} icon="key" title=${problems.forbidden} text=${problems.forbiddenText}>
      <a class="button" href="/app">${problems.home}</a>
    </${Empty}>`;
  }
  if (error.status >= 500 && error.status !== 503) {
    const text = `${problems.serverText} ${error.requestId ?? "–"}`;
    return html`<${Empty} icon="cross" title=${problems.server} text=${text}>${again}</${Empty}>`;
  }
  const text = error.status ? error.message : problems.offline;
  const title = error.status === 409 ? problems.changed : problems.title;
  return html`<${Empty} icon="cross" title=${title} text=${text}>${again}</${Empty}>`;
}

/** A state in a word, with a colour. @param {{tone?: string, children: any}} props */
export function Badge({ tone = "neutral", children }) {
  return html`<span class="badge ${tone}">${children}</span>`;
}

/** A message within a view. @param {{tone?: string, children: any, role?: string}} props */
export function Notice({ tone = "info", children, role = "status" }) {
  return html`<div class="notice ${tone}" role=${role}>${children}</div>`;
}
