/**
 * What one output of any layer reads, and what one cell of an input feeds: equations and the other layers behind one pair of questions.
 *
 * A region has `sets` (the cells of every axis), `isBox` (whether it is all of their product), `cells()` and `has(cell)`.
 */

/** @import { Cell, Layer } from "./contract.js" */
/** @import { Region } from "./region.js" */

import { fedRegion, readRegion } from "./equation.js";
import { fedRegionOfOther, readRegionOfOther } from "./other.js";

/**
 * The cells of input `number` that the output at `at` reads, those in the padding included. For an equation, numbers from
 * `sized.inputs` on ask for its filters.
 * @param {Layer} layer
 * @param {number} number
 * @param {Cell} at
 * @param {number[][]} shapes  of the layer's inputs
 * @returns {Region}
 */
export function readsOf(layer, number, at, shapes) {
  return layer.sized ? readRegion(layer.sized, number, at) : readRegionOfOther(layer, at, shapes, number);
}

/**
 * The outputs that a cell of input `number` feeds.
 * @param {Layer} layer
 * @param {number} number
 * @param {Cell} cell
 * @param {number[][]} shapes  of the layer's inputs
 * @returns {Region}
 */
export function feedsOf(layer, number, cell, shapes) {
  return layer.sized ? fedRegion(layer.sized, number, cell) : fedRegionOfOther(layer, cell, shapes, number);
}
