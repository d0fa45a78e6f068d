// @ts-check
// The products on sale, with search and filters in the address.

import { useEffect, useState } from "preact/hooks";
import { call, callList } from "../api/client.js";
import { View } from "../shell/layout.js";
import { words } from "../text/en.js";
import { money } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Loaded, useLoaded } from "../ui/load.js";
import { query, setQuery } from "../ui/router.js";
import { Badge, Empty } from "../ui/states.js";
import { Pages } from "../ui/table.js";

/** @typedef {import("../api/schema.js").Product} Product */

const { shop } = words;
const PAGE = 24;
const HUES = 5;

/** The first letters of two words. @param {string} name */
function monogram(name) {
  const letters = name.split(/\s+/).map((word) => Array.from(word)[0] ?? "");
  return letters.filter((letter) => /\p{L}|\p{N}/u.test(letter)).slice(0, 2).join("").toUpperCase();
}

/** One of a few colours, always the same for a product. @param {string} name */
function hueOf(name) {
  return Array.from(name).reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % HUES;
}

/** The smallest image that fills the width; its path only, as the page may have another host. */
export function imageSource(/** @type {Product["images"][number]} */ image, /** @type {number} */ width) {
  const sizes = [...image.sizes].sort((one, other) => one.width - other.width);
  const found = sizes.find((size) => size.width >= width) ?? sizes[sizes.length - 1];
  return new URL(found.url, window.location.origin).pathname;
}

/** @param {{product: Product, width: number}} props */
export function Picture({ product, width }) {
  const [image] = product.images;
  if (!image) {
    return html`<span class="picture none hue-${hueOf(product.name)}" aria-hidden="true">${monogram(product.name)}</span>`;
  }
  return html`<img class="picture" src=${imageSource(image, width)} alt=${image.alt ?? ""} loading="lazy" />`;
}

export function Shop() {
  const filters = query.value;
  const products = useLoaded((signal) => callList("GET /products", {
    query: {
      q: filters.get("q"), category: filters.get("category"), sort: filters.get("sort"),
      cursor: filters.get("cursor"), limit: PAGE,
    },
    signal,
  }), [filters.toString()]);
  const categories = useLoaded((signal) => call("GET /categories", { query: { limit: 100 }, signal }), []);
  const given = filters.get("q") ?? "";
  const [typed, setTyped] = useState(given);
  useEffect(() => setTyped(given), [given]);
  const search = (/** @type {Event} */ event) => {
    event.preventDefault();
    setQuery({ q: typed.trim() });
  };
  const choose = (/** @type {string} */ name) => (/** @type {any} */ event) => {
    setQuery({ [name]: event.currentTarget.value });
  };
  return html`<${View} title=${shop.title}>
    <form class="filters" role="search" onSubmit=${search}>
      <div class="field grow"><label for="q">${shop.search}</label>
        <div class="control"><input id="q" class="input" type="search" value=${typed}
          onInput=${(/** @type {any} */ event) => setTyped(event.currentTarget.value)} />
          <button class="button" type="submit"><${Icon} name="search" />${shop.find}</button></div></div>
      <div class="field"><label for="category">${shop.category}</label>
        <select id="category" class="input" onChange=${choose("category")}>
          <option value="">${words.all}</option>
          ${(categories.data?.data ?? []).map(({ slug, name }) => html`<option key=${slug} value=${slug}
            selected=${filters.get("category") === slug}>${name}</option>`)}
        </select></div>
      <div class="field"><label for="sort">${shop.sort}</label>
        <select id="sort" class="input" onChange=${choose("sort")}>
          ${Object.entries(shop.sorts).map(([value, text]) => html`<option key=${value} value=${value}
            selected=${(filters.get("sort") ?? "") === value}>${text}</option>`)}
        </select></div>
    </form>
    <${Loaded} of=${products} lines=${8}>${(/** @type {any} */ data) => (data.data.length
      ? html`<ul class="products">${data.data.map((/** @type {Product} */ product) => html`<${Card}
          key=${product.id} product=${product} />`)}</ul>`
      : html`<div class="card"><${Nothing} /></div>`)}
    </${Loaded}>
    <${Pages} next=${products.data?.next ?? null} older=${shop.more} newest=${shop.first} />
  </${View}>`;
}

/** Nothing matches, or there is nothing yet. */
function Nothing() {
  if (!["q", "category", "cursor"].some((name) => query.value.get(name))) {
    return html`<${Empty} icon="shop" title=${shop.nothingYet} text=${shop.nothingYetText} />`;
  }
  return html`<${Empty} title=${shop.empty} text=${shop.emptyText}>
    <a class="button" href="/app/shop">${shop.showAll}</a></${Empty}>`;
}

/** @param {{product: Product}} props */
function Card({ product }) {
  const isSoldOut = product.availableUnits === 0;
  return html`<li class="product">
    <${Picture} product=${product} width=${400} />
    <div class="product-text">
      <a class="product-name" dir="auto" href="/app/shop/${product.id}">${product.name}</a>
      <span class="muted" dir="auto">${shop.by(product.merchant.name)}</span>
      <span class="product-foot">
        <strong>${money(product.price, product.currency)}</strong>
        ${isSoldOut ? html`<${Badge} tone="danger">${shop.soldOut}</${Badge}>`
          : product.kind !== "PLAIN" && html`<${Badge}>${shop.kinds[product.kind]}</${Badge}>`}
      </span>
    </div>
  </li>`;
}
