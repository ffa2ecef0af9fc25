/**
 * An equation with its sizes, cell by cell: the terms of an output in the order of the loops, what an output reads, what an input feeds.
 *
 * Only coordinates, no numbers. The rules are those of laws/explain.py; arrays are numbered like the operands, the result is -1.
 */

/** @import { Axis, Cell, ReadCell, Reading, Sized, Slide } from "./contract.js" */

import { cellOn, namesOf, slideCell, standingFor, standsFor, valuesAt } from "./axis.js";
import { PageError } from "./error.js";
import { meeting } from "./region.js";
import { isInside } from "./tensor.js";

/**
 * Every term of the output at `at`, input maps outside, taps inside.
 * @param {Sized} sized
 * @param {Cell} at
 * @returns {Reading[]}
 */
export function readings(sized, at) {
  const { fixed, constraints } = toldByOutput(sized, at);
  if (!fixed) return [];
  const { extents, connections } = sized;
  const solved = solvable(constraints, fixed);
  const free = loopOrder(sized).filter((name) => !(name in fixed) && !solved.some(([position]) => position === name));
  const pairs = connections && new Set(connections.pairs.map(String));
  /** @type {Reading[]} */
  const found = [];
  /** @type {Record<string, number>} */
  const values = { ...fixed };

  const addTerm = (/** @type {number[]} */ targets) => {
    for (const [position, k] of solved) {
      const { slide } = constraints[k];
      values[position] = 0;
      const value = (targets[k] - slideCell(slide, values)) / strideOf(slide);
      if (!Number.isInteger(value) || value < 0 || value >= extents[position]) return;
      values[position] = value;
    }
    if (!constraints.every(({ slide }, k) => slideCell(slide, values) === targets[k])) return;
    if (pairs && connections && !pairs.has(`${values[connections.indices[0]]},${values[connections.indices[1]]}`)) return;
    found.push(readingOf(sized, { ...values }));
  };
  const loop = (/** @type {number} */ depth, /** @type {number[]} */ targets) => {
    if (depth === free.length) {
      addTerm(targets);
      return;
    }
    for (let value = 0; value < extents[free[depth]]; value += 1) {
      values[free[depth]] = value;
      loop(depth + 1, targets);
    }
  };
  const falling = constraints.map(({ slide, cell }) => standingFor(slide, cell));
  for (const targets of everyChoice(falling)) loop(0, targets);
  return found;
}

/**
 * The distinct cells of an operand that an output reads, those in the padding included.
 * @param {Sized} sized
 * @param {number} number
 * @param {Cell} at
 * @returns {ReadCell[]}
 */
export function readCells(sized, number, at) {
  const axes = sized.operands[number].axes;
  return readRegion(sized, number, at)
    .cells()
    .map((cell) => ({ cell, source: sourceCell(axes, cell) }));
}

/**
 * The same as sets of cells an axis, which is quick for any size.
 * @param {Sized} sized
 * @param {number} number
 * @param {Cell} at
 */
export function readRegion(sized, number, at) {
  return meeting(sized, -1, at, number);
}

/**
 * The outputs that a cell of an operand feeds: those that read it, where a border repeats it, too. A cell outside the array feeds
 * those that read there.
 * @param {Sized} sized
 * @param {number} number
 * @param {Cell} cell
 * @returns {Cell[]}
 */
export function fedBy(sized, number, cell) {
  return fedRegion(sized, number, cell).cells();
}

/**
 * The same as sets of cells an axis.
 * @param {Sized} sized
 * @param {number} number
 * @param {Cell} cell
 */
export function fedRegion(sized, number, cell) {
  return meeting(sized, number, cell, -1);
}

/**
 * Where the bias of an output stands; null where the equation has none.
 * @param {Sized} sized
 * @param {Cell} at
 * @returns {Cell | null}
 */
export function biasCell(sized, at) {
  const { fixed } = toldByOutput(sized, at);
  if (!sized.bias || !fixed) return null;
  return sized.bias.map((axis) => namesIn(axis).reduce((cell, name) => cell * sized.extents[name] + fixed[name], 0));
}

/**
 * The cell of an array whose value stands at a cell, or null where it is a constant.
 * @param {Axis[]} axes
 * @param {Cell} cell
 * @returns {Cell | null}
 */
