// Where somebody computes (a server on this machine): another image, a drawn digit, another pixel, weight or bias, and what becomes of
// the prediction. Elsewhere a sentence says how to get there.

/** @import { Answer, Cell, Context, Layer, Prediction, View } from "./contract.js" */

import { createSheet } from "./draw.js";
import { fill, h, listen } from "./dom.js";
import { significant } from "./digits.js";
import { mountNumber } from "./number.js";

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountEdit(root, context) {
  const { source } = context;
  const section = h("section", { class: "edit", "data-testid": "edit" });
  const title = h("h2", {}, "Try another input, or other weights");
  if (!source.document.editable) {
    root.append(section);
    const command = h("code", {}, "slidesum page MODEL IMAGE --serve");
    section.append(
      title,
      h("p", { "data-testid": "edit:how" }, "This page carries its numbers, and nothing that would compute others. To try another image, draw, or change a pixel or a weight, start it with: ", command),
    );
    return { destroy: () => section.remove() };
  }
  const input = source.document.layers.find((layer) => layer.op === "Input") ?? source.document.layers[0];
  const status = h("p", { class: "edit-status", role: "status", "data-testid": "edit:status" });
  const failure = h("div", { class: "failure edit-failure", role: "alert", hidden: true, "data-testid": "edit:failure" });
  const change = h("div", { class: "edit-change", "data-testid": "edit:change" });
  let first = source.prediction;
  let isBusy = false;
  /** @type {(() => void) | null} */
  let waiting = null;

  /**
   * One change at a time; of those that come meanwhile the last one is made.
   * @param {string} what
   * @param {() => Promise<Answer>} deed
   */
  async function make(what, deed) {
    if (isBusy) {
      waiting = () => void make(what, deed);
      return;
    }
    isBusy = true;
    section.setAttribute("aria-busy", "true");
    const before = source.prediction;
    status.textContent = `${what} …`;
    failure.hidden = true;
    try {
      const { note } = await deed();
      status.textContent = note ? `${what}: ${note}.` : `${what}: done.`;
      if (what === "Reset") first = source.prediction;
      fill(change, ...changeOf(first, before, source.prediction));
    } catch (error) {
      status.textContent = "";
      failure.hidden = false;
      fill(failure, ...failureText(error));
    }
    section.removeAttribute("aria-busy");
    isBusy = false;
    const next = waiting;
    waiting = null;
    next?.();
  }

  /** @param {Blob | null | undefined} file */
  function take(file) {
    if (file) void make("Another image", () => source.image(file));
  }

  const file = h("input", { type: "file", accept: "image/*", "aria-label": "Choose an image file", "data-testid": "file", onchange: () => take(file.files?.[0]) });
  const drop = h(
    "div",
    { class: "edit-drop", tabindex: 0, role: "group", "aria-label": "Drop or paste an image here", "data-testid": "drop" },
    h("p", {}, "Drop an image here, paste one, or choose a file."),
    file,
  );
  const ends = [
    listen(drop, "dragover", (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    }),
    listen(drop, "dragleave", () => drop.classList.remove("is-over")),
    listen(drop, "drop", (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      drop.classList.remove("is-over");
      take(event.dataTransfer?.files[0]);
    }),
    listen(document, "paste", (/** @type {ClipboardEvent} */ event) => {
      const focused = document.activeElement;
      if (focused !== document.body && !section.contains(focused)) return;
      const found = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
      if (found) event.preventDefault();
      take(found);
    }),
  ];

  const sheet = input.places.length === 2 ? sheetFor(input) : null;
  /** @param {Layer} layer */
  function sheetFor(layer) {
    const [rows, columns] = layer.places.map((axis) => layer.shape[axis]);
    const made = createSheet({
      rows, columns, onInk: () => void make("Your drawing", () => source.pixels(drawnValues(layer, made.ink(), rangeOf(context)))),
    });
    return made;
  }
  const number = mountNumber(context, input, make);
  const reset = h(
    "button",
    { type: "button", "data-testid": "reset", onclick: () => void make("Reset", () => source.reset()).then(() => sheet?.clear()) },
    "Back to the first input and weights",
  );
  root.prepend(section); // above what follows from a change, so that the paper stays where it is
  const ways = h("details", { open: true }, h("summary", {}, title));
  section.append(ways);
  ways.append(
    h(
      "div",
      { class: "edit-ways" },
      h("div", {}, h("h3", {}, "An image"), drop),
      sheet && h("div", {}, h("h3", {}, "A drawing"), sheet.el),
      h("div", {}, h("h3", {}, "One number"), number.el),
    ),
    h("p", {}, reset),
    status,
    failure,
    change,
  );
  return {
    destroy() {
      number.destroy();
      for (const end of ends) end();
      section.remove();
    },
  };
}

