// A layer as a picture: the input's maps, the grids of weights that exist, the maps that come out, and what one value reads.
//
// Weights stand in rows and columns as their indices do: a row for what the result keeps, a column for what is summed. A grid that
// several pairs of maps use is drawn once, as a pile. The window on an input map has the colour of the grid that it is multiplied
// with, so that shared weights are seen as one colour on several maps.

/** @import { Cell, Sized } from "./contract.js" */
/** @import { Touch } from "./grids.js" */
/** @import { Made, Settings } from "./lab.js" */

import { svg } from "./dom.js";
import { MAPS_AXIS, gridIndices, gridKey, typedNames, touchesOf } from "./grids.js";

/** @typedef {{ x: number, y: number, w: number, h: number }} Box */
/**
 * One drawn thing; `spot` is what of it is lit. `rank` is where it stands among its family, for finding what it was before a change.
 * @typedef {{ family: string, row: number, column: number, rank: number, of: number, box: Box, spot?: Box, node: SVGGElement }} Item
 */
/** @typedef {{ node: SVGGElement, items: Item[], links: SVGGElement, outputs: { map: number, box: Box, cell: number }[] }} Scene */
/** @typedef {{ small: boolean, wide: boolean, width: number, height: number }} Frame */

const LAB_HUES = 8;

/**
 * @param {Made} made a layer without a problem
 * @param {Cell} at the output value that is looked at
 * @param {Settings} settings
 * @param {Map<string, number>} sharing
 * @param {Frame} frame
 * @returns {Scene}
 */
export function sceneOf(made, at, settings, sharing, frame) {
  const sized = /** @type {Sized} */ (made.sized);
  const [inputBox, weightsBox, outputBox] = columnsOf(frame);
  const touches = frame.small ? [] : touchesOf(made, at);
  const hues = new Map([...new Set(touches.map((touch) => touch.grid))].map((grid, k) => [grid, k % LAB_HUES]));
  const inputs = frame.small ? [] : inputItems(sized, made.uses.has("padding") ? settings.padding : 0, touches, hues, inputBox);
  const weights = weightItems(made, touches, hues, sharing, weightsBox, frame);
  const outputs = outputItems(made, at, outputBox, frame);
  const items = [...inputs, ...weights, ...outputs];
  const links = frame.small ? svg("g") : linksOf(inputs, weights, outputs, touches, hues, frame);
  const captions = frame.small ? [] : captionsOf(sized, made, [inputBox, weightsBox, outputBox]);
  const node = svg("g", {}, links, captions, items.map((item) => item.node));
  const cells = outputs.map((item, map) => ({ map, box: item.box, cell: item.box.w / sized.result.shape[MAPS_AXIS + 2] }));
  return { node, items, links, outputs: cells };
}

/**
 * Where input, weights and output stand: beside each other, or below each other where there is no room.
 * @param {Frame} frame
 * @returns {Box[]}
 */
function columnsOf({ small, wide, width, height }) {
  if (small) return [{ x: 0, y: 0, w: 0, h: 0 }, { x: 0, y: 0, w: width * 0.5, h: height }, { x: width * 0.6, y: 0, w: width * 0.4, h: height }];
  const head = 24;
  if (wide) {
    return [[0, 0.25], [0.34, 0.66], [0.74, 1]].map(([from, to]) => ({ x: width * from + 1, y: head, w: width * (to - from) - 6, h: height - head - 6 }));
  }
  return [[0, 0.26], [0.31, 0.68], [0.73, 1]].map(([from, to]) => ({ x: 1, y: height * from + head, w: width - 6, h: height * (to - from) - head }));
}

/**
 * @param {Sized} sized
 * @param {number} padding
 * @param {Touch[]} touches
 * @param {Map<string, number>} hues
 * @param {Box} box
 * @returns {Item[]}
 */
function inputItems(sized, padding, touches, hues, box) {
  const [, maps, rows, columns] = sized.operands[0].shape;
  const grid = { rows: rows + 2 * padding, columns: columns + 2 * padding };
  return placedGrids({ rows: 1, columns: maps }, grid, box, 15).map(({ box: at, cell }, map) => {
    const inner = { x: at.x + padding * cell, y: at.y + padding * cell, w: columns * cell, h: rows * cell };
    const own = touches.filter((touch) => touch.map === map);
    const cellBoxes = own.map(({ row, column }) => ({ x: at.x + (column + padding) * cell, y: at.y + (row + padding) * cell, w: cell, h: cell }));
    const lit = own.map((touch, k) =>
      svg("rect", {
        ...rectOf(cellBoxes[k]),
        class: `lab-lit lab-hue-${hues.get(touch.grid)}${touch.inBorder ? " lab-in-border" : ""}`,
        "data-cell": `${map},${touch.row},${touch.column}`,
        "data-grid": touch.grid,
      }),
    );
    const ring = padding ? [meshOf(at, grid.rows, grid.columns, "lab-ring")] : [];
    const drawn = [...ring, svg("rect", { ...rectOf(inner), class: "lab-map" }), meshOf(inner, rows, columns, "lab-mesh")];
    const node = svg("g", { "data-testid": `lab:in:${map}` }, drawn, lit);
    return { family: "input", row: 0, column: map, rank: map, of: maps, box: at, spot: boxAround(cellBoxes), node };
  });
}

