/**
 * From the sums of the input maps to the value: line by line, and below what the engine had.
 */

/** @import { Explanation } from "./contract.js" */
/** @import { Part } from "./arithmetic.js" */
/** @import { Shown } from "./digits.js" */

import { inked } from "./colour.js";
import { addedUp, significant } from "./digits.js";
import { h } from "./dom.js";

/** @type {Record<string, string>} */
const TOTALS = { sum: "= value", max: "largest: value", min: "smallest: value", mean: "mean: value", "= value": "= value" };

/**
 * @param {object} told
 * @param {Explanation} told.why
 * @param {Part[]} told.parts
 * @param {Shown} told.texts
 * @param {Uint32Array} told.colours
 * @param {number} told.chosen the part that is open
 * @param {(number: number) => void} told.onOpen
 * @param {boolean} told.hasPartials
 * @returns {HTMLElement}
 */
export function ledgerOf({ why, parts, texts, colours, chosen, onOpen, hasPartials }) {
  const most = parts.reduce((largest, part) => Math.max(largest, Math.abs(part.sum)), 0);
  const partials = hasPartials
    ? parts.map((part, number) =>
        h(
          "button",
          {
            class: "partial",
            "data-testid": "partial",
            "data-map": part.map,
            "data-sum": texts.partials[number],
            "aria-pressed": String(number === chosen),
            title: `${part.terms.length} products of ${part.map}`,
            onclick: () => onOpen(number),
          },
          h("span", {}, part.map.replace("=", " = ")),
          barOf(part.sum),
          h("span", { class: "number" }, texts.partials[number]),
        ),
      )
    : [];
  const total = totalOf();
  return h(
    "div",
    { class: "ledger" },
    partials.length > 0 && h("div", { class: "ledger-maps", role: "group", "aria-label": "Sums of the input maps" }, partials),
    total !== null && line(`sum over ${hasPartials ? `${parts.length} maps` : `${why.terms.length} terms`}`, total, "sum"),
    texts.bias !== null && line("+ bias", texts.bias, "bias"),
    line(TOTALS[why.reduce] ?? "= value", texts.value, "value", "ledger-value"),
    why.after !== null && texts.after !== null && line(`${why.activation ?? ""} of it`, texts.after, "after"),
    h(
      "div",
      { class: "ledger-engine" },
      line("the engine computed", significant(why.computed, 9), "computed"),
      line("residual, before rounding", residualText(why.residual), "residual"),
    ),
  );

  /** @returns {string | null} */
  function totalOf() {
    if (texts.sum !== null) return texts.sum;
    if (why.reduce !== "sum" || texts.bias === null) return null;
    return addedUp(texts.partials.length ? texts.partials : texts.products);
  }

  /** @param {number} sum */
  function barOf(sum) {
    const share = most > 0 ? (50 * Math.abs(sum)) / most : 0;
    return h(
      "span",
      { class: "partial-bar" },
      h("span", {
        style: {
          left: `${sum < 0 ? 50 - share : 50}%`,
          width: `${share}%`,
          background: inked(colours, Math.sign(sum) * 0.6, 1).ground,
        },
      }),
    );
  }
}

/**
 * @param {string} label
 * @param {string} text
 * @param {string} testid
 * @param {string} [kind]
 * @returns {HTMLElement}
 */
function line(label, text, testid, kind = "") {
  return h(
    "div",
    { class: `ledger-line ${kind}` },
    h("span", {}, label),
    h("span", { class: "number", "data-testid": testid }, text),
  );
}

/**
 * @param {number} residual
 * @returns {string}
 */
function residualText(residual) {
  return residual === 0 ? "0" : residual.toExponential(2);
}
