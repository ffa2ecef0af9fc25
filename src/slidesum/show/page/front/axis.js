/**
 * One axis of an array: index values -> cell, cell -> index values, and what stands beyond the edge.
 *
 *     mode        cells … -2 -1 | 0 1 2 3 | 4 5 …
 *     zero             0  0                0 0         (or the number given)
 *     circular         2  3                0 1
 *     reflect          2  1                2 1         the edge cell isn't repeated
 *     replicate        0  0                3 3
 *
 * The rule is that of laws/edge.py. An edge of a result has the same table: what falls beyond it is added to the cell named there.
 */

/** @import { Axis, Border, Slide } from "./contract.js" */

/**
 * The indices of an axis in the order written.
 * @param {Axis} axis
 * @returns {string[]}
 */
export function namesOf(axis) {
  if ("name" in axis) return [axis.name];
  if ("merged" in axis) return axis.merged;
  return "slide" in axis ? axis.slide.steps.map(([name]) => name) : [];
}

/**
 * The cell that these index values address; of a slide it may lie in the padding.
 * @param {Axis} axis
 * @param {Record<string, number>} values
 * @param {Record<string, number>} extents
 * @returns {number}
 */
export function cellOn(axis, values, extents) {
  if ("name" in axis) return values[axis.name];
  if ("slide" in axis) return slideCell(axis.slide, values);
  let cell = 0;
  if ("merged" in axis) for (const name of axis.merged) cell = cell * extents[name] + values[name];
  return cell;
}

/**
 * @param {Slide} slide
 * @param {Record<string, number>} values
 * @returns {number}
 */
export function slideCell(slide, values) {
  let cell = slide.start;
  for (const [name, step] of slide.steps) cell += step * values[name];
  return cell;
}

/**
 * The index values that a cell of an axis tells outright: none of a slide. Null for a cell that isn't there.
 * @param {Axis} axis
 * @param {number} cell
 * @param {Record<string, number>} extents
 * @returns {[string, number][] | null}
 */
export function valuesAt(axis, cell, extents) {
  if ("slide" in axis) return [];
  /** @type {[string, number][]} */
  const found = [];
  for (const name of namesOf(axis).toReversed()) {
    if (cell < 0) return null;
    found.push([name, cell % extents[name]]);
    cell = Math.floor(cell / extents[name]);
  }
  return cell === 0 ? found : null;
}

/**
 * The cell of the array whose value stands at this cell of an axis, or null where a constant stands.
 * @param {Axis} axis
 * @param {number} cell
 * @returns {number | null}
 */
export function standsFor(axis, cell) {
  return "slide" in axis ? sourceOf(cell, axis.slide.extent, axis.slide.border) : cell;
}

/**
 * All cells of a slid axis that stand for this one: the cell itself, and those beyond the edge that repeat it.
 * @param {Slide} slide
 * @param {number} cell
 * @returns {number[]}
 */
export function standingFor(slide, cell) {
  const found = [cell];
  const [low, high] = slide.padding;
  if (!isRepeating(slide.border)) return found;
  for (let c = -low; c < 0; c += 1) if (sourceOf(c, slide.extent, slide.border) === cell) found.push(c);
  for (let c = slide.extent; c < slide.extent + high; c += 1) if (sourceOf(c, slide.extent, slide.border) === cell) found.push(c);
  return found;
}

/**
 * The cell whose value stands at `cell` of an axis with so many cells, or null where a constant stands.
 * @param {number} cell
 * @param {number} extent
 * @param {Border} border
 * @returns {number | null}
 */
export function sourceOf(cell, extent, border) {
  if (cell >= 0 && cell < extent) return cell;
  if (extent === 0 || !isRepeating(border)) return null;
  if (border === "circular") return modulo(cell, extent);
  if (border === "replicate") return cell < 0 ? 0 : extent - 1;
  const period = 2 * (extent - 1);
  if (period === 0) return 0;
  const folded = modulo(cell, period);
  return Math.min(folded, period - folded);
}

/**
 * The number that stands in a constant border: 0 for "zero".
 * @param {Border} border
 * @returns {number}
 */
export function constantOf(border) {
  return typeof border === "number" ? border : 0;
}

/**
 * The remainder that is never negative.
 * @param {number} n
 * @param {number} by
 * @returns {number}
 */
export function modulo(n, by) {
  return ((n % by) + by) % by;
}

/** @param {Border} border */
function isRepeating(border) {
  return border === "circular" || border === "reflect" || border === "replicate";
}