/**
 * Paper and ink as numbers of the input: the least and the largest that it had at first.
 * @param {Context} context
 * @returns {[number, number]}
 */
function rangeOf({ source }) {
  const [low, high] = source.document.input.range;
  return low < high ? [low, high] : [0, 1];
}

/**
 * A drawing in the shape of the input, in every colour the same.
 * @param {Layer} input
 * @param {number[][]} ink
 * @param {[number, number]} range
 * @returns {number[]}
 */
export function drawnValues(input, ink, [paper, full]) {
  const count = input.shape.reduce((product, n) => product * n, 1);
  const [rowAxis, columnAxis] = input.places;
  return Array.from({ length: count }, (_, offset) => {
    /** @type {Cell} */
    const cell = [];
    for (let axis = input.shape.length - 1, left = offset; axis >= 0; axis -= 1) {
      cell[axis] = left % input.shape[axis];
      left = Math.floor(left / input.shape[axis]);
    }
    return paper + (full - paper) * ink[cell[rowAxis]][cell[columnAxis]];
  });
}

/**
 * What became of the prediction: by this change, and since the beginning.
 * @param {Prediction | null} first
 * @param {Prediction | null} before
 * @param {Prediction | null} now
 */
function changeOf(first, before, now) {
  if (!now || !before) return [];
  const name = (/** @type {number} */ k) => now.labels?.[k] ?? String(k);
  const isSame = before.best === now.best;
  const headline = isSame ? `The prediction is still ${name(now.best)}.` : `The prediction was ${name(before.best)} and is now ${name(now.best)}.`;
  const score = (/** @type {Prediction | null} */ from, /** @type {number} */ k) => from?.top.find(([one]) => one === k)?.[1];
  const told = (/** @type {number | undefined} */ value) => (value === undefined ? "–" : significant(value, 5));
  const rows = [...new Set([now.best, before.best, ...now.top.slice(0, 5).map(([k]) => k)])].map((k) => {
    const [was, is] = [score(before, k), score(now, k)];
    const by = was === undefined || is === undefined ? "–" : `${is >= was ? "+" : ""}${significant(is - was, 3)}`;
    return h("tr", { "aria-current": k === now.best ? "true" : null }, h("th", { scope: "row" }, name(k)), [told(score(first, k)), told(was), told(is), by].map((text) => h("td", {}, text)));
  });
  const heads = ["class", "at first", "before", "now", "change"].map((text) => h("th", { scope: "col" }, text));
  return [h("p", { "data-testid": "edit:headline" }, h("strong", {}, headline)), h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows))];
}

/** @param {unknown} error */
function failureText(error) {
  const told = /** @type {{ headline?: string, usual?: string | null, advice?: string | null, message?: string }} */ (error);
  const lines = [told.usual, told.advice].filter(Boolean).map((line) => h("p", {}, /** @type {string} */ (line)));
  return [h("p", {}, h("strong", {}, told.headline ?? told.message ?? "That failed.")), ...lines];
}
