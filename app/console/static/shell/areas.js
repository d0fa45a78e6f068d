// @ts-check
// The areas of the console: the wallet of every user, the shop of merchants, and operations.

import { ITEMS as BUYER } from "../buyer/views.js";
import { ITEMS as MERCHANT } from "../merchant/views.js";
import { ITEMS as OPERATOR } from "../operator/views.js";
import { words } from "../text/en.js";

/**
 * A view and its address. A part of the address with a colon is given to the view. Each module is
 * loaded when its view is first shown; `open` ones need no sign-in.
 * @typedef {{at: string, load: () => Promise<any>, name: string, open?: boolean}} ViewAddress
 */

/**
 * An entry of the navigation. Narrow screens show those with `tab` at the bottom; the others are
 * linked above there. It is current for the addresses of `also`, too.
 * @typedef {{to: string, icon: string, text: string, tab: boolean, also?: string[]}} MenuItem
 */

/** @typedef {{at: string, text: string, items: MenuItem[], role: string | null}} Area */

/** @type {Area[]} */
const AREAS = [
  { at: "/", text: words.areas.wallet, items: BUYER, role: null },
  { at: "/merchant", text: words.areas.merchant, items: MERCHANT, role: "MERCHANT" },
  { at: "/operator", text: words.areas.operator, items: OPERATOR, role: "ADMIN" },
];

/** @param {string} address @returns {Area} */
export function areaOf(address) {
  const isIn = (/** @type {Area} */ { at }) => address === at || address.startsWith(`${at}/`);
  return AREAS.slice(1).find(isIn) ?? AREAS[0];
}

/** @param {{role: string} | null | undefined} user @returns {Area[]} */
export function areasOf(user) {
  return AREAS.filter(({ role }) => role === null || role === user?.role);
}

/** Whose navigation is shown: that of the address, if the user may open it. @param {string} address
 * @param {{role: string} | null | undefined} user */
export function shownArea(address, user) {
  return areasOf(user).find((area) => area === areaOf(address)) ?? AREAS[0];
}

/** Where a sign-in leads. @param {{role: string} | null | undefined} user */
export function homeOf(user) {
  return areasOf(user).at(-1)?.at ?? "/";
}
