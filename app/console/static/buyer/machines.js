// @ts-check
// The machines on which a licence is active. One can be taken off, so that another one can be used.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { words } from "../text/en.js";
import { ConfirmButton } from "../ui/confirm.js";
import { date } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../api/schema.js").Machine} Machine */

const { machines: text } = words.purchases;
const SHOWN = 100;

/** @param {{licenceId: string, onChange: () => void}} props */
export function Machines(props) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="machines" onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
    <summary>${text.show}</summary>
    ${isOpen && html`<${Active} ...${props} />`}
  </details>`;
}

/** @param {{licenceId: string, onChange: () => void}} props */
function Active({ licenceId, onChange }) {
  const path = { licence_id: licenceId };
  const loaded = useLoaded((signal) => call("GET /licences/{licence_id}/activations", { path, query: { limit: SHOWN }, signal }), [licenceId]);
  return html`<${Loaded} of=${loaded} lines=${2}>${(/** @type {{data: Machine[]}} */ { data }) => html`<ul class="list">
    ${data.map((machine) => {
      const name = machine.label ?? machine.instance;
      return html`<li key=${machine.id} class="session">
        <span class="grow"><strong class="anywhere" dir="auto">${name}</strong>
          <span class="muted block">${text.since(date(machine.activatedAt), date(machine.lastSeenAt))}</span></span>
        <${ConfirmButton} label=${text.remove} hidden=${text.removeOf(name)} name="machine-${machine.id}" title=${text.removeTitle(name)}
          text=${text.removeText} action=${text.remove} send=${async (/** @type {any} */ { key }) => {
            await call("DELETE /licences/{licence_id}/activations/{activation_id}", { path: { ...path, activation_id: machine.id }, key });
            return () => { toast(text.removed); onChange(); };
          }} />
      </li>`;
    })}
  </ul>`}</${Loaded}>`;
}
