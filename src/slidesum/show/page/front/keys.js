// Keys that move a place: the arrows along columns and rows, page up and down along the maps, Home and End to the ends of a row.

/**
 * Where a key leads, or null where it leads nowhere.
 * @param {string} key
 * @param {number[]} at
 * @param {number[]} shape
 * @param {number} mapsAxis
 * @returns {number[] | null}
 */
export function placeKey(key, at, shape, mapsAxis) {
  const last = shape.length - 1;
  /** @type {Record<string, [number, number]>} */
  const moves = {
    ArrowRight: [last, 1], ArrowLeft: [last, -1], ArrowDown: [last - 1, 1], ArrowUp: [last - 1, -1],
    PageDown: [mapsAxis, 1], PageUp: [mapsAxis, -1], Home: [last, -shape[last]], End: [last, shape[last]],
  };
  if (!Object.hasOwn(moves, key)) return null;
  const [axis, by] = moves[key];
  return at.map((cell, k) => (k === axis ? Math.min(Math.max(cell + by, 0), shape[axis] - 1) : cell));
}
