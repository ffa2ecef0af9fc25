/**
 * Which cells of one array belong to a cell of another: what an output reads, what an input feeds. Both are one question.
 *
 * The cell that is given fixes some indices outright, and sets an equation for every address on it (2*i+u-3 = 7). Indices that share
 * an axis or an equation depend on each other, all others don't: so the answer is a product of small parts, each solved by itself,
 *
 *     output (0, 5, 2, 3) of  b c i+u j+v, o c u v -> b o i j  reads   {0} × {all c} × {2, 3, 4} × {3, 4, 5}
 *
 * and a window over 192 maps costs a few steps, not 3·3·192.
 */

/** @import { Axis, Cell, Sized } from "./contract.js" */
/** @import { Constraint } from "./solutions.js" */

import { cellOn, namesOf, standingFor, standsFor, valuesAt } from "./axis.js";
import { eachSolution } from "./solutions.js";
import { isInside } from "./tensor.js";

/** @typedef {{ places: number[], tuples: Cell[] }} Part  some axes, and the cells on them that go together */

/** Cells of an array, as a product of parts. Cells in the padding are among them. */
export class Region {
  /**
   * @param {number} rank
   * @param {Part[]} parts  each axis in one of them
   */
  constructor(rank, parts) {
    this.rank = rank;
    this.parts = parts;
  }

  /** How many cells there are. */
  get count() {
    return this.parts.reduce((product, part) => product * part.tuples.length, 1);
  }

  /** The cells of every axis by itself, in their order. */
  get sets() {
    /** @type {number[][]} */
    const sets = new Array(this.rank);
    for (const { places, tuples } of this.parts) {
      places.forEach((place, k) => {
        sets[place] = places.length === 1 ? tuples.map(([c]) => c) : [...new Set(tuples.map((tuple) => tuple[k]))].sort((a, b) => a - b);
      });
    }
    return this.count ? sets : sets.fill([]);
  }

  /** Whether the region is all of the product of its `sets`. */
  get isBox() {
    return this.sets.reduce((product, set) => product * set.length, 1) === this.count;
  }

  /** @param {Cell} cell */
  has(cell) {
    return this.parts.every(({ places, tuples }) => tuples.some((tuple) => places.every((place, k) => tuple[k] === cell[place])));
  }

  /** Every cell. @returns {Cell[]} */
  cells() {
    /** @type {Cell[]} */
    let found = [new Array(this.rank).fill(0)];
    for (const { places, tuples } of this.parts) {
      /** @type {Cell[]} */
      const longer = [];
      for (const begun of found) {
        for (const tuple of tuples) {
          const cell = begun.slice();
          for (let k = 0; k < places.length; k += 1) cell[places[k]] = tuple[k];
          longer.push(cell);
        }
      }
      found = longer;
    }
    return found;
  }
}

/**
 * The product of one set of cells an axis.
 * @param {number[][]} sets
 * @returns {Region}
 */
export function boxOf(sets) {
  return new Region(
    sets.length,
    sets.map((set, place) => ({ places: [place], tuples: set.map((cell) => [cell]) })),
  );
}

/**
 * No cell at all.
 * @param {number} rank
 * @returns {Region}
 */
export function nowhere(rank) {
  return boxOf(Array.from({ length: rank }, () => []));
}

/**
 * The cells of array `asked` that meet `cell` of array `given` in some term; the result has the number -1.
 *
 * A given cell inside the array is met also where a border repeats it; one outside is met where it is addressed. Of an operand the
 * cells are addresses, those of the result are cells of it.
 * @param {Sized} sized
 * @param {number} given
 * @param {Cell} cell
 * @param {number} asked
 * @returns {Region}
 */
