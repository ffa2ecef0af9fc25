// Sentences about a layer of the lab, from what its readings are.

/** @import { Made } from "./lab.js" */
/** @import { Touch } from "./grids.js" */

import { counted } from "./dom.js";

/**
 * What the value at a place reads.
 * @param {Made} made
 * @param {number[]} at
 * @param {Touch[]} touches
 * @returns {string}
 */
export function readsText(made, at, touches) {
  const [, map, row, column] = at;
  const maps = new Set(touches.map((touch) => touch.map));
  const cells = new Set(touches.map((touch) => `${touch.map} ${touch.row} ${touch.column}`)).size;
  const grids = new Set(touches.map((touch) => touch.grid)).size;
  const beyond = touches.filter((touch) => touch.inBorder).length;
  const place = `Map ${map + 1}, row ${row + 1}, column ${column + 1}`;
  const from = maps.size === 1 ? `of input map ${[...maps][0] + 1}` : `of ${maps.size} input maps`;
  const edge = beyond ? `, ${counted(beyond)} of them in the padding` : "";
  const by = maps.size > 1 && grids === 1 ? "all multiplied with the same grid of weights" : `${grids} ${grids === 1 ? "grid" : "grids"} of weights`;
  return `${place} reads ${several(cells, "value", "values")} ${from}${edge}: ${by}.`;
}

/**
 * Whether pairs of maps share weights.
 * @param {Map<string, number>} sharing
 * @returns {string}
 */
export function sharingText(sharing) {
  const most = Math.max(0, ...sharing.values());
  const places = "Every place of a map uses the same weights";
  if (most <= 1) return `${places}; between maps nothing is shared.`;
  return `${places}, and each grid serves ${most} pairs of an input map and an output map.`;
}

/** @param {number} n @param {string} one @param {string} many */
function several(n, one, many) {
  return `${counted(n)} ${n === 1 ? one : many}`;
}
