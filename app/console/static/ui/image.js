// @ts-check
// Images that the API gives to their owner only, so that an address alone does not show them.

import { useEffect, useState } from "preact/hooks";

/**
 * The address of an image in memory, null until it is there.
 * @param {(signal: AbortSignal) => Promise<Blob>} load @param {any[]} inputs what it depends on
 * @returns {string | null}
 */
export function useImage(load, inputs) {
  const [address, setAddress] = useState(/** @type {string | null} */ (null));
  useEffect(() => {
    const aborting = new AbortController();
    let made = "";
    load(aborting.signal).then((blob) => {
      if (aborting.signal.aborted) return;
      made = URL.createObjectURL(blob);
      setAddress(made);
    }).catch(() => {}); // what it shows is also said in words
    return () => {
      aborting.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, inputs);
  return address;
}
