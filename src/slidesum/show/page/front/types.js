// The lab: the same layer in every type, switchable and side by side. Which weights exist, which maps come out, what one value reads,
// and what it costs, for the settings of the sliders. Everything is read off the equations in `document.types`.

/** @import { Context, LabType, View } from "./contract.js" */
/** @import { Made, Setting, Settings } from "./lab.js" */
/** @import { Scene } from "./scene.js" */

import { counted, fill, h, listen, onceAFrame, svg } from "./dom.js";
import { MAPS_AXIS, sharingOf, touchesOf } from "./grids.js";
import { makeLayer } from "./lab.js";
import { sceneOf } from "./scene.js";
import { showScene } from "./morph.js";
import { placeKey } from "./keys.js";
import { readsText, sharingText } from "./sentences.js";

/** @type {{ setting: Setting, label: string, low: number, high: number, first: number }[]} */
const SLIDERS = [
  { setting: "k1", label: "input maps k1", low: 1, high: 6, first: 3 },
  { setting: "k2", label: "filters k2", low: 1, high: 6, first: 4 },
  { setting: "kernel", label: "kernel", low: 1, high: 7, first: 5 },
  { setting: "stride", label: "stride", low: 1, high: 4, first: 1 },
  { setting: "padding", label: "padding", low: 0, high: 3, first: 0 },
  { setting: "dilation", label: "dilation", low: 1, high: 3, first: 1 },
  { setting: "groups", label: "groups g", low: 1, high: 6, first: 1 },
  { setting: "depth", label: "depth (3-D)", low: 1, high: 6, first: 2 },
];
const INPUT_EXTENT = 9;
const COUNTS = /** @type {const} */ ([
  ["maps", "maps out"], ["weights", "weights"], ["macs", "multiply-adds"], ["reads", "inputs per output"],
]);
const WIDE = 620; // pixels from which on the picture goes from left to right

/**
 * @param {HTMLElement} root
 * @param {Context} context
 * @returns {View}
 */
export function mountTypes(root, context) {
  const { types } = context.source.document;
  if (!types.length) return { destroy: () => undefined };
  const settings = /** @type {Settings} */ ({ ...Object.fromEntries(SLIDERS.map(({ setting, first }) => [setting, first])), n: INPUT_EXTENT });
  settings.groups = 2;
  settings.k1 = 4;
  let chosen = types.find((type) => type.name === "type 2.2") ?? types[0];
  /** @type {number[]} */
  let at = [0, 0, 2, 2];
  /** @type {Made} */
  let made = makeLayer(chosen, settings);
  /** @type {Map<string, number>} */
  let sharing = new Map();
  /** @type {Scene | null} */
  let scene = null;

  const cards = new Map(types.map((type) => [type, cardOf(type, () => choose(type))]));
  const drawing = svg("svg", {
    class: "lab-drawing", tabindex: 0, role: "img", "data-testid": "lab:picture", "aria-describedby": "lab-reads",
  });
  const parts = {
    pattern: h("code", { class: "lab-pattern", "data-testid": "lab:pattern" }),
    gist: h("p", { class: "lab-gist" }),
    sentence: h("p", { "data-testid": "lab:sentence" }),
    reads: h("p", { id: "lab-reads", "data-testid": "lab:reads" }),
    shared: h("p", { "data-testid": "lab:sharing" }),
    problem: h("p", { class: "lab-problem", role: "status", "data-testid": "lab:problem" }),
    counts: h("dl", { class: "lab-counts" }),
    table: h("tbody", {}),
  };
  const sliders = SLIDERS.map((slider) => ({ ...slider, ...sliderOf(slider, settings, () => changed()) }));

  /** @param {LabType} type */
  function choose(type) {
    chosen = type;
    update();
    context.say(`${type.name}: ${made.problem ?? `${made.counts?.maps.number} maps out, ${made.counts?.weights.number} weights`}`);
  }

  const changed = onceAFrame(() => update());

  function update(moving = true) {
    made = makeLayer(chosen, settings);
    const all = types.map((type) => (type === chosen ? made : makeLayer(type, settings)));
    for (const one of all) showCard(cards.get(one.type), one, one.type === chosen, settings);
    fill(parts.table, all.map((one) => rowOf(one, one.type === chosen)));
    for (const slider of sliders) {
      slider.output.textContent = String(settings[slider.setting]);
      slider.node.classList.toggle("lab-idle", !made.uses.has(slider.setting));
    }
    parts.pattern.textContent = made.pattern;
    parts.gist.textContent = chosen.gist ? `${chosen.name}: ${chosen.gist}.` : chosen.name;
    parts.sentence.textContent = chosen.sentence;
    parts.problem.textContent = made.problem ?? "";
    fill(parts.counts, COUNTS.map(([key, label]) => countOf(key, label, made.counts?.[key])));
    drawing.classList.toggle("lab-stale", Boolean(made.problem));
    sharing = sharingOf(made);
    parts.shared.textContent = made.problem ? "" : sharingText(sharing);
    if (made.sized) at = made.sized.result.shape.map((n, axis) => Math.min(at[axis], n - 1));
    draw(moving);
  }

  function draw(moving = false) {
    parts.reads.textContent = made.problem ? "" : readsText(made, at, touchesOf(made, at));
    drawing.setAttribute("aria-label", `${made.pattern}. ${parts.reads.textContent} Arrow keys move the place.`);
    if (!made.sized) return;
    const width = drawing.clientWidth || 800;
    const wide = width >= WIDE;
    const height = drawing.clientHeight || 420;
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const before = scene;
    scene = sceneOf(made, at, settings, sharing, { small: false, wide, width, height });
    showScene(drawing, before, scene, moving);
  }

  /** @param {number[]} place */
  function look(place) {
    if (place.every((cell, axis) => cell === at[axis])) return;
    at = place;
    draw();
  }

  /** @param {PointerEvent} event */
  function pointed(event) {
    const rect = drawing.getBoundingClientRect();
    const [x, y] = [event.clientX - rect.left, event.clientY - rect.top];
    const found = scene?.outputs.find(({ box }) => x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h);
    if (found && made.sized) look([0, found.map, Math.floor((y - found.box.y) / found.cell), Math.floor((x - found.box.x) / found.cell)]);
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    const place = made.sized && placeKey(event.key, at, made.sized.result.shape, MAPS_AXIS);
    if (!place) return;
    event.preventDefault();
    look(place);
    context.say(parts.reads.textContent ?? "");
  }

  const chooser = h("div", { class: "lab-types", role: "group", "aria-label": "Types of layers" }, [...cards.values()].map((card) => card.node));
  const section = h(
    "section",
    { class: "lab", "data-testid": "types" },
    h("h2", {}, "The same layer in every type"),
    h("p", { class: "lab-intro" }, "k1 maps go in and there are k2 filters. The equation says how many maps come out, and who shares which weights."),
    chooser,
    h("div", { class: "lab-sliders", role: "group", "aria-label": "Settings of the layer" }, sliders.map((slider) => slider.node)),
    h(
      "div",
      { class: "lab-body" },
      h("div", { class: "lab-picture" }, drawing, parts.problem),
      h("div", { class: "lab-told" }, parts.pattern, parts.gist, parts.sentence, parts.counts, parts.reads, parts.shared),
    ),
    h(
      "div",
      { class: "lab-table" },
      h(
        "table",
        {},
        h("caption", {}, "Side by side"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "type"), COUNTS.map(([, label]) => h("th", { scope: "col", colspan: 2 }, label)))),
        parts.table,
      ),
    ),
  );
  root.append(section);
  const watcher = new ResizeObserver(onceAFrame(() => drawing.isConnected && draw()));
  watcher.observe(drawing);
  const ends = [
    listen(drawing, "pointermove", pointed),
    listen(drawing, "pointerdown", pointed),
    listen(drawing, "keydown", pressed),
  ];
  update(false);
  return {
    destroy() {
      watcher.disconnect();
      for (const end of ends) end();
      section.remove();
    },
  };
}

