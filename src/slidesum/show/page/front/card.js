/**
 * One layer, or a folded group, in the overview: its name, its kind, its equation, its maps, and what they cost.
 */

/** @import { Layer, Tensor } from "./contract.js" */
/** @import { Card } from "./groups.js" */

import { inked, isDarkAt, palette, written } from "./colour.js";
import { brief, counted, fill, h, setStyle, times } from "./dom.js";
import { paint } from "./paint.js";
import { isPhotograph, paintPhotograph } from "./photograph.js";
import { NO_RING, drawnAs, smallTiles } from "./tiles.js";

/** @typedef {{ width: number, height: number, mapsWidth: number, mapsHeight: number }} CardSize */

/** @type {CardSize} */
const LARGE = { width: 228, height: 242, mapsWidth: 204, mapsHeight: 100 };
/** @type {CardSize} */
const SMALL = { width: 104, height: 112, mapsWidth: 88, mapsHeight: 50 };

/** Layers that change values one by one, or only move them: a small card is enough. */
const SMALL_OPS = ["Activation", "Dropout", "Reshape", "Slice", "Take", "Pad", "Elementwise", "BatchNorm", "Stored"];

/**
 * @param {Card} card
 * @returns {CardSize}
 */
export function sizeOf(card) {
  return card.group === null && SMALL_OPS.includes(card.layer.op) ? SMALL : LARGE;
}

/**
 * @param {Layer} layer
 * @returns {string} "6 maps of 28×28", "120 values"
 */
export function extentOf(layer) {
  const places = layer.places.map((axis) => layer.shape[axis]);
  if (layer.map_axis === null) return times(places.length ? places : layer.shape);
  const maps = layer.shape[layer.map_axis];
  return places.length
    ? `${counted(maps)} map${maps === 1 ? "" : "s"} of ${times(places)}`
    : `${counted(maps)} value${maps === 1 ? "" : "s"}`;
}

/**
 * @typedef {object} CardView
 * @property {HTMLElement} el
 * @property {CardSize} size
 * @property {(tensor: Tensor, zoom: number) => void} draw
 * @property {(text: string) => void} fail
 */

/**
 * @param {Card} card
 * @param {{ onOpen: () => void, onUnfold: () => void, range: [number, number] }} told the range is that of the input
 * @returns {CardView}
 */
export function createCard(card, { onOpen, onUnfold, range }) {
  const { layer } = card;
  const size = sizeOf(card);
  const canvas = h("canvas", { "aria-hidden": true, width: 0, height: 0 });
  const photograph = isPhotograph(layer) && h("canvas", { class: "card-photograph", width: 0, height: 0, "aria-hidden": true });
  const more = h("span", { class: "card-more" });
  const key = h("div", { class: "card-key", "aria-hidden": true });
  const maps = h(
    "div",
    { class: "card-maps", style: { width: `${size.mapsWidth}px`, height: `${size.mapsHeight}px` } },
    photograph,
    canvas,
    more,
  );
  const costs = costsOf(card.members);
  const kind = card.group === null ? kindOf(layer) : `${card.members.length} layers`;
  const title = card.group ?? layer.name;
  const open = h(
    "button",
    { class: "card-open", title, onclick: onOpen, "aria-label": `${labelOf(card, title, kind, costs)} Open.` },
    title,
  );
  const el = h(
    "article",
    {
      class: `card ${size === SMALL ? "card-small" : ""} ${card.group === null ? "" : "card-group"}`,
      "data-testid": `card:${title}`,
      "data-op": layer.op,
    },
    h(
      "header",
      {},
      open,
      card.group !== null &&
        h(
          "button",
          {
            class: "card-fold",
            onclick: onUnfold,
            "data-testid": `unfold:${title}`,
            "aria-label": `Unfold ${title}`,
            title: "Unfold",
          },
          "+",
        ),
    ),
    h("p", { class: "card-kind", title: kind }, kind),
    size === LARGE &&
      h(
        "p",
        { class: "card-equation", title: layer.pattern ?? "" },
        card.group === null ? equationLines(layer.pattern) : groupLine(card),
      ),
    maps,
    size === LARGE &&
      h(
        "footer",
        {},
        h("div", { class: "card-line" }, h("span", {}, extentOf(layer)), key),
        costLine(costs),
        shareBar(costs.share),
      ),
  );
  setStyle(el, { width: `${size.width}px`, height: `${size.height}px` });
  return {
    el,
    size,
    draw(tensor, zoom) {
      const isDark = isDarkAt(el);
      const colours = palette(isDark);
      const drawn = drawnAs(tensor.shape, layer.map_axis, layer.places);
      if (photograph) paintPhotograph(photograph, layer, tensor, range);
      const width = photograph ? size.mapsWidth - size.mapsHeight - 8 : size.mapsWidth;
      const laid = smallTiles(drawn, { width, height: size.mapsHeight, least: size === SMALL ? 10 : 15 }, NO_RING);
      const left = drawn.maps - laid.tiles.length;
      paint(
        canvas,
        laid.tiles,
        { tensor, drawn, slice: middleOf(tensor.shape, drawn.sliders), most: tensor.max, colours, isDark },
        { width: laid.width, height: laid.height, ratio: zoom },
      );
      setStyle(canvas, { width: `${laid.width}px`, height: `${laid.height}px` });
      more.textContent = left > 0 ? `+${counted(left)}` : "";
      const stops = [-1, -0.5, 0, 0.5, 1].map((t) => inked(colours, t, 1).ground);
      fill(
        key,
        h("span", { class: "legend-bar", style: { "background-image": `linear-gradient(to right, ${stops.join(",")})` } }),
        `±${written(tensor.max)}`,
      );
      el.dataset.drawn = "yes";
    },
    fail(text) {
      more.textContent = text;
    },
  };
}

