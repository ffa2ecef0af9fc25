// The terms of one value, the largest first: map by map where a layer sums over maps, each map with its own terms inside, and a line
// for what isn't listed, so that what stands there adds up to the value.

/** @import { Explanation, Layer, Term } from "./contract.js" */
/** @import { Shown } from "./digits.js" */
/** @import { Step } from "./trail.js" */

import { addedUp } from "./digits.js";
import { h, setStyle } from "./dom.js";
import { isSum, contributionsOf } from "./trail.js";

const FIRST_ROWS = 10; // so many are seen at once

/** @typedef {{ text: string, size: number, step: Step | null, label: string, detail: string, isWinner: boolean }} Row */
/** @typedef {{ go: (step: Step) => void, isOpen: (step: Step) => boolean }} Ways */

/**
 * @param {Layer} layer
 * @param {Explanation} why
 * @param {Shown} digits
 * @param {Ways} ways
 * @returns {HTMLElement}
 */
export function partsTable(layer, why, digits, ways) {
  const rows = rowsOf(layer, why, digits);
  const groups = why.partial_sums;
  const most = rows.reduce((top, row) => Math.max(top, Math.abs(row.size)), 0);
  const body = groups.length > 1 && groups.some(({ terms }) => terms > 1) ? mapsList(why, digits, rows, ways) : rowsList(rows, most, ways);
  const line = (/** @type {string} */ told, /** @type {string} */ id, /** @type {string} */ text) =>
    h("p", { class: "parts-line" }, h("span", {}, told), h("strong", { "data-testid": `trace:${id}` }, text));
  const bias = digits.bias !== null && line("bias", "bias", digits.bias);
  const sum = digits.sum !== null && line(`sum, to be divided by ${why.terms.length}`, "sum", digits.sum);
  return h("div", { class: "parts", "data-testid": "trace:parts", "data-sum": isSum(layer, why) ? "yes" : "no" }, body, bias, sum);
}

/**
 * A row for every term, in the order of the terms.
 * @param {Layer} layer
 * @param {Explanation} why
 * @param {Shown} digits
 * @returns {Row[]}
 */
function rowsOf(layer, why, digits) {
  const steps = new Map(contributionsOf(layer, why).map(({ term, step }) => [term, step]));
  return why.terms.map((term, k) => {
    const step = /** @type {Step} */ (steps.get(term));
    return {
      text: digits.products[k],
      size: term.product,
      step: term.in_border ? null : step,
      label: term.in_border ? "padding" : `${step.layer} [${step.at.join(", ")}]`,
      detail: factorsOf(layer, why, term, k),
      isWinner: term.winner,
    };
  });
}

/**
 * What was multiplied, or squared, to make a term; nothing where it is the value itself.
 * @param {Layer} layer
 * @param {Explanation} why
 * @param {Term} term
 * @param {number} k
 */
function factorsOf(layer, why, term, k) {
  const value = briefly(term.value);
  if (layer.op === "Distance") {
    const centre = layer.options.centres[why.at[1]][k];
    return `(${value} ${centre < 0 ? "+" : "−"} ${briefly(Math.abs(centre))})²`;
  }
  if (term.weights.length) return [value, ...term.weights.map(({ weight }) => briefly(weight))].join(" × ");
  return term.product === term.value ? "" : value;
}

/**
 * @param {Explanation} why
 * @param {Shown} digits
 * @param {Row[]} rows
 * @param {Ways} ways
 */
function mapsList(why, digits, rows, ways) {
  let start = 0;
  const maps = why.partial_sums.map((part, k) => {
    start += part.terms;
    return { ...part, text: digits.partials[k], rows: rows.slice(start - part.terms, start) };
  });
  maps.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const most = Math.max(...maps.map(({ sum }) => Math.abs(sum)), 0);
  const largest = rows.reduce((top, row) => Math.max(top, Math.abs(row.size)), 0);
  return unfolding(maps, "maps", maps.map(({ text }) => text), (part, k) => {
    const inside = h("div", { class: "parts-inside" });
    const head = h("summary", { "data-testid": "trace:map", "data-map": part.map, "data-sum": part.text }, rowName(`map ${part.map}`, `${part.terms} products`), signedBar(part.sum, most), rowNumber(part.text));
    const node = h("details", { open: k === 0 }, head, inside);
    const fillIn = () => node.open && !inside.firstChild && inside.append(rowsList(part.rows, largest, ways));
    node.addEventListener("toggle", fillIn);
    fillIn();
    return node;
  });
}

/**
 * @param {Row[]} rows
 * @param {number} most
 * @param {Ways} ways
 */
function rowsList(rows, most, ways) {
  const sorted = [...rows].sort((a, b) => Number(b.isWinner) - Number(a.isWinner) || Math.abs(b.size) - Math.abs(a.size));
  return unfolding(sorted, "terms", sorted.map(({ text }) => text), (row) => {
    const parts = [rowName(row.label, row.detail, row.isWinner), signedBar(row.size, most), rowNumber(row.text)];
    const data = { "data-testid": "trace:term", "data-product": row.text, class: "parts-row" };
    const { step } = row;
    if (!step) return h("div", data, parts);
    const closed = ways.isOpen(step) ? "" : "; its terms don't travel with the page";
    return h("button", { ...data, type: "button", "aria-label": `Follow ${row.label}: ${row.detail} ${row.text}${closed}`, onclick: () => ways.go(step) }, parts);
  });
}

/**
 * The first rows, and the others when asked for.
 * @template T
 * @param {T[]} items
 * @param {string} what
 * @param {string[]} texts their numbers as shown
 * @param {(item: T, k: number) => HTMLElement} drawn
 */
function unfolding(items, what, texts, drawn) {
  const list = h("div", { class: "parts-list" }, items.slice(0, FIRST_ROWS).map(drawn));
  if (items.length <= FIRST_ROWS) return list;
  const together = addedUp(texts.slice(FIRST_ROWS));
  const more = h(
    "button",
    {
      type: "button", class: "parts-more", "data-testid": `trace:all-${what}`, "data-picture": "no",
      onclick: () => {
        more.replaceWith(...items.slice(FIRST_ROWS).map((item, k) => drawn(item, k + FIRST_ROWS)));
      },
    },
    `Show the other ${items.length - FIRST_ROWS} ${what}${together === null ? "" : `, together ${together}`}`,
  );
  list.append(more);
  return list;
}

/** @param {string} label @param {string} detail @param {boolean} [isWinner] */
function rowName(label, detail, isWinner = false) {
  return h("span", { class: "parts-name" }, label, isWinner && h("strong", {}, " winner"), detail && h("span", { class: "quiet" }, ` ${detail}`));
}

/** A bar from the middle: to the right what speaks for the value, to the left what speaks against it. @param {number} size @param {number} most */
function signedBar(size, most) {
  const share = most > 0 && Number.isFinite(size) ? Math.abs(size) / most : 0;
  const bar = h("span", { class: `parts-fill ${size < 0 ? "parts-negative" : "parts-positive"}` });
  setStyle(bar, { width: `${50 * share}%` });
  return h("span", { class: "parts-bar", "aria-hidden": true }, bar);
}

/** @param {string} text */
function rowNumber(text) {
  return h("span", { class: "parts-number" }, text);
}

/** @param {number} value */
function briefly(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value);
}
