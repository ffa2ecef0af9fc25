// From a prediction backwards: the class, the features that speak for and against it, their maps, down to the pixels; each step with
// the exact terms of the layer, a sentence on what it passes on, and the part of the image that the value sees.

/** @import { Cell, Context, Explanation, Layer, View } from "./contract.js" */
/** @import { Stack } from "./stack.js" */
/** @import { Step } from "./trail.js" */

import { fill, h, onceAFrame } from "./dom.js";
import { DIGITS_NOTE, shown, significant } from "./digits.js";
import { createStack } from "./stack.js";
import { partsTable } from "./parts.js";
import { cellsOf, classPlace, fieldOf, passedOn, strongest } from "./trail.js";

const CLASS_BUTTONS = 10; // so many classes have a button

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountTrace(root, context) {
  const { source, state, say } = context;
  const input = source.document.layers.find((layer) => layer.op === "Input") ?? source.document.layers[0];
  /** @type {Step[]} */
  let path = [];
  let chosen = -1;
  let ticket = 0;
  let revision = source.revision;
  /** @type {Stack | null} */
  let picture = null;
  /** @type {Explanation | null} */
  let why = null;

  const classes = h("div", { class: "trace-classes", role: "group", "aria-label": "Classes" });
  const crumbs = h("ol", { class: "trace-path", "data-testid": "trace:path", "aria-label": "The way from the class" });
  const unit = h("div", { class: "trace-unit", "data-testid": "trace:unit" });
  const image = h("div", { class: "trace-image", "data-testid": "trace:image" });
  const seen = h("p", { class: "trace-seen", "data-testid": "trace:seen" });
  const follow = h("button", { type: "button", class: "primary", "data-testid": "trace:strongest", onclick: () => follows(1) }, "Follow the strongest");
  const down = h("button", { type: "button", "data-testid": "trace:down", onclick: () => follows(Infinity) }, "…down to the pixels");
  const open = h("button", { type: "button", "data-testid": "trace:open", onclick: () => show() }, "Show in its layer");
  const section = h(
    "section",
    { class: "trace", "data-testid": "trace" },
    h("h2", {}, "From a prediction backwards"),
    classes,
    crumbs,
    h("div", { class: "trace-row", role: "group", "aria-label": "Where to go", "data-picture": "no" }, follow, down, open),
    h("div", { class: "trace-body" }, unit, h("div", { class: "trace-side" }, h("h3", {}, "What it sees of the input"), seen, image)),
    h("p", { class: "quiet" }, DIGITS_NOTE),
  );
  root.append(section);

  function listClasses() {
    const { prediction } = source;
    if (!prediction) {
      fill(classes, h("p", {}, "This network doesn't end with one number a class: there is no prediction to follow back. Every value is explained under “Layer”."));
      return;
    }
    const label = (/** @type {number} */ k) => prediction.labels?.[k] ?? String(k);
    const score = (/** @type {number} */ value) => significant(value, 4);
    const buttons = prediction.top.slice(0, CLASS_BUTTONS).map(([k, value]) =>
      h(
        "button",
        { type: "button", class: "trace-class", "data-testid": `class:${k}`, "aria-pressed": String(k === chosen), onclick: () => choose(k) },
        h("strong", {}, label(k)),
        h("span", { class: "quiet" }, ` ${score(value)}`),
        k === prediction.best && h("span", { class: "trace-best" }, " predicted"),
      ),
    );
    const count = prediction.classes;
    const other = count > CLASS_BUTTONS && h(
      "label",
      {},
      "another class ",
      h("input", {
        type: "number", min: 0, max: count - 1, value: Math.max(chosen, 0), "data-testid": "class-number",
        onchange: (/** @type {Event} */ event) => {
          const k = Math.round(Number(/** @type {HTMLInputElement} */ (event.currentTarget).value));
          if (k >= 0 && k < count) choose(k);
        },
      }),
    );
    const sense = prediction.sense === "smallest" ? "The smallest score wins." : "The largest score wins.";
    fill(classes, ...buttons, other, h("span", { class: "quiet" }, sense));
  }

  /** @param {number} k */
  function choose(k) {
    if (!source.prediction) return;
    chosen = k;
    listClasses();
    go([classPlace(source.document, source.prediction, k)]);
    say(`Class ${source.prediction.labels?.[k] ?? k}`);
  }

  /** @param {Step[]} next */
  async function go(next) {
    const mine = (ticket += 1);
    path = next;
    const step = path[path.length - 1];
    const layer = source.layer(step.layer);
    showPath();
    await Promise.all([showUnit(layer, step, mine), showField(layer, step, mine)]);
  }

  function showPath() {
    const name = source.prediction?.labels?.[chosen] ?? String(chosen);
    const items = path.map(({ layer, at }, k) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", "aria-current": k === path.length - 1 ? "step" : null, "data-layer": layer, "data-at": at.join(), onclick: () => go(path.slice(0, k + 1)) },
          k === 0 ? `class ${name}` : `${layer} [${at.join(", ")}]`,
        ),
      ),
    );
    fill(crumbs, ...items);
    crumbs.scrollLeft = crumbs.scrollWidth;
  }

  /** @param {Layer} layer @param {Step} step @param {number} mine */
  async function showUnit(layer, step, mine) {
    const title = h("h3", {}, `${layer.name} [${step.at.join(", ")}] `, h("span", { class: "quiet" }, layer.kind));
    if (!source.canExplain(layer.name, step.at)) {
      why = null;
      follow.disabled = down.disabled = true;
      fill(unit, title, ...endOf(layer, step));
      unit.dataset.ready = step.at.join();
      return;
    }
    try {
      const told = await source.explain(layer.name, step.at);
      if (mine !== ticket) return;
      why = told;
      follow.disabled = down.disabled = !strongest(layer, told, isOpen);
      const digits = shown(told);
      const value = h(
        "p",
        { class: "trace-value" },
        h("span", { class: "quiet" }, "value "),
        h("strong", { "data-testid": "trace:value", "data-value": told.value }, digits.value),
        told.activation && digits.after !== null && h("span", { class: "quiet" }, `, ${told.activation} makes ${digits.after} of it`),
      );
      fill(
        unit,
        title,
        h("p", {}, h("code", { class: "trace-equation" }, told.equation)),
        value,
        h("p", { "data-testid": "trace:passed" }, passedOn(layer, told)),
        partsTable(layer, told, digits, { go: (to) => go([...path, to]), isOpen }),
      );
    } catch (error) {
      if (mine !== ticket) return;
      why = null;
      fill(unit, title, h("p", { class: "failure", role: "alert" }, /** @type {Error} */ (error).message));
    }
    unit.dataset.ready = step.at.join();
  }

  /**
   * Where the way ends: at a pixel, or where the terms don't travel with the page.
   * @param {Layer} layer
   * @param {Step} step
   */
  function endOf(layer, step) {
    if (layer.op === "Input") {
      const value = h("strong", { "data-testid": "trace:pixel" }, "…");
      const exact = source.document.answers === "asked" ? source.array(layer.name).catch(() => source.maps(layer.name)) : source.maps(layer.name);
      exact.then((tensor) => {
        const offset = step.at.reduce((sum, cell, k) => sum * tensor.shape[k] + cell, 0);
        value.textContent = significant(tensor.data[offset] * tensor.scale, tensor.scale === 1 ? 6 : 2); // eight bits tell two digits
      }, () => undefined);
      return [h("p", {}, "A number of the input itself: ", value, "."), h("p", { class: "quiet" }, "Here the way ends.")];
    }
    if (layer.op === "Opaque") return [h("p", {}, "This layer is known by its name and shape only; what it computes can't be explained.")];
    const others = source.chosen(layer.name);
    const told = h("p", {}, "The terms of this value don't travel with the page: a file holds those of chosen values. With a server all are there: slidesum page MODEL IMAGE --serve.");
    if (!others.length) return [told];
    const buttons = others.slice(0, 12).map((at) =>
      h("button", { type: "button", onclick: () => go([...path.slice(0, -1), { layer: layer.name, at }]) }, `[${at.join(", ")}]`),
    );
    return [told, h("p", {}, "Values of this layer that are explained here:"), h("p", { class: "trace-others" }, ...buttons)];
  }

  /** @param {Step} step */
  function isOpen(step) {
    const layer = source.layer(step.layer);
    return layer.op === "Input" || source.canExplain(step.layer, step.at);
  }

  /** @param {number} most steps to go */
  async function follows(most) {
    for (let steps = 0; steps < most; steps += 1) {
      if (!why) break;
      const next = strongest(source.layer(why.layer), why, isOpen);
      if (!next) break;
      const mine = ticket + 1;
      await go([...path, next.step]);
      if (ticket !== mine) return; // somebody went elsewhere meanwhile
    }
    const last = path[path.length - 1];
    say(`${last.layer} ${last.at.join(", ")}. ${seen.textContent}`);
  }

  /** @param {Layer} layer @param {Step} step @param {number} mine */
  async function showField(layer, step, mine) {
    const isPixel = layer === input;
    const field = isPixel ? pixelField(step.at) : fieldOf(layer, step.at, input);
    const places = input.places.length ? input.places : input.shape.map((_, k) => k).slice(1);
    const told = places.map((axis) => `${input.axes[axis]} ${field[axis].from}–${field[axis].to - 1} of ${field[axis].extent}`);
    const isAll = places.every((axis) => field[axis].from === 0 && field[axis].to === field[axis].extent);
    seen.textContent = isPixel ? "This one number." : isAll ? "The whole input." : `The cells ${told.join(", ")}.`;
    seen.dataset.field = places.map((axis) => `${field[axis].from}-${field[axis].to - 1}`).join(" ");
    try {
      const tensor = await source.maps(input.name);
      if (mine !== ticket) return;
      if (!picture || revision !== source.revision) {
        revision = source.revision;
        picture = createStack({
          title: input.name, tensor, mapAxis: input.map_axis, places: input.places, axes: input.axes, testid: "trace:input",
          room: () => ({ width: Math.min(image.clientWidth || 300, 340), height: 300 }),
        });
        fill(image, picture.el);
      }
      picture.show(field.map(({ from, extent }) => Math.min(Math.max(from, 0), extent - 1)));
      picture.redraw();
      picture.light([{ kind: isPixel ? "at" : "read", cells: cellsOf(field) }]);
    } catch (error) {
      if (mine === ticket) fill(image, h("p", { class: "failure" }, /** @type {Error} */ (error).message));
    }
  }

  /** @param {Cell} at */
  function pixelField(at) {
    return at.map((cell, axis) => ({ axis: input.axes[axis], from: cell, to: cell + 1, extent: input.shape[axis] }));
  }

  function show() {
    const step = path[path.length - 1];
    if (step) state.set({ tab: "layer", layer: step.layer, at: step.at, pinned: true });
  }

  function begin() {
    listClasses();
    follow.disabled = down.disabled = true;
    open.disabled = !source.prediction;
    if (source.prediction) choose(chosen >= 0 ? chosen : source.prediction.best);
  }

  const ends = [source.onChange(begin)];
  const watcher = new ResizeObserver(onceAFrame(() => picture?.redraw()));
  watcher.observe(section);
  begin();
  return {
    redraw: () => picture?.redraw(),
    destroy() {
      ticket += 1;
      watcher.disconnect();
      for (const end of ends) end();
      section.remove();
    },
  };
}
