// @ts-check
// The address is the state: which view is shown, and its filters, so that back and reload keep them.

import { computed, signal } from "@preact/signals";

export const BASE = "/app";

const address = signal(window.location.pathname + window.location.search);

/** The path of the view, from the root of the console: `/`, `/shop/…`. */
export const path = computed(() => {
  const found = new URL(address.value, window.location.origin).pathname.slice(BASE.length);
  return found.replace(/\/+$/, "") || "/";
});

/** The filters of the view. */
export const query = computed(
  () => new URL(address.value, window.location.origin).searchParams,
);

function read() {
  address.value = window.location.pathname + window.location.search;
}

/**
 * Show another view.
 * @param {string} to path in the console, such as `/shop?q=tea`
 * @param {{replace?: boolean}} [options] replace: so that Back does not lead here
 */
export function navigate(to, { replace = false } = {}) {
  if (replace) window.history.replaceState(null, "", BASE + to);
  else window.history.pushState(null, "", BASE + to);
  read();
}

/**
 * Change filters of the view; empty ones are removed. A changed filter begins at the first page.
 * @param {Record<string, string>} changes
 */
export function setQuery(changes) {
  const next = new URLSearchParams(query.value);
  if (!("cursor" in changes)) next.delete("cursor");
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  navigate(path.value + (text ? `?${text}` : ""));
}

/** Follow links within the console without loading the page again. */
export function startRouter() {
  window.addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest("a") : null;
    if (!target || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (target.target || target.hasAttribute("download")) return;
    const url = new URL(target.href);
    const isOurs = url.pathname === BASE || url.pathname.startsWith(`${BASE}/`);
    if (url.origin !== window.location.origin || !isOurs || url.hash) return;
    event.preventDefault();
    navigate(url.pathname.slice(BASE.length) + url.search);
  });
}
