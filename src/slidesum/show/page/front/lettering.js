/**
 * The letters of a page as SVG text: line by line where the browser has broken them, each with its width, so that another font doesn't
 * make it longer.
 */

/** @import { Sheet } from "./vector.js" */

import { inkText } from "./inks.js";

/**
 * Every line of a text node where it stands. The width is said too, so that another font doesn't make it longer.
 *
 * @param {Sheet} sheet
 * @param {Text} node
 * @param {CSSStyleDeclaration} style
 * @param {Element} around
 */
export function drawText(sheet, node, style, around) {
  if (!node.data.trim()) return;
  const own = /** @type {HTMLElement} */ (around);
  const zoom = own.offsetWidth ? around.getBoundingClientRect().width / own.offsetWidth : 1; // of a view that is scaled as a whole
  const size = parseFloat(style.fontSize) * (zoom || 1);
  const font = `font-family="${attributeText(style.fontFamily)}" font-size="${hundredths(size)}" font-weight="${style.fontWeight}"`;
  const slanted = style.fontStyle === "normal" ? "" : ` font-style="${style.fontStyle}"`;
  for (const line of linesOf(node)) {
    const base = line.rect.top - sheet.top + line.rect.height / 2 + size * 0.35;
    const at = `x="${hundredths(line.rect.left - sheet.left)}" y="${hundredths(base)}"`;
    const wide = `textLength="${hundredths(line.rect.width)}" lengthAdjust="spacingAndGlyphs"`;
    const words = elementText(style.textTransform === "uppercase" ? line.words.toUpperCase() : line.words);
    sheet.parts.push(`<text ${at} ${font}${slanted} ${inkText("fill", style.color)} ${wide} xml:space="preserve">${words}</text>`);
  }
}

/**
 * What is chosen in a list, which is all of it that a picture needs.
 * @param {Sheet} sheet
 * @param {HTMLSelectElement} list
 * @param {CSSStyleDeclaration} style
 */
export function drawChoice(sheet, list, style) {
  const rect = list.getBoundingClientRect();
  const chosen = list.selectedOptions[0]?.textContent ?? "";
  const size = parseFloat(style.fontSize);
  const at = `x="${hundredths(rect.left - sheet.left + parseFloat(style.paddingLeft))}" y="${hundredths(rect.top - sheet.top + rect.height / 2 + size * 0.35)}"`;
  const font = `font-family="${attributeText(style.fontFamily)}" font-size="${hundredths(size)}" font-weight="600"`;
  sheet.parts.push(`<text ${at} ${font} ${inkText("fill", style.color)}>${elementText(chosen)}</text>`);
}

/**
 * @param {Text} node
 * @returns {{ words: string, rect: DOMRect }[]}
 */
function linesOf(node) {
  const range = node.ownerDocument.createRange();
  /** @type {{ start: number, end: number, rect: DOMRect }[]} */
  const lines = [];
  for (const found of node.data.matchAll(/\S+/g)) {
    for (const [start, end] of piecesOf(range, node, found.index, found.index + found[0].length)) {
      range.setStart(node, start);
      range.setEnd(node, end);
      const rect = range.getBoundingClientRect();
      if (!rect.width) continue;
      const last = lines[lines.length - 1];
      if (last && Math.abs(last.rect.top - rect.top) < rect.height / 2 && rect.left >= last.rect.right - 1) {
        last.end = end;
        last.rect = new DOMRect(last.rect.left, last.rect.top, rect.right - last.rect.left, last.rect.height);
      } else {
        lines.push({ start, end, rect });
      }
    }
  }
  return lines.map((line) => ({ words: node.data.slice(line.start, line.end).replace(/\s+/g, " "), rect: line.rect }));
}

/**
 * A word that is broken over several lines comes letter by letter.
 *
 * @param {Range} range
 * @param {Text} node
 * @param {number} start
 * @param {number} end
 * @returns {[number, number][]}
 */
function piecesOf(range, node, start, end) {
  range.setStart(node, start);
  range.setEnd(node, end);
  if (range.getClientRects().length < 2) return [[start, end]];
  return Array.from({ length: end - start }, (_, k) => [start + k, start + k + 1]);
}

/** @param {number} value */
export function hundredths(value) {
  return Math.round(value * 100) / 100;
}

/** @param {string} text */
function elementText(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** @param {string} text */
function attributeText(text) {
  return elementText(text).replace(/"/g, "&quot;");
}
