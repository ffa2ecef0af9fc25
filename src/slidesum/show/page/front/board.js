/**
 * A canvas of maps and, over it, a canvas of what is lit; and which cell the pointer is on.
 */

/** @import { LitMaps } from "./lit.js" */
/** @import { Look } from "./paint.js" */
/** @import { Drawn, Tile } from "./tiles.js" */

import { h, setStyle } from "./dom.js";
import { drawLit } from "./lit.js";
import { paint } from "./paint.js";
import { cellUnder } from "./tiles.js";

/** @typedef {{ map: number, row: number, column: number }} MapCell */

/**
 * @typedef {object} Board
 * @property {HTMLElement} el
 * @property {(laid: { tiles: Tile[], width: number, height: number }, look: Look, marks?: MapCell[]) => void} draw
 * @property {(lit: LitMaps[], veil?: boolean) => void} light
 * @property {(map: number) => Tile | undefined} tileOf
 */

/**
 * @param {object} told
 * @param {string} told.label for who doesn't see it
 * @param {(cell: MapCell | null, event: PointerEvent) => void} [told.onHover]
 * @param {(cell: MapCell, event: MouseEvent) => void} [told.onPick]
 * @returns {Board}
 */
export function createBoard({ label, onHover, onPick }) {
  const base = h("canvas", { class: "board-base" });
  const over = h("canvas", { class: "board-over" });
  const el = h("div", { class: "board", role: "img", "aria-label": label }, base, over);
  /** @type {Tile[]} */
  let tiles = [];
  /** @type {Map<number, Tile[]>} */
  let byMap = new Map();
  /** @type {Drawn | null} */
  let drawn = null;
  let isDark = false;
  let ratio = 1;

  /** @type {(event: MouseEvent) => MapCell | null} */
  const under = (event) => {
    if (!drawn) return null;
    const box = el.getBoundingClientRect();
    const zoom = el.offsetWidth / box.width || 1;
    return cellUnder(tiles, drawn, (event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom);
  };
  if (onHover) {
    el.addEventListener("pointermove", (event) => event.pointerType !== "touch" && onHover(under(event), event));
    el.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && onHover(null, event));
  }
  if (onPick) {
    el.addEventListener("click", (event) => {
      const cell = under(event);
      if (cell) onPick(cell, event);
    });
  }

  return {
    el,
    draw(laid, look, marks = []) {
      ({ tiles } = laid);
      ({ drawn, isDark } = look);
      ratio = Math.min(window.devicePixelRatio || 1, 2);
      byMap = new Map();
      for (const tile of tiles) byMap.set(tile.map, [...(byMap.get(tile.map) ?? []), tile]);
      const size = { width: Math.ceil(laid.width), height: Math.ceil(laid.height) };
      setStyle(el, { width: `${size.width}px`, height: `${size.height}px` });
      paint(base, tiles, look, { ...size, ratio });
      drawMarks(base, byMap, marks, ratio, isDark);
      over.width = base.width;
      over.height = base.height;
    },
    light(lit, veil = true) {
      const context = over.getContext("2d");
      if (!context) return;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, over.width, over.height);
      context.scale(ratio, ratio);
      drawLit(context, byMap, lit, { isDark, veil });
    },
    tileOf: (map) => byMap.get(map)?.[0],
  };
}

/**
 * Dots on the cells that have something to tell.
 * @param {HTMLCanvasElement} canvas
 * @param {Map<number, Tile[]>} tiles
 * @param {MapCell[]} marks
 * @param {number} ratio
 * @param {boolean} isDark
 */
function drawMarks(canvas, tiles, marks, ratio, isDark) {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const { map, row, column } of marks) {
    for (const tile of tiles.get(map) ?? []) {
      const x = tile.x + (column + tile.ring.left + 0.5) * tile.cellWidth;
      const y = tile.y + (row + tile.ring.top + 0.5) * tile.cellHeight;
      const radius = Math.min(Math.max(tile.cellWidth / 4, 1.3), 3);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = isDark ? "#5ee6a8" : "#00764f";
      context.strokeStyle = isDark ? "#000" : "#fff";
      context.lineWidth = 1;
      context.stroke();
      context.fill();
    }
  }
}
