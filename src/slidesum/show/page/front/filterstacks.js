/**
 * The filters of the map that is looked at, drawn as maps are: of every filter the part that one output value reads.
 */

/** @import { Cell, Explanation, Layer, Source } from "./contract.js" */
/** @import { Stack } from "./stack.js" */

import { fill, h } from "./dom.js";
import { filtersOf } from "./filters.js";
import { createStack } from "./stack.js";

/**
 * @param {Source} source
 * @param {() => { width: number, height: number }} room
 * @returns {{ el: HTMLElement, show: (layer: Layer, at: Cell | null) => Promise<void>, redraw: () => void }}
 */
export function createFilters(source, room) {
  const el = h("div", { class: "filters", "data-testid": "filters" });
  /** @type {Stack[]} */
  let stacks = [];
  let key = "";
  let asked = 0;

  /** @param {HTMLElement} remark */
  function tell(remark) {
    key = "";
    stacks = [];
    fill(el, remark);
  }

  /**
   * From the terms of one value: whoever reads it knows its weights.
   * @param {Layer} layer
   * @param {Cell | null} at
   */
  async function show(layer, at) {
    const ask = ++asked;
    if (!at || layer.weights === 0 || !layer.sized) return;
    const place = explainedNear(layer, at);
    if (!place) {
      tell(h("p", { class: "quiet" }, "The weights of this map don't travel with the page."));
      return;
    }
    try {
      const why = await source.explain(layer.name, place);
      if (ask === asked) draw(layer, why);
    } catch (error) {
      if (ask === asked) tell(h("p", { class: "failure" }, /** @type {Error} */ (error).message));
    }
  }

  /**
   * A place of the same map whose terms are known.
   * @param {Layer} layer
   * @param {Cell} at
   * @returns {Cell | null}
   */
  function explainedNear(layer, at) {
    if (source.canExplain(layer.name, at)) return at;
    const axis = layer.map_axis;
    return source.chosen(layer.name).find((place) => axis !== null && place[axis] === at[axis]) ?? null;
  }

  /**
   * @param {Layer} layer
   * @param {Explanation} why
   */
  function draw(layer, why) {
    const found = filtersOf(layer, why);
    const next = `${layer.name} ${source.revision} ${found.map((filter) => filter.origin.join()).join(" ")}`;
    if (next === key) return;
    key = next;
    stacks = found.map((filter) => {
      const cells = filter.origin.map((n, axis) => (filter.tensor.shape[axis] > 1 ? ":" : n));
      return createStack({
        ...filter,
        title: cells.length ? `${filter.name}[${cells.join(", ")}]` : filter.name,
        unit: filter.mapAxis === null ? "filter" : "part",
        testid: `filter:${filter.name}`,
        room,
      });
    });
    fill(el, ...stacks.map((stack) => stack.el));
    redraw();
  }

  function redraw() {
    for (const stack of stacks) stack.redraw();
  }

  return { el, show, redraw };
}
