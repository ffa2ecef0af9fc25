// What the tour says, for whatever network: the layer that it stops at is the first one with weights over several maps, and every
// number in the text is that layer's.

/** @import { Cell, Layer, PageDocument, Sized } from "./contract.js" */

import { counted, times } from "./dom.js";

/**
 * One step: what it says, what it opens, and what it points at (the first of these that is there).
 * @typedef {{ title: string, text: string, open: { tab: string, layer?: string, at?: Cell | null, pinned?: boolean }, points: string[] }} TourStep
 */

/** @type {Record<string, string>} */
const SPELT = { relu: "ReLU", relu6: "ReLU6", leaky_relu: "leaky ReLU", gelu: "GELU", silu: "SiLU", tanh: "tanh", scaled_tanh: "tanh" };

/**
 * @param {PageDocument} page
 * @returns {TourStep[]}
 */
export function tourSteps(page) {
  const layer = stopAt(page);
  const facts = factsOf(page.layers, layer);
  const at = placeToShow(page, layer);
  const here = { tab: "layer", layer: layer.name };
  return [
    { title: "How many maps come out?", text: question(page, layer, facts), open: { tab: "network" }, points: [`card:${layer.name}`, "overview"] },
    { title: "The answer is in the equation", text: answer(layer, facts), open: { ...here, at: null, pinned: false }, points: ["stack:out", "layer"] },
    { title: "Is a filter shared?", text: sharing(layer, facts), open: { ...here, at: null, pinned: false }, points: ["filters", "layer"] },
    { title: "Where the sums go", text: sums(layer, facts), open: { ...here, at, pinned: at !== null }, points: ["pixel", "layer"] },
    { title: "And the activation?", text: activation(page, layer, facts), open: { ...here, at, pinned: at !== null }, points: ["after", "pixel", "layer"] },
    {
      title: "Other layers can be built",
      text:
        "Type 1 runs every filter over every map and gives k1·k2 maps; type 2.1 shares one flat filter. Switch between them here and move " +
        "the sliders. Then follow a class back to its pixels under “Prediction”, or look at any number under “Layer”.",
      open: { tab: "types" },
      points: ["type:type 1", "types"],
    },
  ];
}

/**
 * The first layer that reads several maps through a sliding window; else one that slides, else one with weights, else any.
 * @param {PageDocument} page
 * @returns {Layer}
 */
function stopAt({ layers }) {
  const mapsOf = (/** @type {Layer} */ layer) => layers.find((one) => one.name === layer.inputs[0])?.maps ?? 1;
  const weighted = layers.filter((layer) => layer.sized && layer.sized.operands.length > layer.sized.inputs);
  const sliding = weighted.filter((layer) => layer.sized?.operands[0].axes.some((axis) => "slide" in axis));
  const wide = sliding.filter((layer) => /** @type {Sized} */ (layer.sized).operands[1].shape.some((n) => n > 1) && windowOf(layer).some((n) => n > 1));
  const mixing = wide.filter((layer) => mapsOf(layer) > 1);
  return mixing.find((layer) => !isOwn(layers, layer)) ?? mixing[0] ?? sliding[0] ?? weighted[0] ?? layers.find((layer) => layer.op !== "Input") ?? layers[0];
}

/** Whether every map has a filter of its own. @param {Layer[]} layers @param {Layer} layer */
function isOwn(layers, layer) {
  const { roles } = factsOf(layers, layer);
  return roles.has("own") && !roles.has("summed");
}

/** The taps of the window, along the places. @param {Layer} layer @returns {number[]} */
function windowOf({ sized }) {
  if (!sized) return [];
  const taps = Object.keys(sized.roles).filter((name) => sized.roles[name] === "tap");
  return taps.map((name) => sized.extents[name]);
}

/** @typedef {{ k1: number, filters: number, window: string, roles: Set<string>, wired: boolean }} Facts */

/**
 * @param {Layer[]} layers
 * @param {Layer} layer
 * @returns {Facts}
 */
function factsOf(layers, layer) {
  const input = layers.find((one) => one.name === layer.inputs[0]);
  const { sized } = layer;
  const none = { k1: input?.maps ?? 1, filters: layer.maps, window: "", roles: new Set(["none"]), wired: false };
  if (!sized || !input) return none;
  const axis = sized.operands[0].axes[input.map_axis ?? 1];
  const names = !axis ? [] : "name" in axis ? [axis.name] : "merged" in axis ? axis.merged : "slide" in axis ? axis.slide.steps.map(([name]) => name) : [];
  const filters = Object.keys(sized.roles).filter((name) => ["filter", "own"].includes(sized.roles[name]));
  return {
    ...none,
    filters: filters.reduce((product, name) => product * sized.extents[name], 1),
    window: layer.weights ? times(windowOf(layer)) : "",
    roles: new Set(names.map((name) => sized.roles[name])),
    wired: sized.connections !== null,
  };
}

