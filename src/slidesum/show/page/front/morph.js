// From one picture of a layer to the next: every thing moves from where its counterpart stood, and what has none comes out of, or
// goes into, the nearest one. So four grids of weights are seen to become one that four maps share.

/** @import { Box, Item, Scene } from "./scene.js" */

const MORPH_MILLISECONDS = 520; // milliseconds

/** @returns {boolean} whether the user asked for stillness */
export function wantsStill() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Puts a scene in place of another one inside a drawing, moving.
 * @param {SVGSVGElement} drawing
 * @param {Scene | null} before
 * @param {Scene} after
 * @param {boolean} moving
 */
export function showScene(drawing, before, after, moving) {
  const from = before && moving && !wantsStill() ? before.items.map((item) => ({ item, box: whereNow(item) })) : [];
  for (const leaving of drawing.querySelectorAll(".lab-leaving")) leaving.remove();
  before?.node.remove();
  drawing.append(after.node);
  if (!from.length) return;
  const met = new Set();
  for (const item of after.items) {
    const old = from.find(({ item: one }) => one.family === item.family && isCounterpart(one, item));
    const origin = old ?? nearestItem(from, item);
    if (old) met.add(old.item);
    if (origin) slideTo(item.node, origin.box, item.box, "in", old ? 1 : 0.2);
  }
  for (const { item, box } of from.filter((one) => !met.has(one.item))) {
    const goal = nearestItem(after.items.map((one) => ({ item: one, box: one.box })), item);
    if (goal) leaveFor(drawing, item, box, goal.box);
  }
  after.links.animate([{ opacity: 0 }, { opacity: 0, offset: 0.7 }, { opacity: 1 }], { duration: 1.4 * MORPH_MILLISECONDS });
}

/** @param {Item} a @param {Item} b */
function isCounterpart(a, b) {
  return a.of === b.of ? a.rank === b.rank : a.row === b.row && a.column === b.column;
}

/**
 * The one of the same family that is nearest in rows and columns.
 * @param {{ item: Item, box: Box }[]} among
 * @param {Item} item
 */
function nearestItem(among, item) {
  const family = among.filter(({ item: one }) => one.family === item.family);
  const distance = (/** @type {Item} */ one) => 100 * Math.abs(one.row - item.row) + Math.abs(one.column - item.column);
  return family.reduce((best, one) => (best && distance(best.item) <= distance(one.item) ? best : one), /** @type {{ item: Item, box: Box } | null} */ (null));
}

/** Where a thing is seen right now, on its way perhaps. @param {Item} item @returns {Box} */
function whereNow({ node, box }) {
  const moved = new DOMMatrix(getComputedStyle(node).transform);
  return { x: moved.a * box.x + moved.e, y: moved.d * box.y + moved.f, w: moved.a * box.w, h: moved.d * box.h };
}

/** @param {Box} from @param {Box} to @returns {string} what draws the thing at `to` where `from` is */
function carried(from, to) {
  const [a, d] = [from.w / to.w, from.h / to.h];
  return `matrix(${a}, 0, 0, ${d}, ${from.x - a * to.x}, ${from.y - d * to.y})`;
}

/** @param {SVGGElement} node @param {Box} from @param {Box} to @param {string} way @param {number} opacity */
function slideTo(node, from, to, way, opacity) {
  const there = { transform: carried(from, to), opacity };
  const here = { transform: "matrix(1, 0, 0, 1, 0, 0)", opacity: 1 };
  return node.animate(way === "in" ? [there, here] : [here, there], { duration: MORPH_MILLISECONDS, easing: "cubic-bezier(.3, 0, .2, 1)" });
}

/** @param {SVGSVGElement} drawing @param {Item} item @param {Box} from @param {Box} to */
function leaveFor(drawing, item, from, to) {
  item.node.classList.add("lab-leaving");
  for (const name of ["data-testid", "data-grid", "data-map"]) item.node.removeAttribute(name);
  drawing.append(item.node);
  const moving = item.node.animate(
    [{ transform: carried(from, item.box), opacity: 1 }, { transform: carried(to, item.box), opacity: 0 }],
    { duration: MORPH_MILLISECONDS, easing: "cubic-bezier(.3, 0, .2, 1)", fill: "forwards" },
  );
  moving.onfinish = () => item.node.remove();
}
