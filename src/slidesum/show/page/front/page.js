/**
 * The page: tabs over the views of one network and one input. anywidget's front-end interface, in all three homes.
 */

/** @import { Context, Model, Prediction, View } from "./contract.js" */

import { fill, h, listen } from "./dom.js";
import { mountLayer } from "./layer.js";
import { mountOverview } from "./overview.js";
import { mountPixel } from "./pixel.js";
import { mountEdit } from "./edit.js";
import { mountPicture } from "./picture.js";
import { mountTour } from "./tour.js";
import { mountTrace } from "./trace.js";
import { mountTypes } from "./types.js";
import { createSource } from "./source.js";
import { createState } from "./state.js";

/**
 * A tab's views are mounted when it is opened for the first time, below each other.
 * @type {{ id: string, title: string, views: ((root: HTMLElement, context: Context) => View)[] }[]}
 */
const TABS = [
  { id: "network", title: "Network", views: [mountOverview] },
  { id: "layer", title: "Layer", views: [mountLayer, mountPixel] },
  { id: "types", title: "Types", views: [mountTypes] },
  { id: "prediction", title: "Prediction", views: [mountTrace, mountEdit] },
];

/** A notebook may show several pages, and their parts are named apart. */
let pagesMade = 0;

/**
 * @param {{ model: Model, el: HTMLElement }} home
 * @returns {Promise<() => void>} what takes the page away again
 */
async function render({ model, el }) {
  const number = ++pagesMade;
  const source = await createSource(model);
  const state = createState({ layer: source.document.layers[0].name });
  const live = h("div", { class: "unseen", "aria-live": "polite" });
  // focusable, so that its keys are its own wherever it was clicked; a notebook leaves them to it
  const root = h("div", {
    tabindex: -1,
    "data-lm-suppress-shortcuts": "true",
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      // a notebook would take the Enter that ends a field
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.stopPropagation();
    },
    class: `slidesum ${el.parentElement === document.body ? "slidesum-whole" : ""}`,
  });
  const say = (/** @type {string} */ text) => fill(live, text);
  const context = { source, state, el: root, say };
  /** @type {Map<string, View[]>} */
  const mounted = new Map();
  const panels = new Map(
    TABS.map(({ id, title }) => [
      id,
      h("div", { class: `panel panel-${id}`, role: "tabpanel", id: `slidesum-${number}-${id}`, "aria-label": title, hidden: true }),
    ]),
  );
  const buttons = new Map(
    TABS.map(({ id, title }) => [
      id,
      h(
        "button",
        {
          role: "tab",
          "data-testid": `tab:${id}`,
          "aria-controls": `slidesum-${number}-${id}`,
          onclick: () => state.set({ tab: id }),
        },
        title,
      ),
    ]),
  );
  const prediction = h("button", { class: "prediction", "data-testid": "prediction" });
  const notes = source.document.notes;
  const guide = h("div", { class: "page-guide" });
  const tools = h("div", { class: "page-tools" });
  root.append(
    h(
      "header",
      { class: "page-head" },
      h("h1", {}, source.document.name),
      h("div", { class: "tabs", role: "tablist", onkeydown: moveTab }, [...buttons.values()]),
      prediction,
      guide,
    ),
    h("main", { class: "page-main" }, [...panels.values()]),
    h("footer", { class: "page-foot quiet" }, h("span", { class: "page-notes", title: notes.join(" ") }, notes.join(" ")), tools),
    live,
  );
  el.append(root);

  function open() {
    const { tab } = state.get();
    for (const { id, views } of TABS) {
      const panel = /** @type {HTMLElement} */ (panels.get(id));
      const isOpen = id === tab;
      panel.hidden = !isOpen;
      buttons.get(id)?.setAttribute("aria-selected", String(isOpen));
      if (buttons.get(id)) /** @type {HTMLElement} */ (buttons.get(id)).tabIndex = isOpen ? 0 : -1;
      if (isOpen && !mounted.has(id))
        mounted.set(
          id,
          views.map((mount) => mount(panel, context)),
        );
    }
  }

  /** @param {KeyboardEvent} event */
  function moveTab(event) {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (TABS.findIndex(({ id }) => id === state.get().tab) + by + TABS.length) % TABS.length;
    state.set({ tab: TABS[next].id });
    buttons.get(TABS[next].id)?.focus();
  }

  function tellPrediction() {
    prediction.hidden = source.prediction === null;
    if (source.prediction) fill(prediction, ...predicted(source.prediction));
  }

  function redraw() {
    for (const views of mounted.values()) for (const view of views) view.redraw?.();
  }

  const endings = [state.subscribe(open), source.onChange(tellPrediction), ...onTheme(redraw)];
  prediction.addEventListener("click", () => state.set({ tab: "prediction" }));
  tellPrediction();
  open();
  const others = [mountTour(guide, context), mountPicture(tools, context)];
  performance.mark("interactive");
  return () => {
    for (const view of others) view.destroy();
    for (const views of mounted.values()) for (const view of views) view.destroy();
    endings.forEach((end) => end());
    source.close();
    root.remove();
  };
}

/**
 * @param {Prediction} prediction
 * @returns {(Node | string)[]}
 */
function predicted({ best, top, sense, labels }) {
  const score = top.find(([number]) => number === best)?.[1];
  const told = score === undefined ? "" : ` ${sense === "smallest" ? "smallest of all: " : ""}${Number(score.toPrecision(3))}`;
  return [
    h("span", { class: "quiet" }, "Prediction "),
    h("strong", {}, labels?.[best] ?? String(best)),
    h("span", { class: "quiet" }, told),
  ];
}

/**
 * Tells when the page turns dark or light: by the system, or by what surrounds a notebook.
 * @param {() => void} listener
 * @returns {(() => void)[]}
 */
function onTheme(listener) {
  const observer = new MutationObserver(listener);
  const options = { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-theme", "theme"] };
  observer.observe(document.body, options);
  observer.observe(document.documentElement, options);
  return [listen(window.matchMedia("(prefers-color-scheme: dark)"), "change", listener), () => observer.disconnect()];
}

export default { render };
