// @ts-check
// The views of merchants, and what their navigation shows.

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const VIEWS = [];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const ITEMS = [];
