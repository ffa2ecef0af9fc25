/**
 * What a layer is, in a few lines: its name among the others, its kind, its counts, its equation in both spellings, what it does.
 */

/** @import { Layer } from "./contract.js" */

import { extentOf, kindOf } from "./card.js";
import { counted, h } from "./dom.js";

/**
 * @param {Layer} layer
 * @param {Layer[]} layers
 * @param {(name: string) => void} go
 * @returns {(Node | false)[]}
 */
export function headOf(layer, layers, go) {
  const index = layers.indexOf(layer);
  const select = h(
    "select",
    { "aria-label": "Layer", "data-testid": "layer-select", onchange: () => go(select.value) },
    layers.map((one) => h("option", { value: one.name, selected: one === layer }, one.name)),
  );
  const facts = [
    extentOf(layer),
    layer.weights > 0 && `${counted(layer.weights)} weights`,
    layer.biases > 0 && `${counted(layer.biases)} biases`,
    layer.macs > 0 && `${counted(layer.macs)} multiply-adds${layer.macs_percent ? ` (${layer.macs_percent.toFixed(1)} %)` : ""}`,
  ].filter(Boolean);
  return [
    h(
      "div",
      { class: "layer-title" },
      h(
        "button",
        {
          class: "tool",
          disabled: index === 0,
          title: "Layer before (PageUp)",
          "aria-label": "Layer before",
          "data-testid": "layer-before",
          onclick: () => go(layers[index - 1].name),
        },
        "‹",
      ),
      select,
      h(
        "button",
        {
          class: "tool",
          disabled: index === layers.length - 1,
          title: "Layer behind (PageDown)",
          "aria-label": "Layer behind",
          "data-testid": "layer-behind",
          onclick: () => go(layers[index + 1].name),
        },
        "›",
      ),
      h("strong", {}, kindOf(layer)),
      h("span", { class: "quiet" }, facts.join(" · ")),
    ),
    layer.pattern !== null &&
      h(
        "p",
        { class: "layer-equation" },
        h("code", { "data-testid": "pattern" }, layer.pattern),
        layer.named !== null && h("code", { class: "quiet" }, layer.named),
      ),
    layer.sentence !== null && h("p", { class: "layer-sentence" }, layer.sentence),
  ];
}
