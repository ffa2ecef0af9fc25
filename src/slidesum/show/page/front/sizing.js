/**
 * Equation + extents -> every size, for the lab where sliders change them. The rules are those of laws/shape.py and laws/padding.py:
 *
 *     positions = floor((N + p_lo + p_hi - sum(|step|·(taps - 1)) - 1) / |stride|) + 1
 *
 *     "valid"       no padding; or what the constant in the address says: -3 is three before, and as many after
 *     "same"        as many outputs as ceil(N / s); an odd cell is added after
 *     "same_lower"  the same, the odd cell before
 *     "full"        every window that touches the array
 *     2, [1, 2]     so many on both sides; so many before and after
 *
 * A transposed convolution is cropped by what padding adds.
 */

/** @import { Axis, Border, Equation, OpenAxis, Sized, Slide } from "./contract.js" */

import { PageError } from "./error.js";

/** @typedef {"valid" | "same" | "same_lower" | "full" | number | [number, number]} Rule */
/**
 * Stride, dilation and padding are one for all positions, or by position; without them steps are as the equation has them.
 * @typedef {object} Sizing
 * @property {Record<string, number>} [cells]  how many cells of the input an address runs over, by position; the fewest if not said
 * @property {number | Record<string, number>} [stride]
 * @property {number | Record<string, number>} [dilation]
 * @property {Rule | Record<string, Rule>} [padding]
 * @property {Border} [border]
 */

/**
 * @param {Equation} equation
 * @param {Record<string, number>} extents  of every index that no address of an operand tells
 * @param {Sizing} [sizing]
 * @returns {Sized}
 */
export function sizedFrom(equation, extents, sizing = {}) {
  return new Sizer(equation, extents, sizing).run();
}

class Sizer {
  /**
   * @param {Equation} equation
   * @param {Record<string, number>} extents
   * @param {Sizing} sizing
   */
  constructor(equation, extents, sizing) {
    this.equation = equation;
    this.extents = { ...extents };
    this.sizing = sizing;
  }

  /** @returns {Sized} */
  run() {
    const { equation } = this;
    this.findPositions();
    const operands = equation.operands.map((operand) => this.array(operand, (axis) => this.read(axis)));
    const result = this.array(equation.result, (axis) => this.written(axis));
    return {
      reduce: equation.reduce ?? "sum",
      inputs: equation.inputs ?? 1,
      bias: equation.bias ?? null,
      operands,
      result,
      extents: this.extents,
      summed: equation.summed,
      roles: equation.roles,
      border: this.sizing.border ?? "zero",
      connections: null,
    };
  }

  /** Positions as large as can be; one with several addresses stays in every array. */
  findPositions() {
    /** @type {Record<string, number>} */
    const found = {};
    for (const axis of this.equation.operands.flatMap(({ axes }) => axes)) {
      if (!("address" in axis)) continue;
      const { position, steps, constant } = this.address(axis, false);
      const cells = position === null ? undefined : this.sizing.cells?.[position];
      if (position === null || position in this.extents || cells === undefined) continue;
      const span = this.span(steps, position);
      const stride = Math.abs(stepOf(steps, position));
      const [low, high] = this.sides(position, constant, cells, stride, span);
      const room = cells + low + high;
      if (room < span) {
        throw new PageError(`the window of ${position} spans ${span} cells, and the input with its padding has ${room}`, {
          usual: `The axis has ${cells} cells, padded by ${low} before and ${high} after.`,
          advice: "Make the filter smaller, or pad.",
        });
      }
      const rule = this.rule(position);
      const keeps = rule === "same" || rule === "same_lower";
      const fitting = keeps ? Math.ceil(cells / stride) : Math.floor((room - span) / stride) + 1;
      found[position] = Math.min(found[position] ?? fitting, fitting);
    }
    Object.assign(this.extents, found);
  }

  /**
   * @param {{ name: string, axes: OpenAxis[] }} operand
   * @param {(axis: OpenAxis & { address: any }) => Slide} slideOf
   */
  array(operand, slideOf) {
    const axes = operand.axes.map((axis) => /** @type {Axis} */ ("address" in axis ? { slide: slideOf(axis) } : axis));
    const shape = axes.map((axis) => {
      if ("slide" in axis) return axis.slide.extent;
      const names = "name" in axis ? [axis.name] : "merged" in axis ? axis.merged : [];
      return names.reduce((product, name) => product * this.extent(name), 1);
    });
    return { name: operand.name, axes, shape };
  }

  /**
   * The slide of an address on an operand.
   * @param {OpenAxis & { address: any }} axis
   * @returns {Slide}
   */
  read(axis) {
    const { position, steps, constant } = this.address(axis, false);
    const span = this.span(steps, position);
    const stride = position === null ? 1 : Math.abs(stepOf(steps, position));
    const positions = position === null ? 1 : this.extent(position);
    const reach = span + stride * (positions - 1);
    const told = position === null ? undefined : this.sizing.cells?.[position];
    const [low, high] = this.sides(position, constant, told ?? positions * stride, stride, span);
    const cells = told ?? reach - low - high;
    if (cells < 1 || cells + low + high < reach) {
      throw new PageError(`the address reaches ${reach} cells, and the input with its padding has ${cells + low + high}`, {
        advice: "Give smaller extents, or pad.",
      });
    }
    return this.slide(steps, cells, [low, high], position, this.sizing.border ?? "zero");
  }

