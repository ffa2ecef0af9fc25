/**
 * The feature maps of one tensor: one of them large, all of them small, sliders for the axes that a picture has no room for, and a line
 * that tells the value under the pointer.
 *
 *     const stack = createStack({ title: "conv1", tensor, mapAxis: 1, places: [2, 3], testid: "stack:out" });
 *     stack.light([{ kind: "read", cells }]);
 */

/** @import { Cell, Tensor } from "./contract.js" */
/** @import { MapCell } from "./board.js" */
/** @import { Lit } from "./lit.js" */
/** @import { Ring } from "./tiles.js" */

import { createBoard } from "./board.js";
import { isDarkAt, legend, palette, written } from "./colour.js";
import { fill, h, setStyle, times } from "./dom.js";
import { gathered, spelled } from "./lit.js";
import { isInside, valueAt } from "./tensor.js";
import { NO_RING, cellOf, drawnAs, formOf, largeTile, placeOf, smallTiles } from "./tiles.js";

/**
 * @typedef {object} Stack
 * @property {HTMLElement} el
 * @property {(place: Cell) => void} show brings the map and the slices of a place to the front
 * @property {(places: Cell[]) => void} showOneOf the same, unless the map that is in front has one of them
 * @property {(lit: Lit[], veil?: boolean) => void} light
 * @property {(tensor: Tensor, marks?: Cell[]) => void} set other values of the same shape
 * @property {(place: Cell | null) => void} tell the value at a place, in words
 * @property {() => void} redraw after the theme or the room changed
 */

/**
 * @param {object} told
 * @param {string} told.title
 * @param {Tensor} told.tensor
 * @param {number | null} told.mapAxis
 * @param {number[]} told.places
 * @param {string} told.testid
 * @param {string[]} [told.axes] the names of the axes
 * @param {Ring} [told.ring] padding that is drawn around
 * @param {string} [told.unit] what one of the small multiples is called
 * @param {Cell[]} [told.marks]
 * @param {string[] | null} [told.labels]
 * @param {() => { width: number, height: number }} told.room for the large map
 * @param {(place: Cell | null, event: PointerEvent) => void} [told.onHover]
 * @param {(place: Cell, event: MouseEvent) => void} [told.onPick]
 * @returns {Stack}
 */
