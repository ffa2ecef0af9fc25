// What is selected, in one place: the views read it and set it, and are told of every change.
//
//     state.set({ layer: "conv2", at: null });      state.now.layer      state.subscribe((now, before) => …)

/**
 * `at` are all coordinates of one value of `layer`, the batch included; `pinned` says that it stays when the pointer moves on.
 * @typedef {object} Selection
 * @property {string} tab "network", "layer", "types" or "prediction"
 * @property {string} layer
 * @property {number[] | null} at
 * @property {boolean} pinned
 */

/**
 * @typedef {object} State
 * @property {Selection} now
 * @property {(patch: Partial<Selection>) => void} set
 * @property {(listener: (now: Selection, before: Selection) => void) => () => void} subscribe gives back what ends it
 */

/**
 * @param {Partial<Selection> & { layer: string }} first
 * @returns {State}
 */
export function createState(first) {
  /** @type {Selection} */
  let now = Object.freeze({ tab: "network", at: null, pinned: false, ...first });
  /** @type {Set<(now: Selection, before: Selection) => void>} */
  const listeners = new Set();
  return {
    get now() {
      return now;
    },
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
