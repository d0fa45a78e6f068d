// @ts-check
// Whether the server can be reached. Views say so instead of showing old figures as if they were new.

import { effect } from "@preact/signals";
import { call, isConnected } from "../api/client.js";
import { wallet } from "../text/en-wallet.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { toast } from "../ui/toast.js";

const EVERY_MS = 3000;
const { connection } = wallet;

/** Asks for anything small until the server answers. Returns how to stop. */
export function watchConnection() {
  let wasLost = false;
  const retry = () => call("GET /notifications/unread-count").catch(() => {});
  const lost = () => { isConnected.value = false; };
  window.addEventListener("offline", lost);
  window.addEventListener("online", retry);
  let timer = 0;
  const stop = effect(() => {
    clearInterval(timer);
    if (!isConnected.value) timer = window.setInterval(retry, EVERY_MS);
    else if (wasLost) toast(connection.back);
    wasLost = !isConnected.value;
  });
  return () => {
    stop();
    clearInterval(timer);
    window.removeEventListener("offline", lost);
    window.removeEventListener("online", retry);
  };
}

export function ConnectionState() {
  return html`<div role="status" class="connection">${!isConnected.value
    && html`<p class="connection-lost"><${Icon} name="offline" />${connection.lost}</p>`}</div>`;
}
