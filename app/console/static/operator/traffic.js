// @ts-check
// Starts and stops simulated traffic, which there is in development only.

import { call } from "../api/client.js";
import { live, traffic } from "../text/en-live.js";
import { words } from "../text/en.js";
import { Act } from "../ui/act.js";
import { FormProblem, Select, Submit, useForm } from "../ui/form.js";
import { count, money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { usePolling } from "../ui/poll.js";
import { Badge } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { duration } from "./figures.js";

/** @typedef {import("../api/schema.js").Traffic} TrafficState */

const POLL_MS = 5000;

export function Traffic() {
  const loaded = useLoaded((signal) => call("GET /admin/traffic", { signal }).catch((error) => {
    if (error.status === 503) return { isAway: true };
    throw error;
  }), []);
  const isOn = Boolean(loaded.data && "interval" in loaded.data && loaded.data.interval);
  usePolling(loaded.reload, isOn, POLL_MS);
  return html`<section class="card stack" aria-labelledby="traffic">
    <div><h2 id="traffic">${traffic.title}</h2><p class="muted">${traffic.text}</p></div>
    <${Loaded} of=${loaded} lines=${2}>${(/** @type {any} */ state) => (state.isAway
      ? html`<p>${traffic.away}</p><button class="button start" onClick=${loaded.reload}>${words.retry}</button>`
      : html`<${Controls} state=${state} set=${loaded.set} reload=${loaded.reload} />`)}
    </${Loaded}>
  </section>`;
}

/** @param {{state: TrafficState, set: (state: any) => void, reload: () => void}} props */
function Controls({ state, set, reload }) {
  const form = useForm("traffic", { interval: String(state.interval ?? 2000) }, async (values, sending) => {
    const body = { interval: Number(values.interval) };
    const started = await call("POST /admin/traffic/start", { body, code: sending.code });
    return () => { set(started); toast(traffic.started); };
  });
  const made = traffic.made(count(state.made), count(state.approved), count(state.declined));
  return html`
    <p><${Badge} tone=${state.interval ? "success" : "neutral"}>${
      state.interval ? traffic.on(duration(state.interval)) : traffic.off}</${Badge}> <span class="muted">${made}</span></p>
    <div class="traffic">
      <form class="traffic-start" ...${form.form}>
        <${Select} ...${form.field("interval")} label=${traffic.interval} options=${traffic.intervals} />
        <${Submit} isBusy=${form.isBusy}>${state.interval ? traffic.change : traffic.start}</${Submit}>
        <${FormProblem}>${form.problem}</${FormProblem}>
      </form>
      ${state.interval && html`<${Act} name="traffic-stop" label=${traffic.stop} send=${async (/** @type {any} */ { code }) => {
        const stopped = await call("POST /admin/traffic/stop", { code });
        return () => { set(stopped); toast(traffic.stopped); };
      }} />`}
      <${Act} name="traffic-once" label=${traffic.once} icon="addMoney" send=${async (/** @type {any} */ { code }) => {
        const one = await call("POST /admin/traffic/once", { code });
        return () => { reload(); toast(traffic.madeOne(money(one.amount, one.currency), live.outcomes[one.status])); };
      }} />
    </div>`;
}
