/**
 * The weights that make one output value, as small maps of their own: of every filter the part that this output reads.
 */

/** @import { Cell, Explanation, Layer, Tensor } from "./contract.js" */

/**
 * @typedef {object} Filter
 * @property {string} name
 * @property {Tensor} tensor what is read of it, counted from `origin`
 * @property {number | null} mapAxis
 * @property {number[]} places
 * @property {string[]} axes
 * @property {Cell} origin
 */

/**
 * The filters of an explained value, in the order of the equation.
 * @param {Layer} layer
 * @param {Explanation} why
 * @returns {Filter[]}
 */
export function filtersOf(layer, why) {
  const { sized } = layer;
  if (!sized || why.terms.length === 0) return [];
  return sized.operands.slice(sized.inputs).map((operand, k) => {
    const number = why.terms[0].weights.length - (sized.operands.length - sized.inputs) + k;
    const read = why.terms.map((term) => term.weights[number]);
    const low = operand.shape.map((_, axis) => Math.min(...read.map(({ cell }) => cell[axis])));
    const high = operand.shape.map((_, axis) => Math.max(...read.map(({ cell }) => cell[axis])));
    const shape = low.map((from, axis) => high[axis] - from + 1);
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    for (const { cell, weight } of read) data[shape.reduce((offset, n, axis) => offset * n + cell[axis] - low[axis], 0)] = weight;
    const wide = shape.flatMap((n, axis) => (n > 1 ? [axis] : []));
    const taps = wide.filter((axis) => isTap(layer, operand.axes[axis]));
    const places = taps.length ? taps : wide.slice(1);
    return {
      name: operand.name,
      tensor: { shape, data, scale: 1, max: data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) },
      mapAxis: wide.find((axis) => !places.includes(axis)) ?? null,
      places,
      axes: operand.axes.map(written),
      origin: low,
    };
  });

  /** @param {import("./contract.js").Axis} axis */
  function written(axis) {
    return "name" in axis ? axis.name : "merged" in axis ? axis.merged.join(" ") : "";
  }
}

/**
 * @param {Layer} layer
 * @param {import("./contract.js").Axis} axis
 * @returns {boolean}
 */
function isTap(layer, axis) {
  return "name" in axis && layer.sized?.roles[axis.name] === "tap";
}
