// A tour of six steps for who comes here with the question: k1 maps and a layer of k2 filters, how many maps come out, is a filter
// shared, where do the sums go, and where does the ReLU stand. Each step opens the real thing on the page and points at it. It is a
// note beside the page and never in front of it: everything can be used meanwhile.

/** @import { Context, View } from "./contract.js" */

import { h, listen, setStyle } from "./dom.js";
import { tourSteps } from "./steps.js";
import { wantsStill } from "./morph.js";

const TOUR_KEY = "slidesum-tour";

/**
 * @param {HTMLElement} root where the button that starts it stands
 * @param {Context} context
 * @returns {View}
 */
export function mountTour(root, context) {
  const steps = tourSteps(context.source.document);
  const start = h(
    "button",
    { type: "button", class: "tour-start", "data-testid": "tour-start", "data-picture": "no", title: "A tour in six steps", onclick: () => void go(0) },
    "Tour",
  );
  const title = h("h2", { id: "tour-title", tabindex: -1 });
  const text = h("p", { id: "tour-text" });
  const count = h("span", { class: "tour-count" });
  const back = h("button", { type: "button", "data-testid": "tour-back", onclick: () => go(now - 1) }, "Back");
  const next = h("button", { type: "button", class: "primary", "data-testid": "tour-next", onclick: () => go(now + 1) }, "Next");
  const skip = h("button", { type: "button", "data-testid": "tour-skip", onclick: () => end() }, "Skip");
  const dialog = h(
    "div",
    {
      class: "tour", role: "dialog", "aria-modal": "false", "aria-labelledby": "tour-title", "aria-describedby": "tour-text",
      "data-testid": "tour", "data-picture": "no", hidden: true, onkeydown: pressed,
    },
    title,
    text,
    h("div", { class: "tour-row" }, count, skip, back, next),
  );
  const ring = h("div", { class: "tour-ring", "aria-hidden": true, "data-picture": "no", hidden: true });
  let now = -1;
  /** @type {HTMLElement | null} */
  let target = null;
  let ticket = 0;
  let isFollowing = false;
  let ringed = "";

  /**
   * @param {number} number
   * @param {boolean} [focusing] not where it opens by itself
   */
  async function go(number, focusing = true) {
    if (number < 0) return;
    if (number >= steps.length) {
      end();
      return;
    }
    now = number;
    const mine = (ticket += 1);
    const step = steps[now];
    dialog.hidden = false;
    dialog.dataset.step = String(now + 1);
    title.textContent = step.title;
    text.textContent = step.text;
    count.textContent = `${now + 1} of ${steps.length}`;
    back.disabled = now === 0;
    skip.hidden = now === steps.length - 1;
    next.textContent = now === steps.length - 1 ? "Done" : "Next";
    if (focusing) title.focus({ preventScroll: true });
    context.state.set(step.open);
    const found = await appearing(step.points);
    if (mine !== ticket) return;
    target = found;
    target?.scrollIntoView({ block: "center", behavior: wantsStill() ? "auto" : "smooth" });
    if (!isFollowing) follow();
  }

  /**
   * The first of these things that is on the page, waited for while the views are still being built.
   * @param {string[]} testids
   * @returns {Promise<HTMLElement | null>}
   */
  async function appearing(testids) {
    for (let tries = 0; tries < 40; tries += 1) {
      for (const testid of testids) {
        const seen = /** @type {HTMLElement | null} */ (context.el.querySelector(`[data-testid="${testid}"]`));
        if (seen?.getClientRects().length && (tries > 10 || testid === testids[0])) return seen;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  }

  /** While a step is shown, the ring stays around what it points at, however the page scrolls, loads and moves. */
  function follow() {
    isFollowing = !dialog.hidden;
    if (!isFollowing) return;
    place();
    requestAnimationFrame(follow);
  }

  function place() {
    if (dialog.matches(":active")) return; // a note that moves away between press and release would lose the click
    const rect = target?.isConnected ? target.getBoundingClientRect() : new DOMRect();
    const [top, left] = [Math.max(rect.top, 4), Math.max(rect.left, 4)];
    const [bottom, right] = [Math.min(rect.bottom, window.innerHeight - 4), Math.min(rect.right, window.innerWidth - 4)];
    const spot = [top - 4, left - 4, right - left + 8, bottom - top + 8].map(Math.round).join();
    if (spot === ringed) return;
    ringed = spot;
    ring.hidden = bottom <= top || right <= left;
    setStyle(ring, { top: `${top - 4}px`, left: `${left - 4}px`, width: `${right - left + 8}px`, height: `${bottom - top + 8}px` });
    const isBelow = (top + bottom) / 2 > window.innerHeight / 2 && bottom - top < 0.6 * window.innerHeight;
    dialog.classList.toggle("tour-above", isBelow);
  }

  function end() {
    ticket += 1;
    now = -1;
    dialog.hidden = true;
    ring.hidden = true;
    target = null;
    ringed = "";
    remember();
    start.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    /** @type {Record<string, () => void>} */
    const deeds = { Escape: end, ArrowRight: () => go(now + 1), ArrowLeft: () => go(now - 1) };
    if (!Object.hasOwn(deeds, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    deeds[event.key]();
  }

  root.append(start);
  context.el.append(ring, dialog);
  const stopListening = listen(document, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && !dialog.hidden) end();
  });
  start.classList.toggle("tour-new", !wasSeen());
  const isWholePage = context.el.classList.contains("slidesum-whole"); // and not a guest in a notebook
  if (isWholePage && !wasSeen()) void go(0, false);
  return {
    destroy() {
      ticket += 1;
      dialog.hidden = true;
      stopListening();
      for (const node of [start, dialog, ring]) node.remove();
    },
  };

  function remember() {
    start.classList.remove("tour-new");
    try {
      localStorage.setItem(TOUR_KEY, "seen");
    } catch {
      // a page from disk, or a browser that keeps nothing: then the button stays marked next time
    }
  }
}

/** @returns {boolean} */
function wasSeen() {
  try {
    return localStorage.getItem(TOUR_KEY) === "seen";
  } catch {
    return false;
  }
}
