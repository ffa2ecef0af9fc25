/**
 * What stands on the page, as one SVG text: boxes, lines of text as text, canvases as embedded pictures, drawings as drawings.
 *
 *     background, border      <rect>                 a canvas       <image href="data:…">
 *     a line of text          <text>                 an <svg>       itself, its colours written into it
 *
 * Nothing is left to the reader's style sheets, and nothing is asked from a network, so that a file shows what the page showed.
 */

import { inkOf, inkText, isClear } from "./inks.js";
import { drawChoice, drawText, hundredths } from "./lettering.js";

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
/** What an element of a drawing may owe to a style sheet. Said as attributes: a page's security policy may forbid styles in markup. */
const DRAWN_PROPERTIES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "vector-effect",
  "visibility", "display",
];
/** What one looks through in search of boxes and texts; the controls of the page are no part of the picture. */
const LEFT_OUT = "input, textarea, script, style, .tool, .walk, [data-testid='show-all-terms'], [data-picture='no']";
const PICTURE_MARGIN = 12;

/**
 * @typedef {{ left: number, top: number, parts: string[], clips: number, page: Window & typeof globalThis }} Sheet
 *
 * @param {HTMLElement} element
 * @returns {{ text: string, width: number, height: number }}
 */
export function vectorOf(element) {
  const page = /** @type {Window & typeof globalThis} */ (element.ownerDocument.defaultView);
  const rect = element.getBoundingClientRect();
  const width = Math.ceil(rect.width) + 2 * PICTURE_MARGIN;
  const height = Math.ceil(rect.height) + 2 * PICTURE_MARGIN;
  /** @type {Sheet} */
  const sheet = { left: rect.left - PICTURE_MARGIN, top: rect.top - PICTURE_MARGIN, parts: [], clips: 0, page };
  sheet.parts.push(`<rect width="${width}" height="${height}" ${inkText("fill", backdropOf(element, page))}/>`);
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
    if (!isClear(colour)) return colour;
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
  if (tag === "select") return drawChoice(sheet, /** @type {HTMLSelectElement} */ (element), style);
  if (tag === "svg") return drawDrawing(sheet, /** @type {SVGSVGElement} */ (element), rect);
  const open = openGroup(sheet, style, rect);
  drawBox(sheet, style, rect);
  drawGradient(sheet, style, rect);
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
  const filled = !isClear(style.backgroundColor);
  const sides = ["top", "right", "bottom", "left"].map((side) => ({
    width: style.getPropertyValue(`border-${side}-style`) === "none" ? 0 : parseFloat(style.getPropertyValue(`border-${side}-width`)),
    colour: style.getPropertyValue(`border-${side}-color`),
  }));
  const alike = sides.every((side) => side.width === sides[0].width && side.colour === sides[0].colour);
  const round = parseFloat(style.borderTopLeftRadius) || 0;
  const stroke = alike && sides[0].width > 0 && !isClear(sides[0].colour) ? sides[0] : null;
  if (filled || stroke) {
    const inset = stroke ? stroke.width / 2 : 0;
    const box = new DOMRect(rect.x + inset, rect.y + inset, Math.max(0, rect.width - 2 * inset), Math.max(0, rect.height - 2 * inset));
    const edge = stroke ? ` ${inkText("stroke", stroke.colour)} stroke-width="${stroke.width}"` : "";
    const fill = filled ? inkText("fill", style.backgroundColor) : 'fill="none"';
    const dashes = stroke && style.borderTopStyle === "dashed" ? ` stroke-dasharray="${3 * stroke.width} ${2 * stroke.width}"` : "";
    sheet.parts.push(`<rect ${boxText(sheet, box)} rx="${round}" ${fill}${edge}${dashes}/>`);
  }
  if (alike) return;
  const edges = [
    [rect.left, rect.top, rect.width, sides[0].width],
    [rect.right - sides[1].width, rect.top, sides[1].width, rect.height],
    [rect.left, rect.bottom - sides[2].width, rect.width, sides[2].width],
    [rect.left, rect.top, sides[3].width, rect.height],
  ];
  edges.forEach(([x, y, width, height], k) => {
    if (!sides[k].width || isClear(sides[k].colour)) return;
    sheet.parts.push(`<rect ${boxText(sheet, new DOMRect(x, y, width, height))} ${inkText("fill", sides[k].colour)}/>`);
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
    for (const name of ["fill", "stroke"]) inkPart(copies[k], name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex"]) copies[k].removeAttribute(name);
  });
  for (const part of copies.slice(1)) if (part.matches(LEFT_OUT)) part.remove();
  const own = sheet.page.getComputedStyle(drawing);
  const [width, height] = [parseFloat(own.width) || rect.width, parseFloat(own.height) || rect.height];
  copy.setAttribute("width", String(hundredths(width)));
  copy.setAttribute("height", String(hundredths(height)));
  copy.setAttribute("overflow", own.overflow);
  const zoom = rect.width / width; // a drawing on a plane that is scaled as a whole keeps its coordinates
  const at = `translate(${hundredths(rect.left - sheet.left)} ${hundredths(rect.top - sheet.top)}) scale(${zoom})`;
  sheet.parts.push(`<g transform="${at}">${new XMLSerializer().serializeToString(copy)}</g>`);
}

/** @param {Element} part @param {string} name @param {string} value */
function inkPart(part, name, value) {
  if (value === "none" || value.startsWith("url")) return;
  const { colour, opacity } = inkOf(value);
  part.setAttribute(name, colour);
  part.setAttribute(`${name}-opacity`, String(hundredths(opacity * Number(part.getAttribute(`${name}-opacity`) || 1))));
}

/**
 * A ground that runs through colours from left to right, evenly: a legend.
 * @param {Sheet} sheet
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} rect
 */
function drawGradient(sheet, style, rect) {
  const told = /^linear-gradient\(to right, (.+)\)$/.exec(style.backgroundImage);
  const colours = told?.[1].match(/rgba?\([^)]*\)/g);
  if (!told || !colours || colours.join(", ") !== told[1]) return;
  sheet.clips += 1;
  const stops = colours.map((colour, k) => `<stop offset="${hundredths(k / (colours.length - 1))}" ${inkText("stop-color", colour)}/>`);
  sheet.parts.push(`<linearGradient id="clip${sheet.clips}">${stops.join("")}</linearGradient>`);
  sheet.parts.push(`<rect ${boxText(sheet, rect)} fill="url(#clip${sheet.clips})"/>`);
}

/**
 * @param {Sheet} sheet
 * @param {DOMRect} rect
 */
function boxText(sheet, rect) {
  const [x, y] = [hundredths(rect.left - sheet.left), hundredths(rect.top - sheet.top)];
  return `x="${x}" y="${y}" width="${hundredths(rect.width)}" height="${hundredths(rect.height)}"`;
}
