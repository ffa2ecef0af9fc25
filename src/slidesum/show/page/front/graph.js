/**
 * Where the cards of a network stand: ranks by the longest path, branches below each other, long chains broken into lines like text.
 *
 * Layered drawing (Sugiyama, Tagawa and Toda 1981): an edge that passes ranks holds a place in each, so that no card stands in its way.
 * A line may only end behind a card that all later ones depend on: there just one edge crosses.
 */

/**
 * @typedef {object} Box what is to be placed
 * @property {string} id
 * @property {string[]} inputs
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {object} Spot a place for a box, or for an edge that passes (`box` is null): the middle of its height and its column
 * @property {Box | null} box
 * @property {number} rank
 * @property {Spot[]} before
 * @property {Spot[]} after
 * @property {number} height
 * @property {number} y
 */

/**
 * @typedef {object} Placed
 * @property {Map<string, { x: number, y: number, width: number, height: number, line: number }>} boxes
 * @property {{ from: string, to: string, path: string }[]} edges
 * @property {number} width
 * @property {number} height
 */

import { bestLines, drawn } from "./lines.js";

const ROW_GAP = 26;
const PASSING = 14;

/**
 * @param {Box[]} boxes each behind those it reads
 * @param {number} aspect width over height of what it is to fill
 * @returns {Placed}
 */
export function placed(boxes, aspect) {
  const { ranks, edges } = spotsOf(boxes);
  for (const rank of ranks) inARow(rank);
  untangle(ranks);
  const cuts = cutsOf(ranks);
  settle(ranks, cuts);
  straighten(ranks);
  const columns = ranks.map((rank) => Math.max(0, ...rank.map((spot) => spot.box?.width ?? 0)));
  const lines = bestLines(ranks, columns, cuts, aspect);
  return drawn(ranks, edges, columns, lines);
}

/**
 * @param {Box[]} boxes
 * @returns {{ ranks: Spot[][], edges: Spot[][] }} the spots of each rank, and for each edge those that it passes, ends included
 */
function spotsOf(boxes) {
  /** @type {Map<string, Spot>} */
  const spots = new Map();
  /** @type {Spot[][]} */
  const ranks = [];
  /** @type {(box: Box | null, rank: number) => Spot} */
  const spot = (box, rank) => {
    const made = { box, rank, before: [], after: [], height: box?.height ?? PASSING, y: 0 };
    (ranks[rank] ??= []).push(made);
    return made;
  };
  for (const box of boxes) {
    const rank = Math.max(-1, ...box.inputs.map((input) => spots.get(input)?.rank ?? -1)) + 1;
    spots.set(box.id, spot(box, rank));
  }
  /** @type {Spot[][]} */
  const edges = [];
  for (const box of boxes) {
    const target = /** @type {Spot} */ (spots.get(box.id));
    for (const input of box.inputs) {
      const source = spots.get(input);
      if (!source) continue;
      const chain = [source];
      for (let rank = source.rank + 1; rank < target.rank; rank++) chain.push(spot(null, rank));
      chain.push(target);
      for (let k = 1; k < chain.length; k++) {
        chain[k - 1].after.push(chain[k]);
        chain[k].before.push(chain[k - 1]);
      }
      edges.push(chain);
    }
  }
  return { ranks, edges };
}

/**
 * Below each other, around the middle.
 * @param {Spot[]} rank
 */
function inARow(rank) {
  let y = -(rank.reduce((sum, spot) => sum + spot.height, 0) + ROW_GAP * (rank.length - 1)) / 2;
  for (const spot of rank) {
    spot.y = y + spot.height / 2;
    y += spot.height + ROW_GAP;
  }
}

/**
 * Orders the spots of each rank by the mean of their neighbours, to and fro.
 * @param {Spot[][]} ranks
 */
