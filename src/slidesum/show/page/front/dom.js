/**
 * Building nodes without markup: data only ever becomes text or an attribute, never HTML.
 *
 *     h("button", { class: "primary", onclick: go, "aria-pressed": true }, "Play")
 *     svg("path", { d: "M0 0L9 9" })
 */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, unknown>} Attributes */

/**
 * An element. Keys that begin with "on" are listeners, `style` is an object of properties, true is an empty attribute, false and
 * null are none.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/**
 * @template {HTMLElement | SVGElement} T
 * @param {T} node
 * @param {Attributes} attributes
 * @param {(Child | Child[])[]} children
 * @returns {T}
 */
function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (key === "style") setStyle(node, /** @type {Record<string, string | number>} */ (value));
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(
    ...children
      .flat()
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map(asNode),
  );
  return node;
}

/**
 * @param {Child} child
 * @returns {Node | string}
 */
function asNode(child) {
  return child instanceof Node ? child : String(child);
}

/**
 * Through the object model and not as an attribute, which a page's security policy may forbid.
 * @param {HTMLElement | SVGElement} node
 * @param {Record<string, string | number>} properties
 */
export function setStyle(node, properties) {
  for (const [name, value] of Object.entries(properties)) node.style.setProperty(name, String(value));
}

/**
 * Puts these children in place of what a node held.
 * @param {Element} node
 * @param {...(Child | Child[])} children
 */
export function fill(node, ...children) {
  node.replaceChildren(
    ...children
      .flat()
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map(asNode),
  );
}

/**
 * A listener and what takes it away again.
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: any) => void} listener
 * @param {AddEventListenerOptions} [options]
 * @returns {() => void}
 */
export function listen(target, type, listener, options) {
  target.addEventListener(type, listener, options);
  return () => target.removeEventListener(type, listener, options);
}

/**
 * Where a page hears its keys: in itself, or everywhere if there is nothing else.
 * @param {HTMLElement} page
 * @returns {EventTarget}
 */
export function keysOf(page) {
  return page.classList.contains("slidesum-whole") ? document : page;
}

/**
 * Calls once per frame, however often it was asked for.
 * @param {() => void} work
 * @returns {() => void}
 */
export function onceAFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

/**
 * 117600 -> "117,600".
 * @param {number} n
 * @returns {string}
 */
export function counted(n) {
  return n.toLocaleString("en-US");
}

/**
 * 1582671872 -> "1.58 G": three digits, for where there is little room.
 * @param {number} n
 * @returns {string}
 */
export function brief(n) {
  if (n < 10000) return counted(n);
  const power = Math.min(Math.floor(Math.log10(n) / 3), 5);
  return `${Number((n / 1000 ** power).toPrecision(3))} ${" kMGTP"[power]}`;
}

/**
 * [28, 28] -> "28×28".
 * @param {number[]} extents
 * @returns {string}
 */
export function times(extents) {
  return extents.join("×");
}
