/**
 * Decimals, so that what is shown adds up as shown.
 *
 * All numbers of one sum are shown in the same unit, a power of ten chosen so that the largest of them has seven significant digits.
 * The value is rounded to it. The sums of the input maps and the bias are then rounded down, and as many of them up again, those with
 * the largest remainder first, as it takes to add up to the value shown; the products of each map likewise to the sum shown.
 *
 *     2.3 + 3.4 + 4.4 = 10.1    in whole numbers    2 + 4 + 4 = 10
 *
 * Invariants. The products shown add up exactly to the sum of their map shown, and these with the bias exactly to the value shown. No
 * number shown is off by more than a unit of its last place (`DIGITS_NOTE` tells the reader). They hold for finite numbers whatever their
 * size, since rounding is done in integers; where something isn't finite it is shown as it is, and the numbers beside it rounded.
 *
 * Why it always comes out: the parts rounded down miss their sum by the sum of their remainders, each less than one unit, and the sum
 * shown is that rounded. So at least none and at most all of the parts that have a remainder are rounded up.
 */

/** @import { Explanation } from "./contract.js" */

import { exactSum } from "./sum.js";

const SIGNIFICANT = 7;
const PLAIN = [-4, 6]; // numbers whose first digit stands between 0.0001 and 1000000 are written without an exponent

export const DIGITS_NOTE =
  "Products and sums are rounded so that they add up exactly as shown; none is off by more than one unit of its last place.";

/**
 * All numbers of an explanation as text; `products` as the terms, `partials` as the partial sums. `sum` is the sum of the terms where
 * it isn't the value already.
 * @typedef {{ products: string[], partials: string[], sum: string | null, bias: string | null, value: string, after: string | null }} Shown
 */

/**
 * @param {Explanation} explanation
 * @returns {Shown}
 */
export function shown(explanation) {
  const { terms, partial_sums, bias, value, after, reduce } = explanation;
  const products = terms.map((term) => term.product);
  const sameAfter = (/** @type {string} */ text) => (after === null ? null : Object.is(after, value) ? text : significant(after));
  if (reduce === "= value") {
    const text = significant(value);
    return { products: products.map((product) => significant(product)), partials: [], sum: null, bias: null, value: text, after: sameAfter(text) };
  }
  const sums = partial_sums.map((part) => part.sum);
  const unit = Unit.of([...products, ...sums, bias ?? 0, value]);
  const text = (/** @type {Rounded} */ number) => unit.text(number);
  const total = unit.nearest(value);
  const head = { value: text(total), after: sameAfter(text(total)) };
  if (reduce === "max" || reduce === "min") {
    return { products: products.map((product) => text(unit.nearest(product))), partials: [], sum: null, bias: null, ...head };
  }
  if (!sums.length) {
    const whole = reduce === "mean" ? unit.nearest(exactSum(products)) : total;
    const parts = apportioned(unit, bias === null ? products : [...products, bias], whole).map(text);
    const own = bias === null ? null : /** @type {string} */ (parts.pop());
    return { products: parts, partials: [], sum: reduce === "mean" ? text(whole) : null, bias: own, ...head };
  }
  const partials = apportioned(unit, bias === null ? sums : [...sums, bias], total);
  let start = 0;
  const shownProducts = partial_sums.flatMap(({ terms: count }, k) => {
    start += count;
    return apportioned(unit, products.slice(start - count, start), partials[k]);
  });
  const partialTexts = partials.map(text);
  const biasText = bias === null ? null : /** @type {string} */ (partialTexts.pop());
  return { products: shownProducts.map(text), partials: partialTexts, sum: null, bias: biasText, ...head };
}

/**
 * A number by itself, with so many significant digits.
 * @param {number} number
 * @param {number} [digits]
 * @returns {string}
 */
export function significant(number, digits = SIGNIFICANT) {
  const unit = Unit.of([number], digits);
  return unit.text(unit.nearest(number));
}

/**
 * A number as Python's format g has it: six significant digits, no zeros at the end.
 * @param {number} number
 * @param {number} [digits]
 * @returns {string}
 */
export function general(number, digits = 6) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
  if (number === 0) return Object.is(number, -0) ? "-0" : "0";
  let last = exponentOf(number) - digits + 1;
  let letters = String(new Unit(last, false, 0).nearest(Math.abs(number)));
  if (letters.length > digits) {
    last += 1; // 999999.6 became 1000000
    letters = letters.slice(0, digits);
  }
  const exponent = last + digits - 1;
  const sign = number < 0 ? "-" : "";
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${trimmed(withPoint(letters, digits - 1))}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  return sign + trimmed(withPoint(letters, -last));
}

/** @typedef {bigint | number} Rounded  so many units; a number that isn't finite stays as it is */

/** A power of ten in which numbers are shown. */
class Unit {
  /**
   * @param {number} last  the exponent of the last place
   * @param {boolean} isScientific
   * @param {number} exponent  what is written behind the number, where it is written so
   */
  constructor(last, isScientific, exponent) {
    this.last = last;
    this.isScientific = isScientific;
    this.exponent = exponent;
  }

