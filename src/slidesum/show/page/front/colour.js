/**
 * Values to colours: one diverging scale around zero. Zero is the page's own ground, negative goes to blue and positive to orange, both
 * equally light at equal distance, so that a sign never looks like brightness. Mixed in OKLab (Ottosson 2020), where steps look even.
 */

import { h } from "./dom.js";

const STEPS = 256;

/**
 * Lightness, and the two axes green-red and blue-yellow.
 * @typedef {[number, number, number]} Lab
 */

/** @type {Record<"light" | "dark", { zero: Lab, middle: [Lab, Lab], end: [Lab, Lab] }>} */
const SCALES = {
  light: {
    zero: [0.975, 0, 0.002],
    middle: [
      [0.76, -0.035, -0.09],
      [0.76, 0.075, 0.09],
    ],
    end: [
      [0.4, -0.03, -0.155],
      [0.42, 0.13, 0.08],
    ],
  },
  dark: {
    zero: [0.235, 0, -0.012],
    middle: [
      [0.5, -0.035, -0.125],
      [0.52, 0.105, 0.09],
    ],
    end: [
      [0.87, -0.055, -0.075],
      [0.87, 0.045, 0.105],
    ],
  },
};

/** @typedef {Uint32Array} Palette 511 colours as pixels, from -1 over 0 (number 255) to 1 */

/** @type {Partial<Record<"light" | "dark", Palette>>} */
const palettes = {};

/**
 * @param {boolean} isDark
 * @returns {Palette}
 */
export function palette(isDark) {
  const theme = isDark ? "dark" : "light";
  palettes[theme] ??= paletteOf(SCALES[theme]);
  return palettes[theme];
}

/**
 * @param {{ zero: Lab, middle: [Lab, Lab], end: [Lab, Lab] }} scale
 * @returns {Palette}
 */
function paletteOf(scale) {
  const pixels = new Uint32Array(2 * STEPS - 1);
  for (let k = 0; k < STEPS; k++) {
    for (const side of [0, 1]) {
      const t = k / (STEPS - 1);
      const lab = t < 0.5 ? mixed(scale.zero, scale.middle[side], 2 * t) : mixed(scale.middle[side], scale.end[side], 2 * t - 1);
      const [red, green, blue] = rgb(lab);
      pixels[STEPS - 1 + (side ? k : -k)] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
  }
  return pixels;
}

/**
 * @param {Lab} a
 * @param {Lab} b
 * @param {number} t
 * @returns {Lab}
 */
function mixed(a, b, t) {
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}

/**
 * @param {Lab} lab
 * @returns {[number, number, number]} 0 to 255
 */
function rgb([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    channel(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/**
 * @param {number} linear
 * @returns {number}
 */
function channel(linear) {
  const x = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
}

/**
 * The number of a value's colour in a palette whose ends stand for ±most; what is no number gets zero's.
 * @param {number} value
 * @param {number} most
 * @returns {number}
 */
export function step(value, most) {
  const t = most > 0 ? value / most : 0;
  return STEPS - 1 + Math.round((STEPS - 1) * Math.min(Math.max(t, -1), 1) || 0);
}

/**
 * The colour of a value for the style of a node, with a colour for text on it.
 * @param {Palette} colours
 * @param {number} value
 * @param {number} most
 * @returns {{ ground: string, ink: string }}
 */
export function inked(colours, value, most) {
  const pixel = colours[step(value, most)];
  const [red, green, blue] = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const light = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  return { ground: `rgb(${red} ${green} ${blue})`, ink: light > 0.52 ? "#111" : "#fff" };
}

/**
 * Whether the page is dark where this node stands: its text is light then.
 * @param {Element} node
 * @returns {boolean}
 */
export function isDarkAt(node) {
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(node).color.match(/[\d.]+/g) ?? []).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128;
}

/**
 * A bar from -most over 0 to most.
 * @param {Palette} colours
 * @param {number} most
 * @param {string} [remark]
 * @returns {HTMLElement}
 */
export function legend(colours, most, remark = "") {
  const stops = [0, 0.25, 0.5, 0.75, 1].map((t) => inked(colours, 2 * t - 1, 1).ground);
  const end = written(most);
  return h(
    "div",
    {
      class: "legend",
      role: "img",
      "aria-label": `Colours: blue is negative down to -${end}, orange is positive up to ${end}. ${remark}`,
    },
    h("span", {}, `−${end}`),
    h("span", { class: "legend-bar", style: { "background-image": `linear-gradient(to right, ${stops.join(",")})` } }),
    h("span", {}, end),
    remark && h("span", { class: "legend-remark" }, remark),
  );
}

/**
 * @param {number} value
 * @returns {string} three digits
 */
export function written(value) {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
