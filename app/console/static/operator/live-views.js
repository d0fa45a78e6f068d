// @ts-check
// The views of the running system and of risk, and what the navigation shows of them.

import { operator as menu } from "../text/en-menus.js";

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const LIVE_VIEWS = [
  { at: "/operator", load: () => import("../operator/live.js"), name: "Live" },
  { at: "/operator/reliability", load: () => import("../operator/reliability.js"), name: "Reliability" },
  { at: "/operator/cases", load: () => import("../operator/cases.js"), name: "Cases" },
  { at: "/operator/cases/:id", load: () => import("../operator/case.js"), name: "Case" },
  { at: "/operator/rules", load: () => import("../operator/rules.js"), name: "Rules" },
  { at: "/operator/rules/new", load: () => import("../operator/rule.js"), name: "NewRule" },
  { at: "/operator/rules/lists", load: () => import("../operator/lists.js"), name: "Lists" },
  { at: "/operator/rules/backtests", load: () => import("../operator/backtests.js"), name: "Backtests" },
  { at: "/operator/rules/backtests/:id", load: () => import("../operator/backtests.js"), name: "Backtest" },
  { at: "/operator/rules/models", load: () => import("../operator/models.js"), name: "Models" },
  { at: "/operator/rules/models/:id", load: () => import("../operator/models.js"), name: "Model" },
  { at: "/operator/rules/:id", load: () => import("../operator/rule.js"), name: "Rule" },
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const LIVE_ITEMS = [
  { to: "/operator", icon: "pulse", text: menu.live, tab: true },
  { to: "/operator/reliability", icon: "gauge", text: menu.reliability, tab: true },
  { to: "/operator/cases", icon: "shield", text: menu.cases, tab: true },
  { to: "/operator/rules", icon: "rules", text: menu.rules, tab: true },
];
