// The grids of weights of a layer, and which of them an output value meets: what the lab draws, read off the equation.

/** @import { Cell, Equation, OpenAxis } from "./contract.js" */
/** @import { Made } from "./lab.js" */

import { readings } from "./equation.js";

/** The axis of the maps, on x and on the result; before it stands the batch, behind it the places. */
export const MAPS_AXIS = 1;

/** @param {OpenAxis} axis @returns {string[]} */
export function typedNames(axis) {
  if ("name" in axis) return [axis.name];
  if ("merged" in axis) return axis.merged;
  return "address" in axis ? axis.address.map(([name]) => name) : [];
}

/**
 * One cell of x that an output value reads, with the grid of weights that it is multiplied with, and where in that grid.
 * @typedef {{ map: number, row: number, column: number, inBorder: boolean, grid: string, tap: Cell }} Touch
 */

/**
 * A filter's indices apart: those that run over a window of the places (a grid is drawn of them), and those that tell grids apart.
 * @param {Equation} equation
 * @returns {{ taps: string[], rows: string[], columns: string[] }}
 */
export function gridIndices(equation) {
  const [x, w] = equation.operands;
  const places = new Set(x.axes.slice(MAPS_AXIS + 1).flatMap(typedNames));
  const names = w.axes.flatMap(typedNames);
  const kept = new Set(equation.result.axes.flatMap(typedNames));
  return {
    taps: names.filter((name) => places.has(name)),
    rows: names.filter((name) => !places.has(name) && kept.has(name)),
    columns: names.filter((name) => !places.has(name) && !kept.has(name)),
  };
}

/**
 * What the output value at `at` reads, and with which weights.
 * @param {Made} made
 * @param {Cell} at
 * @returns {Touch[]}
 */
export function touchesOf(made, at) {
  if (!made.sized) return [];
  const { taps, rows, columns } = gridIndices(made.type.equation);
  return [...readings(made.sized, at)].map((reading) => ({
    map: reading.cells[0][MAPS_AXIS],
    row: reading.cells[0][MAPS_AXIS + 1],
    column: reading.cells[0][MAPS_AXIS + 2],
    inBorder: reading.inBorder,
    grid: gridKey([...rows, ...columns], reading.values),
    tap: taps.map((name) => reading.values[name]),
  }));
}

/** @param {string[]} names @param {Record<string, number>} values @returns {string} "o=0 c=2"; "w" where there is one grid only */
export function gridKey(names, values) {
  return names.map((name) => `${name}=${values[name]}`).join(" ") || "w";
}

/**
 * How many pairs of an input map and an output map use each grid of weights: 1 where nothing is shared between maps.
 * @param {Made} made
 * @returns {Map<string, number>}
 */
export function sharingOf(made) {
  /** @type {Map<string, Set<string>>} */
  const pairs = new Map();
  if (!made.sized) return new Map();
  const middle = made.sized.result.shape.map((n) => Math.floor(n / 2));
  for (let map = 0; map < made.sized.result.shape[MAPS_AXIS]; map += 1) {
    middle[MAPS_AXIS] = map;
    for (const touch of touchesOf(made, middle)) {
      const found = pairs.get(touch.grid) ?? new Set();
      pairs.set(touch.grid, found.add(`${touch.map} ${map}`));
    }
  }
  return new Map([...pairs].map(([grid, found]) => [grid, found.size]));
}
