// @ts-check
// Light, dark, or as the system has it. The choice is in a cookie that the server reads, so that the
// page is never shown in the wrong one first.

import { signal } from "@preact/signals";
import { BASE } from "../ui/router.js";

const root = document.documentElement;
const YEAR = 365 * 24 * 60 * 60;

/** `system`, `light` or `dark`. */
export const theme = signal(root.dataset.theme ?? "system");

/** @param {string} chosen */
export function setTheme(chosen) {
  theme.value = chosen;
  if (chosen === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen;
  const age = chosen === "system" ? 0 : YEAR;
  document.cookie = `payment_flow_theme=${chosen}; path=${BASE}; max-age=${age}; samesite=strict`;
}
