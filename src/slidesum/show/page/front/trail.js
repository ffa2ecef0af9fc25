// From a value backwards: what each kind of layer passes on, what weighs most, and which part of the input a value sees.
//
//     a sum (convolution, linear, mean, add)     its products: exact, and they add up to the value
//     max, min                                   the winner alone
//     one value in, one value out                that value (an activation, a normalisation, what only moves values)
//     several in, not a sum (softmax, …)         its own value, because the others only scale it
//
// What isn't linear is said in a sentence, since shares don't pass through it.

/** @import { Cell, Explanation, Layer, PageDocument, Prediction, Term } from "./contract.js" */

/** @typedef {{ layer: string, at: Cell }} Step */
/** @typedef {{ step: Step, term: Term, part: number }} Part what one term brings, and where it comes from */

/** @type {Record<string, string>} */
const PASSED_ON = {
  Activation: "Not linear: shares don't pass through it. Followed is the value that went in.",
  Softmax: "Softmax is not linear: every score has a part in the sum below the line. Followed is the score of this class.",
  LocalResponseNorm: "Not linear: the value is divided by the energy of its neighbours. Followed is the value itself.",
  LayerNorm: "Not linear: mean and variance depend on all values. Followed is the value itself.",
  GroupNorm: "Not linear: mean and variance depend on the whole group. Followed is the value itself.",
  BatchNorm: "A scale and a shift that were learned: the value goes on, scaled.",
  Dropout: "Passes every value on unchanged outside training.",
  Concat: "Puts maps behind each other: the value comes from one branch, unchanged.",
  Slice: "Takes a part: the value comes from another place, unchanged.",
  Take: "Reorders: the value comes from another place, unchanged.",
  Reshape: "Another shape of the same values: the value comes from another place, unchanged.",
  Pad: "Puts a border around: the value comes from another place, unchanged.",
  Distance: "A squared distance to fixed centres: each part is (x − centre)², and the parts add up. The smallest distance wins.",
};
/** Layers that read several values, of which only the one at the same place is followed. */
const OWN_VALUE = new Set(["Softmax", "LocalResponseNorm", "LayerNorm", "GroupNorm", "BatchNorm"]);

/**
 * What the layer does with what comes in, in a sentence.
 * @param {Layer} layer
 * @param {Explanation} why
 * @returns {string}
 */
export function passedOn(layer, why) {
  if (layer.op === "Activation" && layer.options.function === "relu") {
    return why.terms[0]?.value > 0 ? "ReLU passes it: the value is positive and goes on unchanged." : "ReLU blocks it: what went in is not positive, so 0 goes on.";
  }
  if (why.reduce === "max" || why.reduce === "min") {
    const which = why.reduce === "max" ? "largest" : "smallest";
    return `Not linear: only the ${which} value of the window goes on, and ${why.terms.length - 1} others have no part in it.`;
  }
  if (why.reduce === "mean") return `Linear: the mean of ${why.terms.length} values, each with an equal share.`;
  if (layer.op === "Layer" || layer.op === "Add") {
    const bias = why.bias === null ? "" : ", and the bias,";
    return `Linear: ${why.terms.length === 1 ? "this product" : `these ${why.terms.length} products`}${bias} add up to the value exactly.`;
  }
  return PASSED_ON[layer.op] ?? "Not a sum: its formula stands above.";
}

/** @param {Layer} layer @param {Explanation} why @returns {boolean} whether the parts add up to the value (and the bias) */
export function isSum(layer, why) {
  return why.reduce === "sum" || (why.reduce === "mean" && layer.op === "Layer");
}

/**
 * What each term brings to the value, the largest first.
 * @param {Layer} layer
 * @param {Explanation} why
 * @returns {Part[]}
 */
export function contributionsOf(layer, why) {
  const share = why.reduce === "mean" ? 1 / why.terms.length : 1;
  const parts = why.terms.map((term, k) => ({ step: { layer: readBy(layer, why, term, k), at: term.cell }, term, part: term.product * share }));
  return parts.sort((a, b) => Math.abs(b.part) - Math.abs(a.part));
}

/** @param {Layer} layer @param {Explanation} why @param {Term} term @param {number} k */
function readBy(layer, why, term, k) {
  if (term.from) return term.from;
  return layer.inputs[why.terms.length === layer.inputs.length ? k : 0] ?? layer.inputs[0];
}

/**
 * The term to follow: the winner, the value itself, or what weighs most; null where there is none.
 * @param {Layer} layer
 * @param {Explanation} why
 * @param {(step: Step) => boolean} isOpen whether one can go on from there
 * @returns {Part | null}
 */
export function strongest(layer, why, isOpen) {
  const parts = contributionsOf(layer, why).filter(({ term }) => !term.in_border);
  const own = OWN_VALUE.has(layer.op) ? parts.find(({ term }) => term.cell.join() === why.at.join()) : undefined;
  const first = parts.find(({ term }) => term.winner) ?? own ?? parts[0];
  if (!first || isOpen(first.step)) return first ?? null;
  return parts.find(({ step }) => isOpen(step)) ?? first;
}

/**
 * Where a class stands in the result that is predicted from.
 * @param {PageDocument} page
 * @param {Prediction} prediction
 * @param {number} number
 * @returns {Step}
 */
export function classPlace(page, prediction, number) {
  const layer = /** @type {Layer} */ (page.layers.find((one) => one.name === prediction.layer));
  const axis = layer.map_axis ?? layer.shape.length - 1;
  return { layer: layer.name, at: layer.shape.map((_, k) => (k === axis ? number : 0)) };
}

/**
 * The part of the network's input that a value depends on, axis by axis: the first cell and the one behind the last, without padding.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {Layer} input
 * @returns {{ axis: string, from: number, to: number, extent: number }[]}
 */
export function fieldOf(layer, at, input) {
  return input.axes.map((axis, place) => {
    const extent = input.shape[place];
    const reach = layer.reach[axis];
    if (!reach) return { axis, from: 0, to: extent, extent };
    const along = /** @type {number | null} */ (/** @type {unknown} */ (reach.along));
    const first = Math.ceil(-reach.padding + (along === null ? 0 : at[along] * reach.stride));
    const clipped = (/** @type {number} */ cell) => Math.min(Math.max(cell, 0), extent);
    return { axis, from: clipped(first), to: clipped(first + Math.ceil(reach.field)), extent };
  });
}

/**
 * All cells of a field.
 * @param {{ from: number, to: number }[]} field
 * @returns {Cell[]}
 */
export function cellsOf(field) {
  return field.reduce(
    (begun, { from, to }) => begun.flatMap((cell) => Array.from({ length: Math.max(0, to - from) }, (_, k) => [...cell, from + k])),
    /** @type {Cell[]} */ ([[]]),
  );
}
