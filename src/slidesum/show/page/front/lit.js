/**
 * What lights up on the maps: cells gathered into rectangles map by map, drawn over the maps on a canvas of their own, so that the maps
 * below are painted once and a highlight costs no more than its own strokes.
 */

/** @import { Cell } from "./contract.js" */
/** @import { Drawn, Tile } from "./tiles.js" */

import { cellBox, cellOf } from "./tiles.js";

/**
 * Cells that light up, the padding included: "read" by an output, "fed" by an input, the place "at" itself, the "winner" of a window,
 * or "seen" already by a window that slides.
 * @typedef {{ cells: Cell[], kind: "read" | "fed" | "at" | "winner" | "seen" }} Lit
 */

/**
 * Rows and columns from one number to another, both included.
 * @typedef {{ top: number, bottom: number, left: number, right: number }} Span
 */

/** @typedef {{ kind: Lit["kind"], maps: Map<number, Span[]> }} LitMaps */

/**
 * The cells on the shown slices, by map; those that fill a rectangle are one.
 * @param {Drawn} drawn
 * @param {number[]} slice
 * @param {Lit} lit
 * @returns {LitMaps}
 */
export function gathered(drawn, slice, { cells, kind }) {
  /** @type {Map<number, { span: Span, cells: { row: number, column: number }[] }>} */
  const found = new Map();
  for (const place of cells) {
    if (drawn.sliders.some((axis) => place[axis] !== slice[axis])) continue;
    const { map, row, column } = cellOf(drawn, place);
    const known = found.get(map);
    if (!known) {
      found.set(map, { span: { top: row, bottom: row, left: column, right: column }, cells: [{ row, column }] });
      continue;
    }
    known.cells.push({ row, column });
    known.span.top = Math.min(known.span.top, row);
    known.span.bottom = Math.max(known.span.bottom, row);
    known.span.left = Math.min(known.span.left, column);
    known.span.right = Math.max(known.span.right, column);
  }
  const maps = new Map(
    [...found].map(([map, { span, cells: own }]) => [map, areaOf(span) === own.length ? [span] : own.map(spanOf)]),
  );
  return { kind, maps };
}

/**
 * @param {Span} span
 * @returns {number}
 */
function areaOf({ top, bottom, left, right }) {
  return (bottom - top + 1) * (right - left + 1);
}

/**
 * @param {{ row: number, column: number }} cell
 * @returns {Span}
 */
function spanOf({ row, column }) {
  return { top: row, bottom: row, left: column, right: column };
}

/**
 * What is lit, to be read by others than eyes: "read 0:3-7,4-8;1:3-7,4-8" is a patch of the maps 0 and 1.
 * @param {LitMaps[]} lit
 * @returns {string}
 */
export function spelled(lit) {
  return lit
    .filter(({ kind, maps }) => kind !== "seen" && maps.size > 0)
    .map(
      ({ kind, maps }) =>
        `${kind} ${[...maps].flatMap(([map, spans]) => spans.map((span) => `${map}:${range(span.top, span.bottom)},${range(span.left, span.right)}`)).join(";")}`,
    )
    .join(" | ");
}

/**
 * @param {number} from
 * @param {number} to
 * @returns {string}
 */
function range(from, to) {
  return from === to ? String(from) : `${from}..${to}`;
}

/**
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {Map<number, Tile[]>} tiles by map
 * @param {LitMaps[]} lit
 * @param {{ isDark: boolean, veil: boolean }} look with a veil over all that isn't lit on a map
 */
export function drawLit(context, tiles, lit, { isDark, veil }) {
  const strokes = strokesFor(isDark);
  if (veil)
    for (const { kind, maps } of lit)
      if (kind === "read" || kind === "fed" || kind === "seen") drawVeil(context, tiles, kind, maps, strokes.veil);
  for (const { kind, maps } of lit) {
    if (kind === "seen") continue;
    if (maps.size > 1 && maps.size === tiles.size && isWhole(tiles, maps)) {
      drawFrame(context, around([...tiles.values()].flat()), kind, strokes);
      continue;
    }
    for (const [map, spans] of maps) {
      for (const tile of tiles.get(map) ?? []) for (const span of spans) drawFrame(context, rectangleOf(tile, span), kind, strokes);
    }
  }
}

