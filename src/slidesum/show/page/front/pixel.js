/**
 * The arithmetic of one value, term by term, in the order in which its equation says.
 */

/** @import { Cell, Context, Explanation, Layer, Selection, View } from "./contract.js" */
/** @import { Part } from "./arithmetic.js" */

import { gridsOf, partsOf, runningIn } from "./arithmetic.js";
import { isDarkAt, palette } from "./colour.js";
import { DIGITS_NOTE, shown } from "./digits.js";
import { counted, fill, h } from "./dom.js";
import { ledgerOf } from "./ledger.js";
import { samePlace } from "./state.js";
import { tableOf } from "./termtable.js";

/** Of a long list so many terms are shown, the heaviest. */
const MOST_ROWS = 16;
/** The pointer may move on before anything is asked. */
const PATIENCE = 45;

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountPixel(root, { source, state }) {
  let timer = 0;
  let isWhole = false;
  let chosen = -1;
  /** @type {{ layer: Layer, why: Explanation, mostInput: number } | null} */
  let explained = null;

  const head = h("header", { class: "pixel-head", "aria-live": "polite" });
  const body = h("div", { class: "pixel-body" });
  const el = h("section", { class: "pixel", "data-testid": "pixel", "aria-label": "The arithmetic of one value" }, head, body);
  root.append(el);

  function later() {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void open(), PATIENCE);
  }

  async function open() {
    const { layer: name, at, tab } = state.get();
    if (tab !== "layer" || at === null) return;
    const layer = source.layer(name);
    if (at.length !== layer.shape.length) return;
    if (!source.canExplain(name, at)) {
      tellNothing(layer, at);
      return;
    }
    try {
      const [why, ...inputs] = await Promise.all([source.explain(name, at), ...layer.inputs.map((input) => source.maps(input))]);
      const now = state.get();
      if (now.layer !== name || !samePlace(now.at, at)) return;
      if (explained?.layer !== layer) chosen = -1;
      explained = { layer, why, mostInput: Math.max(0, ...inputs.map((tensor) => tensor.max)) };
      write();
    } catch (error) {
      explained = null;
      fill(head, h("h3", {}, placeText(layer, at)));
      fill(body, h("p", { class: "failure", role: "alert" }, /** @type {Error} */ (error).message));
    }
  }

  /**
   * @param {Layer} layer
   * @param {Cell} at
   */
  function tellNothing(layer, at) {
    explained = null;
    el.dataset.explained = "";
    const near = nearest(source.chosen(layer.name), layer, at);
    const go = () => state.set({ at: near, pinned: true });
    fill(head, h("h3", {}, placeText(layer, at)));
    fill(
      body,
      h(
        "p",
        { class: "pixel-nothing" },
        layer.op === "Input"
          ? "This is the input: it isn't computed from anything."
          : near
            ? "The exact numbers of this value don't travel with the page; those of the marked values do. "
            : "The exact numbers of this layer don't travel with the page. Open it with slidesum page --serve to have them all.",
      ),
      near && h("button", { "data-testid": "nearest", onclick: go }, `Nearest explained value: [${near.join(", ")}]`),
    );
  }

  function write() {
    if (!explained) return;
    const { layer, why, mostInput } = explained;
    const colours = palette(isDarkAt(el));
    const texts = shown(why);
    const parts = partsOf(why);
    const hasPartials = why.partial_sums.length > 1 && parts.some((part) => part.terms.length > 1);
    const isGrid = runningIn(parts[0]?.terms ?? []).length > 0 && (hasPartials || parts.length === 1);
    const front = chosen >= 0 && chosen < parts.length ? chosen : heaviest(parts);
    const most = {
      value: mostInput,
      weight: largest(why, (term) => Math.max(0, ...term.weights.map(({ weight }) => Math.abs(weight)))),
      product: largest(why, (term) => Math.abs(term.product)),
    };
    const onOpen = (/** @type {number} */ number) => {
      chosen = number;
      isWhole = false;
      write();
    };
    el.dataset.explained = why.at.join(",");
    el.dataset.layer = layer.name;
    fill(
      head,
      h("h3", {}, placeText(layer, why.at), " = ", h("span", { class: "number" }, texts.value)),
      h("code", { class: "quiet" }, equationText(layer, why)),
    );
    fill(
      body,
      ledgerOf({ why, parts, texts, colours, chosen: isWhole ? -1 : front, onOpen, hasPartials }),
      h(
        "div",
        { class: "terms-box" },
        ...(isGrid ? grids() : lists()),
        h("p", { class: "quiet note" }, `${DIGITS_NOTE} Factors are shown with four digits.`),
      ),
    );

    /** @returns {(Node | string)[]} */
    function grids() {
      const listed = isWhole || parts.length === 1 ? parts : [parts[front]];
      const blocks = listed.map((part) =>
        h(
          "section",
          { class: "part", "data-map": part.map },
          h(
            "h4",
            {},
            parts.length > 1 ? part.map.replace("=", " = ") : windowTitle(why),
            h("span", { class: "quiet" }, ` ${counted(part.terms.length)} ${why.terms[0]?.weights.length ? "products" : "values"}`),
          ),
          gridsOf(part, why, texts, most, colours),
          hasPartials &&
            h(
              "p",
              { class: "part-sum" },
              `sum of ${part.map.replace("=", " = ")}: `,
              h("span", { class: "number" }, texts.partials[parts.indexOf(part)]),
            ),
        ),
      );
      return [...blocks, ...(parts.length > 1 ? [wholeButton()] : [])];
    }

    /** @returns {(Node | string)[]} */
    function lists() {
      const kept = new Set(isWhole ? why.terms.map((_, number) => number) : heaviestTerms(why));
      const listed = parts.map((part) => ({
        part,
        numbers: part.terms.map((_, k) => part.first + k).filter((number) => kept.has(number)),
      }));
      const left = why.terms.length - kept.size;
      return [
        why.terms.length > 0 ? tableOf(listed, why, texts, most, colours) : h("p", { class: "quiet" }, "Nothing is read."),
        left > 0 ? h("p", { class: "quiet" }, `${counted(left)} lighter terms are folded.`) : "",
        ...(why.terms.length > MOST_ROWS ? [wholeButton()] : []),
      ];
    }

    function wholeButton() {
      const toggle = () => {
        isWhole = !isWhole;
        write();
      };
      return h(
        "button",
        { "data-testid": "show-all-terms", "aria-pressed": String(isWhole), onclick: toggle },
        isWhole ? "Fold the terms" : `Show all ${counted(why.terms.length)} terms`,
      );
    }
  }

  /**
   * @param {Selection} now
   * @param {Selection} before
   */
  function onState(now, before) {
    if (now.tab !== "layer") return;
    if (now.layer !== before.layer) isWhole = false;
    if (now.layer !== before.layer || now.tab !== before.tab || !samePlace(now.at, before.at)) later();
  }

  const endings = [state.subscribe(onState), source.onChange(later)];
  later();
  return {
    redraw: write,
    destroy() {
      window.clearTimeout(timer);
      endings.forEach((end) => end());
      el.remove();
    },
  };
}

