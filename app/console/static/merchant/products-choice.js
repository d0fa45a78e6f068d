// @ts-check
// The merchant's products for a choice: the newest, because a choice of thousands helps nobody.

import { callList } from "../api/client.js";
import { useLoaded } from "../ui/load.js";

const SHOWN = 100;

/** IDs and names. @returns {[string, string][] | null} null while they are being loaded */
export function useProductChoice() {
  const loaded = useLoaded(
    (signal) => callList("GET /products/merchant/my-products", { query: { limit: SHOWN }, signal }), []);
  if (loaded.error) return [];
  return loaded.data?.data.map(({ id, name }) => [id, name]) ?? null;
}
