/**
 * One explained value as it is written down: for every input map the patch, the filter and their products as grids of numbers; long lists
 * as tables; the sums, line by line.
 *
 * What is shown as a product, a sum or the value comes from digits.js and adds up as it stands there.
 */

/** @import { Explanation, Term } from "./contract.js" */
/** @import { Shown } from "./digits.js" */

import { inked } from "./colour.js";
import { general } from "./digits.js";
import { h } from "./dom.js";

/** Of a factor as many digits are shown; its title tells all of them. */
const FACTOR_DIGITS = 4;

/**
 * The largest magnitudes, which have the last colours.
 * @typedef {{ value: number, weight: number, product: number }} Most
 */

/**
 * Terms that stand together: those of one input map, or all.
 * @typedef {object} Part
 * @property {string} map "c=0", or "all"
 * @property {number} first the number of its first term
 * @property {Term[]} terms
 * @property {number} sum
 */

/**
 * @param {Explanation} why
 * @returns {Part[]}
 */
export function partsOf(why) {
  if (why.partial_sums.length === 0) return [{ map: "all", first: 0, terms: why.terms, sum: why.value }];
  let first = 0;
  return why.partial_sums.map(({ map, terms: count, sum }) => {
    first += count;
    return { map, first: first - count, terms: why.terms.slice(first - count, first), sum };
  });
}

/**
 * The indices that run within these terms: the taps of a window.
 * @param {Term[]} terms
 * @returns {string[]}
 */
export function runningIn(terms) {
  return Object.keys(terms[0]?.indices ?? {}).filter((name) => terms.some((term) => term.indices[name] !== terms[0].indices[name]));
}

/**
 * A factor with a few digits.
 * @param {number} number
 * @returns {string}
 */
export function factorText(number) {
  return general(number, FACTOR_DIGITS);
}

/**
 * Patch × filter = products, as grids with the taps as rows and columns; more taps make more grids.
 * @param {Part} part
 * @param {Explanation} why
 * @param {Shown} texts
 * @param {Most} most
 * @param {Uint32Array} colours
 * @returns {HTMLElement}
 */
export function gridsOf(part, why, texts, most, colours) {
  const running = runningIn(part.terms);
  const [outer, inner] = [running.slice(0, -2), running.slice(-2)];
  /** @type {Map<string, { term: Term, number: number }[]>} */
  const layers = new Map();
  part.terms.forEach((term, k) => {
    const key = outer.map((name) => `${name}=${term.indices[name]}`).join(" ");
    layers.set(key, [...(layers.get(key) ?? []), { term, number: part.first + k }]);
  });
  const el = h("div", { class: "grids" });
  for (const [key, terms] of layers) {
    const at = placesIn(
      terms.map(({ term }) => term),
      inner,
    );
    const isFlat = at.every(({ row }) => row === at[0].row) && at.length > 1;
    el.append(
      h(
        "div",
        { class: `grid-row ${isFlat ? "grid-row-flat" : ""}` },
        key && h("span", { class: "grid-slice quiet" }, key),
        ...gridRow(terms, at),
      ),
    );
  }
  el.addEventListener("pointerover", (event) => markTerm(el, event.target));
  el.addEventListener("pointerleave", () => markTerm(el, null));
  return el;

  /**
   * @param {{ term: Term, number: number }[]} terms
   * @param {{ row: number, column: number }[]} at
   * @returns {(Node | string)[]}
   */
  function gridRow(terms, at) {
    const isProduct = why.reduce === "sum" || why.reduce === "mean";
    const values = grid("patch", terms, at, ({ term, number }, place) =>
      isProduct && term.weights.length
        ? cell(factorText(term.value), term.value, most.value, number, term, place, {})
        : termCell(texts.products[number], term.value, most.value, number, term, place),
    );
    if (!term0(terms)?.weights.length) return [values];
    const filters = term0(terms).weights.map((_, k) =>
      grid(term0(terms).weights[k].filter, terms, at, ({ term, number }, place) =>
        cell(factorText(term.weights[k].weight), term.weights[k].weight, most.weight, number, term, place, {}),
      ),
    );
    const products = grid("products", terms, at, ({ term, number }, place) =>
      termCell(texts.products[number], term.product, most.product, number, term, place),
    );
    return [values, ...filters.flatMap((one) => [sign("×"), one]), sign("="), products];
  }

  /**
   * The cell that a test, or a reader of the page's markup, finds a whole term in.
   * @param {string} text
   * @param {number} number
   * @param {number} scale
   * @param {number} count
   * @param {Term} term
   * @param {{ row: number, column: number }} place
   */
  function termCell(text, number, scale, count, term, place) {
    return cell(text, number, scale, count, term, place, termData(term, part.map, text));
  }

  /**
   * @param {string} text
   * @param {number} number
   * @param {number} scale
   * @param {number} count
   * @param {Term} term
   * @param {{ row: number, column: number }} place
   * @param {Record<string, unknown>} data
   */
  function cell(text, number, scale, count, term, { row, column }, data) {
    const { ground, ink } = inked(colours, number, scale);
    const kind = `${term.in_border ? "in-border" : ""} ${term.winner ? "is-winner" : ""}`;
    return h(
      "span",
      {
        class: `cell ${kind}`,
        title: String(number),
        "data-number": count,
        ...data,
        style: { "grid-row": row + 1, "grid-column": column + 1, background: ground, color: ink },
      },
      text,
    );
  }
}

