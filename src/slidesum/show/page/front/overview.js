/**
 * The network at a glance: every layer a card, branches below each other, groups that fold, on a plane to move and zoom.
 *
 * Maps are asked for, and painted, only where they are looked at.
 */

/** @import { Context, View } from "./contract.js" */
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
  const plane = h("div", { class: "plane" }, edges, regions, cards);
  const frame = h("div", { class: "overview", "data-testid": "overview", tabindex: 0, role: "region", "aria-label": `The layers of ${source.document.name}. Plus and minus zoom, arrow keys move.` }, plane);
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
      onOpen: () => (card.group === null ? state.set({ layer: card.layer.name, at: null, pinned: false, tab: "layer" }) : unfold(card.group)),
      onUnfold: () => unfold(card.group ?? ""),
    });
    view.el.addEventListener("focusin", () => {
      const box = placing.boxes.get(card.id);
      if (box && view.el.matches(":has(:focus-visible)")) camera.reveal(box);
    });
    const made = { card, view, revision: -1, zoom: 0 };
    shown.set(card.id, made);
    return made;
  }

  function drawEdges() {
    edges.setAttribute("width", String(placing.width));
    edges.setAttribute("height", String(placing.height));
    fill(edges, ...placing.edges.map(({ from, to, path }) => svg("path", { d: path, "data-from": from, "data-to": to })));
  }

  function drawRegions() {
    const parts = [...groups].filter(([name]) => !folded.has(name)).flatMap(([name, members]) => {
      /** @type {Map<number, { left: number, top: number, right: number, bottom: number }>} */
      const lines = new Map();
      for (const member of members) {
        const box = placing.boxes.get(member.name);
        if (!box) continue;
        const known = lines.get(box.line) ?? { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
        lines.set(box.line, {
          left: Math.min(known.left, box.x),
          top: Math.min(known.top, box.y),
          right: Math.max(known.right, box.x + box.width),
          bottom: Math.max(known.bottom, box.y + box.height),
        });
      }
      return [...lines.values()].map((area, number) => region(name, area, number === 0));
    });
    fill(regions, ...parts);
  }

  /**
   * @param {string} name
   * @param {{ left: number, top: number, right: number, bottom: number }} area
   * @param {boolean} isFirst
   */
  function region(name, area, isFirst) {
    const button = h("button", { class: "region-name", "data-testid": `fold:${name}`, "aria-label": `Fold ${name}`, title: "Fold", onclick: () => refold(new Set([...folded, name]), name) }, `− ${name}`);
    return h(
      "div",
      {
        class: "region",
        style: {
          left: `${area.left - AROUND.side}px`,
          top: `${area.top - AROUND.top}px`,
          width: `${area.right - area.left + 2 * AROUND.side}px`,
          height: `${area.bottom - area.top + AROUND.top + AROUND.side}px`,
        },
      },
      isFirst && button,
    );
  }

  /** @param {string} name */
  function unfold(name) {
    refold(new Set([...folded].filter((group) => group !== name)), name);
    say(`${name} unfolded: ${groups.get(name)?.length ?? 0} layers`);
  }

  /**
   * What was clicked stays where it is on the screen.
   * @param {Set<string>} next
   * @param {string} [name]
   */
  function refold(next, name) {
    const anchor = name === undefined ? null : anchorOf(name);
    const before = anchor && camera.toFrame(anchor.x, anchor.y);
    folded = next;
    arrange();
    const after = name === undefined ? null : anchorOf(name);
    if (!before || !after) refit();
    else {
      const now = camera.toFrame(after.x, after.y);
      camera.pan(before.x - now.x, before.y - now.y);
    }
  }

  /**
   * @param {string} name of a group
   * @returns {{ x: number, y: number } | null} the corner of its card, or of its first layer
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
    for (const { card, view } of shown.values()) view.el.classList.toggle("card-chosen", card.members.some((member) => member.name === layer) && state.get().at !== null);
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
      camera.fit();
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