/**
 * A place whose terms can be shown: a chosen one where not all travel with the page, else the middle.
 * @param {PageDocument} page
 * @param {Layer} layer
 * @returns {Cell | null}
 */
function placeToShow(page, layer) {
  if (layer.op === "Input" || layer.op === "Opaque") return null;
  const chosen = page.chosen?.[layer.name]?.[0]?.at;
  if (page.exact === "chosen" && page.answers === "here") return chosen ?? null;
  return layer.shape.map((n, axis) => (layer.places.includes(axis) ? Math.floor(n / 2) : 0));
}

/** @param {PageDocument} page @param {Layer} layer @param {Facts} facts */
function question(page, layer, { k1, filters, window: shape }) {
  const intro = `${page.name} is drawn as it computes: every card is a layer with its feature maps.`;
  if (k1 < 2 || !shape) return `${intro} We look at ${layer.name}: ${layer.kind}. What goes in, what comes out, and which weights are used where?`;
  const counts = `reads k1 = ${k1} maps through ${shape} windows with k2 = ${filters} filters`;
  return `${intro} ${layer.name} ${counts}. Do ${counted(filters)} maps come out, or ${k1}·${filters} = ${counted(k1 * filters)}?`;
}

/** @param {Layer} layer @param {Facts} facts */
function answer(layer, { k1, filters, roles, wired }) {
  const came = `${counted(layer.maps)} ${layer.maps === 1 ? "map comes" : "maps come"} out`;
  if (k1 === 1 && roles.has("summed")) return `${came}, one a filter: there is one map to read. With several, each filter would add up what it makes of them.`;
  if (roles.has("kept")) return `${came}: each of the ${filters} filters runs over each of the ${k1} maps by itself. Nothing is summed over maps.`;
  if (roles.has("pooled")) return `${came}, one a filter: the ${k1} maps are added up, and a flat filter runs over the sum.`;
  if (roles.has("own") && !roles.has("summed")) return `${came}: every map has a filter of its own, and no maps are mixed.`;
  if (roles.has("summed")) {
    const where = wired ? "the maps that its table names" : roles.has("own") ? "the maps of its group" : `all ${k1} maps`;
    return `${came}, one a filter: a filter spans ${where}, and what it makes of them is added. In the equation, what stands on x and not on y is summed.`;
  }
  return `${came}. ${layer.sentence ?? layer.gist ?? `This layer is ${layer.kind}.`}`;
}

/** @param {Layer} layer @param {Facts} facts */
function sharing(layer, { roles, window: shape, k1 }) {
  if (!layer.weights) return "This layer has no weights: there is nothing to share.";
  const total = `${counted(layer.weights)} weights in all`;
  const places = shape ? " Over the places of a map they are shared: the same grid slides everywhere." : "";
  if (roles.has("kept")) return `Yes: every grid of ${shape} weights is used on all ${k1} maps, ${total}.${places}`;
  if (roles.has("pooled")) return `Yes: a filter is one flat grid of ${shape}, whatever map the values came from; ${total}.${places}`;
  if (roles.has("summed") || roles.has("own")) {
    return `Not over maps: there is a grid of ${shape || "weights"} for every pair of an input map and a filter that reads it, ${total}.${places}`;
  }
  return `${layer.sentence ?? ""} ${total}.`.trim();
}

/** @param {Layer} layer @param {Facts} facts */
function sums(layer, { roles }) {
  if (!layer.sized) return `One value of ${layer.name}, with its formula and all that went into it.`;
  const across = roles.has("summed") || roles.has("pooled") ? "one partial sum for each input map, then the sum of these" : "the sum of the products";
  const bias = layer.biases ? ", then the bias" : "";
  return `One value of the result, down to the last product: patch times filter, ${across}${bias}. The numbers add up exactly as they are shown.`;
}

/** @param {PageDocument} page @param {Layer} layer @param {Facts} facts */
function activation({ layers }, layer, { roles }) {
  const behind = nextActivation(layers, layer);
  if (!behind) return `No activation stands behind ${layer.name}: the sum goes on as it is.`;
  const name = SPELT[behind.options.function] ?? behind.options.function;
  const where = behind.inputs[0] === layer.name ? "right behind the sum" : `a few layers on, in ${behind.name}`;
  const summed = roles.has("summed") || roles.has("pooled");
  const order = summed ? "First all maps are added, and then it is applied, once a value; it never sees a single map's part." : "It is applied to every value by itself.";
  return `The ${name} stands ${where}. ${order}`;
}

/** The first activation on the way from a layer, while one layer follows another. @param {Layer[]} layers @param {Layer} layer */
function nextActivation(layers, layer) {
  for (let here = layer, steps = 0; steps < 4; steps += 1) {
    const users = layers.filter((one) => one.inputs.includes(here.name));
    const found = users.find((one) => one.op === "Activation");
    if (found || users.length !== 1) return found ?? null;
    here = users[0];
    if (here.weights) return null;
  }
  return null;
}