export function sourceCell(axes, cell) {
  const source = cell.map((c, place) => standsFor(axes[place], c));
  return source.includes(null) ? null : /** @type {Cell} */ (source);
}

/**
 * The index values that an output tells outright, none off the diagonal of an index that stands twice, and the addresses that
 * constrain the others.
 * @param {Sized} sized
 * @param {Cell} at
 * @returns {{ fixed: Record<string, number> | null, constraints: { slide: Slide, cell: number }[] }}
 */
function toldByOutput(sized, at) {
  if (!isInside(sized.result.shape, at)) {
    throw new PageError(`there is no output value at (${at.join(", ")})`, {
      usual: `The result has the shape (${sized.result.shape.join(", ")}), counted from 0.`,
      advice: `Give ${sized.result.shape.length} coordinates inside it.`,
    });
  }
  /** @type {Record<string, number>} */
  const fixed = {};
  /** @type {{ slide: Slide, cell: number }[]} */
  const constraints = [];
  for (const [place, axis] of sized.result.axes.entries()) {
    if ("slide" in axis) constraints.push({ slide: axis.slide, cell: at[place] });
    for (const [name, value] of valuesAt(axis, at[place], sized.extents) ?? []) {
      if ((fixed[name] ?? value) !== value) return { fixed: null, constraints };
      fixed[name] = value;
    }
  }
  return { fixed, constraints };
}

/**
 * Positions that need no loop, each with the number of the address that tells it once its other indices are known.
 * @param {{ slide: Slide, cell: number }[]} constraints
 * @param {Record<string, number>} fixed
 * @returns {[string, number][]}
 */
function solvable(constraints, fixed) {
  /** @type {Map<string, number>} */
  const solved = new Map();
  /** @type {Set<string>} */
  const needed = new Set();
  for (const [k, { slide }] of constraints.entries()) {
    const others = slide.steps.map(([name]) => name).filter((name) => name !== slide.position);
    const position = slide.position;
    if (position === null || position in fixed || needed.has(position) || others.some((name) => solved.has(name))) continue;
    if (!solved.has(position)) solved.set(position, k);
    for (const name of others) needed.add(name);
  }
  return [...solved];
}

/**
 * Loops from the outside in: what x carries bare, what only filters carry, then the taps.
 * @param {Sized} sized
 * @returns {string[]}
 */
function loopOrder(sized) {
  const arrays = [...sized.operands, sized.result];
  const slides = arrays.flatMap(({ axes }) => axes.flatMap((axis) => ("slide" in axis ? [axis.slide] : [])));
  const taps = new Set(slides.flatMap(({ steps, position }) => steps.map(([name]) => name).filter((name) => name !== position)));
  const operands = sized.operands.flatMap(({ axes }) => axes.flatMap(namesOf));
  const names = [...new Set([...operands, ...sized.result.axes.flatMap(namesOf)])];
  return [...names.filter((name) => !taps.has(name)), ...names.filter((name) => taps.has(name))];
}

/**
 * @param {Sized} sized
 * @param {Record<string, number>} values
 * @returns {Reading}
 */
function readingOf(sized, values) {
  const cells = sized.operands.map(({ axes }) => axes.map((axis) => cellOn(axis, values, sized.extents)));
  const sources = cells.map((cell, number) => sourceCell(sized.operands[number].axes, cell));
  const inBorder = cells.some((cell, number) => !sources[number]?.every((c, place) => c === cell[place]));
  return { values, cells, sources, inBorder };
}

/** @param {Slide} slide */
function strideOf(slide) {
  return slide.steps.find(([name]) => name === slide.position)?.[1] ?? 0;
}

/**
 * The indices of an axis as it is written: "o" or "(g o)"; none of "1".
 * @param {string} axis
 * @returns {string[]}
 */
function namesIn(axis) {
  if (axis === "1") return [];
  return axis.startsWith("(") ? axis.slice(1, -1).split(" ") : [axis];
}

/**
 * @param {number[][]} choices
 * @returns {number[][]}
 */
function everyChoice(choices) {
  return choices.reduce((begun, some) => begun.flatMap((tuple) => some.map((one) => [...tuple, one])), [/** @type {number[]} */ ([])]);
}
