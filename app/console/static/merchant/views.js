// @ts-check
// The views of merchants, and what their navigation shows.

import { SALES_ITEMS, SALES_VIEWS } from "./sales-views.js";

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const VIEWS = [
  ...SALES_VIEWS,
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const ITEMS = [
  ...SALES_ITEMS,
];
