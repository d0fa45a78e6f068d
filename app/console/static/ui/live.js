// @ts-check
// What changes while it is shown: loaded again when the stream tells of something, or every few
// seconds. What was loaded last stays while the server does not answer.

import { useEffect, useRef, useState } from "preact/hooks";
import { follow } from "../api/stream.js";

/** @typedef {"connecting" | "streaming" | "reconnecting" | "polling" | "offline"} Connection */

/** While there is a stream, at most this often, and at least that often. */
const SOONEST_MS = 1000;
const LATEST_MS = 15_000;
const OFFLINE_MS = 4000;

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {{every?: number, latest?: number, follows?: boolean}} [options] every: milliseconds between
 *   two answers without a stream; latest: with one; follows: whether the stream tells of changes
 * @returns {{data: T | null, error: any, isLoading: boolean, at: string | null,
 *   connection: Connection, reload: () => void}} at: when it was loaded last
 */
export function useLive(load, { every = 3000, latest: longest = LATEST_MS, follows = true } = {}) {
  const [state, setState] = useState({
    data: /** @type {T | null} */ (null),
    error: /** @type {any} */ (null),
    at: /** @type {string | null} */ (null),
    connection: /** @type {Connection} */ ("connecting"),
  });
  const latest = useRef(load);
  latest.current = load;
  const refresh = useRef(() => {});

  useEffect(() => {
    const aborting = new AbortController();
    let isBusy = false;
    let isAskedAgain = false;
    let isStreaming = false;
    let hasStreamed = false;
    let loadedAt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    const plan = (/** @type {number} */ delay) => {
      if (isBusy) { // its answer may be older than what we were told of
        isAskedAgain = true;
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(run, delay);
    };

    async function run() {
      if (document.hidden) return; // goes on when it is seen again
      isBusy = true;
      loadedAt = Date.now();
      let next = isStreaming ? longest : every;
      try {
        const data = await latest.current(aborting.signal);
        const without = hasStreamed ? "reconnecting" : "polling";
        setState({ data, error: null, at: new Date().toISOString(), connection: isStreaming ? "streaming" : without });
      } catch (error) {
        if (aborting.signal.aborted) return;
        const isGone = error.status === 0 || error.status >= 500 || error.status === 429;
        next = OFFLINE_MS;
        setState((before) => (isGone && before.data !== null
          ? { ...before, connection: "offline" }
          : { ...before, data: null, error, connection: "offline" }));
        if (!isGone) return; // asking again would not help
      } finally {
        isBusy = false;
      }
      if (aborting.signal.aborted) return;
      plan(isAskedAgain ? SOONEST_MS : next);
      isAskedAgain = false;
    }

    const onEvent = () => plan(Math.max(0, loadedAt + SOONEST_MS - Date.now()));
    const onChange = (/** @type {boolean} */ isOpen) => {
      isStreaming = isOpen;
      hasStreamed ||= isOpen;
      plan(0);
    };
    const onSeen = () => { if (!document.hidden) plan(0); };
    const onOffline = () => setState((before) => ({ ...before, connection: "offline" }));
    const onOnline = () => plan(0);

    refresh.current = () => plan(0);
    run();
    const unfollow = follows ? follow({ onEvent, onChange }) : () => {};
    document.addEventListener("visibilitychange", onSeen);
    window.addEventListener("offline", onOffline);
    window.addEventListener("online", onOnline);
    return () => {
      aborting.abort();
      clearTimeout(timer);
      unfollow();
      document.removeEventListener("visibilitychange", onSeen);
      window.removeEventListener("offline", onOffline);
      window.removeEventListener("online", onOnline);
    };
  }, []);

  return { ...state, isLoading: false, reload: () => refresh.current() };
}
