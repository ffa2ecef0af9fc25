/**
 * The network at a glance: every layer a card, branches below each other, groups that fold, on a plane to move and zoom.
 *
 * Maps are asked for, and painted, only where they are looked at.
 */

/** @import { Context, View } from "./contract.js" */
/** @import { Rect } from "./camera.js" */
/** @import { CardView } from "./card.js" */
/** @import { Card } from "./groups.js" */
/** @import { Placed } from "./graph.js" */

import { createCamera } from "./camera.js";
import { createCard, sizeOf } from "./card.js";
import { fill, h, setStyle, svg } from "./dom.js";
import { placed } from "./graph.js";
import { MANY_LAYERS, cardsOf, groupsOf } from "./groups.js";

/** Room around the cards of an unfolded group, more of it above, where its name stands. */
const AROUND = { side: 14, top: 34 };

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountOverview(root, { source, state, say }) {
  const { layers } = source.document;
  const groups = groupsOf(layers);
  let folded = new Set(layers.length > MANY_LAYERS ? groups.keys() : []);
  /** @type {Map<string, { card: Card, view: CardView, revision: number, zoom: number }>} */
  const shown = new Map();
  /** @type {Placed} */
  let placing = { boxes: new Map(), edges: [], width: 1, height: 1 };
  let isFresh = true;
  let wasMoved = false;

  const edges = svg("svg", { class: "edges", "aria-hidden": true });
  const regions = h("div", { class: "regions" });
  const cards = h("div", { class: "cards" });
  const plane = h("div", { class: "plane" }, regions, edges, cards);
  const frame = h(
    "div",
    {
      class: "overview",
      "data-testid": "overview",
      tabindex: 0,
      role: "region",
      "aria-label": `The layers of ${source.document.name}. Plus and minus zoom, arrow keys move.`,
    },
    plane,
  );
  const camera = createCamera(frame, plane, look);
  const tools = h(
    "div",
    { class: "tools" },
    tool("+", "Zoom in", () => camera.zoom(1.25)),
    tool("−", "Zoom out", () => camera.zoom(0.8)),
    tool("⤢", "Fit all", () => refit()),
    groups.size > 0 && tool("⊞", "Unfold all groups", () => refold(new Set()), "unfold-all"),
    groups.size > 0 && tool("⊟", "Fold all groups", () => refold(new Set(groups.keys())), "fold-all"),
  );
  root.append(h("div", { class: "overview-frame" }, frame, tools));

  /**
   * @param {string} sign
   * @param {string} title
   * @param {() => void} onclick
   * @param {string} [testid]
   */
  function tool(sign, title, onclick, testid) {
    return h("button", { class: "tool", title, "aria-label": title, onclick, "data-testid": testid }, sign);
  }

  /** Places all cards anew; those that stay move to their new places. */
  function arrange() {
    const wanted = cardsOf(layers, folded);
    const boxes = wanted.map((card) => ({ id: card.id, inputs: card.inputs, ...sizeOf(card) }));
    placing = placed(boxes, frame.clientWidth / Math.max(frame.clientHeight, 1) || 1.6);
    camera.frame(placing);
    const ids = new Set(wanted.map((card) => card.id));
    for (const [id, { view }] of shown) {
      if (ids.has(id)) continue;
      view.el.remove();
      shown.delete(id);
    }
    for (const card of wanted) {
      const known = shown.get(card.id) ?? added(card);
      const box = placing.boxes.get(card.id);
      if (box) setStyle(known.view.el, { transform: `translate(${box.x}px, ${box.y}px)` });
      cards.append(known.view.el); // in the order of computation, for the tab key and screen readers
    }
    drawEdges();
    drawRegions();
    mark();
  }

  /** @param {Card} card */
  function added(card) {
    const view = createCard(card, {
      onOpen: () =>
        card.group === null ? state.set({ layer: card.layer.name, at: null, pinned: false, tab: "layer" }) : unfold(card.group),
      onUnfold: () => unfold(card.group ?? ""),
      range: source.document.input.range,
    });
    view.el.addEventListener("focusin", () => {
      const box = placing.boxes.get(card.id);
      if (box && view.el.matches(":has(:focus-visible)")) camera.reveal(box);
    });
    for (const [type, isNear] of /** @type {const} */ ([
      ["pointerenter", true],
      ["pointerleave", false],
      ["focusin", true],
      ["focusout", false],
    ])) {
      view.el.addEventListener(type, () => nearEdges(card.id, isNear));
    }
    const made = { card, view, revision: -1, zoom: 0 };
    shown.set(card.id, made);
    return made;
  }

  /**
   * What a card reads, and who reads it.
   * @param {string} id
   * @param {boolean} isNear
   */
  function nearEdges(id, isNear) {
    for (const path of edges.children) {
      if (path.getAttribute("data-from") === id || path.getAttribute("data-to") === id) path.classList.toggle("edge-near", isNear);
    }
  }

  function drawEdges() {
    edges.setAttribute("width", String(placing.width));
    edges.setAttribute("height", String(placing.height));
    fill(edges, ...placing.edges.map(({ from, to, path }) => svg("path", { d: path, "data-from": from, "data-to": to })));
  }

  function drawRegions() {
    const unfolded = [...groups.keys()].filter((name) => !folded.has(name));
    fill(regions, ...unfolded.flatMap((name) => areasOf(name).map((area, number) => region(name, area, number === 0))));
  }

  /**
   * @param {string} name of a group that isn't folded
   * @returns {Rect[]} what it takes on every line
   */
  function areasOf(name) {
    /** @type {Map<number, Rect>} */
    const lines = new Map();
    for (const member of groups.get(name) ?? []) {
      const box = placing.boxes.get(member.name);
      if (!box) continue;
      const known = lines.get(box.line) ?? { ...box, x: box.x - AROUND.side, y: box.y - AROUND.top, width: 0, height: 0 };
      const x = Math.min(known.x, box.x - AROUND.side);
      const y = Math.min(known.y, box.y - AROUND.top);
      const right = Math.max(known.x + known.width, box.x + box.width + AROUND.side);
      const bottom = Math.max(known.y + known.height, box.y + box.height + AROUND.side);
      lines.set(box.line, { x, y, width: right - x, height: bottom - y });
    }
    return [...lines.values()];
  }

  /**
   * @param {string} name
   * @param {Rect} area
   * @param {boolean} isFirst
   */
  function region(name, { x, y, width, height }, isFirst) {
    const onclick = () => refold(new Set([...folded, name]), name);
    const button = h(
      "button",
      { class: "region-name", "data-testid": `fold:${name}`, "aria-label": `Fold ${name}`, title: "Fold", onclick },
      `− ${name}`,
    );
    return h(
      "div",
      { class: "region", style: { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` } },
      isFirst && button,
    );
  }

  /** @param {string} name */
  function unfold(name) {
    refold(new Set([...folded].filter((group) => group !== name)), name);
    say(`${name} unfolded: ${groups.get(name)?.length ?? 0} layers`);
  }

  /**
   * Whoever unfolds a group sees it then; whoever folds one finds its card where it was.
   * @param {Set<string>} next
   * @param {string} [name]
   */
  function refold(next, name) {
    const before = name === undefined ? null : anchorOf(name);
    const seen = before && camera.toFrame(before.x, before.y);
    folded = next;
    arrange();
    if (name === undefined || !seen) {
      refit();
      return;
    }
    wasMoved = true;
    const [area] = folded.has(name) ? [] : areasOf(name);
    if (area) camera.frameOn(area);
    else {
      const after = anchorOf(name);
      const now = after && camera.toFrame(after.x, after.y);
      if (now) camera.pan(seen.x - now.x, seen.y - now.y);
    }
  }

  /**
   * @param {string} name of a group
   * @returns {Rect | null} its card, or its first layer
   */
  function anchorOf(name) {
    return placing.boxes.get(`${name}/`) ?? placing.boxes.get(groups.get(name)?.[0].name ?? "") ?? null;
  }

  function refit() {
    wasMoved = false;
    camera.fit();
  }

  /** The selected layer stands out. */
  function mark() {
    const { layer } = state.get();
    for (const { card, view } of shown.values())
      view.el.classList.toggle("card-chosen", card.members.some((member) => member.name === layer) && state.get().at !== null);
  }

  /** Paints what is in sight and not painted yet, sharper where it is zoomed. */
  function look() {
    const scale = camera.scale();
    frame.dataset.zoom = scale < 0.42 ? "far" : "near";
    frame.dataset.scale = scale.toFixed(3);
    const zoom = Math.min(4, 2 ** Math.ceil(Math.log2(Math.max(scale * (window.devicePixelRatio || 1), 1))));
    for (const entry of shown.values()) {
      const box = placing.boxes.get(entry.card.id);
      if (!box || !camera.sees(box) || (entry.revision === source.revision && entry.zoom >= zoom)) continue;
      entry.revision = source.revision;
      entry.zoom = zoom;
      source.maps(entry.card.layer.name).then(
        (tensor) => entry.view.draw(tensor, zoom),
        (/** @type {Error} */ error) => entry.view.fail(error.message),
      );
    }
  }

  function redraw() {
    for (const entry of shown.values()) entry.revision = -1;
    look();
  }

  const resized = new ResizeObserver(() => {
    if (frame.clientWidth === 0) return;
    if (isFresh || !wasMoved) {
      isFresh = false;
      arrange();
      camera.fit(false);
    }
  });
  resized.observe(frame);
  for (const type of ["wheel", "pointermove", "keydown"]) {
    frame.addEventListener(type, (event) => {
      if (!(event instanceof PointerEvent) || event.buttons) wasMoved = true;
    });
  }
  const endings = [source.onChange(redraw), state.subscribe(mark)];
  return {
    redraw,
    destroy() {
      resized.disconnect();
      camera.destroy();
      endings.forEach((end) => end());
    },
  };
}
