/**
 * Painting the maps of a tensor into a canvas: cells as pixels, vectors as bars, one axis as a curve. Where a map is drawn smaller than it
 * is, a pixel is the mean of the cells that it covers.
 */

/** @import { Tensor } from "./contract.js" */
/** @import { Drawn, Tile } from "./tiles.js" */

import { inked, step, written } from "./colour.js";

/**
 * All that painting needs to know beside the tiles.
 * @typedef {object} Look
 * @property {Tensor} tensor
 * @property {Drawn} drawn
 * @property {number[]} slice a place whose slider axes hold
 * @property {number} most the value that has the scale's last colour
 * @property {Uint32Array} colours
 * @property {boolean} isDark
 * @property {string[] | null} [labels] names of the bars
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Tile[]} tiles
 * @param {Look} look
 * @param {{ width: number, height: number, ratio: number }} size in CSS pixels, and how many of the canvas one of them takes
 */
export function paint(canvas, tiles, look, { width, height, ratio }) {
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (const tile of tiles) if (tile.form === "image") paintImage(pixels, canvas.width, canvas.height, tile, look, ratio);
  context.putImageData(image, 0, 0);
  context.scale(ratio, ratio);
  const hasNegative = tiles.some((tile) => tile.form === "bar") && anyNegative(look.tensor);
  for (const tile of tiles) {
    if (tile.form === "curve") paintCurve(context, tile, look);
    if (tile.form === "bar") paintBar(context, tile, look, hasNegative);
    paintRing(context, tile, look);
  }
}

/**
 * @param {Tensor} tensor
 * @returns {boolean}
 */
function anyNegative(tensor) {
  return tensor.data.some((/** @type {number} */ value) => value < 0);
}

/**
 * Where a map's first cell lies in the data.
 * @param {Look} look
 * @param {number} map
 * @returns {number}
 */
function firstOf({ drawn, slice }, map) {
  let start = drawn.mapAxis === null ? 0 : map * drawn.strides[drawn.mapAxis];
  for (const axis of drawn.sliders) start += slice[axis] * drawn.strides[axis];
  return start;
}

/**
 * @param {Uint32Array} pixels
 * @param {number} pitch
 * @param {number} bottom
 * @param {Tile} tile
 * @param {Look} look
 * @param {number} ratio
 */
function paintImage(pixels, pitch, bottom, tile, look, ratio) {
  const { drawn, tensor, colours } = look;
  const start = firstOf(look, tile.map);
  const left = tile.x + tile.ring.left * tile.cellWidth;
  const top = tile.y + tile.ring.top * tile.cellHeight;
  const across = spans(left * ratio, tile.cellWidth * ratio, drawn.columns, pitch);
  const down = spans(top * ratio, tile.cellHeight * ratio, drawn.rows, bottom);
  const columnStride = drawn.columnAxis === null ? 0 : drawn.strides[drawn.columnAxis];
  const rowStride = drawn.rowAxis === null ? 0 : drawn.strides[drawn.rowAxis];
  const factor = tensor.scale;
  for (const [y, row, endRow] of down) {
    for (const [x, column, endColumn] of across) {
      let sum = 0;
      for (let r = row; r < endRow; r++) {
        for (let c = column; c < endColumn; c++) sum += tensor.data[start + r * rowStride + c * columnStride];
      }
      pixels[y * pitch + x] = colours[step((factor * sum) / ((endRow - row) * (endColumn - column)), look.most)];
    }
  }
}

/**
 * The pixels of a row of cells, each with the cells from one number to before another that it shows.
 * @param {number} start
 * @param {number} size of a cell
 * @param {number} count
 * @param {number} end of the canvas
 * @returns {[number, number, number][]}
 */
function spans(start, size, count, end) {
  const first = Math.round(start);
  const pixels = Math.max(1, Math.round(start + size * count) - first);
  /** @type {[number, number, number][]} */
  const found = [];
  for (let p = 0; p < pixels && first + p < end; p++) {
    const from = Math.floor(((p + 0.5 * (pixels >= count ? 1 : 0)) * count) / pixels);
    found.push([first + p, from, pixels >= count ? from + 1 : Math.max(from + 1, Math.floor(((p + 1) * count) / pixels))]);
  }
  return found;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Tile} tile
 * @param {Look} look
 */