  /**
   * The unit in which the largest of these has so many digits.
   * @param {number[]} numbers
   * @param {number} [digits]
   */
  static of(numbers, digits = SIGNIFICANT) {
    const largest = numbers.reduce((most, n) => (Math.abs(n) > most && Number.isFinite(n) ? Math.abs(n) : most), 0);
    const exponent = largest === 0 ? 0 : exponentOf(largest);
    const isPlain = exponent >= PLAIN[0] && exponent <= PLAIN[1] && exponent < digits;
    return new Unit(exponent - digits + 1, !isPlain, exponent);
  }

  /**
   * The whole units below a number, and what remains as a part of a unit.
   * @param {number} number  finite
   * @returns {{ below: bigint, rest: number, half: number }} `half` is the sign of the remainder - 1/2
   */
  below(number) {
    const [mantissa, exponent] = binary(number);
    const [numerator, denominator] = this.last < 0 ? [10n ** BigInt(-this.last), 1n] : [1n, 10n ** BigInt(this.last)];
    const over = mantissa * numerator * (exponent > 0 ? 1n << BigInt(exponent) : 1n);
    const under = denominator * (exponent < 0 ? 1n << BigInt(-exponent) : 1n);
    let below = over / under;
    let rest = over - below * under;
    if (rest < 0n) {
      below -= 1n;
      rest += under;
    }
    const twice = 2n * rest;
    return { below, rest: quotient(rest, under), half: twice > under ? 1 : twice < under ? -1 : 0 };
  }

  /**
   * The nearest whole units, of two the even ones.
   * @param {number} number
   * @returns {Rounded}
   */
  nearest(number) {
    if (!Number.isFinite(number)) return number;
    const { below, half } = this.below(number);
    const isUp = half > 0 || (half === 0 && below % 2n !== 0n);
    return isUp ? below + 1n : below;
  }

  /**
   * @param {Rounded} units
   * @returns {string}
   */
  text(units) {
    if (typeof units === "number") return String(units);
    const sign = units < 0n ? "-" : "";
    const letters = String(units < 0n ? -units : units);
    return `${sign}${withPoint(letters, this.exponent * Number(this.isScientific) - this.last)}${this.isScientific ? `e${this.exponent}` : ""}`;
  }
}

/**
 * Numbers in whole units that add up to `total`: rounded down, then those with the largest remainder up.
 * @param {Unit} unit
 * @param {number[]} numbers
 * @param {Rounded} total
 * @returns {Rounded[]}
 */
function apportioned(unit, numbers, total) {
  if (typeof total === "number" || !numbers.every(Number.isFinite)) return numbers.map((number) => unit.nearest(number));
  const parts = numbers.map((number) => unit.below(number));
  let missing = Number(total - parts.reduce((sum, part) => sum + part.below, 0n));
  const order = parts.map((_, k) => k).sort((a, b) => parts[b].rest - parts[a].rest);
  const found = parts.map((part) => part.below);
  for (const k of order) {
    if (missing <= 0) break;
    found[k] += 1n;
    missing -= 1;
  }
  return found;
}

/**
 * A finite number as mantissa · 2^exponent, exactly.
 * @param {number} number
 * @returns {[bigint, number]}
 */
function binary(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  return [number < 0 ? -mantissa : mantissa, (exponent || 1) - 1075];
}

/**
 * A part of a unit as a number: 0 for nothing only, and less than 1.
 * @param {bigint} rest
 * @param {bigint} whole
 */
function quotient(rest, whole) {
  if (rest === 0n) return 0;
  const scaled = (rest << 53n) / whole;
  return Math.max(Number(scaled), 0.5) / 2 ** 53;
}

/**
 * The exponent of the first digit of a number.
 * @param {number} number
 */
function exponentOf(number) {
  return Number(number.toExponential().split("e")[1]);
}

/**
 * @param {string} letters
 * @param {number} decimals
 */
function withPoint(letters, decimals) {
  if (decimals <= 0) return letters;
  const padded = letters.padStart(decimals + 1, "0");
  return `${padded.slice(0, -decimals)}.${padded.slice(-decimals)}`;
}

/**
 * Without zeros behind the point.
 * @param {string} text
 */
function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * Decimals of one unit, as they are written here, added up exactly; null where one of them is no number.
 * @param {string[]} texts
 * @returns {string | null}
 */
export function addedUp(texts) {
  const exponent = texts[0]?.split("e")[1];
  const decimals = (texts[0]?.split("e")[0].split(".")[1] ?? "").length;
  let sum = 0n;
  for (const text of texts) {
    const [digits, power] = text.split("e");
    if (!/^-?\d+(\.\d+)?$/.test(digits) || power !== exponent) return null;
    sum += BigInt(digits.replace(".", ""));
  }
  const letters = String(sum < 0n ? -sum : sum).padStart(decimals + 1, "0");
  const whole = decimals ? `${letters.slice(0, -decimals)}.${letters.slice(-decimals)}` : letters;
  return `${sum < 0n ? "-" : ""}${whole}${exponent === undefined ? "" : `e${exponent}`}`;
}
