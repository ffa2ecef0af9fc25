/**
 * Why one value is what it is: every term, the sums of the input maps, the bias, the activation behind, what is left over.
 *
 * The coordinates come from equation.js, the numbers are float32 as the engine had them; terms are multiplied in double precision and
 * summed as if exactly (sum.js), so the residual is the rounding of the engine and nothing else. As show/explanation.py has it.
 */

/** @import { Cell, Explanation, Layer, Reading, Sized, Tensor, Term } from "./contract.js" */

import { constantOf, namesOf } from "./axis.js";
import { biasCell, readings } from "./equation.js";
import { PageError } from "./error.js";
import { formulaOf } from "./formula.js";
import { applied } from "./functions.js";
import { exactSum } from "./sum.js";
import { valueAt } from "./tensor.js";

/** @typedef {{ result: Tensor, inputs: Tensor[], arrays: Record<string, Tensor> }} Arrays  arrays by their short names */
/**
 * Where the numbers of one value come from. `factor` and `input` are called in the order of the terms, once for each number.
 * @typedef {object} Supply
 * @property {number[][]} shapes  of the inputs
 * @property {(number: number, cell: Cell | null) => number} factor  of an operand of the equation; null where a constant stands
 * @property {(number: number, cell: Cell) => number} input  of an input of a layer that is no equation
 * @property {(cell: Cell) => number} bias
 * @property {(at: Cell) => number} computed
 * @property {(short: string) => Tensor | undefined} array
 */
/** @typedef {{ equation: string, reduce: Explanation["reduce"], terms: Term[], partial_sums: Explanation["partial_sums"], bias: number | null, value: number }} Parts */

/**
 * Whether a layer's values can be explained at all.
 * @param {Layer} layer
 */
export function isExplainable(layer) {
  return layer.op !== "Input" && layer.op !== "Opaque";
}

/**
 * Throws for a layer whose values aren't computed, or can't be.
 * @param {Layer} layer
 */
export function refuseUnexplainable(layer) {
  if (layer.op === "Input") {
    throw new PageError(`${layer.name} is the input`, { usual: "It isn't computed from anything.", advice: "Choose a layer behind it." });
  }
  if (!isExplainable(layer)) {
    throw new PageError(`${layer.name} is ${layer.kind}, which can be counted and not explained`, { advice: "Choose another layer." });
  }
}

/**
 * The explanation of one value, from the arrays that the layer reads, keeps and makes.
 * @param {Layer[]} layers  the network, for what stands behind
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Arrays} arrays
 * @returns {Explanation}
 */
export function explained(layers, layer, at, { result, inputs, arrays }) {
  return explainedBy(layers, layer, at, {
    shapes: inputs.map(({ shape }) => shape),
    factor: layer.sized ? factorReader(layer.sized, inputs, arrays) : () => NaN,
    input: (number, cell) => valueAt(inputs[number], cell),
    bias: (cell) => valueAt(arrays.bias, cell),
    computed: (place) => valueAt(result, place),
    array: (short) => arrays[short],
  });
}

/**
 * The explanation of one value, from the numbers that went into it: of every term the value and its weights, then the bias where
 * there is one, then what the network computed.
 * @param {Layer[]} layers
 * @param {Layer} layer
 * @param {Cell} at
 * @param {ArrayLike<number>} numbers
 * @param {Record<string, Tensor>} [arrays]  what the layer keeps beside its filters, such as statistics
 * @returns {Explanation}
 */
export function explainedFrom(layers, layer, at, numbers, arrays = {}) {
  let taken = 0;
  const next = () => {
    taken += 1;
    if (taken > numbers.length) throw new PageError(`numbers of ${layer.name} are missing`, { advice: "Make the page anew." });
    return numbers[taken - 1];
  };
  const shapes = layer.inputs.map((name) => layers.find((one) => one.name === name)?.shape ?? []);
  return explainedBy(layers, layer, at, { shapes, factor: next, input: next, bias: next, computed: next, array: (short) => arrays[short] });
}

/**
 * What was sent, with numbers for the words that JSON has no number for: "NaN", "Infinity", "-Infinity".
 * @param {any} document
 * @returns {any}
 */
export function revived(document) {
  if (Array.isArray(document)) return document.map(revived);
  if (document === "NaN" || document === "Infinity" || document === "-Infinity") return Number(document);
  if (typeof document !== "object" || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, revived(value)]));
}

/**
 * @param {Layer[]} layers
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Supply} supply
 * @returns {Explanation}
 */
function explainedBy(layers, layer, at, supply) {
  refuseUnexplainable(layer);
  const parts = layer.sized ? ofEquation(layer, layer.sized, at, supply) : ofFormula(layer, at, supply);
  const { value } = parts;
  const follower = activationBehind(layers, layer);
  const computed = supply.computed(at);
  const residual = value === computed ? 0 : value - computed;
  const scale = exactSum(parts.terms.map((term) => Math.abs(term.product))) + Math.abs(parts.bias ?? 0);
  return {
    layer: layer.name,
    kind: layer.kind,
    at,
    inputs: layer.inputs,
    ...parts,
    activation: follower && follower.options.function,
    after: follower && applied(follower.options.function, follower.options.options, value),
    computed,
    residual,
    relative_residual: scale === 0 ? Math.abs(residual) : Math.abs(residual) / scale,
  };
}

