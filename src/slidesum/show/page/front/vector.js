/**
 * What stands on the page, as one SVG text: boxes, lines of text as text, canvases as embedded pictures, drawings as drawings.
 *
 *     background, border      <rect>                 a canvas       <image href="data:…">
 *     a line of text          <text>                 an <svg>       itself, its colours written into it
 *
 * Nothing is left to the reader's style sheets, and nothing is asked from a network, so that a file shows what the page showed.
 */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
/** What an element of a drawing may owe to a style sheet. Said as attributes: a page's security policy may forbid styles in markup. */
const DRAWN_PROPERTIES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "vector-effect",
  "visibility", "display",
];
/** What one looks through in search of boxes and texts; the controls of the page are no part of the picture. */
const LEFT_OUT = "input, select, textarea, script, style, [data-picture='no']";

/**
 * @typedef {{ left: number, top: number, parts: string[], clips: number, page: Window & typeof globalThis }} Sheet
 *
 * @param {HTMLElement} element
 * @returns {{ text: string, width: number, height: number }}
 */
export function vectorOf(element) {
  const page = /** @type {Window & typeof globalThis} */ (element.ownerDocument.defaultView);
  const rect = element.getBoundingClientRect();
  const width = Math.max(1, Math.ceil(rect.width));
  const height = Math.max(1, Math.ceil(rect.height));
  /** @type {Sheet} */
  const sheet = { left: rect.left, top: rect.top, parts: [], clips: 0, page };
  sheet.parts.push(`<rect width="${width}" height="${height}" fill="${attributeText(backdropOf(element, page))}"/>`);
  drawElement(sheet, element);
  const head = `<svg xmlns="${SVG_NAMESPACE}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  return { text: `${head}${sheet.parts.join("")}</svg>\n`, width, height };
}

/**
 * @param {string} text
 * @param {number} width
 * @param {number} height
 * @param {Document} page
 * @param {number} [scale] pixels of the picture a pixel of the page
 * @returns {Promise<Blob>}
 */
export async function rasterOf(text, width, height, page, scale = 2) {
  const most = 12000; // what browsers can hold as one canvas
  const factor = Math.min(scale, most / width, most / height);
  const image = page.createElement("img");
  await new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new Error("the picture can't be drawn"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
  const canvas = page.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * factor));
  canvas.height = Math.max(1, Math.round(height * factor));
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))), "image/png");
  });
}

/**
 * The colour behind an element: the first of those around it that has one.
 *
 * @param {Element} element
 * @param {Window} page
 */
function backdropOf(element, page) {
  for (let around = /** @type {Element | null} */ (element); around; around = around.parentElement) {
    const colour = page.getComputedStyle(around).backgroundColor;
    if (!isTransparent(colour)) return colour;
  }
  return "white";
}

/**
 * @param {Sheet} sheet
 * @param {Element} element
 */
function drawElement(sheet, element) {
  if (element.matches(LEFT_OUT)) return;
  const style = sheet.page.getComputedStyle(element);
  if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return;
  const rect = element.getBoundingClientRect();
  const tag = element.tagName.toLowerCase();
  if (style.clipPath !== "none" && rect.width <= 1) return; // text for screen readers only
  if (tag === "svg") return drawDrawing(sheet, /** @type {SVGSVGElement} */ (element), rect);
  const open = openGroup(sheet, style, rect);
  drawBox(sheet, style, rect);
  if (tag === "canvas") drawPicture(sheet, /** @type {HTMLCanvasElement} */ (element), rect, style);
  for (const child of element.childNodes) {
    if (child.nodeType === 3) drawText(sheet, /** @type {Text} */ (child), style, element);
    if (child.nodeType === 1) drawElement(sheet, /** @type {Element} */ (child));
  }
  if (open) sheet.parts.push("</g>");
}

/**
 * A group where what is inside is cut off at the edge, or is paler; true where one was opened.
 *
 * @param {Sheet} sheet
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} rect
 */
function openGroup(sheet, style, rect) {
  const cut = style.overflowX !== "visible" || style.overflowY !== "visible";
  if (!cut && style.opacity === "1") return false;
  let clip = "";
  if (cut) {
    sheet.clips += 1;
    sheet.parts.push(`<clipPath id="clip${sheet.clips}"><rect ${boxText(sheet, rect)}/></clipPath>`);
    clip = ` clip-path="url(#clip${sheet.clips})"`;
  }
  sheet.parts.push(`<g${clip}${style.opacity === "1" ? "" : ` opacity="${style.opacity}"`}>`);
  return true;
}

/**
 * @param {Sheet} sheet
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} rect
 */
function drawBox(sheet, style, rect) {
  if (rect.width <= 0 || rect.height <= 0) return;
  const filled = !isTransparent(style.backgroundColor);
  const sides = ["top", "right", "bottom", "left"].map((side) => ({
    width: style.getPropertyValue(`border-${side}-style`) === "none" ? 0 : parseFloat(style.getPropertyValue(`border-${side}-width`)),
    colour: style.getPropertyValue(`border-${side}-color`),
  }));
  const alike = sides.every((side) => side.width === sides[0].width && side.colour === sides[0].colour);
  const round = parseFloat(style.borderTopLeftRadius) || 0;
  const stroke = alike && sides[0].width > 0 && !isTransparent(sides[0].colour) ? sides[0] : null;
  if (filled || stroke) {
    const inset = stroke ? stroke.width / 2 : 0;
    const box = new DOMRect(rect.x + inset, rect.y + inset, Math.max(0, rect.width - 2 * inset), Math.max(0, rect.height - 2 * inset));
    const edge = stroke ? ` stroke="${attributeText(stroke.colour)}" stroke-width="${stroke.width}"` : "";
    const fill = filled ? attributeText(style.backgroundColor) : "none";
    const dashes = stroke && style.borderTopStyle === "dashed" ? ` stroke-dasharray="${3 * stroke.width} ${2 * stroke.width}"` : "";
    sheet.parts.push(`<rect ${boxText(sheet, box)} rx="${round}" fill="${fill}"${edge}${dashes}/>`);
  }
  if (alike) return;
  const edges = [
    [rect.left, rect.top, rect.width, sides[0].width],
    [rect.right - sides[1].width, rect.top, sides[1].width, rect.height],
    [rect.left, rect.bottom - sides[2].width, rect.width, sides[2].width],
    [rect.left, rect.top, sides[3].width, rect.height],
  ];
  edges.forEach(([x, y, width, height], k) => {
    if (!sides[k].width || isTransparent(sides[k].colour)) return;
    sheet.parts.push(`<rect ${boxText(sheet, new DOMRect(x, y, width, height))} fill="${attributeText(sides[k].colour)}"/>`);
  });
}

/**
 * @param {Sheet} sheet
 * @param {HTMLCanvasElement} canvas
 * @param {DOMRect} rect
 * @param {CSSStyleDeclaration} style
 */
function drawPicture(sheet, canvas, rect, style) {
  if (!canvas.width || !canvas.height || !rect.width || !rect.height) return;
  const sharp = style.imageRendering === "pixelated" ? ' image-rendering="pixelated"' : "";
  const fit = ' preserveAspectRatio="none"';
  sheet.parts.push(`<image ${boxText(sheet, rect)}${fit}${sharp} href="${canvas.toDataURL("image/png")}"/>`);
}

/**
 * A drawing keeps its own coordinates; what style sheets say about its parts is written into a copy.
 *
 * @param {Sheet} sheet
 * @param {SVGSVGElement} drawing
 * @param {DOMRect} rect
 */
function drawDrawing(sheet, drawing, rect) {
  if (!rect.width || !rect.height) return;
  const copy = /** @type {SVGSVGElement} */ (drawing.cloneNode(true));
  const originals = [drawing, ...drawing.querySelectorAll("*")];
  const copies = [copy, ...copy.querySelectorAll("*")];
  originals.forEach((original, k) => {
    const style = sheet.page.getComputedStyle(original);
    for (const name of DRAWN_PROPERTIES) copies[k].setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex"]) copies[k].removeAttribute(name);
  });
  for (const part of copies.slice(1)) if (part.matches(LEFT_OUT)) part.remove();
  copy.setAttribute("x", String(hundredths(rect.left - sheet.left)));
  copy.setAttribute("y", String(hundredths(rect.top - sheet.top)));
  copy.setAttribute("width", String(hundredths(rect.width)));
  copy.setAttribute("height", String(hundredths(rect.height)));
  sheet.parts.push(new XMLSerializer().serializeToString(copy));
}

/**
 * Every line of a text node where it stands. The width is said too, so that another font doesn't make it longer.
 *
 * @param {Sheet} sheet
 * @param {Text} node
 * @param {CSSStyleDeclaration} style
 * @param {Element} around
 */
function drawText(sheet, node, style, around) {
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
    sheet.parts.push(`<text ${at} ${font}${slanted} fill="${attributeText(style.color)}" ${wide} xml:space="preserve">${words}</text>`);
  }
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

/**
 * @param {Sheet} sheet
 * @param {DOMRect} rect
 */
function boxText(sheet, rect) {
  const [x, y] = [hundredths(rect.left - sheet.left), hundredths(rect.top - sheet.top)];
  return `x="${x}" y="${y}" width="${hundredths(rect.width)}" height="${hundredths(rect.height)}"`;
}

/** @param {string} colour */
function isTransparent(colour) {
  return colour === "transparent" || /^rgba\(.*, 0\)$/.test(colour) || /\/ 0\)$/.test(colour);
}

/** @param {number} value */
function hundredths(value) {
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
