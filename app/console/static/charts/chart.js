// @ts-check
// Charts over time. Each is also a table, for screen readers and for exact figures.

import uPlot from "uplot";
import { useEffect, useRef } from "preact/hooks";
import { words } from "../text/en.js";
import { dateTime } from "../ui/format.js";
import { html } from "../ui/html.js";
import { Table } from "../ui/table.js";

const HEIGHT = 220;
const COLOURS = ["--accent", "--warning", "--danger", "--muted"];
/** Lines differ by more than their colour; as in `.chart-legend`. */
const DASHES = [undefined, [8, 4], [2, 3], [8, 3, 2, 3]];

/** @param {Element} element @param {string} name of a design token */
function token(element, name) {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

/**
 * @typedef {object} Series
 * @property {string} title
 * @property {(number | null)[]} values for drawing only: exact figures are in `texts`
 * @property {string[]} [texts] the values as the table shows them
 */

/**
 * @param {Element} element @param {Series[]} series
 * @param {(number: number) => string} axis @param {Intl.DateTimeFormatOptions} times
 * @param {(row: number | null | undefined) => void} point told which values are pointed at
 * @returns {uPlot.Options}
 */
function optionsOf(element, series, axis, times, point) {
  const line = { stroke: token(element, "--muted"), grid: { stroke: token(element, "--line"), width: 1 },
    ticks: { show: false }, font: "12px system-ui" };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    title: "",
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    hooks: { setCursor: [(plot) => point(plot.cursor.idx)] },
    axes: [
      { ...line, grid: { show: false }, space: 90,
        values: (_, seconds) => seconds.map((each) => dateTime(new Date(each * 1000).toISOString(), times)) },
      { ...line, size: 64, values: (_, numbers) => numbers.map(axis) },
    ],
    series: [{}, ...series.map((each, index) => ({
      label: each.title,
      stroke: token(element, COLOURS[index % COLOURS.length]),
      ...(index === 0 && { fill: token(element, "--accent-soft") }),
      width: 2,
      dash: DASHES[index % DASHES.length],
      points: { show: (plot) => plot.data[0].length < 3 },
    }))],
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.1 : 1] } },
  };
}

/** @param {{times: string[], series: Series[]}} shown @returns {uPlot.AlignedData} */
function dataOf({ times, series }) {
  return /** @type {any} */ ([times.map((time) => Date.parse(time) / 1000), ...series.map(({ values }) => values)]);
}

/** A value as people read it. @param {Series} series @param {number} row */
function textOf({ texts, values }, row) {
  return texts?.[row] ?? String(values[row] ?? "–");
}

/** All values of a time. @param {{times: string[], series: Series[]}} shown @param {number} row @param {Intl.DateTimeFormatOptions} show */
function pointedAt({ times, series }, row, show) {
  if (row >= times.length) return "";
  return [dateTime(times[row], show), ...series.map((each) => `${each.title} ${textOf(each, row)}`)].join(" · ");
}

/**
 * @param {{
 *   title: string,
 *   times: string[],
 *   series: Series[],
 *   axis?: (number: number) => string,
 *   show?: Intl.DateTimeFormatOptions,
 * }} props times: when each value is from, ascending; axis: how numbers are written; show: how times are
 */
export function Chart({ title, times, series, axis = String, show = { dateStyle: "medium" } }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const pointed = useRef(/** @type {HTMLParagraphElement | null} */ (null));
  const drawn = useRef(/** @type {uPlot | null} */ (null));
  const latest = useRef({ times, series });
  latest.current = { times, series };
  const titles = series.map((each) => each.title).join();

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const point = (/** @type {number | null | undefined} */ row) => {
      if (pointed.current) pointed.current.textContent = typeof row === "number" ? pointedAt(latest.current, row, show) : "";
    };
    const draw = () => {
      drawn.current?.destroy();
      drawn.current = new uPlot(optionsOf(element, series, axis, show, point), dataOf(latest.current), element);
    };
    draw();
    const sizes = new ResizeObserver(() => drawn.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    sizes.observe(element);
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    const looks = new MutationObserver(draw);
    scheme.addEventListener("change", draw);
    looks.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      sizes.disconnect();
      looks.disconnect();
      scheme.removeEventListener("change", draw);
      drawn.current?.destroy();
    };
  }, [titles]);
  // New values move the lines, and leave what is pointed at.
  useEffect(() => drawn.current?.setData(dataOf(latest.current)), [JSON.stringify([times, series])]);

  const columns = [
    { title: words.chart.time, cell: (/** @type {number} */ row) => dateTime(times[row], show) },
    ...series.map((each) => ({
      title: each.title,
      kind: "number",
      cell: (/** @type {number} */ row) => textOf(each, row),
    })),
  ];
  return html`<figure class="chart">
    <figcaption class="chart-head"><span>${title}</span>
      ${series.length > 1 && html`<ul class="chart-legend">${series.map((each, index) => html`
        <li key=${each.title} class="series-${index % COLOURS.length}">${each.title}</li>`)}</ul>`}
    </figcaption>
    <div class="chart-plot" ref=${place} aria-hidden="true"></div>
    <p class="chart-point" ref=${pointed} aria-hidden="true"></p>
    <details class="chart-table"><summary>${words.chart.asTable}</summary>
      <${Table} caption=${title} columns=${columns} rows=${times.map((_, row) => row)}
        rowKey=${(/** @type {number} */ row) => times[row]} />
    </details>
  </figure>`;
}
