/**
 * Walking through a layer: step by step with the keys, or by itself along all positions, in order or in any other: the result is the same.
 *
 *     arrows   the place           m  M   next and previous map      .  ,   next and previous slice
 *     [ ] or PageUp PageDown   the layer before and behind
 *     space    play and pause      Escape  unpins
 */

/** @import { Cell, Context, Layer } from "./contract.js" */

import { h, keysOf, listen } from "./dom.js";
import { isInside } from "./tensor.js";

const HINT = "Point at a cell of any map; a click pins it, Escape lets it go, arrow keys walk.";
const TICK = 40;
const LONGEST = 16000;

/**
 * @typedef {object} Walk
 * @property {HTMLElement} el
 * @property {() => void} stop
 * @property {() => void} destroy
 */

/**
 * @param {Context} context
 * @param {(seen: Cell[] | null) => void} onSeen the positions that a sliding window has been at, or null when it's done
 * @returns {Walk}
 */
export function createWalk({ source, state, el: page, say }, onSeen) {
  let timer = 0;
  let isShuffled = false;
  /** @type {Cell[]} */
  let order = [];
  let next = 0;

  const play = h(
    "button",
    { class: "tool tool-wide", "data-testid": "play", "aria-pressed": "false", onclick: () => (timer ? pause() : start()) },
    "▶ Play",
  );
  const shuffle = h(
    "button",
    {
      class: "tool tool-wide",
      "data-testid": "shuffle",
      "aria-pressed": "false",
      title: "The window may visit the positions in any order",
      onclick: toggleShuffle,
    },
    "⤨ Shuffle",
  );
  const place = h("input", {
    type: "text",
    size: 12,
    "aria-label": "A place to go to",
    title: "A place to go to: one number for every axis",
    "data-testid": "place",
    onchange: goTo,
  });
  const remark = h("span", { class: "walk-remark quiet", "aria-live": "polite" }, HINT);
  const steps = [
    ["◀", "Left", "ArrowLeft"],
    ["▲", "Up", "ArrowUp"],
    ["▼", "Down", "ArrowDown"],
    ["▶", "Right", "ArrowRight"],
  ].map(([sign, title, key]) =>
    h(
      "button",
      {
        class: "tool",
        title: `${title} (arrow key)`,
        "aria-label": `One position ${title.toLowerCase()}`,
        onclick: () => step(key),
      },
      sign,
    ),
  );
  const el = h(
    "div",
    { class: "walk", "data-testid": "walk" },
    h("div", { class: "tool-row" }, steps),
    h(
      "div",
      { class: "tool-row" },
      h("button", { class: "tool tool-wide", title: "Previous map (M)", onclick: () => step("M") }, "− map"),
      h("button", { class: "tool tool-wide", title: "Next map (m)", onclick: () => step("m") }, "+ map"),
    ),
    h("div", { class: "tool-row" }, play, shuffle),
    place,
    remark,
  );

  /** @returns {Layer} */
  function layerNow() {
    return source.layer(state.get().layer);
  }

  /** @param {string} key */
  function step(key) {
    const layer = layerNow();
    const at = state.get().at ?? middle(layer);
    const row = layer.places.length > 1 ? layer.places[layer.places.length - 2] : layer.places.length === 1 ? null : layer.map_axis;
    const column = layer.places.length > 0 ? layer.places[layer.places.length - 1] : layer.map_axis;
    const slice = layer.places.length > 2 ? layer.places[layer.places.length - 3] : null;
    /** @type {Record<string, [number | null, number]>} */
    const moves = {
      ArrowLeft: [column, -1],
      ArrowRight: [column, 1],
      ArrowUp: [row, -1],
      ArrowDown: [row, 1],
      ".": [slice, 1],
      ",": [slice, -1],
      m: [layer.map_axis, 1],
      M: [layer.map_axis, -1],
    };
    const move = moves[key];
    if (!move || move[0] === null) return false;
    pause();
    const [axis, by] = move;
    const moved = [...at];
    const extent = layer.shape[axis];
    moved[axis] = axis === layer.map_axis ? (at[axis] + by + extent) % extent : Math.min(Math.max(at[axis] + by, 0), extent - 1);
    state.set({ at: moved });
    return true;
  }

  /** To the place that was typed; a layer may have more maps than anybody steps through. */
  function goTo() {
    const at = place.value
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number);
    const { shape } = layerNow();
    stop();
    if (at.length === shape.length && at.every(Number.isInteger) && isInside(shape, at)) state.set({ at, pinned: true });
    else remark.textContent = `Places are ${shape.length} numbers, from 0 to ${shape.map((n) => n - 1).join(", ")}.`;
  }

  /** @param {number} by */
  function stepLayer(by) {
    const { layers } = source.document;
    const index = layers.findIndex((layer) => layer.name === state.get().layer);
    const layer = layers[Math.min(Math.max(index + by, 0), layers.length - 1)];
    state.set({ layer: layer.name, at: null, pinned: false });
    say(`${layer.name}: ${layer.kind}`);
  }

  function start() {
    const layer = layerNow();
    if (next === 0 || next >= order.length) begin(layer);
    play.textContent = "❚❚ Pause";
    play.setAttribute("aria-pressed", "true");
    const atOnce = Math.max(1, Math.ceil((order.length * TICK) / LONGEST));
    timer = window.setInterval(() => advance(atOnce), TICK);
    advance(1);
  }

  /** @param {Layer} layer */
  function begin(layer) {
    order = positionsOf(layer, state.get().at ?? middle(layer));
    if (isShuffled) shuffled(order);
    next = 0;
  }

  /** @param {number} by */
  function advance(by) {
    next = Math.min(next + by, order.length);
    state.set({ at: order[next - 1], pinned: true });
    onSeen(order.slice(0, next));
    remark.textContent = `position ${next} of ${order.length}`;
    if (next >= order.length) finish();
  }

  function finish() {
    halt();
    next = 0;
    onSeen(null);
    state.set({ pinned: false });
    remark.textContent = isShuffled ? "All positions, in a shuffled order: the same map." : "All positions, row by row.";
  }

  /** Stops where it is; playing goes on from there. */
  function pause() {
    if (timer) halt();
  }

  function halt() {
    window.clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
    play.setAttribute("aria-pressed", "false");
  }

  function stop() {
    halt();
    next = 0;
    order = [];
    remark.textContent = HINT;
    onSeen(null);
  }

  function toggleShuffle() {
    isShuffled = !isShuffled;
    shuffle.setAttribute("aria-pressed", String(isShuffled));
    if (next > 0) begin(layerNow());
    remark.textContent = isShuffled ? "Shuffled: no position needs another one's result." : "Row by row.";
    el.dataset.order = isShuffled ? "shuffled" : "rows";
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (state.get().tab !== "layer" || event.ctrlKey || event.metaKey || event.altKey || isTyped(event)) return;
    if (step(event.key)) event.preventDefault();
    else if (event.key === "[" || event.key === "PageUp") stepLayer(-1);
    else if (event.key === "]" || event.key === "PageDown") stepLayer(1);
    else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) (timer ? pause : start)();
    else if (event.key === "Escape") {
      stop();
      state.set({ pinned: false });
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const ends = [
    listen(keysOf(page), "keydown", onKey),
    state.subscribe(({ at, tab }) => {
      if (tab !== "layer" && timer) stop();
      if (document.activeElement !== place) place.value = at?.join(", ") ?? "";
    }),
  ];
  return {
    el,
    stop,
    destroy() {
      stop();
      ends.forEach((end) => end());
    },
  };
}

