// @ts-check
// Follows the stream of the live process, if this server leads to it: docs/live.md.

import { call } from "./client.js";

const FIRST_DELAY_MS = 2000;
const LONGEST_DELAY_MS = 60_000;

/** Its address on this server; empty if the API has to be asked instead. */
const address = document.querySelector("meta[name=stream]")?.getAttribute("content") ?? "";

/** Whether there is a stream. */
const hasStream = address !== "";

/**
 * Tell when something has happened, until the returned function is called.
 *
 * What has happened is not passed on: the API has it, complete and with exact amounts. A ticket opens
 * one stream, so a new one is got whenever the stream has ended.
 * @param {{onEvent: () => void, onChange: (isOpen: boolean) => void}} listener
 */
export function follow({ onEvent, onChange }) {
  /** @type {EventSource | null} */
  let source = null;
  let delay = FIRST_DELAY_MS;
  let isOver = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function open() {
    try {
      const { ticket } = await call("POST /auth/stream-tickets");
      if (isOver) return;
      source = new EventSource(`${address}?ticket=${encodeURIComponent(ticket)}`);
    } catch {
      again();
      return;
    }
    source.addEventListener("open", () => {
      delay = FIRST_DELAY_MS;
      onChange(true);
    });
    source.addEventListener("transaction", onEvent);
    source.addEventListener("reset", onEvent);
    source.addEventListener("wallet", onEvent);
    source.addEventListener("error", again);
  }

  function again() {
    source?.close();
    source = null;
    if (isOver) return;
    onChange(false);
    timer = setTimeout(open, delay);
    delay = Math.min(2 * delay, LONGEST_DELAY_MS);
  }

  if (hasStream) open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    source?.close();
  };
}