/**
 * @param {Made} made
 * @param {Touch[]} touches
 * @param {Map<string, number>} hues
 * @param {Map<string, number>} sharing
 * @param {Box} box
 * @param {Frame} frame
 * @returns {Item[]}
 */
function weightItems(made, touches, hues, sharing, box, frame) {
  const sized = /** @type {Sized} */ (made.sized);
  const { taps, rows, columns } = gridIndices(made.type.equation);
  const count = (/** @type {string[]} */ names) => names.reduce((product, name) => product * sized.extents[name], 1);
  const whole = { rows: count(rows), columns: count(columns) };
  const [tall = 1, broad = 1] = taps.map((name) => sized.extents[name]);
  const found = placedGrids(whole, { rows: tall, columns: broad }, box, frame.small ? 4 : 11, 4);
  return found.map(({ box: at }, rank) => {
    const [row, column] = [Math.floor(rank / whole.columns), rank % whole.columns];
    const grid = gridKey([...rows, ...columns], { ...indexValues(rows, row, sized), ...indexValues(columns, column, sized) });
    const uses = sharing.get(grid) ?? 1;
    const hue = hues.get(grid);
    const pile = Array.from({ length: Math.min(uses - 1, 2) }, (_, k) => 2 * (Math.min(uses - 1, 2) - k)).map((shift) =>
      svg("rect", { ...rectOf({ ...at, x: at.x + shift, y: at.y + shift }), class: "lab-pile" }),
    );
    const paint = hue === undefined ? "lab-grid" : `lab-grid lab-used lab-hue-${hue}`;
    const drawn = [svg("rect", { ...rectOf(at), class: paint }), meshOf(at, tall, broad, "lab-mesh")];
    const told = `${grid}${uses > 1 ? `, used ${uses} times` : ""}`;
    const node = svg("g", { "data-testid": "lab:grid", "data-grid": grid, "data-uses": uses }, svg("title", {}, told), pile, drawn);
    return { family: "weights", row, column, rank, of: whole.rows * whole.columns, box: at, node };
  });
}

/**
 * @param {Made} made
 * @param {Cell} at
 * @param {Box} box
 * @param {Frame} frame
 * @returns {Item[]}
 */
function outputItems(made, at, box, frame) {
  const sized = /** @type {Sized} */ (made.sized);
  const names = typedNames(made.type.equation.result.axes[MAPS_AXIS]);
  const [, maps, rows, columns] = sized.result.shape;
  const whole = names.length > 1 ? { rows: sized.extents[names[0]], columns: maps / sized.extents[names[0]] } : { rows: 1, columns: maps };
  return placedGrids(whole, { rows, columns }, box, frame.small ? 4 : 15).map(({ box: place, cell }, map) => {
    const isChosen = !frame.small && map === at[MAPS_AXIS];
    const spot = { x: place.x + at[MAPS_AXIS + 2] * cell, y: place.y + at[MAPS_AXIS + 1] * cell, w: cell, h: cell };
    const lit = isChosen && svg("rect", { ...rectOf(spot), class: "lab-at" });
    const drawn = [svg("rect", { ...rectOf(place), class: "lab-map lab-made" }), meshOf(place, rows, columns, "lab-mesh")];
    const node = svg("g", { "data-testid": "lab:out", "data-map": map }, drawn, lit);
    const [row, column] = [Math.floor(map / whole.columns), map % whole.columns];
    return { family: "output", row, column, rank: map, of: maps, box: place, spot: isChosen ? spot : undefined, node };
  });
}

/**
 * From each window to the weights that it is multiplied with, and from there to the one value that the sum makes.
 * @param {Item[]} inputs
 * @param {Item[]} weights
 * @param {Item[]} outputs
 * @param {Touch[]} touches
 * @param {Map<string, number>} hues
 * @param {Frame} frame
 */
function linksOf(inputs, weights, outputs, touches, hues, frame) {
  const links = svg("g", { class: "lab-links" });
  const goal = outputs.find((item) => item.spot);
  const drawn = new Set();
  for (const { map, grid: key } of touches) {
    const grid = weights.find((item) => item.node.getAttribute("data-grid") === key);
    if (drawn.has(`${map} ${key}`) || !grid || !goal?.spot) continue;
    links.append(linkOf(inputs[map].spot ?? inputs[map].box, grid.box, frame, hues.get(key)));
    if (!drawn.has(key)) links.append(linkOf(grid.box, goal.spot, frame, hues.get(key)));
    drawn.add(key).add(`${map} ${key}`);
  }
  return links;
}