function untangle(ranks) {
  for (let sweep = 0; sweep < 6; sweep++) {
    const forward = sweep % 2 === 0;
    for (const rank of forward ? ranks : [...ranks].reverse()) {
      const wanted = new Map(rank.map((spot) => [spot, mean(forward ? spot.before : spot.after) ?? spot.y]));
      rank.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      inARow(rank);
    }
  }
}

/**
 * @param {Spot[]} spots
 * @returns {number | null}
 */
function mean(spots) {
  return spots.length ? spots.reduce((sum, spot) => sum + spot.y, 0) / spots.length : null;
}

/**
 * The ranks behind which a line may end.
 * @param {Spot[][]} ranks
 * @returns {Set<number>}
 */
function cutsOf(ranks) {
  const cuts = new Set([ranks.length - 1]);
  ranks.forEach((rank, number) => {
    if (rank.filter((spot) => spot.after.length > 0).length === 1 && rank.every((spot) => spot.box)) cuts.add(number);
  });
  return cuts;
}

/**
 * Moves the spots towards their neighbours, in their order and apart from each other; what everything passes through stays in the middle.
 * @param {Spot[][]} ranks
 * @param {Set<number>} cuts
 */
function settle(ranks, cuts) {
  for (let sweep = 0; sweep < 14; sweep++) {
    for (const rank of sweep % 2 ? [...ranks].reverse() : ranks) {
      if (rank.length === 1 && cuts.has(rank[0].rank)) {
        rank[0].y = 0;
        continue;
      }
      const wanted = rank.map((spot) => mean([...spot.before, ...spot.after]) ?? spot.y);
      apart(rank, wanted);
    }
  }
}

/**
 * Spots that are each other's only neighbours come to stand on one line: by and by, since each of them may be held by its rank.
 * @param {Spot[][]} ranks
 */
function straighten(ranks) {
  const heads = ranks.flat().filter((spot) => !(spot.before.length === 1 && spot.before[0].after.length === 1));
  const chains = heads.map((head) => {
    const chain = [head];
    for (let spot = head; spot.after.length === 1 && spot.after[0].before.length === 1; [spot] = spot.after)
      chain.push(spot.after[0]);
    return chain;
  });
  for (let sweep = 0; sweep < 24; sweep++) {
    for (const chain of chains) {
      const cards = chain.filter((spot) => spot.box !== null);
      const y = mean(cards.length > 0 ? cards : chain) ?? 0;
      for (const spot of chain) spot.y = y;
    }
    for (const rank of ranks)
      apart(
        rank,
        rank.map((spot) => spot.y),
      );
  }
}

/**
 * The least squares of the distances to what is wanted, with the gaps kept: pool adjacent violators. Cards weigh more than edges that
 * pass, so that these make room.
 * @param {Spot[]} rank
 * @param {number[]} wanted
 */
function apart(rank, wanted) {
  /** @type {{ sum: number, weight: number, spots: Spot[] }[]} */
  const pools = [];
  let offset = 0;
  /** @type {number[]} */
  const offsets = [];
  rank.forEach((spot, k) => {
    if (k > 0) offset += (rank[k - 1].height + spot.height) / 2 + ROW_GAP;
    offsets.push(offset);
    const weight = spot.box ? 1 : 0.05;
    pools.push({ sum: weight * (wanted[k] - offset), weight, spots: [spot] });
    while (pools.length > 1 && level(pools[pools.length - 2]) >= level(pools[pools.length - 1])) {
      const last = /** @type {typeof pools[0]} */ (pools.pop());
      const pool = pools[pools.length - 1];
      pool.sum += last.sum;
      pool.weight += last.weight;
      pool.spots.push(...last.spots);
    }
  });
  let k = 0;
  for (const pool of pools) for (const spot of pool.spots) spot.y = level(pool) + offsets[k++];
}

/**
 * @param {{ sum: number, weight: number }} pool
 * @returns {number}
 */
function level(pool) {
  return pool.sum / pool.weight;
}
