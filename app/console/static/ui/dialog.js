// @ts-check
// Modal dialogs: the browser keeps the focus inside and returns it afterwards.

import { useEffect, useId, useRef } from "preact/hooks";
import { words } from "../text/en.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/** @param {{title: string, onClose: () => void, children: any}} props */
export function Dialog({ title, onClose, children }) {
  const id = useId();
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const shown = element.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return html`<dialog ref=${element} class="dialog" aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => { event.preventDefault(); onClose(); }}>
    <header>
      <h2 id=${id}>${title}</h2>
      <button class="button quiet icon-only" type="button" aria-label=${words.close}
        onClick=${onClose}><${Icon} name="cross" /></button>
    </header>
    ${children}
  </dialog>`;
}
