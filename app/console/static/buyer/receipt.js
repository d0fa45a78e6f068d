// @ts-check
// The receipt of a transfer: a page of its own, for everyone who has its address.

import { useState } from "preact/hooks";
import { call } from "../api/client.js";
import { wallet } from "../text/en-wallet.js";
import { words } from "../text/en.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { toast } from "../ui/toast.js";

const { transaction } = wallet;

/** The path of an address of ours: the page may have another host than the one it states. */
export function pathOf(/** @type {string} */ url) {
  return new URL(url, window.location.origin).pathname;
}

/**
 * Opens a page whose address has to be asked for.
 * @param {{load: () => Promise<string>, look?: string, children: any}} props load: returns the path
 */
export function OpenPage({ load, look = "", children }) {
  const [isBusy, setBusy] = useState(false);
  async function open() {
    if (isBusy) return;
    setBusy(true);
    const page = window.open("about:blank"); // before waiting: browsers refuse it later
    try {
      const path = await load();
      if (page) page.location.replace(path);
      else window.location.assign(path);
    } catch (error) {
      page?.close();
      toast(error.message || words.problems.offline);
    } finally {
      setBusy(false);
    }
  }
  return html`<button class="button ${look}" type="button" onClick=${open} aria-disabled=${isBusy ? "true" : null}>
    <${Icon} name="file" />${children}</button>`;
}

/** @param {string} transferId @returns {Promise<string>} the path of the receipt */
async function receiptOf(transferId) {
  const { url } = await call("GET /transfers/{transfer_id}/receipt", { path: { transfer_id: transferId } });
  return pathOf(url);
}

/** @param {{transferId: string, look?: string}} props */
export function ReceiptLink({ transferId, look }) {
  return html`<${OpenPage} load=${() => receiptOf(transferId)} look=${look}>${transaction.receipt}</${OpenPage}>`;
}
