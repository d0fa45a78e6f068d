// @ts-check
// The views of merchants, and what their navigation shows.

import { merchant as menu } from "../text/en-menus.js";
import { SALES_ITEMS, SALES_VIEWS } from "./sales-views.js";

/** @type {import("../shell/areas.js").ViewAddress[]} */
export const VIEWS = [
  { at: "/merchant", load: () => import("../merchant/overview.js"), name: "Overview" },
  { at: "/merchant/products", load: () => import("../merchant/products.js"), name: "Products" },
  { at: "/merchant/products/new", load: () => import("../merchant/new-product.js"), name: "NewProduct" },
  { at: "/merchant/products/import", load: () => import("../merchant/import.js"), name: "Import" },
  { at: "/merchant/products/:id", load: () => import("../merchant/product.js"), name: "MerchantProduct" },
  { at: "/merchant/products/:id/codes", load: () => import("../merchant/codes.js"), name: "Codes" },
  { at: "/merchant/products/:id/licences", load: () => import("../merchant/licences.js"), name: "Licences" },
  { at: "/merchant/shop", load: () => import("../merchant/shop.js"), name: "ShopProfile" },
  ...SALES_VIEWS,
];

/** @type {import("../shell/areas.js").MenuItem[]} */
export const ITEMS = [
  { to: "/merchant", icon: "overview", text: menu.overview, tab: true },
  { to: "/merchant/products", icon: "purchases", text: menu.products, tab: true },
  ...SALES_ITEMS,
  { to: "/merchant/shop", icon: "shop", text: menu.shop, tab: false },
];