function paintCurve(context, tile, look) {
  const { drawn, tensor, most, colours } = look;
  const start = firstOf(look, tile.map);
  const stride = drawn.strides[/** @type {number} */ (drawn.columnAxis)];
  const middle = tile.y + tile.height / 2;
  const half = tile.height / 2 - 2;
  /** @type {(column: number) => [number, number]} */
  const point = (column) => {
    const value = tensor.data[start + column * stride] * tensor.scale;
    return [tile.x + (column + tile.ring.left + 0.5) * tile.cellWidth, middle - (half * (value || 0)) / (most || 1)];
  };
  context.fillStyle = look.isDark ? "#ffffff0d" : "#0000000a";
  context.fillRect(tile.x, tile.y, tile.width, tile.height);
  for (const [sign, clip] of [
    [-1, middle],
    [1, tile.y],
  ]) {
    context.save();
    context.beginPath();
    context.rect(tile.x, clip, tile.width, tile.height / 2);
    context.clip();
    context.beginPath();
    context.moveTo(point(0)[0], middle);
    for (let column = 0; column < drawn.columns; column++) context.lineTo(...point(column));
    context.lineTo(point(drawn.columns - 1)[0], middle);
    context.fillStyle = inked(colours, sign * 0.55, 1).ground;
    context.fill();
    context.restore();
  }
  context.beginPath();
  for (let column = 0; column < drawn.columns; column++) context.lineTo(...point(column));
  context.strokeStyle = look.isDark ? "#f2f2f2" : "#1d1d1f";
  context.lineWidth = tile.height > 60 ? 1.5 : 1;
  context.stroke();
  context.fillStyle = look.isDark ? "#ffffff55" : "#00000044";
  context.fillRect(tile.x, middle - 0.5, tile.width, 1);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Tile} tile
 * @param {Look} look
 * @param {boolean} hasNegative
 */
function paintBar(context, tile, look, hasNegative) {
  const value = look.tensor.data[firstOf(look, tile.map)] * look.tensor.scale;
  const isNamed = tile.height >= 12 && tile.width >= 120;
  const label = look.labels?.[tile.map] ?? String(tile.map);
  const named = isNamed
    ? look.labels
      ? 8 + 6.8 * Math.min(16, ...[look.labels.reduce((most, text) => Math.max(most, text.length), 2)])
      : 26
    : 0;
  const room = tile.width - named - (isNamed ? 62 : 0);
  const zero = tile.x + named + (hasNegative ? room / 2 : 0);
  const length = (value / (look.most || 1)) * (hasNegative ? room / 2 : room) || 0;
  const inner = Math.max(1, tile.height - (tile.height > 6 ? 3 : 1));
  context.fillStyle = look.isDark ? "#ffffff10" : "#0000000c";
  context.fillRect(tile.x + named, tile.y, room, inner);
  context.fillStyle = inked(look.colours, Math.sign(value) * 0.7, 1).ground;
  context.fillRect(Math.min(zero, zero + length), tile.y, Math.max(Math.abs(length), 0.5), inner);
  if (!isNamed) return;
  context.font = "11px ui-monospace, Menlo, Consolas, monospace";
  context.textBaseline = "middle";
  context.fillStyle = look.isDark ? "#e8e8e8" : "#2a2a2c";
  context.fillText(shortened(label, named / 6.7), tile.x + 2, tile.y + inner / 2);
  context.textAlign = "right";
  context.fillText(written(value), tile.x + tile.width - 3, tile.y + inner / 2);
  context.textAlign = "left";
}

/**
 * @param {string} text
 * @param {number} most letters
 * @returns {string}
 */
function shortened(text, most) {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, Math.floor(most) - 1))}…`;
}

/**
 * Padding: hatched, so that it can't be taken for cells.
 * @param {CanvasRenderingContext2D} context
 * @param {Tile} tile
 * @param {Look} look
 */
function paintRing(context, tile, look) {
  const { top, bottom, left, right } = tile.ring;
  if (top + bottom + left + right === 0) return;
  const outer = [tile.x, tile.y, tile.width, tile.height];
  const inner = [
    tile.x + left * tile.cellWidth,
    tile.y + top * tile.cellHeight,
    tile.width - (left + right) * tile.cellWidth,
    tile.height - (top + bottom) * tile.cellHeight,
  ];
  context.save();
  context.beginPath();
  context.rect(outer[0], outer[1], outer[2], outer[3]);
  context.rect(inner[0], inner[1], inner[2], inner[3]);
  context.clip("evenodd");
  context.fillStyle = look.isDark ? "#ffffff0d" : "#00000008";
  context.fillRect(tile.x, tile.y, tile.width, tile.height);
  context.beginPath();
  for (let x = tile.x - tile.height; x < tile.x + tile.width; x += 5) {
    context.moveTo(x, tile.y + tile.height);
    context.lineTo(x + tile.height, tile.y);
  }
  context.strokeStyle = look.isDark ? "#ffffff40" : "#00000030";
  context.lineWidth = 0.8;
  context.stroke();
  context.restore();
}
