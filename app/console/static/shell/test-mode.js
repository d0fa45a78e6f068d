// @ts-check
// Says where no real money moves: with simulated banks or a simulated card provider.

import { testMode } from "../text/en-menus.js";
import { html } from "../ui/html.js";

const simulated = document.querySelector("meta[name=simulated]")?.getAttribute("content") ?? "";

export function TestMode() {
  const text = testMode.parts[simulated];
  return text && html`<p class="test-mode"><strong>${testMode.title}</strong> ${text}</p>`;
}
