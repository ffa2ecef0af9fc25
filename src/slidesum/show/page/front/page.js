/**
 * The page: tabs over the views of one network and one input. anywidget's front-end interface, in all three homes.
 */

import { fill, h } from "./dom.js";
import { createState } from "./state.js";
import { createSource } from "./source.js";

/**
 * What every view is given.
 * @typedef {object} Context
 * @property {import("./source.js").Source} source
 * @property {import("./state.js").State} state
 * @property {HTMLElement} el
 * @property {(text: string) => void} say tells a screen reader
 */

/** @typedef {{ destroy: () => void }} View */

/**
 * @param {{ model: any, el: HTMLElement }} home
 * @returns {Promise<() => void>}
 */
async function render({ model, el }) {
  const source = await createSource(model);
  const state = createState({ layer: source.document.layers[0].name });
  const live = h("div", { class: "unseen", "aria-live": "polite" });
  const context = { source, state, el, say: (/** @type {string} */ text) => fill(live, text) };
  void context;
  const root = h("div", { class: "slidesum" }, live);
  el.append(root);
  return () => root.remove();
}

export default { render };
