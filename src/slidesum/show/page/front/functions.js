/**
 * The functions of activation layers, in double precision: the table FUNCTIONS of run/numpy_functions.py, number by number.
 *
 *     applied("leaky_relu", [0.1], -2)   ->  -0.2
 *
 * NaN stays NaN in all of them, as in every library.
 */

import { PageError } from "./error.js";

const SELU_SCALE = 1.0507009873554805; // Klambauer et al. 2017
const SELU_ALPHA = 1.6732632423543772;

/** @type {Record<string, (x: number, ...options: number[]) => number>} */
const FUNCTIONS = {
  identity: (x) => x,
  affine: (x, scale = 1, shift = 0) => scale * x + shift,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => clipped(x, 0, 6),
  leaky_relu: (x, slope = 0.01) => (x > 0 ? x : slope * x),
  elu: (x, alpha = 1) => elu(x, alpha),
  selu: (x) => SELU_SCALE * elu(x, SELU_ALPHA),
  celu: (x, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x / alpha)),
  clip: (x, low = 0, high = 6) => clipped(x, low, high),
  sigmoid,
  hard_sigmoid: (x, slope = 1 / 6, shift = 0.5) => clipped(slope * x + shift, 0, 1),
  tanh: Math.tanh,
  scaled_tanh: (x) => 1.7159 * Math.tanh((2 / 3) * x),
  silu: (x) => x * sigmoid(x),
  hard_swish: (x) => x * clipped(x / 6 + 0.5, 0, 1),
  mish: (x) => x * Math.tanh(softplus(x, 1)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  softplus: (x, beta = 1) => softplus(x, beta),
  softsign: (x) => x / (1 + Math.abs(x)),
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  power: (x, exponent = 2) => powered(x, exponent),
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  negative: (x) => -x,
  sign: (x) => Math.sign(x) + 0,
  floor: Math.floor,
  ceil: Math.ceil,
  round: (x) => roundedToEven(x),
  erf,
  sin: Math.sin,
  cos: Math.cos,
};

/** @type {Record<string, (x: number, y: number) => number>} */
const COMBINATIONS = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  divide: (x, y) => x / y,
  maximum: Math.max,
  minimum: Math.min,
  power: powered,
};

/**
 * What a function makes of a number.
 * @param {string} name
 * @param {number[]} options
 * @param {number} x
 * @returns {number}
 */
export function applied(name, options, x) {
  const made = FUNCTIONS[name];
  if (!made) throw new PageError(`the function ${name} isn't known here`, { advice: "Open the page with the version that made it." });
  return made(x, ...options);
}

/**
 * What is made of two numbers.
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @returns {number}
 */
export function combined(name, x, y) {
  return COMBINATIONS[name](x, y);
}

/** @param {number} x */
function sigmoid(x) {
  return 0.5 * (1 + Math.tanh(0.5 * x));
}

/**
 * @param {number} x
 * @param {number} alpha
 */
function elu(x, alpha) {
  return x > 0 ? x : alpha * Math.expm1(x);
}

/**
 * log(1 + exp(beta·x)) / beta, without an exponential that overflows.
 * @param {number} x
 * @param {number} beta
 */
function softplus(x, beta) {
  const scaled = beta * x;
  return (Math.max(scaled, 0) + Math.log1p(Math.exp(-Math.abs(scaled)))) / beta;
}

/**
 * @param {number} x
 * @param {number} low
 * @param {number} high
 */
function clipped(x, low, high) {
  return Math.min(Math.max(x, low), high);
}

/**
 * IEEE 754's power, in which 1 to anything is 1; JavaScript's has NaN for an exponent that isn't finite.
 * @param {number} x
 * @param {number} exponent
 */
function powered(x, exponent) {
  if (x === 1 || (x === -1 && Math.abs(exponent) === Infinity)) return 1;
  return x ** exponent;
}

/**
 * The nearest whole number, of two the even one.
 * @param {number} x
 */
function roundedToEven(x) {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * The error function, 2/√π times the integral of exp(-t²) from 0 to x.
 *
 * Near 0 by the series 2/√π·exp(-x²)·Σ 2^n·x^(2n+1)/(1·3·…·(2n+1)), whose terms are all of one sign; farther out as 1 - erfc(x) with
 * the continued fraction erfc(x) = exp(-x²)/√π / (x + 1/2 / (x + 1 / (x + 3/2 / (x + …)))) (Abramowitz and Stegun 1964, 7.1.6, 7.1.14).
 * @param {number} x
 */
function erf(x) {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (size > 6) return Math.sign(x); // erfc(6) is 2e-17
  const bell = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 2 * bell * sum;
  }
  let below = size;
  for (let k = 60; k > 0; k -= 1) below = size + k / 2 / below;
  return Math.sign(x) * (1 - bell / below);
}
