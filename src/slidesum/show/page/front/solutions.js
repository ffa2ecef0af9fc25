/**
 * All values of some indices that satisfy equations such as 2*i+u-3 = 7, and connections between two of them.
 *
 * Every equation tells one index, the one with the largest extent, once the others in it are known: for an address over 224 positions
 * and 3 taps that is a loop over 3.
 */

/** @import { Connections, Slide } from "./contract.js" */

import { slideCell } from "./axis.js";

/** @typedef {{ slide: Slide, targets: number[] }} Constraint  the address is one of the targets */
/** @typedef {{ name: string, solvedBy: number | null, checks: number[], wires: boolean }} Move  one index gets its value */

/**
 * Calls `visit` with every solution until it says false. The values are the same object each time.
 * @param {string[]} names  the indices to find
 * @param {Record<string, number>} fixed  the indices that are known
 * @param {Constraint[]} constraints
 * @param {Connections | null} wired
 * @param {Record<string, number>} extents
 * @param {(values: Record<string, number>) => boolean} visit
 */
export function eachSolution(names, fixed, constraints, wired, extents, visit) {
  const pairs = wired && new Set(wired.pairs.map(String));
  const moves = orderOfMoves(names, constraints, wired, extents);
  const values = { ...fixed };
  /** @type {number[]} */
  const targets = [];
  const holds = (/** @type {number} */ k) => slideCell(constraints[k].slide, values) === targets[k];
  const isWired = () => !wired || !pairs || pairs.has(`${values[wired.indices[0]]},${values[wired.indices[1]]}`);

  /** @type {(k: number) => boolean} */
  const from = (k) => {
    if (k === moves.length) return visit(values);
    const move = moves[k];
    if (move.solvedBy !== null) {
      values[move.name] = 0;
      const { slide } = constraints[move.solvedBy];
      const step = /** @type {[string, number]} */ (slide.steps.find(([name]) => name === move.name))[1];
      const value = (targets[move.solvedBy] - slideCell(slide, values)) / step;
      if (!Number.isInteger(value) || value < 0 || value >= extents[move.name]) return true;
      return withValue(k, move, value);
    }
    for (let value = 0; value < extents[move.name]; value += 1) if (!withValue(k, move, value)) return false;
    return true;
  };
  /** @type {(k: number, move: Move, value: number) => boolean} */
  const withValue = (k, move, value) => {
    values[move.name] = value;
    return !move.checks.every(holds) || (move.wires && !isWired()) || from(k + 1);
  };
  /** @type {(k: number) => boolean} */
  const withTargets = (k) => {
    if (k === constraints.length) {
      const isKnown = constraints.every(({ slide }, n) => slide.steps.some(([name]) => !(name in fixed)) || holds(n));
      const fits = isKnown && (!wired || wired.indices.some((name) => !(name in fixed)) || isWired());
      return !fits || from(0);
    }
    return constraints[k].targets.every((target) => {
      targets[k] = target;
      return withTargets(k + 1);
    });
  };
  withTargets(0);
}

/**
 * The indices in the order in which they get their values, and what is to be checked with each.
 * @param {string[]} names
 * @param {Constraint[]} constraints
 * @param {Connections | null} wired
 * @param {Record<string, number>} extents
 * @returns {Move[]}
 */
function orderOfMoves(names, constraints, wired, extents) {
  /** @type {Move[]} */
  const moves = [];
  const left = new Set(names);
  const take = (/** @type {string} */ name, /** @type {number | null} */ solvedBy) => {
    left.delete(name);
    moves.push({ name, solvedBy, checks: [], wires: false });
  };
  const solved = constraints.map(({ slide }, k) => {
    const open = slide.steps.map(([name]) => name).filter((name) => left.has(name));
    open.sort((a, b) => extents[b] - extents[a]);
    for (const name of open.slice(1)) take(name, null);
    if (open.length) take(open[0], k);
    return open.length > 0;
  });
  for (const name of left) take(name, null);
  const lastOf = (/** @type {string[]} */ some) => moves.findLast(({ name }) => some.includes(name));
  constraints.forEach(({ slide }, k) => {
    if (!solved[k]) lastOf(slide.steps.map(([name]) => name))?.checks.push(k);
  });
  const last = wired && lastOf(wired.indices);
  if (last) last.wires = true;
  return moves;
}