/**
 * @param {Map<number, Tile[]>} tiles
 * @param {Map<number, Span[]>} maps
 * @returns {boolean} whether nothing at all is left unlit: one frame is enough
 */
function isWhole(tiles, maps) {
  for (const [map, own] of tiles) {
    const [span, ...others] = maps.get(map) ?? [];
    if (!span || others.length > 0) return false;
    const box = rectangleOf(own[0], span);
    if (box.width < own[0].width - 0.5 || box.height < own[0].height - 0.5) return false;
  }
  return true;
}

/**
 * @param {Tile[]} tiles
 * @returns {{ x: number, y: number, width: number, height: number }}
 */
function around(tiles) {
  const [x, y] = [Math.min(...tiles.map((tile) => tile.x)), Math.min(...tiles.map((tile) => tile.y))];
  return {
    x,
    y,
    width: Math.max(...tiles.map((tile) => tile.x + tile.width)) - x,
    height: Math.max(...tiles.map((tile) => tile.y + tile.height)) - y,
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Map<number, Tile[]>} tiles
 * @param {Lit["kind"]} kind
 * @param {Map<number, Span[]>} maps
 * @param {string} colour
 */
function drawVeil(context, tiles, kind, maps, colour) {
  context.fillStyle = colour;
  for (const [map, spans] of maps) {
    for (const tile of tiles.get(map) ?? []) {
      if (tile.form === "bar") continue;
      context.fillRect(tile.x, tile.y, tile.width, tile.height);
      for (const span of spans) {
        const box = rectangleOf(tile, span);
        context.clearRect(box.x, box.y, box.width, box.height);
      }
    }
  }
}

/**
 * At least as large as can be seen.
 * @param {Tile} tile
 * @param {Span} span
 * @returns {{ x: number, y: number, width: number, height: number }}
 */
function rectangleOf(tile, span) {
  const first = cellBox(tile, span.top, span.left);
  const width = (span.right - span.left + 1) * first.width;
  const height = tile.form === "image" ? (span.bottom - span.top + 1) * first.height : first.height;
  const least = tile.form === "curve" ? 2 : 3;
  return {
    x: first.x - Math.max(0, least - width) / 2,
    y: first.y - Math.max(0, least - height) / 2,
    width: Math.max(width, least),
    height: Math.max(height, least),
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{ x: number, y: number, width: number, height: number }} box
 * @param {Lit["kind"]} kind
 * @param {{ halo: string, accent: string, ink: string }} strokes
 */
function drawFrame(context, { x, y, width, height }, kind, strokes) {
  const isSmall = width < 6 && height < 6;
  if (isSmall) {
    context.fillStyle = kind === "at" ? strokes.ink : strokes.accent;
    context.fillRect(x, y, width, height);
    return;
  }
  context.lineWidth = kind === "winner" ? 5 : 3.5;
  context.strokeStyle = strokes.halo;
  context.strokeRect(x, y, width, height);
  context.lineWidth = kind === "winner" ? 3 : 1.75;
  context.strokeStyle = kind === "at" ? strokes.ink : strokes.accent;
  context.strokeRect(x, y, width, height);
}

/**
 * @param {boolean} isDark
 * @returns {{ veil: string, halo: string, accent: string, ink: string }}
 */
function strokesFor(isDark) {
  return isDark
    ? { veil: "#16181ba8", halo: "#000000b0", accent: "#5ee6a8", ink: "#ffffff" }
    : { veil: "#ffffffa8", halo: "#ffffffd0", accent: "#00764f", ink: "#111111" };
}
