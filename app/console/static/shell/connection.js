// @ts-check
// Whether the server can be reached. Views say so instead of showing old figures as if they were new.

import { effect } from "@preact/signals";
import { isConnected, probe } from "../api/client.js";
import { wallet } from "../text/en-wallet.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { toast } from "../ui/toast.js";

const EVERY_MS = 3000;
const { connection } = wallet;

/** Asks until the server answers, while the connection is lost. Returns how to stop. */
export function watchConnection() {
  let wasLost = false;
  window.addEventListener("offline", probe);
  window.addEventListener("online", probe);
  let timer = 0;
  const stop = effect(() => {
    clearInterval(timer);
    if (!isConnected.value) timer = window.setInterval(probe, EVERY_MS);
    else if (wasLost) toast(connection.back);
    wasLost = !isConnected.value;
  });
  return () => {
    stop();
    clearInterval(timer);
    window.removeEventListener("offline", probe);
    window.removeEventListener("online", probe);
  };
}

export function ConnectionState() {
  return html`<div role="status" class="connection">${!isConnected.value
    && html`<p class="connection-lost"><${Icon} name="offline" />${connection.lost}</p>`}</div>`;
}
