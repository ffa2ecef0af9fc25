// A sheet of paper: ink by pointer or keyboard, read as the numbers of an input.

import { h } from "./dom.js";

const SHEET_PIXELS = 280;

/**
 * @typedef {object} Sheet
 * @property {HTMLElement} el
 * @property {() => number[][]} ink rows of numbers from 0 (paper) to 1
 * @property {() => void} clear
 */

/**
 * @param {{ rows: number, columns: number, onInk: () => void }} told `onInk` is called after each stroke
 * @returns {Sheet}
 */
export function createSheet({ rows, columns, onInk }) {
  const scale = Math.max(1, Math.round(SHEET_PIXELS / Math.max(rows, columns)));
  const canvas = h("canvas", {
    class: "sheet", width: columns * scale, height: rows * scale, tabindex: 0, role: "img", "data-testid": "draw",
    "aria-label": `Paper of ${rows} by ${columns} pixels to draw on. Arrow keys move the pen, space puts it down.`,
  });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const width = Math.max(scale, canvas.width / 11);
  let isErasing = false;
  /** @type {[number, number] | null} */
  let last = null;
  let pen = [Math.floor(rows / 2), Math.floor(columns / 2)];

  function clear() {
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
  }

  /** @param {number} x @param {number} y */
  function draw(x, y) {
    const [fromX, fromY] = last ?? [x, y];
    brush.strokeStyle = isErasing ? "#fff" : "#000";
    brush.lineWidth = isErasing ? 1.6 * width : width;
    brush.lineCap = brush.lineJoin = "round";
    brush.beginPath();
    brush.moveTo(fromX, fromY);
    brush.lineTo(x + 0.01, y);
    brush.stroke();
    last = [x, y];
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  function pointOf(event) {
    const rect = canvas.getBoundingClientRect();
    return [((event.clientX - rect.left) * canvas.width) / rect.width, ((event.clientY - rect.top) * canvas.height) / rect.height];
  }

  function lift() {
    if (!last) return;
    last = null;
    onInk();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    draw(...pointOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last) draw(...pointOf(event));
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, lift);
  canvas.addEventListener("keydown", (event) => {
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], " ": [0, 0] };
    if (!Object.hasOwn(moves, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const [down, right] = moves[event.key];
    pen = [Math.min(Math.max(pen[0] + down, 0), rows - 1), Math.min(Math.max(pen[1] + right, 0), columns - 1)];
    if (event.key !== " ") return;
    draw((pen[1] + 0.5) * scale, (pen[0] + 0.5) * scale);
    lift();
  });

  const tool = (/** @type {string} */ name, /** @type {boolean} */ erases) => {
    const button = h("button", {
      type: "button", "aria-pressed": String(erases === isErasing), "data-testid": `draw-${name}`,
      onclick: () => {
        isErasing = erases;
        for (const one of tools) one.setAttribute("aria-pressed", String(one === button));
      },
    }, name);
    return button;
  };
  const tools = [tool("pen", false), tool("eraser", true)];
  const wipe = h("button", { type: "button", "data-testid": "draw-clear", onclick: () => (clear(), onInk()) }, "clear");
  clear();
  return {
    el: h("div", { class: "sheet-frame" }, canvas, h("div", { class: "sheet-tools", role: "group", "aria-label": "Tools" }, tools, wipe)),
    clear,
    ink() {
      const { data } = brush.getImageData(0, 0, canvas.width, canvas.height);
      return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (__, column) => meanInk(data, row, column)));
    },
  };

  /** The share of black in one pixel of the input. @param {Uint8ClampedArray} data @param {number} row @param {number} column */
  function meanInk(data, row, column) {
    let sum = 0;
    for (let y = row * scale; y < (row + 1) * scale; y += 1) {
      for (let x = column * scale; x < (column + 1) * scale; x += 1) sum += data[4 * (y * canvas.width + x)];
    }
    return 1 - sum / (255 * scale * scale);
  }
}