/**
 * @param {{ term: Term }[]} terms
 * @returns {Term}
 */
function term0(terms) {
  return terms[0].term;
}

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
function sign(text) {
  return h("span", { class: "sign" }, text);
}

/**
 * @template T
 * @param {string} title
 * @param {T[]} terms
 * @param {{ row: number, column: number }[]} at
 * @param {(term: T, place: { row: number, column: number }) => HTMLElement} cellOfTerm
 * @returns {HTMLElement}
 */
function grid(title, terms, at, cellOfTerm) {
  return h(
    "figure",
    { class: "grid" },
    h("figcaption", {}, title),
    h(
      "div",
      { class: "grid-cells" },
      terms.map((term, k) => cellOfTerm(term, at[k])),
    ),
  );
}

/**
 * @param {Term[]} terms
 * @param {string[]} names of rows and columns, or of columns only
 * @returns {{ row: number, column: number }[]}
 */
function placesIn(terms, names) {
  const [rows, columns] = names.length > 1 ? names : [null, names[0] ?? null];
  const low = (/** @type {string | null} */ name) => (name === null ? 0 : Math.min(...terms.map((term) => term.indices[name])));
  const [top, left] = [low(rows), low(columns)];
  return terms.map((term) => ({
    row: rows === null ? 0 : term.indices[rows] - top,
    column: columns === null ? 0 : term.indices[columns] - left,
  }));
}

/**
 * The same term in every grid.
 * @param {HTMLElement} el
 * @param {EventTarget | null} target
 */
function markTerm(el, target) {
  for (const cell of el.querySelectorAll(".is-marked")) cell.classList.remove("is-marked");
  const number = target instanceof HTMLElement ? target.dataset.number : undefined;
  if (number !== undefined) for (const cell of el.querySelectorAll(`[data-number="${number}"]`)) cell.classList.add("is-marked");
}

/**
 * @param {Term} term
 * @param {string} map
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
export function termData(term, map, text) {
  return {
    "data-testid": "term",
    "data-map": map,
    "data-cell": term.cell.join(","),
    "data-from": term.from,
    "data-value": factorText(term.value),
    "data-weight": term.weights.map(({ weight }) => factorText(weight)).join(" "),
    "data-product": text,
    "data-border": term.in_border ? "yes" : null,
    "data-winner": term.winner ? "yes" : null,
  };
}
