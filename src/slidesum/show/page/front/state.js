/**
 * What is selected, in one place: the views read it and set it, and are told of every change.
 *
 *     state.set({ layer: "conv2", at: null });      state.get().layer      state.subscribe((now, before) => …)
 */

/** @import { Selection, State } from "./contract.js" */

/**
 * @param {Partial<Selection>} first
 * @returns {State}
 */
export function createState(first) {
  /** @type {Selection} */
  let now = Object.freeze({ tab: "network", layer: "", at: null, pinned: false, ...first });
  /** @type {Set<(now: Selection, before: Selection) => void>} */
  const listeners = new Set();
  return {
    get: () => now,
    set(patch) {
      const before = now;
      const after = Object.freeze({ ...before, ...patch });
      if (sameSelection(before, after)) return;
      now = after;
      for (const listener of [...listeners]) listener(after, before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * @param {Selection} a
 * @param {Selection} b
 * @returns {boolean}
 */
function sameSelection(a, b) {
  return a.tab === b.tab && a.layer === b.layer && a.pinned === b.pinned && samePlace(a.at, b.at);
}

/**
 * @param {number[] | null} a
 * @param {number[] | null} b
 * @returns {boolean}
 */
export function samePlace(a, b) {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((cell, k) => cell === b[k]);
}