/**
 * @param {LabType} type
 * @param {() => void} choose
 */
function cardOf(type, choose) {
  const drawing = svg("svg", { class: "lab-mini", viewBox: "0 0 132 52", "aria-hidden": true });
  const told = h("span", { class: "lab-card-told" });
  const node = h(
    "button",
    { type: "button", class: "lab-card", "data-testid": `type:${type.name}`, "aria-pressed": "false", onclick: choose },
    h("span", { class: "lab-card-name" }, type.name),
    drawing,
    told,
  );
  return { node, drawing, told };
}

/**
 * @param {ReturnType<typeof cardOf> | undefined} card
 * @param {Made} made
 * @param {boolean} isChosen
 * @param {Settings} settings
 */
function showCard(card, made, isChosen, settings) {
  if (!card) return;
  card.node.setAttribute("aria-pressed", String(isChosen));
  card.node.classList.toggle("lab-stale", Boolean(made.problem));
  if (!made.sized || !made.counts) {
    fill(card.drawing);
    card.told.textContent = "not with these settings";
    return;
  }
  const frame = { small: true, wide: true, width: 132, height: 52 };
  const scene = sceneOf(made, made.sized.result.shape.map(() => 0), settings, new Map(), frame);
  fill(card.drawing, scene.node, svg("path", { class: "lab-arrow", d: "M69 26h7m-3 -3l3 3l-3 3" }));
  const { maps, weights } = made.counts;
  card.told.textContent = `${counted(weights.number)} weights, ${counted(maps.number)} ${maps.number === 1 ? "map" : "maps"}`;
}

/**
 * @param {typeof SLIDERS[number]} slider
 * @param {Settings} settings
 * @param {() => void} changed
 */
function sliderOf({ setting, label, low, high }, settings, changed) {
  const output = h("output", {}, String(settings[setting]));
  const input = h("input", {
    type: "range", min: low, max: high, step: 1, value: settings[setting], "data-testid": `slider:${setting}`, "aria-label": label,
    oninput: (/** @type {Event} */ event) => {
      settings[setting] = Number(/** @type {HTMLInputElement} */ (event.currentTarget).value);
      changed();
    },
  });
  return { output, node: h("label", { class: "lab-slider" }, h("span", {}, label, " ", output), input) };
}

/**
 * @param {string} key
 * @param {string} label
 * @param {import("./lab.js").LabCount | undefined} found
 */
function countOf(key, label, found) {
  const number = found ? counted(found.number) : "–";
  const isSame = !found || found.formula === number;
  return h(
    "div",
    { "data-testid": `lab:${key}`, "data-value": found?.number ?? "" },
    h("dt", {}, label),
    h("dd", {}, h("strong", {}, number), isSame ? " " : h("span", { class: "lab-formula" }, ` = ${found.formula}`)),
  );
}

/**
 * @param {Made} made
 * @param {boolean} isChosen
 */
function rowOf(made, isChosen) {
  const cells = COUNTS.flatMap(([key]) => {
    const found = made.counts?.[key];
    return [h("td", { class: "lab-number" }, found ? counted(found.number) : "–"), h("td", { class: "lab-formula" }, found?.formula ?? "")];
  });
  return h("tr", { "aria-current": isChosen ? "true" : null, "data-testid": `row:${made.type.name}` }, h("th", { scope: "row" }, made.type.name), cells);
}