export function createStack(told) {
  let { tensor, marks = [] } = told;
  const { title, ring = NO_RING, unit = "map", room, labels = null } = told;
  const drawn = drawnAs(tensor.shape, told.mapAxis, told.places);
  const isList = formOf(drawn) === "bar" || drawn.rows * drawn.columns === 1;
  const hasSmall = drawn.maps > 1 || isList;
  const slice = tensor.shape.map(() => 0);
  let map = 0;
  /** @type {Lit[]} */
  let lit = [];
  let hasVeil = true;

  /** @type {(cell: MapCell | null) => Cell | null} */
  const placed = (cell) => cell && placeOf(drawn, slice, cell.map, cell.row, cell.column);
  const listeners = {
    /** @type {(cell: MapCell | null, event: PointerEvent) => void} */
    onHover: (cell, event) => told.onHover?.(placed(cell), event),
    /** @type {(cell: MapCell, event: MouseEvent) => void} */
    onPick: (cell, event) => told.onPick?.(/** @type {Cell} */ (placed(cell)), event),
  };
  const large = createBoard({ label: `${title}: one ${unit}, large`, ...listeners });
  const small = createBoard({ label: `${title}: ${drawn.maps} ${unit}s of ${drawn.rows} by ${drawn.columns}`, ...listeners });
  const caption = h("p", { class: "stack-caption" });
  const key = h("div", { class: "stack-key" });
  const sliders = drawn.sliders.map((axis) => sliderOf(axis));
  const smallBox = h("div", { class: "stack-small" }, small.el);
  const el = h(
    "section",
    { class: "stack", "data-testid": told.testid, "data-lit": "", "data-map": 0, "aria-label": title },
    h("h4", {}, title, h("span", { class: "quiet" }, ` ${summaryOf()}`)),
    h("div", { class: "stack-maps" }, !isList && h("div", { class: "stack-large" }, large.el), hasSmall && smallBox),
    sliders.map(({ row }) => row),
    caption,
    key,
  );

  /** @returns {string} */
  function summaryOf() {
    const extents = told.places.map((axis) => tensor.shape[axis]);
    const count = `${drawn.maps} ${unit}${drawn.maps === 1 ? "" : "s"}`;
    return extents.length ? `${count} of ${times(extents)}` : `${drawn.maps} value${drawn.maps === 1 ? "" : "s"}`;
  }

  /** @param {number} axis */
  function sliderOf(axis) {
    const name = told.axes?.[axis] ?? `axis ${axis}`;
    const shown = h("output", {}, "0");
    const input = h("input", {
      type: "range",
      min: 0,
      max: tensor.shape[axis] - 1,
      step: 1,
      value: 0,
      "aria-label": `${title}: slice along ${name}`,
      "data-testid": `slice:${axis}`,
      oninput: () => {
        slice[axis] = Number(input.value);
        shown.textContent = input.value;
        redraw();
      },
    });
    const reached = h("span", { class: "quiet" });
    return { axis, input, shown, reached, row: h("label", { class: "slice" }, h("span", {}, name), input, shown, reached) };
  }

  /** @param {{ onlyLarge?: boolean }} [what] */
  function redraw({ onlyLarge = false } = {}) {
    const isDark = isDarkAt(el);
    const colours = palette(isDark);
    const look = { tensor, drawn, slice, most: tensor.max, colours, isDark, labels };
    const { width, height } = room();
    let smallRoom = { width, height: isList ? height : 150 };
    const marked = marks
      .filter((place) => drawn.sliders.every((axis) => place[axis] === slice[axis]))
      .map((place) => cellOf(drawn, place));
    if (!isList) {
      const tile = largeTile(drawn, map, width, height, ring);
      large.draw({ tiles: [tile], width: tile.width, height: tile.height }, look, marked);
      const beside = width - tile.width - 20;
      if (beside >= 100) smallRoom = { width: beside, height: tile.height };
    }
    if (hasSmall && !onlyLarge) {
      const laid = smallTiles(drawn, { ...smallRoom, least: 16, all: true }, ring);
      setStyle(smallBox, { "max-height": `${Math.max(smallRoom.height, 120) + 6}px` });
      small.draw(laid, look, isList || drawn.maps <= 64 ? marked : []);
      fill(key, legend(colours, tensor.max));
    }
    if (!hasSmall) fill(key, legend(colours, tensor.max));
    relight();
  }

  function relight() {
    const found = lit.map((one) => gathered(drawn, slice, one));
    if (!isList) large.light(found, hasVeil);
    if (hasSmall) small.light([...found, ...chosenMap()], hasVeil);
    el.dataset.lit = spelled(found);
    for (const { axis, reached } of sliders) reached.textContent = reachText(axis);
  }

  /**
   * Slices that light up, too, and aren't seen now.
   * @param {number} axis
   */
  function reachText(axis) {
    const cells = lit.flatMap((one) => (one.kind === "read" || one.kind === "fed" ? one.cells.map((place) => place[axis]) : []));
    const [low, high] = cells.reduce(([least, most], n) => [Math.min(least, n), Math.max(most, n)], [Infinity, -Infinity]);
    return low < high ? `lit: ${low} to ${high}` : "";
  }

  /** The small multiple that is shown large. */
  function chosenMap() {
    if (isList) return [];
    const whole = { top: 0, bottom: drawn.rows - 1, left: 0, right: drawn.columns - 1 };
    return [{ kind: /** @type {const} */ ("at"), maps: new Map([[map, [whole]]]) }];
  }

  /** @param {Cell} place */
  function show(place) {
    const cell = cellOf(drawn, place);
    const hasSlice = sliders.every(({ axis }) => place[axis] === slice[axis]);
    if (cell.map === map && hasSlice) return;
    map = cell.map;
    el.dataset.map = String(map);
    for (const { axis, input, shown } of sliders) {
      slice[axis] = place[axis];
      input.value = String(place[axis]);
      shown.textContent = String(place[axis]);
    }
    redraw({ onlyLarge: hasSlice });
  }

  return {
    el,
    show,
    showOneOf(places) {
      const inside = places.filter((place) => isInside(tensor.shape, place));
      if (inside.length === 0) return;
      const onMap = inside.filter((place) => cellOf(drawn, place).map === map);
      const [front] = inside;
      const candidates = onMap.length ? onMap : inside.filter((place) => cellOf(drawn, place).map === cellOf(drawn, front).map);
      if (!onMap.length || sliders.length > 0) show(candidates[Math.floor(candidates.length / 2)]);
    },
    light(next, veil = true) {
      lit = next;
      hasVeil = veil;
      relight();
    },
    set(next, newMarks = []) {
      tensor = next;
      marks = newMarks;
      redraw();
    },
    tell(place) {
      caption.textContent = place ? `[${place.join(", ")}] = ${written(valueAt(tensor, place))}` : "";
    },
    redraw,
  };
}