export function meeting(sized, given, cell, asked) {
  const axes = axesOfArray(sized, asked);
  const told = toldBy(sized, given, cell);
  if (!told || Object.values(sized.extents).includes(0)) return nowhere(axes.length);
  const { fixed, constraints } = told;
  const free = (/** @type {string[]} */ names) => names.filter((name) => !(name in fixed));
  const onAxes = axes.map((axis) => free(namesOf(axis)));
  const onConstraints = constraints.map(({ slide }) => free(slide.steps.map(([name]) => name)));
  const wired = sized.connections;
  const onWires = wired ? free(wired.indices) : [];
  /** @type {Part[]} */
  const parts = [];
  for (const names of [[], ...dependentGroups([...onAxes, ...onConstraints, onWires])]) {
    const isOwn = (/** @type {string[]} */ some) => (some.length ? names.includes(some[0]) : names.length === 0);
    const places = axes.flatMap((_, place) => (isOwn(onAxes[place]) ? [place] : []));
    const own = constraints.filter((_, k) => isOwn(onConstraints[k]));
    const tuples = new Tuples();
    eachSolution(names, fixed, own, isOwn(onWires) ? wired : null, sized.extents, (values) => {
      tuples.add(places.map((place) => keptCell(axes[place], cellOn(axes[place], values, sized.extents), asked)));
      return places.length > 0; // without an axis one solution is as good as many
    });
    if (!tuples.size) return nowhere(axes.length);
    if (places.length) parts.push({ places, tuples: tuples.sorted() });
  }
  return new Region(
    axes.length,
    parts.sort((a, b) => a.places[0] - b.places[0]),
  );
}

/**
 * What a cell of an array tells: index values, and an equation for every address. Null where no term reads it.
 * @param {Sized} sized
 * @param {number} given
 * @param {Cell} cell
 * @returns {{ fixed: Record<string, number>, constraints: Constraint[] } | null}
 */
function toldBy(sized, given, cell) {
  /** @type {Record<string, number>} */
  const fixed = {};
  /** @type {Constraint[]} */
  const constraints = [];
  const isAddress = !isInside(given < 0 ? sized.result.shape : sized.operands[given].shape, cell);
  for (const [place, axis] of axesOfArray(sized, given).entries()) {
    if ("slide" in axis) {
      constraints.push({ slide: axis.slide, targets: isAddress ? [cell[place]] : standingFor(axis.slide, cell[place]) });
      continue;
    }
    const values = valuesAt(axis, cell[place], sized.extents);
    if (!values) return null;
    for (const [name, value] of values) {
      if ((fixed[name] ?? value) !== value) return null; // an index that stands twice: off its diagonal
      fixed[name] = value;
    }
  }
  return { fixed, constraints };
}

/**
 * The cell as it is told: an address of an operand; of the result the cell that keeps it, if one does.
 * @param {Axis} axis
 * @param {number} cell
 * @param {number} asked
 */
function keptCell(axis, cell, asked) {
  return asked < 0 ? standsFor(axis, cell) : cell;
}

/**
 * @param {Sized} sized
 * @param {number} number
 * @returns {Axis[]}
 */
function axesOfArray(sized, number) {
  return number < 0 ? sized.result.axes : sized.operands[number].axes;
}

/**
 * Names that stand together somewhere, directly or through others, in one group.
 * @param {string[][]} together
 * @returns {string[][]}
 */
function dependentGroups(together) {
  /** @type {Set<string>[]} */
  let joined = [];
  for (const names of together.filter((some) => some.length)) {
    const met = joined.filter((group) => names.some((name) => group.has(name)));
    joined = joined.filter((group) => !met.includes(group));
    joined.push(new Set([...met.flatMap((group) => [...group]), ...names]));
  }
  return joined.map((group) => [...group]);
}

/** Tuples of cells, each once. */
class Tuples {
  constructor() {
    /** @type {Map<string | number, Cell>} */
    this.found = new Map();
  }

  get size() {
    return this.found.size;
  }

  /** @param {(number | null)[]} tuple  one with a null isn't kept */
  add(tuple) {
    if (!tuple.includes(null)) this.found.set(tuple.length === 1 ? /** @type {number} */ (tuple[0]) : tuple.join(), /** @type {Cell} */ (tuple));
  }

  /** Row by row. */
  sorted() {
    return [...this.found.values()].sort((a, b) => {
      const k = a.findIndex((cell, place) => cell !== b[place]);
      return k < 0 ? 0 : a[k] - b[k];
    });
  }
}
