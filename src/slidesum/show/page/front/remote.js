/**
 * The model of a served page: anywidget's front-end interface over HTTP. What is asked goes to the server as one frame, and the answer
 * is handed to the listeners of "msg:custom".
 *
 *     const model = remoteModel("/ask", token, document);
 *     model.on("msg:custom", (content, buffers) => …);
 *     model.send({ id: 1, ask: "maps", layer: "conv1" });
 *
 * A frame is the length of its JSON in four bytes, little-endian, the JSON, and the parts whose lengths its "buffers" names.
 *
 * Over a notebook's connection asks are answered in their order; here they would overtake each other. So a change waits for the change
 * before it, and whatever is asked behind a change waits for that. Another tab may change the network too: an answer of a revision
 * that isn't known here is followed by the document as it is now, and "change:document".
 */

/** @typedef {(...told: any[]) => void} Listener */
/** @typedef {ArrayBuffer | ArrayBufferView} Part */

const CHANGING_ASKS = ["edit", "image", "pixels", "reset"];
const LARGEST_SENT = 20_000_000;

/**
 * @param {string} address where asks go
 * @param {string} token
 * @param {any} document what the page knows of the network
 * @param {() => Promise<any>} renewed the document as it is now
 */
export function remoteModel(address, token, document, renewed) {
  /** @type {Map<string, Set<Listener>>} */
  const listeners = new Map();
  let known = document;
  let revision = document.revision;
  let changed = Promise.resolve();

  /** @param {string} event @param {any[]} told */
  const tell = (event, ...told) => [...(listeners.get(event) ?? [])].forEach((listener) => listener(...told));

  /** @param {any} content @param {Part[]} parts */
  const asked = async (content, parts) => {
    const { content: answer, buffers } = await answerOf(address, token, content, parts);
    const isStale = !CHANGING_ASKS.includes(content.ask) && answer.revision !== undefined && answer.revision !== revision;
    if (CHANGING_ASKS.includes(content.ask) && answer.revision !== undefined) revision = answer.revision;
    tell("msg:custom", answer, buffers);
    if (isStale) await renew();
  };

  const renew = async () => {
    known = await renewed().catch(() => known);
    if (known.revision === revision) return;
    revision = known.revision;
    tell("change:document");
  };

  return {
    get: (/** @type {string} */ name) => (name === "document" ? known : new DataView(new ArrayBuffer(0))),
    set() {},
    save_changes() {},
    on: (/** @type {string} */ event, /** @type {Listener} */ listener) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    off: (/** @type {string} */ event, /** @type {Listener} */ listener) => {
      listeners.get(event)?.delete(listener);
    },
    send: (/** @type {any} */ content, /** @type {unknown} */ callbacks = undefined, /** @type {Part[]} */ parts = []) => {
      void callbacks;
      const answered = changed.then(() => asked(content, parts));
      if (CHANGING_ASKS.includes(content.ask)) changed = answered.catch(() => undefined);
    },
  };
}

/**
 * The answer to one ask; whatever goes wrong on the way is an answer too.
 * @param {string} address
 * @param {string} token
 * @param {any} content
 * @param {Part[]} parts
 * @returns {Promise<{ content: any, buffers: DataView[] }>}
 */
async function answerOf(address, token, content, parts) {
  /** @param {any} error */
  const failed = (error) => ({ content: { id: content.id, error }, buffers: [] });
  if (parts.reduce((sum, part) => sum + part.byteLength, 0) > LARGEST_SENT) {
    return failed({ headline: "what was sent is too large", usual: "20 MB are the most.", advice: "Send a smaller picture." });
  }
  try {
    const body = framed(...withoutLists(content, parts));
    const response = await fetch(address, { method: "POST", headers: { "X-Slidesum-Token": token }, body });
    if (!response.ok) return failed((await response.json()).error);
    return unframed(await response.arrayBuffer());
  } catch {
    return failed({ headline: "the server doesn't answer", usual: "It was stopped.", advice: "Start it again, and open its address." });
  }
}

/**
 * A list of numbers goes as float32, which takes a fraction of the room that it has as text.
 * @param {any} content
 * @param {Part[]} parts
 * @returns {[any, Part[]]}
 */
function withoutLists({ values, ...content }, parts) {
  return [content, values ? [...parts, Float32Array.from(values)] : parts];
}

/**
 * @param {any} content
 * @param {Part[]} parts
 */
function framed(content, parts) {
  const lengths = parts.map((part) => part.byteLength);
  const text = new TextEncoder().encode(JSON.stringify(parts.length ? { ...content, buffers: lengths } : content));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, text.length, true);
  return new Blob(/** @type {BlobPart[]} */ ([length, text, ...parts]));
}

/**
 * @param {ArrayBuffer} frame
 * @returns {{ content: any, buffers: DataView[] }}
 */
function unframed(frame) {
  const length = new DataView(frame).getUint32(0, true);
  const { buffers: lengths = [], ...content } = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length)));
  let offset = 4 + length;
  const buffers = lengths.map((/** @type {number} */ size) => {
    // copied: float32 numbers can be read only from where they are aligned
    const part = new DataView(frame.slice(offset, offset + size));
    offset += size;
    return part;
  });
  return { content, buffers };
}
