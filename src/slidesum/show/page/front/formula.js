/**
 * The value of a layer that is no equation: what it reads, and its formula with the numbers put in. As show/other.py has it.
 *
 * Every number is read once, in the order of the terms, so that it makes no difference whether all arrays are at hand or only the
 * numbers of this one value.
 */

/** @import { Cell, Layer, Tensor } from "./contract.js" */

import { constantOf, modulo, sourceOf } from "./axis.js";
import { general } from "./digits.js";
import { PageError } from "./error.js";
import { applied, combined } from "./functions.js";
import { readRegionOfOther } from "./other.js";
import { exactSum } from "./sum.js";
import { valueAt } from "./tensor.js";

/** @typedef {{ number: number, cell: Cell, value: number, part: number }} Read  a number read, and its part in the formula */
/** @typedef {{ read: Read[], total: number, equation: string, reduce: "sum" | "= value" }} Formula */
/**
 * What the numbers are taken from; each call of `input` takes the next one.
 * @typedef {object} Numbers
 * @property {number[][]} shapes  of the inputs
 * @property {(number: number, cell: Cell) => number} input
 * @property {(short: string) => Tensor | undefined} array
 */

/** The names of the numbers that a function takes. @type {Record<string, string[]>} */
const OPTION_NAMES = {
  affine: ["scale", "shift"],
  leaky_relu: ["slope"],
  elu: ["alpha"],
  celu: ["alpha"],
  clip: ["low", "high"],
  hard_sigmoid: ["slope", "shift"],
  softplus: ["beta"],
  power: ["exponent"],
};

/**
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Numbers} numbers
 * @returns {Formula}
 */
export function formulaOf(layer, at, numbers) {
  const { op, options } = layer;
  const read = readOf(layer, at, numbers);
  const value = read[0]?.value ?? 0;
  const same = (/** @type {string} */ equation, total = value) => formulaWith(read, total, equation);
  switch (op) {
    case "Activation": {
      const names = OPTION_NAMES[options.function] ?? [];
      const told = names.slice(0, options.options.length).map((name, k) => `, ${name}=${general(options.options[k])}`);
      return same(`y = ${options.function}(x${told.join("")})`, applied(options.function, options.options, value));
    }
    case "Dropout":
      return same("y = x outside training");
    case "Add":
      return formulaWith(read, exactSum(read.map((one) => one.value)), "y = sum of the branches", "sum");
    case "Concat":
      return same(`y = branch ${read[0].number}: ${layer.inputs[read[0].number]}`);
    case "Elementwise":
      return same(`y = ${options.function} of the two`, combined(options.function, value, read[1].value));
    case "Slice":
    case "Take":
    case "Reshape":
      return same("y = x at another place");
    case "Pad":
      return same("y = x, or what stands beyond its edge", read.length ? value : constantOf(options.border));
    case "Stored":
      return storedNumber(layer, at, numbers);
    case "BatchNorm":
      return batchNorm(layer, at, read, numbers);
    case "LayerNorm":
    case "GroupNorm":
      return standardised(layer, at, read, numbers);
    case "LocalResponseNorm": {
      for (const one of read) one.part = one.value ** 2;
      const energy = exactSum(read.map((one) => one.part));
      const { k, alpha, beta } = options;
      const equation = `y = x / (${general(k)} + ${general(alpha)}·${general(energy)})^${general(beta)}`;
      return same(equation, ownValue(read, at) / (k + alpha * energy) ** beta);
    }
    case "Softmax": {
      const top = read.reduce((most, one) => (one.value > most ? one.value : most), read[0].value);
      for (const one of read) one.part = Math.exp(one.value - top);
      return same("y = exp(x - max) / sum exp(x - max)", Math.exp(ownValue(read, at) - top) / exactSum(read.map((one) => one.part)));
    }
    case "Distance": {
      for (const one of read) one.part = (one.value - options.centres[at[1]][one.cell[1]]) ** 2;
      return formulaWith(read, exactSum(read.map((one) => one.part)), "y[b,o] = sum of (x[b,f] - centre[o,f])²", "sum");
    }
    default:
      throw new PageError(`${layer.name} is ${layer.kind}, which can't be explained here`, { advice: "Choose another layer." });
  }
}

