// The lab's arithmetic: an equation and the settings of the sliders -> extents, counts, formulas in k1 and k2, and what doesn't fit.
//
// Which index is what, is read off the equation, by where it stands:
//
//     on x, on the axis of the maps, alone          k1
//     there, with an index of its own (g c)         the own one: groups; the other: k1 / groups
//     there, in an address (d+t)                    the tap: the depth of a filter; the position follows
//     on the filter and the result only             k2; on one axis with an index of its own: k2 / groups
//     a tap of another address                      the kernel
//     alone on a place of x                         the extent of the input
//
// So a new type is a line of the document, and nothing here.

/** @import { Equation, LabType, OpenAxis, Sized } from "./contract.js" */

import { counted } from "./dom.js";
import { readings } from "./equation.js";
import { sizedFrom } from "./sizing.js";
import { MAPS_AXIS, typedNames } from "./grids.js";

/** @typedef {Equation["result"]} OpenOperand */
/** @typedef {{ kernel: number, stride: number, padding: number, dilation: number, k1: number, k2: number, groups: number, depth: number, n: number }} Settings */
/** @typedef {keyof Settings} Setting */
/**
 * A product: a whole number, symbols above the line and below it.
 * @typedef {{ factor: number, above: string[], below: string[] }} Formula
 */
/** @typedef {{ number: number, formula: string }} LabCount */
/**
 * A layer of the lab: `problem` says why there is none.
 * @typedef {object} Made
 * @property {LabType} type
 * @property {string} pattern with its strides, dilations and paddings
 * @property {string | null} problem
 * @property {Sized | null} sized
 * @property {Record<"maps" | "weights" | "macs" | "reads", LabCount> | null} counts
 * @property {Set<Setting>} uses the settings that make a difference to it
 */

/** @param {number} factor @param {string[]} [above] @param {string[]} [below] @returns {Formula} */
const formulaFor = (factor, above = [], below = []) => ({ factor, above, below });

/**
 * @param {LabType} type
 * @param {Settings} settings
 * @returns {Made}
 */
export function makeLayer(type, settings) {
  const { equation } = type;
  const told = extentsOf(equation, settings);
  const pattern = patternOf(equation, settings);
  const made = { type, pattern, uses: told.uses };
  const problem = problemOf(settings, told.uses);
  if (problem) return { ...made, problem, sized: null, counts: null };
  const sized = sizedFrom(equation, told.extents, sizingOf(equation, settings));
  return { ...made, problem: null, sized, counts: countsOf(equation, sized, told.formulas, settings) };
}

/**
 * How many cells each position runs over, and what the sliders say of it; along the maps filters go step by step.
 * @param {Equation} equation
 * @param {Settings} settings
 */
function sizingOf(equation, settings) {
  /** @type {Record<"cells" | "stride" | "dilation" | "padding", Record<string, number>>} */
  const told = { cells: {}, stride: {}, dilation: {}, padding: {} };
  equation.operands[0].axes.forEach((axis, place) => {
    const position = "address" in axis ? typedNames(axis).find((name) => equation.positions.includes(name)) : undefined;
    if (position === undefined) return;
    told.cells[position] = place === MAPS_AXIS ? settings.k1 : settings.n;
    if (place === MAPS_AXIS) return;
    for (const key of /** @type {const} */ (["stride", "dilation", "padding"])) told[key][position] = settings[key];
  });
  return told;
}

/**
 * The extents that the sliders say, the same as formulas, and which sliders were asked.
 * @param {Equation} equation
 * @param {Settings} settings
 */
function extentsOf(equation, settings) {
  /** @type {Record<string, number>} */
  const extents = {};
  /** @type {Record<string, Formula>} */
  const formulas = {};
  /** @type {Set<Setting>} */
  const uses = new Set(["k1"]);
  const learn = (/** @type {string} */ name, /** @type {number} */ extent, /** @type {Formula} */ told, /** @type {Setting[]} */ ...asked) => {
    extents[name] = extent;
    formulas[name] = told;
    for (const setting of asked) uses.add(setting);
  };
  const grouped = new Set([...equation.operands[0].axes, ...equation.result.axes].flatMap((axis) => besideOwn(axis, equation)));
  equation.operands[0].axes.forEach((axis, place) => {
    for (const name of typedNames(axis)) {
      if (place < MAPS_AXIS) learn(name, 1, formulaFor(1));
      else if ("address" in axis) {
        if (equation.roles[name] !== "tap") continue;
        if (place === MAPS_AXIS) learn(name, settings.depth, formulaFor(settings.depth), "depth");
        else learn(name, settings.kernel, formulaFor(settings.kernel), "kernel", "stride", "padding", "dilation");
      } else if (place > MAPS_AXIS) learn(name, settings.n, formulaFor(settings.n));
      else if (grouped.has(name)) learn(name, settings.k1 / settings.groups, formulaFor(1, ["k1"], ["g"]), "groups");
      else if ("merged" in axis) learn(name, settings.groups, formulaFor(1, ["g"]), "groups");
      else learn(name, settings.k1, formulaFor(1, ["k1"]));
    }
  });
  for (const name of Object.keys(equation.roles).filter((one) => equation.roles[one] === "filter")) {
    if (grouped.has(name)) learn(name, settings.k2 / settings.groups, formulaFor(1, ["k2"], ["g"]), "k2", "groups");
    else learn(name, settings.k2, formulaFor(1, ["k2"]), "k2");
  }
  return { extents, formulas, uses };
}