/** From the near side of a box to that of another. @param {Box} a @param {Box} b @param {Frame} frame @param {number | undefined} hue */
function linkOf(a, b, frame, hue) {
  const [x1, y1] = frame.wide ? [a.x + a.w, a.y + a.h / 2] : [a.x + a.w / 2, a.y + a.h];
  const [x2, y2] = frame.wide ? [b.x, b.y + b.h / 2] : [b.x + b.w / 2, b.y];
  const bend = frame.wide ? `${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2}` : `${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2}`;
  return svg("path", { d: `M${x1} ${y1}C${bend} ${x2} ${y2}`, class: `lab-link lab-hue-${hue}` });
}

/**
 * @param {Sized} sized
 * @param {Made} made
 * @param {Box[]} boxes
 */
function captionsOf(sized, made, boxes) {
  const maps = (/** @type {number[]} */ [, count, ...places]) => `${count} ${count === 1 ? "map" : "maps"} of ${places.join("×")}`;
  const { taps, rows, columns } = gridIndices(made.type.equation);
  const grids = [...rows, ...columns].reduce((product, name) => product * sized.extents[name], 1);
  const size = taps.map((name) => sized.extents[name]).join("×") || "1×1";
  const told = [
    `in: ${maps(sized.operands[0].shape)}`,
    `weights: ${grids} ${grids === 1 ? "grid" : "grids"} of ${size}`,
    `out: ${maps(sized.result.shape)}`,
  ];
  return told.map((text, k) => svg("text", { x: boxes[k].x, y: boxes[k].y - 9, class: "lab-caption" }, text));
}

/**
 * Equal grids of cells in a box, as large as fits: in these rows and columns, or wrapped where there is one row only.
 * @param {{ rows: number, columns: number }} whole
 * @param {{ rows: number, columns: number }} grid
 * @param {Box} box
 * @param {number} most the largest cell
 * @param {number} [gap]
 * @returns {{ box: Box, cell: number }[]}
 */
function placedGrids(whole, grid, box, most, gap = 6) {
  const count = whole.rows * whole.columns;
  const wraps = whole.rows > 1 ? [whole.columns] : Array.from({ length: count }, (_, k) => k + 1);
  const tried = wraps.map((across) => {
    const down = Math.ceil(count / across);
    const room = [(box.w - gap * (across - 1)) / (across * grid.columns), (box.h - gap * (down - 1)) / (down * grid.rows)];
    return { across, down, cell: Math.max(0.5, Math.min(most, ...room)) };
  });
  const { across, down, cell } = tried.reduce((best, one) => (one.cell > best.cell + 1e-9 ? one : best));
  const [w, h] = [grid.columns * cell, grid.rows * cell];
  const left = box.x + (box.w - across * w - (across - 1) * gap) / 2;
  const top = box.y + (box.h - down * h - (down - 1) * gap) / 2;
  return Array.from({ length: count }, (_, k) => ({
    cell,
    box: { x: left + (k % across) * (w + gap), y: top + Math.floor(k / across) * (h + gap), w, h },
  }));
}

/** The values of several indices that share a number, the last one running fastest. @param {string[]} names @param {number} number @param {Sized} sized */
function indexValues(names, number, sized) {
  /** @type {Record<string, number>} */
  const values = {};
  for (const name of [...names].reverse()) {
    values[name] = number % sized.extents[name];
    number = Math.floor(number / sized.extents[name]);
  }
  return values;
}

/** @param {Box[]} boxes @returns {Box | undefined} the smallest around all of them */
function boxAround(boxes) {
  if (!boxes.length) return undefined;
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const [right, bottom] = [Math.max(...boxes.map((box) => box.x + box.w)), Math.max(...boxes.map((box) => box.y + box.h))];
  return { x, y, w: right - x, h: bottom - y };
}

/** @param {Box} box */
const rectOf = ({ x, y, w, h }) => ({ x, y, width: w, height: h });

/** @param {Box} box @param {number} rows @param {number} columns @param {string} name */
function meshOf({ x, y, w, h }, rows, columns, name) {
  const across = Array.from({ length: rows - 1 }, (_, k) => `M${x} ${y + ((k + 1) * h) / rows}h${w}`);
  const down = Array.from({ length: columns - 1 }, (_, k) => `M${x + ((k + 1) * w) / columns} ${y}v${h}`);
  const edge = name === "lab-ring" ? `M${x} ${y}h${w}v${h}h${-w}z` : "";
  return svg("path", { d: edge + across.join("") + down.join(""), class: name });
}
