// @ts-check
// Asks again while something is open, unless nobody looks.

import { useEffect } from "preact/hooks";

const POLL_MS = 2000;

/** @param {() => void} reload @param {boolean} isOpen whether it may still change @param {number} [every] ms */
export function usePolling(reload, isOpen, every = POLL_MS) {
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setInterval(() => { if (!document.hidden) reload(); }, every);
    return () => clearInterval(timer);
  }, [isOpen]);
}
