// @ts-check
// The views of operators, and what their navigation shows.

import { OPERATIONS_ITEMS, OPERATIONS_VIEWS } from "./operations-views.js";

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const VIEWS = [
  ...OPERATIONS_VIEWS,
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const ITEMS = [
  ...OPERATIONS_ITEMS,
];