/**
 * @param {KeyboardEvent} event
 * @returns {boolean} whether it belongs to a field; to a slider only what moves it
 */
function isTyped({ target, key }) {
  if (target instanceof HTMLInputElement && target.type === "range") return /^(Arrow|Page)/.test(key);
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}

/**
 * @param {Layer} layer
 * @returns {Cell}
 */
export function middle(layer) {
  return layer.shape.map((n, axis) => (layer.places.includes(axis) ? Math.floor((n - 1) / 2) : 0));
}

/**
 * All positions of the map of a place; of a layer without places, all its values.
 * @param {Layer} layer
 * @param {Cell} at
 * @returns {Cell[]}
 */
function positionsOf(layer, at) {
  const axes = layer.places.length ? layer.places : layer.map_axis === null ? [] : [layer.map_axis];
  let found = [at];
  for (const axis of axes) {
    found = found.flatMap((place) =>
      Array.from({ length: layer.shape[axis] }, (_, cell) => place.map((old, k) => (k === axis ? cell : old))),
    );
  }
  return found;
}

/**
 * In place, every order as likely as any other (Fisher and Yates 1938, Durstenfeld 1964).
 * @template T
 * @param {T[]} list
 */
function shuffled(list) {
  for (let k = list.length - 1; k > 0; k--) {
    const other = Math.floor(Math.random() * (k + 1));
    [list[k], list[other]] = [list[other], list[k]];
  }
}
