/**
 * Layers that are no equation: which cells of an input one output reads, and which outputs one cell feeds.
 *
 *     value by value   Activation, Dropout, BatchNorm, Add, Elementwise     the same cell; cell 0 of an axis that is repeated
 *     moved            Concat, Slice, Take, Pad, Reshape                    one cell, at another place
 *     rows             Softmax, LocalResponseNorm, LayerNorm, GroupNorm     all that the value is divided by
 *     Distance                                                              a whole row
 *
 * The answer is always one set of cells an axis. `shapes` are those of the layer's inputs, `number` says which of them is meant.
 */

/** @import { Cell, Layer, ReadCell } from "./contract.js" */
/** @import { Region } from "./region.js" */

import { modulo, sourceOf } from "./axis.js";
import { boxOf, nowhere } from "./region.js";
import { cellAt, isInside, offsetOf } from "./tensor.js";

/**
 * What the output at `at` reads of an input.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {number[][]} shapes
 * @param {number} [number]
 * @returns {Region}
 */
export function readRegionOfOther(layer, at, shapes, number = 0) {
  const { op, options } = layer;
  const shape = shapes[number];
  const axis = modulo(options.axis ?? 0, Math.max(1, at.length));
  switch (op) {
    case "Activation":
    case "Dropout":
    case "BatchNorm":
    case "Add":
      return boxOf(at.map((c) => [c]));
    case "Elementwise":
      return boxOf(shape.map((n, k) => [n === 1 ? 0 : at[k + at.length - shape.length]]));
    case "Concat": {
      const own = at[axis] - startOf(shapes, axis, number);
      return own >= 0 && own < shape[axis] ? boxOf(movedAlong(at, axis, [own])) : nowhere(shape.length);
    }
    case "Slice":
      return boxOf(movedAlong(at, axis, [options.start + options.step * at[axis]]));
    case "Take":
      return boxOf(movedAlong(at, axis, [options.cells[at[axis]]]));
    case "Pad":
      return boxOf(at.map((c, k) => [c - options.cells[k][0]]));
    case "Reshape":
      return boxOf(cellAt(shape, offsetOf(layer.shape, at)).map((c) => [c]));
    case "LocalResponseNorm": {
      const low = at[axis] - Math.floor(options.size / 2);
      return boxOf(movedAlong(at, axis, cellsBetween(Math.max(0, low), Math.min(shape[axis], low + options.size))));
    }
    case "Softmax":
      return boxOf(movedAlong(at, axis, cellsBetween(0, shape[axis])));
    case "LayerNorm":
    case "GroupNorm":
      return boxOf(normalisedWith(layer, at, shape));
    case "Distance":
      return boxOf([[at[0]], cellsBetween(0, shape[1])]);
    default:
      return nowhere(shape?.length ?? 0);
  }
}

/**
 * The outputs that a cell of an input feeds.
 * @param {Layer} layer
 * @param {Cell} cell
 * @param {number[][]} shapes
 * @param {number} [number]
 * @returns {Region}
 */
export function fedRegionOfOther(layer, cell, shapes, number = 0) {
  const { op, options, shape } = layer;
  const read = shapes[number];
  const axis = modulo(options.axis ?? 0, Math.max(1, shape.length));
  if (op !== "Pad" && !isInside(read, cell)) return nowhere(shape.length);
  switch (op) {
    case "Elementwise": {
      const missing = shape.length - read.length;
      return boxOf(shape.map((n, k) => (k < missing || read[k - missing] === 1 ? cellsBetween(0, n) : [cell[k - missing]])));
    }
    case "Concat":
      return boxOf(movedAlong(cell, axis, [cell[axis] + startOf(shapes, axis, number)]));
    case "Slice":
      return boxOf(movedAlong(cell, axis, cellsBetween(0, shape[axis]).filter((k) => options.start + options.step * k === cell[axis])));
    case "Take":
      return boxOf(movedAlong(cell, axis, cellsBetween(0, shape[axis]).filter((k) => options.cells[k] === cell[axis])));
    case "Pad":
      return boxOf(shape.map((n, k) => cellsBetween(0, n).filter((c) => isPaddedFrom(c - options.cells[k][0], cell[k], read[k], options.border))));
    case "Reshape":
      return boxOf(cellAt(shape, offsetOf(read, cell)).map((c) => [c]));
    case "LocalResponseNorm": {
      const low = cell[axis] + Math.floor(options.size / 2) - options.size + 1;
      return boxOf(movedAlong(cell, axis, cellsBetween(Math.max(0, low), Math.min(shape[axis], low + options.size))));
    }
    case "Distance":
      return boxOf([[cell[0]], cellsBetween(0, shape[1])]);
    default: // what reads the same cell, or a row that reads itself
      return readRegionOfOther(layer, cell, shapes, number);
  }
}

/**
 * The cells that the output at `at` reads of an input, with the cell whose value stands there.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {number[][]} shapes
 * @param {number} [number]
 * @returns {ReadCell[]}
 */
export function readCellsOfOther(layer, at, shapes, number = 0) {
  const found = readRegionOfOther(layer, at, shapes, number).cells();
  if (layer.op !== "Pad") return found.map((cell) => ({ cell, source: cell }));
  return found.map((cell) => {
    const source = cell.map((c, k) => sourceOf(c, shapes[number][k], layer.options.border));
    return { cell, source: source.includes(null) ? null : /** @type {Cell} */ (source) };
  });
}

/**
 * The outputs that a cell of an input feeds, one by one.
 * @param {Layer} layer
 * @param {Cell} cell
 * @param {number[][]} shapes
 * @param {number} [number]
 * @returns {Cell[]}
 */
export function fedByOther(layer, cell, shapes, number = 0) {
  return fedRegionOfOther(layer, cell, shapes, number).cells();
}

/**
 * Where a branch begins along the axis of a concat.
 * @param {number[][]} shapes
 * @param {number} axis
 * @param {number} number
 */
function startOf(shapes, axis, number) {
  return shapes.slice(0, number).reduce((sum, shape) => sum + shape[axis], 0);
}

/**
 * The place with other cells along one axis.
 * @param {Cell} at
 * @param {number} axis
 * @param {number[]} cells
 */
function movedAlong(at, axis, cells) {
  return at.map((c, k) => (k === axis ? cells : [c]));
}

/**
 * What a normalised value is measured against.
 * @param {Layer} layer
 * @param {Cell} at
 * @param {number[]} shape
 */
function normalisedWith({ op, options }, at, shape) {
  if (op === "LayerNorm") {
    const wide = options.axes.map((/** @type {number} */ axis) => modulo(axis, shape.length));
    return at.map((c, k) => (wide.includes(k) ? cellsBetween(0, shape[k]) : [c]));
  }
  const size = shape[1] / options.groups;
  const first = Math.floor(at[1] / size) * size;
  return at.map((c, k) => (k === 0 ? [c] : k === 1 ? cellsBetween(first, first + size) : cellsBetween(0, shape[k])));
}

/**
 * Whether the value at `address` of a padded axis is that of `cell`; a cell beyond the edge stands for itself.
 * @param {number} address
 * @param {number} cell
 * @param {number} extent
 * @param {import("./contract.js").Border} border
 */
function isPaddedFrom(address, cell, extent, border) {
  return address === cell || sourceOf(address, extent, border) === cell;
}

/**
 * @param {number} start
 * @param {number} stop
 * @returns {number[]}
 */
function cellsBetween(start, stop) {
  return Array.from({ length: Math.max(0, stop - start) }, (_, k) => start + k);
}
