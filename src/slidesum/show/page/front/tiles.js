/**
 * How the maps of a tensor lie on a canvas: which axes are drawn, one tile a map, and which cell lies under a point.
 */

/**
 * A tensor as maps of rows and columns. `sliders` are the axes that are looked at one cell at a time: slices of a volume, the batch.
 * @typedef {object} Drawn
 * @property {number[]} shape
 * @property {number[]} strides
 * @property {number | null} mapAxis
 * @property {number | null} rowAxis
 * @property {number | null} columnAxis
 * @property {number[]} sliders
 * @property {number} maps
 * @property {number} rows
 * @property {number} columns
 */

/**
 * Cells of padding around a map that are drawn, too.
 * @typedef {{ top: number, bottom: number, left: number, right: number }} Ring
 */

/**
 * Where a map lies; `x`, `y` are its outer corner, ring included; a cell takes `cellWidth` × `cellHeight`.
 * @typedef {object} Tile
 * @property {"image" | "curve" | "bar"} form
 * @property {number} map
 * @property {number} x
 * @property {number} y
 * @property {number} cellWidth
 * @property {number} cellHeight
 * @property {number} width
 * @property {number} height
 * @property {Ring} ring
 */

/** @type {Ring} */
export const NO_RING = { top: 0, bottom: 0, left: 0, right: 0 };

/**
 * The last two of `places` are rows and columns, what stands before them gets sliders, as does every other axis that has several cells.
 * @param {number[]} shape
 * @param {number | null} mapAxis
 * @param {number[]} places
 * @returns {Drawn}
 */
export function drawnAs(shape, mapAxis, places) {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  const columnAxis = places.length > 0 ? places[places.length - 1] : null;
  const rowAxis = places.length > 1 ? places[places.length - 2] : null;
  const shown = [mapAxis, rowAxis, columnAxis];
  const sliders = shape.flatMap((n, axis) => (n > 1 && !shown.includes(axis) ? [axis] : []));
  return {
    shape,
    strides,
    mapAxis,
    rowAxis,
    columnAxis,
    sliders,
    maps: mapAxis === null ? 1 : shape[mapAxis],
    rows: rowAxis === null ? 1 : shape[rowAxis],
    columns: columnAxis === null ? 1 : shape[columnAxis],
  };
}

/**
 * @param {Drawn} drawn
 * @returns {"image" | "curve" | "bar"} bars for few numbers, curves along one axis
 */
export function formOf(drawn) {
  if (drawn.columnAxis === null) return drawn.maps <= 24 ? "bar" : "image";
  return drawn.rowAxis === null && drawn.columns > 1 ? "curve" : "image";
}

/**
 * The place of a map's row and column among the chosen slices.
 * @param {Drawn} drawn
 * @param {number[]} slice a place whose slider axes hold
 * @param {number} map
 * @param {number} row
 * @param {number} column
 * @returns {number[]}
 */
export function placeOf(drawn, slice, map, row, column) {
  const place = [...slice];
  if (drawn.mapAxis !== null) place[drawn.mapAxis] = map;
  if (drawn.rowAxis !== null) place[drawn.rowAxis] = row;
  if (drawn.columnAxis !== null) place[drawn.columnAxis] = column;
  return place;
}

/**
 * @param {Drawn} drawn
 * @param {number[]} place
 * @returns {{ map: number, row: number, column: number }}
 */
export function cellOf(drawn, place) {
  return {
    map: drawn.mapAxis === null ? 0 : place[drawn.mapAxis],
    row: drawn.rowAxis === null ? 0 : place[drawn.rowAxis],
    column: drawn.columnAxis === null ? 0 : place[drawn.columnAxis],
  };
}

/**
 * One map as large as the frame allows, cells square and where possible whole pixels.
 * @param {Drawn} drawn
 * @param {number} map
 * @param {number} width
 * @param {number} height
 * @param {Ring} ring
 * @returns {Tile}
 */
export function largeTile(drawn, map, width, height, ring) {
  if (formOf(drawn) === "curve") return curveTile(drawn, map, 0, 0, width, Math.min(height, 130), ring);
  const columns = drawn.columns + ring.left + ring.right;
  const rows = drawn.rows + ring.top + ring.bottom;
  return imageTile(drawn, map, 0, 0, scaleFor(Math.min(width, (height * columns) / rows, 44 * columns), columns, false), ring);
}

/**
 * The maps, small, as large as the frame allows: bars below each other, the others in rows from left to right. Where they would be
 * smaller than `least`, there are fewer of them, or with `all` more rows than fit.
 * @param {Drawn} drawn
 * @param {{ width: number, height: number, least: number, all?: boolean }} frame
 * @param {Ring} ring
 * @returns {{ tiles: Tile[], width: number, height: number }}
 */