/**
 * What the output reads, number by number.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Numbers} numbers
 * @returns {Read[]}
 */
function readOf(layer, at, { shapes, input }) {
  return layer.inputs.flatMap((_, number) => {
    const cells = readRegionOfOther(layer, at, shapes, number).cells();
    const inside = layer.op === "Pad" ? cells.flatMap((cell) => paddedFrom(layer, cell, shapes[number])) : cells;
    return inside.map((cell) => {
      const value = input(number, cell);
      return { number, cell, value, part: value };
    });
  });
}

/**
 * The cell whose value stands at a padded address; none where a constant does.
 * @param {Layer} layer
 * @param {Cell} cell
 * @param {number[]} shape
 * @returns {Cell[]}
 */
function paddedFrom(layer, cell, shape) {
  const source = cell.map((c, k) => sourceOf(c, shape[k], layer.options.border));
  return source.includes(null) ? [] : [/** @type {Cell} */ (source)];
}

/**
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Numbers} numbers
 */
function storedNumber(layer, at, numbers) {
  const value = keptNumber(layer, "value", at, numbers);
  return formulaWith([{ number: -1, cell: at, value, part: value }], value, "y = a stored number");
}

/**
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Read[]} read
 * @param {Numbers} numbers
 */
function batchNorm(layer, at, read, numbers) {
  const { axis, epsilon, affine } = layer.options;
  const of = (/** @type {string} */ short) => keptNumber(layer, short, [at[modulo(axis, at.length)]], numbers);
  const [scale, shift] = affine ? [of("scale"), of("shift")] : [1, 0];
  const [mean, variance] = [of("mean"), of("variance")];
  const total = ((read[0].value - mean) / Math.sqrt(variance + epsilon)) * scale + shift;
  const divided = `y = (x - ${general(mean)}) / sqrt(${general(variance)} + ${general(epsilon)})`;
  return formulaWith(read, total, `${divided} * ${general(scale)} + ${general(shift)}`);
}

/**
 * Layer and group norm: mean 0 and mean square 1 over all that is read, then scaled and shifted.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Read[]} read
 * @param {Numbers} numbers
 */
function standardised(layer, at, read, numbers) {
  const { op, options } = layer;
  const isGroup = op === "GroupNorm";
  const mean = isGroup || options.centred ? exactSum(read.map((one) => one.value)) / read.length : 0;
  const value = ownValue(read, at);
  for (const one of read) one.part = (one.value - mean) ** 2;
  const square = exactSum(read.map((one) => one.part)) / read.length;
  const place = isGroup ? [at[1]] : options.axes.map((/** @type {number} */ axis) => at[modulo(axis, at.length)]);
  let total = (value - mean) / Math.sqrt(square + options.epsilon);
  let equation = `y = (x - ${general(mean)}) / sqrt(${general(square)} + ${general(options.epsilon)})`;
  if (isGroup ? options.affine : options.scale) {
    const scale = keptNumber(layer, "scale", place, numbers);
    total *= scale;
    equation += ` * ${general(scale)}`;
  }
  if (isGroup ? options.affine : options.shift) {
    const shift = keptNumber(layer, "shift", place, numbers);
    total += shift;
    equation += ` + ${general(shift)}`;
  }
  return formulaWith(read, total, equation);
}

/**
 * A number of an array that the layer keeps.
 * @param {Layer} layer
 * @param {string} short
 * @param {Cell} cell
 * @param {Numbers} numbers
 */
function keptNumber(layer, short, cell, numbers) {
  const array = numbers.array(short);
  if (array) return valueAt(array, cell);
  throw new PageError(`${short} of ${layer.name} doesn't travel with the page`, { advice: "Open the page with a server: --serve." });
}

/**
 * The value at the place itself, of all that is read.
 * @param {Read[]} read
 * @param {Cell} at
 */
function ownValue(read, at) {
  return /** @type {Read} */ (read.find(({ cell }) => cell.every((c, k) => c === at[k]))).value;
}

/**
 * @param {Read[]} read
 * @param {number} total
 * @param {string} equation
 * @param {"sum" | "= value"} [reduce]
 * @returns {Formula}
 */
function formulaWith(read, total, equation, reduce = "= value") {
  return { read, total, equation, reduce };
}
