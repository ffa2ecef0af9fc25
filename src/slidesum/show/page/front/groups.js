/**
 * Layers whose names begin alike ("3a/1x1", "3a/concat") fold into one card and unfold again.
 */

/** @import { Layer } from "./contract.js" */

/**
 * A card of the overview: one layer, or the layers of a folded group. `layer` is what it shows: of a group, its last one.
 * @typedef {object} Card
 * @property {string} id
 * @property {Layer} layer
 * @property {string | null} group the group that it stands for, folded
 * @property {Layer[]} members
 * @property {string[]} inputs the cards that it reads
 */

/** Networks with more layers than this begin folded. */
export const MANY_LAYERS = 40;

/**
 * The layers of each group that has at least two, in the order of computation.
 * @param {Layer[]} layers
 * @returns {Map<string, Layer[]>}
 */
export function groupsOf(layers) {
  /** @type {Map<string, Layer[]>} */
  const groups = new Map();
  for (const layer of layers) {
    if (layer.group !== null) groups.set(layer.group, [...(groups.get(layer.group) ?? []), layer]);
  }
  for (const [name, members] of groups) if (members.length < 2) groups.delete(name);
  return groups;
}

/**
 * The cards in an order in which each stands behind those it reads. A group that would have to stand before itself, because a layer
 * between two of its own is not of it, stays unfolded.
 * @param {Layer[]} layers
 * @param {Set<string>} folded names of groups
 * @returns {Card[]}
 */
export function cardsOf(layers, folded) {
  const cards = folding(layers, folded);
  const sorted = inOrder(cards);
  if (sorted.length === cards.length) return sorted;
  const placed = new Set(sorted);
  const stuck = new Set(cards.filter((card) => card.group !== null && !placed.has(card)).map((card) => card.group));
  return cardsOf(layers, new Set([...folded].filter((group) => !stuck.has(group))));
}

/**
 * @param {Layer[]} layers
 * @param {Set<string>} folded
 * @returns {Card[]}
 */
function folding(layers, folded) {
  const groups = groupsOf(layers);
  /** @type {(layer: Layer) => string} */
  const idOf = (layer) =>
    layer.group !== null && folded.has(layer.group) && groups.has(layer.group) ? `${layer.group}/` : layer.name;
  const ids = new Map(layers.map((layer) => [layer.name, idOf(layer)]));
  /** @type {Map<string, Layer[]>} */
  const members = new Map();
  for (const layer of layers) members.set(idOf(layer), [...(members.get(idOf(layer)) ?? []), layer]);
  return [...members].map(([id, own]) => ({
    id,
    layer: own[own.length - 1],
    group: id.endsWith("/") ? own[0].group : null,
    members: own,
    inputs: [...new Set(own.flatMap((layer) => layer.inputs.map((name) => ids.get(name) ?? name)))].filter((input) => input !== id),
  }));
}

/**
 * In the order of computation, as far as there is an order.
 * @param {Card[]} cards
 * @returns {Card[]}
 */
function inOrder(cards) {
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {Card[]} */
  const sorted = [];
  const waiting = [...cards];
  for (;;) {
    const next = waiting.findIndex((card) => card.inputs.every((input) => done.has(input)));
    if (next < 0) return sorted;
    const [card] = waiting.splice(next, 1);
    done.add(card.id);
    sorted.push(card);
  }
}
