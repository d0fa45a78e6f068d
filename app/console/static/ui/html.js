// @ts-check
// Markup in scripts: htm makes Preact elements from template strings, without a build step.

import htm from "htm";
import { h } from "preact";

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(/** @type {any} */ (h));
