/**
 * The arithmetic of one value, term by term.
 */

/** @import { Context, View } from "./contract.js" */

import { h } from "./dom.js";

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountPixel(root, context) {
  void context;
  const el = h("section", { class: "pixel", "data-testid": "pixel" });
  root.append(el);
  return { destroy: () => el.remove() };
}
