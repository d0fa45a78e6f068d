// @ts-check
// The views of operators, and what their navigation shows.

import { LIVE_ITEMS, LIVE_VIEWS } from "./live-views.js";
import { OPERATIONS_ITEMS, OPERATIONS_VIEWS } from "./operations-views.js";

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const VIEWS = [
  ...LIVE_VIEWS,
  ...OPERATIONS_VIEWS,
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const ITEMS = [
  ...LIVE_ITEMS,
  ...OPERATIONS_ITEMS,
];
