/**
 * One layer: its inputs, its filters, its output. The pointer on an output shows what it reads, in every input map; on an input, what
 * it feeds.
 */

/** @import { Cell, Context, Layer, Selection, Tensor, View } from "./contract.js" */
/** @import { Stack } from "./stack.js" */

import { fill, h, keysOf, listen } from "./dom.js";
import { createFilters } from "./filterstacks.js";
import { headOf } from "./layerhead.js";
import { fedByInput, readByInput, ringOf } from "./links.js";
import { createStack } from "./stack.js";
import { samePlace } from "./state.js";
import { createWalk, middle } from "./walk.js";

/**
 * @typedef {object} Shown a layer that is on the screen
 * @property {Layer} layer
 * @property {Layer[]} before
 * @property {number[][]} shapes of the inputs
 * @property {Stack[]} inputs
 * @property {Stack} output
 */

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountLayer(root, context) {
  const { source, state, say } = context;
  /** @type {Shown | null} */
  let shown = null;
  let asked = 0;
  /** @type {Cell[] | null} */
  let seen = null;
  /** An input that is pinned: its number and the cell. */
  let held = /** @type {{ number: number, cell: Cell } | null} */ (null);

  const head = h("header", { class: "layer-head" });
  const stage = h("div", { class: "stage" });
  const walk = createWalk(context, (cells) => {
    seen = cells;
    if (shown) lightOutput(state.get().at);
  });
  const filters = createFilters(source, () => roomFor(1, true));
  const el = h("section", { class: "layer", "data-testid": "layer" }, head, walk.el, stage);
  root.append(el);

  /** Builds the stacks of the selected layer when their numbers are here. */
  async function open() {
    const ask = ++asked;
    const layer = source.layer(state.get().layer);
    const before = layer.inputs.map((name) => source.layer(name));
    fill(head, ...headOf(layer, source.document.layers, (name) => state.set({ layer: name, at: null, pinned: false })));
    el.dataset.layer = layer.name;
    el.dataset.ready = "no";
    held = null;
    try {
      const tensors = await Promise.all([layer, ...before].map(({ name }) => source.maps(name)));
      if (ask !== asked) return;
      show(layer, before, tensors);
    } catch (error) {
      if (ask === asked) fill(stage, h("p", { class: "failure", role: "alert" }, /** @type {Error} */ (error).message));
    }
  }

  /**
   * @param {Layer} layer
   * @param {Layer[]} before
   * @param {Tensor[]} tensors
   */
  function show(layer, before, [result, ...given]) {
    const inputs = before.map((one, number) =>
      createStack({
        ...looksOf(one, given[number]),
        title: one.name,
        testid: `stack:in:${number}`,
        ring: ringOf(layer, number, one.places),
        room: () => roomFor(before.length),
        onHover: (cell, event) => hoverInput(number, cell, event),
        onPick: (cell) => pickInput(number, cell),
      }),
    );
    const output = createStack({
      ...looksOf(layer, result),
      title: layer.name,
      testid: "stack:out",
      marks: source.chosen(layer.name),
      labels: labelsOf(layer),
      room: () => roomFor(1),
      onHover: hoverOutput,
      onPick: pickOutput,
    });
    shown = { layer, before, shapes: given.map((tensor) => tensor.shape), inputs, output };
    fill(
      stage,
      inputs.length > 0 &&
        h(
          "div",
          { class: "stage-inputs" },
          h("h3", {}, inputs.length > 1 ? "Inputs" : "Input"),
          inputs.map((stack) => stack.el),
        ),
      layer.weights > 0 && layer.sized && h("div", { class: "stage-filters" }, h("h3", {}, "Filter"), filters.el),
      h("div", { class: "stage-output" }, h("h3", {}, "Output"), output.el),
    );
    for (const stack of [...inputs, output]) stack.redraw();
    const { at } = state.get();
    if (at === null) state.set({ at: firstPlace(layer) });
    else {
      follow(at);
      void filters.show(layer, at);
    }
    el.dataset.ready = "yes";
  }

  /**
   * @param {Layer} layer
   * @returns {string[] | null} the classes, the predicted one with a mark
   */
  function labelsOf(layer) {
    const { prediction } = source;
    if (prediction?.layer !== layer.name) return null;
    return Array.from(
      { length: prediction.classes },
      (_, k) => `${prediction.labels?.[k] ?? k}${k === prediction.best ? " ✓" : ""}`,
    );
  }

  /**
   * @param {Layer} layer
   * @returns {Cell} one whose terms are here, if not all are
   */
  function firstPlace(layer) {
    return source.chosen(layer.name)[0] ?? middle(layer);
  }

  /**
   * On a phone input and output stand side by side, too: what lights up is to be seen.
   * @param {number} count of stacks below each other
   * @param {boolean} [isFilter]
   */
  function roomFor(count, isFilter = false) {
    const width = el.clientWidth || 360;
    const isNarrow = width < 740;
    const columns = isNarrow ? (isFilter ? 1 : Math.min(stage.children.length, 2)) : stage.children.length;
    const column = Math.floor((width - (isNarrow ? 12 : 20) * (columns - 1)) / Math.max(columns, 1)) - 4;
    return { width: column, height: isFilter ? (isNarrow ? 150 : 200) : count > 1 ? 150 : 250 };
  }

  /**
   * @param {Cell | null} place
   * @param {PointerEvent} event
   */
  function hoverOutput(place, event) {
    if (!shown) return;
    shown.output.tell(place ?? state.get().at);
    if (!place || state.get().pinned || held) return;
    const start = performance.now();
    follow(place);
    measured(event, start);
    state.set({ at: place });
  }

  /** @param {Cell} place */
  function pickOutput(place) {
    const { at, pinned } = state.get();
    walk.stop();
    held = null;
    const isSame = pinned && samePlace(at, place);
    state.set({ at: place, pinned: !isSame });
    follow(place);
    say(`${isSame ? "Unpinned" : "Pinned"} ${place.join(", ")}`);
  }

  /**
   * @param {number} number
   * @param {Cell | null} cell
   * @param {PointerEvent} event
   */
  function hoverInput(number, cell, event) {
    if (!shown || held || (state.get().pinned && !cell)) return;
    shown.inputs[number].tell(cell);
    if (state.get().pinned) return;
    if (!cell) {
      follow(state.get().at);
      return;
    }
    const start = performance.now();
    lightFed(number, cell);
    measured(event, start);
  }

  /**
   * @param {number} number
   * @param {Cell} cell
   */
  function pickInput(number, cell) {
    held = held && held.number === number && samePlace(held.cell, cell) ? null : { number, cell };
    state.set({ pinned: false });
    if (held) lightFed(number, cell);
    else follow(state.get().at);
  }

  /**
   * An input and all that it feeds.
   * @param {number} number
   * @param {Cell} cell
   */
  function lightFed(number, cell) {
    if (!shown) return;
    const { layer, shapes, inputs, output } = shown;
    inputs.forEach((stack, k) => stack.light(k === number ? [{ kind: "at", cells: [cell] }] : []));
    output.light([{ kind: "fed", cells: fedByInput(layer, number, cell, shapes) }]);
    inputs[number].tell(cell);
  }

  /**
   * An output and all that it reads.
   * @param {Cell | null} at
   */
  function follow(at) {
    if (!shown || !at) return;
    const { layer, shapes, inputs, output } = shown;
    output.show(at);
    output.tell(at);
    lightOutput(at);
    const read = readByInput(layer, at, shapes);
    inputs.forEach((stack, number) => {
      stack.showOneOf(read[number]);
      stack.light([{ kind: "read", cells: read[number] }]);
    });
  }

  /** @param {Cell | null} at */
  function lightOutput(at) {
    if (!shown || !at) return;
    shown.output.light([...(seen ? [{ kind: /** @type {const} */ ("seen"), cells: seen }] : []), { kind: "at", cells: [at] }]);
  }

  /**
   * @param {Selection} now
   * @param {Selection} before
   */
  function onState(now, before) {
    el.classList.toggle("is-pinned", now.pinned);
    if (now.tab !== "layer") return;
    if (now.layer !== shown?.layer.name) {
      if (now.layer !== before.layer) walk.stop();
      shown = null;
      void open();
      return;
    }
    if (!samePlace(now.at, before.at) || before.tab !== "layer") {
      follow(now.at);
      void filters.show(source.layer(now.layer), now.at);
    }
  }

  const redraw = () => [...(shown ? [...shown.inputs, shown.output] : []), filters].forEach((stack) => stack.redraw());
  const resized = new ResizeObserver(() => el.clientWidth > 0 && redraw());
  resized.observe(el);
  const endings = [
    state.subscribe(onState),
    source.onChange(() => {
      shown = null; // what it shows is stale
      if (state.get().tab === "layer") void open();
    }),
    listen(keysOf(context.el), "keydown", (event) => {
      if (event.key !== "Escape" || !held) return;
      held = null;
      follow(state.get().at);
    }),
  ];
  void open();
  return {
    redraw,
    destroy() {
      resized.disconnect();
      walk.destroy();
      endings.forEach((end) => end());
      el.remove();
    },
  };
}

/**
 * @param {Layer} layer
 * @param {Tensor} tensor
 * @returns {{ tensor: Tensor, mapAxis: number | null, places: number[], axes: string[] }}
 */
function looksOf(layer, tensor) {
  return { tensor, mapAxis: layer.map_axis, places: layer.places, axes: layer.axes };
}

/**
 * How long the pointer waited for its highlight: since it moved ("hover", with the browser's own wait for its next frame), and since the
 * page was told of it ("hover-work").
 * @param {PointerEvent} event
 * @param {number} start
 */
function measured(event, start) {
  const end = performance.now();
  performance.measure("hover", { start: Math.min(event.timeStamp, start), end });
  performance.measure("hover-work", { start, end });
}
