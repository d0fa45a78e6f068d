// @ts-check
// Loads what a view shows, and again when its inputs change or a lost connection is back. What is
// shown stays while there is no connection.

import { useEffect, useRef, useState } from "preact/hooks";
import { reconnections } from "../api/client.js";
import { html } from "./html.js";
import { Problem, Skeleton } from "./states.js";

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {any[]} inputs what it depends on
 * @returns {{data: T | null, error: any, isLoading: boolean, reload: () => void, set: (data: T) => void}}
 */
export function useLoaded(load, inputs) {
  const [state, setState] = useState(
    /** @type {{data: T | null, error: any, isLoading: boolean}} */ (
      { data: null, error: null, isLoading: true }),
  );
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const asked = JSON.stringify(inputs);
  const shown = useRef("");
  useEffect(() => {
    const aborting = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    latest.current(aborting.signal).then(
      (data) => {
        shown.current = asked;
        setState({ data, error: null, isLoading: false });
      },
      (error) => {
        if (aborting.signal.aborted) return;
        const isKept = error.status === 0 && shown.current === asked;
        setState(({ data }) => (isKept && data !== null
          ? { data, error: null, isLoading: false } : { data: null, error, isLoading: false }));
      },
    );
    return () => aborting.abort();
  }, [...inputs, turn, reconnections.value]);
  return {
    ...state,
    reload: () => setTurn((before) => before + 1),
    set: (data) => setState({ data, error: null, isLoading: false }),
  };
}

/**
 * The content once it is loaded; a skeleton or the problem before that.
 * @param {{of: any, lines?: number, children: (data: any) => any}} props of: from `useLoaded`
 */
export function Loaded({ of: loaded, lines, children }) {
  if (loaded.error) return html`<${Problem} error=${loaded.error} retry=${loaded.reload} />`;
  if (loaded.data === null) return html`<${Skeleton} lines=${lines} />`;
  return html`<div class="loaded" aria-busy=${loaded.isLoading}>${children(loaded.data)}</div>`;
}