/**
 * The indices that share an axis with one that has weights of its own: a group's.
 * @param {OpenAxis} axis
 * @param {Equation} equation
 * @returns {string[]}
 */
function besideOwn(axis, equation) {
  if (!("merged" in axis) || !axis.merged.some((name) => equation.roles[name] === "own")) return [];
  return axis.merged.filter((name) => equation.roles[name] !== "own");
}

/**
 * Why there is no such layer, in a sentence, or null.
 * @param {Settings} settings
 * @param {Set<Setting>} uses
 * @returns {string | null}
 */
function problemOf(settings, uses) {
  const { k1, k2, groups, kernel, dilation, depth } = settings;
  const uneven = (/** @type {number} */ n, /** @type {string} */ what) =>
    `${groups} groups don't divide ${n} ${what}: all groups have the same number. Choose a divisor of ${n}.`;
  if (uses.has("groups") && k1 % groups) return uneven(k1, k1 === 1 ? "input map" : "input maps");
  if (uses.has("groups") && uses.has("k2") && k2 % groups) return uneven(k2, k2 === 1 ? "filter" : "filters");
  if (uses.has("depth") && depth > k1) {
    return `A filter spans ${depth} maps, and there are ${k1}. Choose fewer maps a filter, or more input maps.`;
  }
  const [span, room] = [dilation * (kernel - 1) + 1, settings.n + 2 * settings.padding];
  if (uses.has("kernel") && span > room) {
    const why = dilation > 1 ? ` (${kernel} values, ${dilation} apart)` : "";
    return `The window spans ${span} cells${why}, and the padded input has ${room}. Choose a smaller kernel or dilation, or more padding.`;
  }
  return null;
}

/**
 * The pattern with the numbers of the sliders in it, as one would type it.
 * @param {Equation} equation
 * @param {Settings} settings
 * @returns {string}
 */
function patternOf(equation, settings) {
  const written = (/** @type {OpenAxis} */ axis, /** @type {number} */ place) => {
    if ("name" in axis) return axis.name;
    if ("merged" in axis) return `(${axis.merged.join(" ")})`;
    if ("one" in axis) return "1";
    const onMaps = place === MAPS_AXIS;
    const terms = axis.address.map(([name, number]) => {
      const step = number * (onMaps ? 1 : equation.positions.includes(name) ? settings.stride : settings.dilation);
      return step === 1 ? name : `${step}*${name}`;
    });
    return terms.join("+") + (onMaps || !settings.padding ? "" : `-${settings.padding}`);
  };
  const spelt = (/** @type {OpenOperand} */ operand) => operand.axes.map(written).join(" ");
  return `${equation.operands.map(spelt).join(", ")} -> ${spelt(equation.result)}`;
}

/**
 * @param {Equation} equation
 * @param {Sized} sized
 * @param {Record<string, Formula>} formulas
 * @param {Settings} settings
 */
function countsOf(equation, sized, formulas, settings) {
  const product = (/** @type {number[]} */ numbers) => numbers.reduce((a, b) => a * b, 1);
  const told = (/** @type {string} */ name) => formulas[name] ?? positionFormula(equation, sized, name, settings);
  const multiplied = (/** @type {string[]} */ names) => formulaText(names.map(told).reduce(formulaTimes, formulaFor(1)));
  const [, ...filters] = sized.operands;
  const indices = Object.keys(equation.roles);
  const onX = new Set(equation.operands[0].axes.flatMap(typedNames));
  const middle = sized.result.shape.map((n) => Math.floor(n / 2));
  const read = new Set([...readings(sized, middle)].map((reading) => reading.cells[0].join()));
  return {
    maps: { number: sized.result.shape[MAPS_AXIS], formula: multiplied(typedNames(equation.result.axes[MAPS_AXIS])) },
    weights: {
      number: filters.reduce((sum, filter) => sum + product(filter.shape), 0),
      formula: equation.operands.slice(1).map((filter) => multiplied(filter.axes.flatMap(typedNames))).join(" + "),
    },
    macs: {
      number: product(Object.values(sized.extents)) * filters.length,
      formula: (filters.length > 1 ? `${filters.length}·` : "") + multiplied(indices),
    },
    reads: { number: read.size, formula: multiplied(equation.summed.filter((name) => onX.has(name))) },
  };
}

/**
 * What follows from the other extents: along the maps a formula, along the places a number.
 * @param {Equation} equation
 * @param {Sized} sized
 * @param {string} name
 * @param {Settings} settings
 * @returns {Formula}
 */
function positionFormula(equation, sized, name, settings) {
  if (!typedNames(equation.operands[0].axes[MAPS_AXIS]).includes(name)) return formulaFor(sized.extents[name]);
  return settings.depth === 1 ? formulaFor(1, ["k1"]) : formulaFor(1, [`(k1 − ${settings.depth - 1})`]);
}

/** @param {Formula} a @param {Formula} b @returns {Formula} */
function formulaTimes(a, b) {
  const above = [...a.above, ...b.above];
  const below = [...a.below, ...b.below].filter((symbol) => {
    const found = above.indexOf(symbol);
    if (found >= 0) above.splice(found, 1);
    return found < 0;
  });
  return formulaFor(a.factor * b.factor, above, below);
}

/** @param {Formula} told @returns {string} "25·k1·k2/g" */
function formulaText({ factor, above, below }) {
  const symbols = [...above].sort((a, b) => a.replace("(", "").localeCompare(b.replace("(", "")));
  const top = factor === 1 && symbols.length ? symbols : [counted(factor), ...symbols];
  return [top.join("·"), ...below].join("/");
}