/**
 * @param {Layer} layer
 * @param {Cell} at
 * @returns {string} "C3[b 0, o 3, i 4, j 5]"
 */
function placeText(layer, at) {
  return `${layer.name}[${at.map((cell, axis) => `${layer.axes[axis] ? `${layer.axes[axis]}=` : ""}${cell}`).join(", ")}]`;
}

/**
 * @param {Layer} layer
 * @param {Explanation} why
 * @returns {string}
 */
function equationText(layer, why) {
  return layer.named ?? why.equation;
}

/**
 * @param {Explanation} why
 * @returns {string}
 */
function windowTitle(why) {
  return why.reduce === "sum" && why.terms[0]?.weights.length ? "the patch and its filter" : "the window";
}

/**
 * @param {Part[]} parts
 * @returns {number}
 */
function heaviest(parts) {
  return parts.reduce((best, part, number) => (Math.abs(part.sum) > Math.abs(parts[best].sum) ? number : best), 0);
}

/**
 * @param {Explanation} why
 * @param {(term: Explanation["terms"][0]) => number} size
 * @returns {number}
 */
function largest(why, size) {
  return why.terms.reduce((most, term) => Math.max(most, size(term) || 0), 0);
}

/**
 * The numbers of the terms that weigh most.
 * @param {Explanation} why
 * @returns {number[]}
 */
function heaviestTerms({ terms, reduce }) {
  const weight = (/** @type {Explanation["terms"][0]} */ term) =>
    term.winner ? Infinity : reduce === "max" ? term.value : reduce === "min" ? -term.value : Math.abs(term.product);
  const order = terms.map((_, number) => number).sort((a, b) => weight(terms[b]) - weight(terms[a]));
  return order.slice(0, MOST_ROWS);
}

/**
 * @param {Cell[]} places
 * @param {Layer} layer
 * @param {Cell} at
 * @returns {Cell | null} the one that is nearest, in the same map if there is one
 */
export function nearest(places, layer, at) {
  const away = (/** @type {Cell} */ place) =>
    place.reduce(
      (sum, cell, axis) => sum + (axis === layer.map_axis ? (cell === at[axis] ? 0 : 1e6) : Math.abs(cell - at[axis])),
      0,
    );
  return places.reduce(
    (/** @type {Cell | null} */ best, place) => (best === null || away(place) < away(best) ? place : best),
    null,
  );
}
