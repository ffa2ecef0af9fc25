// Changing one number: a pixel of the input, or a weight, a bias, a statistic of the selected layer.

/** @import { Answer, Cell, Context, Layer } from "./contract.js" */

import { readings } from "./equation.js";
import { fill, h } from "./dom.js";
import { significant } from "./digits.js";

/** @typedef {(what: string, deed: () => Promise<Answer>) => Promise<void>} Make */

/**
 * @param {Context} context
 * @param {Layer} input
 * @param {Make} make
 * @returns {{ el: HTMLElement, destroy: () => void }}
 */
export function mountNumber({ source, state }, input, make) {
  const array = h("select", { "aria-label": "Which array", "data-testid": "number:array", onchange: () => suggest() });
  const place = h("input", { type: "text", inputmode: "numeric", "aria-label": "At which place", "data-testid": "number:at", onchange: () => void look() });
  const value = h("input", { type: "number", step: "any", required: true, "aria-label": "The new value", "data-testid": "number:value" });
  const told = h("span", { class: "quiet", "data-testid": "number:now" });
  const hint = h("span", { class: "quiet" });
  const el = h(
    "form",
    {
      class: "edit-number",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        change();
      },
    },
    h("label", {}, "array ", array),
    h("label", {}, "place ", place, hint),
    h("label", {}, "value ", value, told),
    h("button", { type: "submit", "data-testid": "number:change" }, "Change"),
  );

  /** The arrays that the selected layer keeps; of the input the pixels. @returns {{ name: string, short: string, shape: number[] }[]} */
  function choices() {
    const layer = source.layer(state.get().layer);
    return [{ name: input.name, short: input.name, shape: input.shape }, ...layer.arrays];
  }

  function offer() {
    const before = array.value;
    const list = choices();
    fill(array, list.map(({ name }) => h("option", { value: name }, name === input.name ? `${name} (a pixel)` : name)));
    if (list.some(({ name }) => name === before)) array.value = before;
    suggest();
  }

  /** The place that belongs to what is selected. */
  function suggest() {
    const chosen = choices().find(({ name }) => name === array.value) ?? choices()[0];
    const { layer: name, at } = state.get();
    place.value = placeFor(source.layer(name), chosen, at).join(", ");
    hint.textContent = ` of ${chosen.shape.join("×")}`;
    void look();
  }

  /**
   * @param {Layer} layer
   * @param {{ name: string, short: string, shape: number[] }} chosen
   * @param {Cell | null} at
   * @returns {Cell}
   */
  function placeFor(layer, chosen, at) {
    const none = chosen.shape.map(() => 0);
    if (!at) return none;
    if (chosen.name === layer.name) return at;
    if (chosen.shape.length === 1 && layer.map_axis !== null) return [Math.min(at[layer.map_axis], chosen.shape[0] - 1)];
    const number = layer.sized?.operands.findIndex((operand) => operand.name === chosen.short) ?? -1;
    if (!layer.sized || number < 0 || layer.sized.connections) return none;
    return readings(layer.sized, at)[0]?.cells[number] ?? none;
  }

  /** @returns {Cell} */
  function placed() {
    return place.value.split(/[\s,]+/).filter(Boolean).map(Number);
  }

  async function look() {
    const name = array.value;
    try {
      const tensor = await source.array(name);
      if (name !== array.value) return;
      const offset = placed().reduce((sum, cell, axis) => sum * tensor.shape[axis] + cell, 0);
      const now = tensor.data[offset];
      told.textContent = now === undefined ? "" : ` now ${significant(now * tensor.scale, 5)}`;
    } catch {
      told.textContent = ""; // what stands there isn't known here; the change can be made all the same
    }
  }

  function change() {
    const at = placed();
    const number = Number(value.value);
    void make(`${array.value}[${at.join(", ")}] = ${value.value}`, () => source.edit({ array: array.value, at, value: number })).then(look);
  }

  offer();
  const ends = [
    state.subscribe((now, before) => {
      if (now.layer !== before.layer) offer();
      else if (now.at !== before.at) suggest();
    }),
    source.onChange(() => void look()),
  ];
  return { el, destroy: () => ends.forEach((end) => end()) };
}