  /**
   * The slide of an address on the result: what a transposed convolution writes to.
   * @param {OpenAxis & { address: any }} axis
   * @returns {Slide}
   */
  written(axis) {
    const { position, steps, constant } = this.address(axis, true);
    const name = /** @type {string} */ (position);
    const stride = Math.abs(stepOf(steps, name));
    const positions = this.extent(name);
    const whole = this.span(steps, name) + stride * (positions - 1);
    const rule = this.rule(name);
    let [low, high] = [-constant, Math.max(0, -constant)];
    if (rule === "same" || rule === "same_lower") {
      const crop = whole - positions * stride; // below 0 where windows leave gaps: then nothing is cropped before
      const half = Math.max(0, crop) / 2;
      low = rule === "same" ? Math.floor(half) : Math.ceil(half);
      high = crop - low;
    } else if (rule === "full") {
      throw new PageError("full padding has no meaning for a transposed convolution", { advice: "Crop by a number, or not at all." });
    } else if (rule !== "valid") {
      [low, high] = typeof rule === "number" ? [rule, rule] : rule;
    }
    const cells = whole - low - high;
    if (cells < 1) throw new PageError(`cropping leaves no cell along ${name}`, { advice: "Crop less." });
    return this.slide(steps, cells, [low, high], name, "zero");
  }

  /**
   * @param {[string, number][]} steps
   * @param {number} extent
   * @param {[number, number]} padding
   * @param {string | null} position
   * @param {Border} border
   * @returns {Slide}
   */
  slide(steps, extent, padding, position, border) {
    const back = steps.reduce((sum, [name, step]) => sum + Math.min(0, step * (this.extent(name) - 1)), 0);
    return { steps, start: 0 - padding[0] - back, extent, padding, position, border };
  }

  /**
   * An address with its numbers and its position.
   * @param {OpenAxis & { address: any }} axis
   * @param {boolean} onResult
   */
  address(axis, onResult) {
    const { address, constant } = /** @type {{ address: [string, number][], constant: number }} */ (axis);
    const position = positionOf(this.equation, address.map(([name]) => name), onResult);
    const steps = address.map(([name, number]) => {
      const told = name === position ? this.sizing.stride : this.sizing.dilation;
      const size = typeof told === "object" ? told[position ?? ""] : told;
      return /** @type {[string, number]} */ ([name, size === undefined ? number : Math.sign(number) * size]);
    });
    return { position, steps, constant };
  }

  /**
   * The cells before and after an array that is read.
   * @param {string | null} position
   * @param {number} constant
   * @param {number} cells
   * @param {number} stride
   * @param {number} span
   * @returns {[number, number]}
   */
  sides(position, constant, cells, stride, span) {
    const rule = this.rule(position);
    if (rule === "valid") return [0 - constant, Math.max(0, -constant)];
    if (rule === "full") return [span - 1, span - 1];
    if (typeof rule === "number") return [rule, rule];
    if (typeof rule !== "string") return rule;
    const total = Math.max(0, (Math.ceil(cells / stride) - 1) * stride + span - cells);
    const small = Math.floor(total / 2);
    return rule === "same" ? [small, total - small] : [total - small, small];
  }

  /**
   * @param {string | null} position
   * @returns {Rule}
   */
  rule(position) {
    const { padding = "valid" } = this.sizing;
    if (position === null) return "valid";
    if (typeof padding !== "object" || Array.isArray(padding)) return padding;
    return padding[position] ?? "valid";
  }

  /**
   * How many cells the taps of an address span.
   * @param {[string, number][]} steps
   * @param {string | null} position
   */
  span(steps, position) {
    const taps = steps.filter(([name]) => name !== position);
    return taps.reduce((sum, [name, step]) => sum + Math.abs(step) * (this.extent(name) - 1), 1);
  }

  /** @param {string} name */
  extent(name) {
    const extent = this.extents[name];
    if (extent === undefined) throw new PageError(`the extent of ${name} is open`, { advice: "Give it." });
    return extent;
  }
}

/**
 * The index of an address that says which output is being made: on an operand the one that stands on the result too, and of several
 * the one that no operand carries bare; on the result the one that the input has.
 * @param {Equation} equation
 * @param {string[]} names
 * @param {boolean} onResult
 * @returns {string | null}
 */
function positionOf(equation, names, onResult) {
  if (onResult) {
    const first = equation.operands[0].axes.flatMap(openNames);
    return names.find((name) => first.includes(name)) ?? names[0];
  }
  const kept = equation.result.axes.flatMap(openNames);
  const bare = equation.operands.flatMap(({ axes }) => axes.filter((axis) => !("address" in axis)).flatMap(openNames));
  const candidates = names.filter((name) => kept.includes(name));
  return candidates.find((name) => !bare.includes(name)) ?? candidates[0] ?? null;
}

/** @param {OpenAxis} axis @returns {string[]} */
function openNames(axis) {
  if ("address" in axis) return axis.address.map(([name]) => name);
  if ("name" in axis) return [axis.name];
  return "merged" in axis ? axis.merged : [];
}

/**
 * @param {[string, number][]} steps
 * @param {string} name
 */
function stepOf(steps, name) {
  return /** @type {[string, number]} */ (steps.find(([one]) => one === name))[1];
}
