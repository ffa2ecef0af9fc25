/**
 * Colours as every reader of SVG understands them: what a style sheet mixes (oklch, color-mix) becomes #rrggbb, and how much is seen
 * through stands beside it.
 */

/** @typedef {{ colour: string, opacity: number }} Ink */

/** @type {Map<string, Ink>} */
const inks = new Map();
/** @type {CanvasRenderingContext2D | null} */
let probe = null;

/**
 * @param {string} text a colour as a browser computes it
 * @returns {Ink}
 */
export function inkOf(text) {
  const known = inks.get(text);
  if (known) return known;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  probe ??= /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = "#000";
  probe.fillStyle = text;
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = probe.getImageData(0, 0, 1, 1).data;
  const colour = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  const ink = { colour, opacity: Math.round((1000 * alpha) / 255) / 1000 };
  inks.set(text, ink);
  return ink;
}

/**
 * The attributes that paint with a colour.
 * @param {"fill" | "stroke" | "stop-color"} what
 * @param {string} text
 * @returns {string} 'fill="#a1b2c3"', with an opacity where it isn't 1
 */
export function inkText(what, text) {
  const { colour, opacity } = inkOf(text);
  const name = what === "stop-color" ? "stop-opacity" : `${what}-opacity`;
  return `${what}="${colour}"${opacity === 1 ? "" : ` ${name}="${opacity}"`}`;
}

/** @param {string} text @returns {boolean} whether nothing is seen of it */
export function isClear(text) {
  return inkOf(text).opacity === 0;
}
