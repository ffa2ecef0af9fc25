/**
 * A plane that is looked at through a frame: moved by dragging and arrow keys, zoomed by wheel, pinch and the keys + and -.
 */

import { listen, onceAFrame, setStyle } from "./dom.js";

/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

/**
 * @typedef {object} Camera
 * @property {() => number} scale
 * @property {(extent: { width: number, height: number }) => void} frame tells how large the plane is
 * @property {(glides?: boolean) => void} fit all of the plane
 * @property {(factor: number, x?: number, y?: number) => void} zoom around a point of the frame
 * @property {(dx: number, dy: number) => void} pan
 * @property {(rect: Rect) => void} reveal moves no more than it takes to see this part of the plane
 * @property {(rect: Rect) => void} frameOn shows this part of the plane whole, no larger than it is now
 * @property {(rect: Rect) => boolean} sees
 * @property {(x: number, y: number) => { x: number, y: number }} toFrame
 * @property {() => void} destroy
 */

const LEAST = 0.04;
const MOST = 5;
const STEP = 1.25;
const STRIDE = 90;
const MARGIN = 28;
const DRAG = 5;
const LEGIBLE = 0.6;

/**
 * @param {HTMLElement} frame
 * @param {HTMLElement} plane
 * @param {() => void} onMove
 * @returns {Camera}
 */
export function createCamera(frame, plane, onMove) {
  let [x, y, scale] = [0, 0, 1];
  let extent = { width: 1, height: 1 };
  let wasDragged = false;
  /** @type {Map<number, { x: number, y: number }>} */
  const pointers = new Map();

  const moved = onceAFrame(() => {
    setStyle(plane, { transform: `translate(${x}px, ${y}px) scale(${scale})` });
    onMove();
  });

  /** Never so far that nothing is left to see. */
  function place() {
    const keep = 80;
    x = Math.min(Math.max(x, keep - extent.width * scale), frame.clientWidth - keep);
    y = Math.min(Math.max(y, keep - extent.height * scale), frame.clientHeight - keep);
    moved();
  }

  /**
   * @param {number} factor
   * @param {number} [aroundX]
   * @param {number} [aroundY]
   */
  function zoom(factor, aroundX = frame.clientWidth / 2, aroundY = frame.clientHeight / 2) {
    const next = Math.min(Math.max(scale * factor, LEAST), MOST);
    x = aroundX - ((aroundX - x) * next) / scale;
    y = aroundY - ((aroundY - y) * next) / scale;
    scale = next;
    place();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  function pan(dx, dy) {
    x += dx;
    y += dy;
    place();
  }

  /** Moves by itself, so that the eye can follow. */
  function glide() {
    plane.classList.add("gliding");
    window.setTimeout(() => plane.classList.remove("gliding"), 300);
    moved();
  }

  /** @param {boolean} [glides] */
  function fit(glides = true) {
    const { clientWidth, clientHeight } = frame;
    scale = Math.min((clientWidth - 2 * MARGIN) / extent.width, (clientHeight - 2 * MARGIN) / extent.height, 1.25);
    scale = Math.max(scale, LEAST);
    x = (clientWidth - extent.width * scale) / 2;
    y = (clientHeight - extent.height * scale) / 2;
    (glides ? glide : moved)();
  }

  /** @param {MouseEvent} event */
  function inFrame(event) {
    const box = frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {WheelEvent} event */
  function onWheel(event) {
    if (!takesWheel(event)) return;
    event.preventDefault();
    const at = inFrame(event);
    const lines = event.deltaMode === 1 ? 18 : 1;
    zoom(Math.exp((-event.deltaY * lines * (event.ctrlKey ? 4 : 1)) / 500), at.x, at.y);
  }

  /**
   * Where the page scrolls, its wheel is its own until the network was touched.
   * @param {WheelEvent} event
   */
  function takesWheel(event) {
    return event.ctrlKey || frame.contains(document.activeElement) || frame.closest(".slidesum-whole") !== null;
  }

  /** @param {PointerEvent} event */
  function onDown(event) {
    if (event.button !== 0) return;
    wasDragged = false;
    pointers.set(event.pointerId, inFrame(event));
  }

  /** @param {PointerEvent} event */
  function onPointerMove(event) {
    const from = pointers.get(event.pointerId);
    if (!from) return;
    const to = inFrame(event);
    if (!wasDragged && pointers.size === 1 && Math.hypot(to.x - from.x, to.y - from.y) < DRAG) return;
    wasDragged = true;
    frame.setPointerCapture(event.pointerId);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, to);
    if (!other) {
      pan(to.x - from.x, to.y - from.y);
      return;
    }
    const before = Math.hypot(from.x - other.x, from.y - other.y);
    const after = Math.hypot(to.x - other.x, to.y - other.y);
    x += (to.x - from.x) / 2;
    y += (to.y - from.y) / 2;
    if (before > 0) zoom(after / before, (to.x + other.x) / 2, (to.y + other.y) / 2);
  }

  /** @param {PointerEvent} event */
  function onUp(event) {
    pointers.delete(event.pointerId);
  }

  /**
   * What was dragged wasn't clicked.
   * @param {MouseEvent} event
   */
  function onClick(event) {
    if (!wasDragged) return;
    wasDragged = false;
    event.stopPropagation();
    event.preventDefault();
  }

  /** @type {Record<string, () => void>} */
  const keys = {
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: () => fit(),
    ArrowLeft: () => pan(STRIDE, 0),
    ArrowRight: () => pan(-STRIDE, 0),
    ArrowUp: () => pan(0, STRIDE),
    ArrowDown: () => pan(0, -STRIDE),
  };

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  const endings = [
    listen(frame, "wheel", onWheel, { passive: false }),
    listen(frame, "pointerdown", onDown),
    listen(frame, "pointermove", onPointerMove),
    listen(frame, "pointerup", onUp),
    listen(frame, "pointercancel", onUp),
    listen(frame, "click", onClick, { capture: true }),
    listen(frame, "keydown", onKey),
  ];
  return {
    scale: () => scale,
    frame: (next) => void (extent = next),
    fit,
    zoom,
    pan,
    reveal(rect) {
      const [left, top] = [x + rect.x * scale, y + rect.y * scale];
      const [right, bottom] = [left + rect.width * scale, top + rect.height * scale];
      const dx = left < MARGIN ? MARGIN - left : right > frame.clientWidth - MARGIN ? frame.clientWidth - MARGIN - right : 0;
      const dy = top < MARGIN ? MARGIN - top : bottom > frame.clientHeight - MARGIN ? frame.clientHeight - MARGIN - bottom : 0;
      if (dx || dy) pan(dx, dy);
    },
    frameOn(rect) {
      const { clientWidth, clientHeight } = frame;
      const next = Math.min(
        (clientWidth - 2 * MARGIN) / rect.width,
        (clientHeight - 2 * MARGIN) / rect.height,
        Math.max(scale, LEGIBLE),
      );
      scale = Math.max(next, LEAST);
      x = clientWidth / 2 - (rect.x + rect.width / 2) * scale;
      y = clientHeight / 2 - (rect.y + rect.height / 2) * scale;
      glide();
    },
    sees(rect) {
      const [left, top] = [x + rect.x * scale, y + rect.y * scale];
      return left < frame.clientWidth && top < frame.clientHeight && left + rect.width * scale > 0 && top + rect.height * scale > 0;
    },
    toFrame: (px, py) => ({ x: x + px * scale, y: y + py * scale }),
    destroy: () => endings.forEach((end) => end()),
  };
}
