// A picture out of everything: what is seen of the network, of a layer, of one value's arithmetic, as PNG or SVG, named after them.

/** @import { Context, View } from "./contract.js" */

import { fill, h, listen } from "./dom.js";
import { rasterOf, vectorOf } from "./vector.js";

/** What can be taken a picture of, the larger things first: a test id, and what it is called. */
const SUBJECTS = /** @type {const} */ ([
  ["overview", "the network"],
  ["layer", "the layer"],
  ["stack:out", "its maps"],
  ["stack:in:0", "its input maps"],
  ["filters", "its filters"],
  ["pixel", "the arithmetic"],
  ["types", "the types"],
  ["lab:picture", "the drawing"],
  ["trace", "the prediction"],
]);

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountPicture(root, context) {
  const subject = h("select", { "aria-label": "What to save a picture of", "data-testid": "export-what" });
  const told = h("span", { class: "picture-told", role: "status" });
  const bar = h(
    "div",
    { class: "picture-bar", role: "group", "aria-label": "Save a picture", "data-picture": "no" },
    h("span", {}, "Picture of"),
    subject,
    h("button", { type: "button", "data-testid": "export-png", onclick: () => save("png") }, "PNG"),
    h("button", { type: "button", "data-testid": "export-svg", onclick: () => save("svg") }, "SVG"),
    told,
  );

  /** The things of the list that are seen now; the choice stays where it still is one. */
  function offer() {
    const before = subject.value;
    const seen = SUBJECTS.filter(([testid]) => elementOf(testid));
    if (seen.map(([testid]) => testid).join() === [...subject.options].map((option) => option.value).join()) return;
    fill(subject, seen.map(([testid, name]) => h("option", { value: testid }, name)));
    if (seen.some(([testid]) => testid === before)) subject.value = before;
  }

  /** @param {string} testid */
  function elementOf(testid) {
    const found = /** @type {HTMLElement | null} */ (context.el.querySelector(`[data-testid="${testid}"]`));
    return found && found.getClientRects().length > 0 ? found : null;
  }

  /** @param {"png" | "svg"} kind */
  async function save(kind) {
    offer();
    const element = elementOf(subject.value);
    if (!element) {
      told.textContent = "There is nothing to take a picture of.";
      return;
    }
    const name = `${pictureName(context.source.document.name, context.state.get().layer, subject.value)}.${kind}`;
    try {
      const { text, width, height } = vectorOf(element);
      hand(kind === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await rasterOf(text, width, height, document), name);
      told.textContent = `Saved ${name}.`;
    } catch (error) {
      told.textContent = `The picture could not be made: ${/** @type {Error} */ (error).message}.`;
    }
  }

  root.append(bar);
  const later = () => setTimeout(offer); // the other views hear of a change in the same round
  const ends = [context.state.subscribe(later), listen(subject, "pointerdown", offer), listen(subject, "focus", offer)];
  const timer = setTimeout(offer);
  return {
    destroy() {
      clearTimeout(timer);
      for (const end of ends) end();
      bar.remove();
    },
  };
}

/**
 * Such as "googlenet-inception_3a-1x1-arithmetic": what a file system takes everywhere.
 * @param {string} network
 * @param {string} layer
 * @param {string} testid
 * @returns {string}
 */
export function pictureName(network, layer, testid) {
  const isWhole = ["overview", "types", "lab:picture", "trace"].includes(testid);
  const words = [network, ...(isWhole ? [] : [layer]), testid.replace("overview", "network")];
  return words.map((word) => word.replace(/[^\p{L}\p{N}_.]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "")).join("-").slice(0, 120);
}

/** @param {Blob} blob @param {string} name */
function hand(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