export function smallTiles(drawn, { width, height, least, all = false }, ring) {
  const form = formOf(drawn);
  if (form === "bar") return barTiles(drawn, width, Math.min(Math.max(height / drawn.maps, all ? 12 : 0), 22));
  const isCell = drawn.rows * drawn.columns === 1;
  const columns = drawn.columns + ring.left + ring.right;
  const rows = drawn.rows + ring.top + ring.bottom;
  const ratio = form === "curve" ? 0.4 : rows / columns;
  const smallest = isCell ? 3 : least;
  const gap = isCell ? 1 : drawn.maps > 120 ? 2 : 4;
  const most = form === "curve" ? width : isCell ? 14 : Math.max(96, 1.5 * columns);
  const grid = gridOf(drawn.maps, width, height, ratio, gap, smallest, most);
  const scale = scaleFor(grid.width, columns, isCell);
  const tileWidth = form === "curve" ? grid.width : scale * columns;
  const tileHeight = form === "curve" ? grid.width * ratio : scale * rows;
  const tiles = Array.from({ length: all ? drawn.maps : grid.count }, (_, map) => {
    const x = Math.round((map % grid.perRow) * (tileWidth + gap));
    const y = Math.round(Math.floor(map / grid.perRow) * (tileHeight + gap));
    return form === "curve" ? curveTile(drawn, map, x, y, tileWidth, tileHeight, ring) : imageTile(drawn, map, x, y, scale, ring);
  });
  return { tiles, width: Math.max(...tiles.map((t) => t.x + t.width)), height: Math.max(...tiles.map((t) => t.y + t.height)) };
}

/**
 * How many tiles stand beside each other so that all are as large as can be.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @param {number} ratio of a tile's height to its width
 * @param {number} gap
 * @param {number} least
 * @param {number} most
 * @returns {{ count: number, perRow: number, width: number }}
 */
function gridOf(count, width, height, ratio, gap, least, most) {
  const first = Math.min(
    count,
    Math.max(1, Math.floor((width + gap) / (most + gap))),
    Math.ceil(Math.sqrt((1.6 * count * ratio * width) / Math.max(Math.min(height, width), 1))),
  );
  for (let perRow = first; ; perRow++) {
    const tile = Math.min((width - gap * (perRow - 1)) / perRow, most);
    const lines = Math.max(1, Math.floor((height + gap) / (tile * ratio + gap)));
    if (lines * perRow >= count && tile * ratio <= height) return { count, perRow: Math.min(perRow, count), width: tile };
    const next = (width - gap * perRow) / (perRow + 1);
    if (next < least) return { count: Math.min(count, lines * perRow), perRow, width: tile };
  }
}

/**
 * A cell takes whole or half pixels where it takes several.
 * @param {number} width
 * @param {number} columns
 * @param {boolean} isCell
 * @returns {number}
 */
function scaleFor(width, columns, isCell) {
  const scale = width / columns;
  return isCell || scale >= 6 ? Math.floor(scale) : scale >= 2 ? Math.floor(2 * scale) / 2 : scale;
}

/**
 * @param {Drawn} drawn
 * @param {number} width
 * @param {number} height of one
 * @returns {{ tiles: Tile[], width: number, height: number }}
 */
function barTiles(drawn, width, height) {
  const tiles = Array.from({ length: drawn.maps }, (_, map) => ({
    form: /** @type {const} */ ("bar"),
    map,
    x: 0,
    y: map * height,
    cellWidth: width,
    cellHeight: height,
    width,
    height,
    ring: NO_RING,
  }));
  return { tiles, width, height: drawn.maps * height };
}

/**
 * @param {Drawn} drawn
 * @param {number} map
 * @param {number} x
 * @param {number} y
 * @param {number} scale
 * @param {Ring} ring
 * @returns {Tile}
 */
function imageTile(drawn, map, x, y, scale, ring) {
  const width = scale * (drawn.columns + ring.left + ring.right);
  const height = scale * (drawn.rows + ring.top + ring.bottom);
  return { form: "image", map, x, y, cellWidth: scale, cellHeight: scale, width, height, ring };
}

/**
 * @param {Drawn} drawn
 * @param {number} map
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {Ring} ring
 * @returns {Tile}
 */
function curveTile(drawn, map, x, y, width, height, ring) {
  const sides = { ...NO_RING, left: ring.left, right: ring.right };
  const cellWidth = width / (drawn.columns + ring.left + ring.right);
  return { form: "curve", map, x, y, cellWidth, cellHeight: height, width, height, ring: sides };
}

/**
 * The rectangle of a cell, which may lie in the ring.
 * @param {Tile} tile
 * @param {number} row
 * @param {number} column
 * @returns {{ x: number, y: number, width: number, height: number }}
 */
export function cellBox(tile, row, column) {
  const x = tile.x + (column + tile.ring.left) * tile.cellWidth;
  const y = tile.y + (row + tile.ring.top) * tile.cellHeight;
  return { x, y, width: tile.cellWidth, height: tile.cellHeight };
}

/**
 * The cell under a point, or null between the tiles and in the padding.
 * @param {Tile[]} tiles
 * @param {Drawn} drawn
 * @param {number} x
 * @param {number} y
 * @returns {{ map: number, row: number, column: number } | null}
 */
export function cellUnder(tiles, drawn, x, y) {
  for (const tile of tiles) {
    if (x < tile.x || y < tile.y || x >= tile.x + tile.width || y >= tile.y + tile.height) continue;
    const row = Math.floor((y - tile.y) / tile.cellHeight) - tile.ring.top;
    const column = Math.floor((x - tile.x) / tile.cellWidth) - tile.ring.left;
    if (row < 0 || column < 0 || row >= drawn.rows || column >= drawn.columns) return null;
    return { map: tile.map, row, column };
  }
  return null;
}
