/**
 * What an output reads and what an input feeds, whatever kind of layer it is; and the padding around its inputs.
 */

/** @import { Cell, Layer } from "./contract.js" */
/** @import { Ring } from "./tiles.js" */

import { fedBy, readCells } from "./equation.js";
import { fedByOther, readCellsOfOther } from "./other.js";
import { NO_RING } from "./tiles.js";

/**
 * The cells that an output reads, input by input, those in the padding included.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {number[][]} shapes of the inputs
 * @returns {Cell[][]}
 */
export function readByInput(layer, at, shapes) {
  const { sized } = layer;
  if (sized) return shapes.map((_, number) => readCells(sized, number, at).map(({ cell }) => cell));
  return shapes.map((_, number) => readCellsOfOther(layer, at, shapes, number).map(({ cell }) => cell));
}

/**
 * The outputs that a cell of an input feeds.
 * @param {Layer} layer
 * @param {number} number of the input
 * @param {Cell} cell
 * @param {number[][]} shapes of the inputs
 * @returns {Cell[]}
 */
export function fedByInput(layer, number, cell, shapes) {
  return layer.sized ? fedBy(layer.sized, number, cell) : fedByOther(layer, cell, shapes, number);
}

/**
 * The cells of padding beside the rows and columns of an input.
 * @param {Layer} layer
 * @param {number} number of the input
 * @param {number[]} places the axes of rows and columns are the last two
 * @returns {Ring}
 */
export function ringOf(layer, number, places) {
  const axes = layer.sized?.operands[number]?.axes ?? [];
  /** @type {(place: number | undefined) => [number, number]} */
  const padded = (place) => {
    const axis = place === undefined ? undefined : axes[place];
    return axis && "slide" in axis ? axis.slide.padding : [0, 0];
  };
  if (places.length === 0) return NO_RING;
  const [left, right] = padded(places[places.length - 1]);
  const [top, bottom] = places.length > 1 ? padded(places[places.length - 2]) : [0, 0];
  return { top: Math.max(top, 0), bottom: Math.max(bottom, 0), left: Math.max(left, 0), right: Math.max(right, 0) };
}