/**
 * Of a volume the slice in its middle is shown, where most is to be seen.
 * @param {number[]} shape
 * @param {number[]} sliders
 * @returns {number[]}
 */
function middleOf(shape, sliders) {
  return shape.map((n, axis) => (sliders.includes(axis) && axis > 0 ? Math.floor(n / 2) : 0));
}

/**
 * @param {Layer} layer
 * @returns {string}
 */
export function kindOf(layer) {
  return [layer.kind, ...layer.also].filter(Boolean).join(", ");
}

/**
 * What is read on one line, what is made of it on the next.
 * @param {string | null} pattern
 * @returns {(HTMLElement | string)[]}
 */
function equationLines(pattern) {
  const [read, made] = (pattern ?? "").split(" -> ");
  return made === undefined ? [read] : [h("span", {}, read), h("span", {}, `-> ${made}`)];
}

/**
 * @param {Card} card
 * @returns {string} what a group consists of
 */
function groupLine({ members }) {
  const equations = members.filter((layer) => layer.weights > 0).length;
  return `${equations} with weights`;
}

/** @typedef {{ weights: number, macs: number, share: number | null }} Costs */

/**
 * @param {Layer[]} layers
 * @returns {Costs}
 */
function costsOf(layers) {
  const shares = layers.map((layer) => layer.macs_percent).filter((share) => share !== null);
  return {
    weights: layers.reduce((sum, layer) => sum + layer.weights, 0),
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
    share: shares.length ? shares.reduce((sum, share) => sum + share, 0) : null,
  };
}

/**
 * @param {Costs} costs
 * @returns {HTMLElement}
 */
function costLine({ weights, macs }) {
  const nothing = weights === 0 && macs === 0;
  return h(
    "div",
    { class: "card-line quiet" },
    h("span", { title: `${counted(weights)} weights` }, nothing ? "no weights" : `${brief(weights)} weights`),
    macs > 0 && h("span", { title: `${counted(macs)} multiply-adds` }, `${brief(macs)} multiply-adds`),
  );
}

/**
 * @param {number | null} share in percent of all multiply-adds
 * @returns {HTMLElement}
 */
function shareBar(share) {
  const percent = share ?? 0;
  return h(
    "div",
    { class: "card-share", title: `${percent.toFixed(1)} % of the multiply-adds` },
    h(
      "span",
      { class: "card-share-track" },
      h("span", { class: "card-share-bar", style: { width: `${Math.min(percent, 100)}%` } }),
    ),
    h("span", { class: "card-share-number" }, percent > 0 ? `${percent.toFixed(1)} %` : "–"),
  );
}

/**
 * @param {Card} card
 * @param {string} title
 * @param {string} kind
 * @param {Costs} costs
 * @returns {string} the card as a sentence
 */
function labelOf(card, title, kind, costs) {
  const share = costs.share === null ? "" : `, ${costs.share.toFixed(1)} percent of the cost`;
  return `${title}: ${kind}, ${extentOf(card.layer)}, ${counted(costs.weights)} weights, ${counted(costs.macs)} multiply-adds${share}.`;
}