/**
 * @param {Layer} layer
 * @param {Sized} sized
 * @param {Cell} at
 * @param {Supply} supply
 * @returns {Parts}
 */
function ofEquation(layer, sized, at, supply) {
  const { reduce } = sized;
  const picks = reduce === "max" || reduce === "min";
  const told = readings(sized, at).filter((reading) => !(picks && reading.inBorder && sized.border === "zero"));
  const terms = told.map((reading) => termOf(layer, sized, reading, supply));
  const biasAt = biasCell(sized, at);
  const bias = biasAt && supply.bias(biasAt);
  const parts = { equation: layer.named ?? "", reduce, terms, bias };
  if (picks) {
    const winner = winnerOf(terms, reduce);
    if (winner) winner.winner = true;
    return { ...parts, partial_sums: [], value: winner ? winner.value : reduce === "max" ? -Infinity : Infinity };
  }
  const total = exactSum(terms.map((term) => term.product));
  if (reduce === "mean") return { ...parts, partial_sums: [], value: terms.length ? total / terms.length : total };
  return { ...parts, partial_sums: partialSums(sized, terms), value: total + (bias ?? 0) };
}

/**
 * @param {Layer} layer
 * @param {Sized} sized
 * @param {Reading} reading
 * @param {Supply} supply
 * @returns {Term}
 */
function termOf(layer, sized, reading, supply) {
  const [value, ...others] = reading.sources.map((source, number) => supply.factor(number, source));
  const weights = others.map((weight, k) => ({ filter: sized.operands[k + 1].name, cell: reading.cells[k + 1], weight }));
  const product = others.reduce((begun, weight) => begun * weight + 0, value); // + 0: no negative zeros
  const { values: indices, inBorder: in_border } = reading;
  return { indices, cell: reading.cells[0], value, weights, product, in_border, winner: false, from: layer.inputs[0] };
}

/**
 * What reads the operands of an equation: the constant beyond an edge, and weights where they are kept (pairs that are connected
 * take one axis).
 * @param {Sized} sized
 * @param {Tensor[]} inputs
 * @param {Record<string, Tensor>} arrays
 * @returns {Supply["factor"]}
 */
function factorReader(sized, inputs, arrays) {
  const beyond = constantOf(sized.border);
  const wired = sized.connections;
  const pairs = new Map(wired?.pairs.map((pair, k) => [String(pair), k]));
  const keepsPairs = sized.operands.map(({ axes }) => {
    const names = axes.flatMap(namesOf);
    return wired !== null && wired.indices.every((name) => names.includes(name));
  });
  const tensors = sized.operands.map(({ name }, number) => (number < sized.inputs ? inputs[number] : arrays[name]));
  return (number, cell) => {
    if (cell === null) return beyond;
    const kept = keepsPairs[number] ? [/** @type {number} */ (pairs.get(`${cell[0]},${cell[1]}`)), ...cell.slice(2)] : cell;
    return valueAt(tensors[number], kept);
  };
}

/**
 * The term that a maximum or minimum takes: the first of equals; NaN wins, as in every library.
 * @param {Term[]} terms
 * @param {"max" | "min"} reduce
 */
function winnerOf(terms, reduce) {
  const lost = terms.find((term) => Number.isNaN(term.value));
  const sign = reduce === "max" ? 1 : -1;
  return lost ?? terms.reduce((best, term) => (sign * term.value > sign * best.value ? term : best), terms[0]);
}

/**
 * The sums by input map: by the summed indices of the first axis of x that holds some beside taps.
 * @param {Sized} sized
 * @param {Term[]} terms
 * @returns {Explanation["partial_sums"]}
 */
function partialSums(sized, terms) {
  const isSummed = (/** @type {string} */ name) => sized.roles[name] === "summed" || sized.roles[name] === "pooled";
  const onAxes = sized.operands[0].axes.map((axis) => namesOf(axis).filter(isSummed));
  const names = onAxes.find((some) => some.length) ?? [];
  /** @type {Map<string, number[]>} */
  const products = new Map();
  for (const term of terms) {
    const map = names.map((name) => `${name}=${term.indices[name]}`).join(" ") || "all";
    const found = products.get(map);
    if (found) found.push(term.product);
    else products.set(map, [term.product]);
  }
  return [...products].map(([map, some]) => ({ map, terms: some.length, sum: exactSum(some) }));
}

/**
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Supply} supply
 * @returns {Parts}
 */
function ofFormula(layer, at, supply) {
  const { read, total, equation, reduce } = formulaOf(layer, at, supply);
  const terms = read.map(({ number, cell, value, part }) => {
    return { indices: {}, cell, value, weights: [], product: part, in_border: false, winner: false, from: layer.inputs[number] };
  });
  return { equation, reduce, terms, partial_sums: [], bias: null, value: total };
}

/**
 * The activation that is the only one to read a layer.
 * @param {Layer[]} layers
 * @param {Layer} layer
 */
function activationBehind(layers, layer) {
  const users = layers.filter((one) => one.inputs.includes(layer.name));
  return users.length === 1 && users[0].op === "Activation" && layer.op !== "Activation" ? users[0] : null;
}
