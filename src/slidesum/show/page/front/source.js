/**
 * Where the numbers come from: the page itself, or whoever answers its asks (a notebook, a server). The views don't tell them apart.
 *
 *     const source = await createSource(model);
 *     const maps = await source.maps("conv1");
 *     const why = await source.explain("conv1", [0, 3, 4, 5]);
 *
 * What was asked is kept until the numbers change: an edit, another image, a reset. What the page carries is read once and computed
 * here, with the equation of the layer. Whatever fails, fails as a PageError.
 */

/** @import { Answer, Cell, Explanation, Layer, Model, PageDocument, Source, Tensor, Trace } from "./contract.js" */

import { PageError } from "./error.js";
import { explained, explainedFrom, isExplainable, revived } from "./explain.js";
import { gunzip, tensorOf, unpacked } from "./tensor.js";

/**
 * @param {Model} model
 * @returns {Promise<Source>}
 */
export async function createSource(model) {
  const asks = new Asks(model);
  const numbers = await numbersOf(model);
  return new ModelSource(model, asks, numbers);
}

/**
 * The numbers that travel with the page.
 * @param {Model} model
 * @returns {Promise<DataView>}
 */
async function numbersOf(model) {
  const given = /** @type {DataView | null | undefined} */ (model.get("numbers"));
  if (!given?.byteLength) return new DataView(new ArrayBuffer(0));
  if (!model.get("document").compressed) return given;
  const whole = await gunzip(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
  return new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
}

/** Asks on their way, each with a number of its own by which its answer is known. */
class Asks {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.last = 0;
    /** @type {Map<number, { resolve: (told: { content: any, buffers: ArrayBufferView[] }) => void, reject: (error: Error) => void }>} */
    this.waiting = new Map();
    this.listener = (/** @type {any} */ content, /** @type {any[]} */ buffers) => this.answered(content, buffers);
    model.on("msg:custom", this.listener);
  }

  /**
   * @param {Record<string, any>} content
   * @param {(ArrayBuffer | ArrayBufferView)[]} [buffers]
   * @returns {Promise<{ content: any, buffers: ArrayBufferView[] }>}
   */
  ask(content, buffers = []) {
    this.last += 1;
    const id = this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.model.send({ id, ...content }, undefined, buffers);
    });
  }

  /**
   * @param {any} content
   * @param {(ArrayBuffer | ArrayBufferView)[]} [buffers]
   */
  answered(content, buffers = []) {
    const asker = this.waiting.get(content?.id);
    if (!asker) return;
    this.waiting.delete(content.id);
    if (content.error) asker.reject(new PageError(content.error.headline, content.error));
    else asker.resolve({ content, buffers: buffers.map((part) => (ArrayBuffer.isView(part) ? part : new Uint8Array(part))) });
  }

  close() {
    this.model.off?.("msg:custom", this.listener);
    for (const { reject } of this.waiting.values()) reject(new PageError("the page was closed before it was answered"));
    this.waiting.clear();
  }
}

/** @implements {Source} */
class ModelSource {
  /**
   * @param {Model} model
   * @param {Asks} asks
   * @param {DataView} numbers
   */
  constructor(model, asks, numbers) {
    this.model = model;
    this.asks = asks;
    this.numbers = numbers;
    this.document = /** @type {PageDocument} */ (model.get("document"));
    this.revision = 0;
    this.prediction = this.document.prediction;
    this.packedHolds = true;
    /** @type {Map<string, Layer>} */
    this.layers = new Map();
    /** @type {Map<string, Promise<any>>} */
    this.known = new Map();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    this.begin();
    this.renewed = async () => {
      this.numbers = await numbersOf(model);
      this.begin();
      this.tell();
    };
    model.on("change:document", this.renewed);
  }

  /** A document as it came: nothing has been changed, so what travels with it holds. */
  begin() {
    this.document = this.model.get("document");
    this.revision = this.document.revision ?? 0;
    this.prediction = this.document.prediction;
    this.packedHolds = true;
    this.layers = new Map(this.document.layers.map((layer) => [layer.name, layer]));
    this.known = new Map();
  }

  tell() {
    for (const listener of this.listeners) listener();
  }

  /**
   * What was found before under this key, or is found now; what failed is tried again.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} find
   * @returns {Promise<T>}
   */
  once(key, find) {
    const known = this.known;
    let found = known.get(key);
    if (!found) {
      found = find();
      known.set(key, found);
      found.catch(() => known.delete(key));
    }
    return found;
  }

  /** @param {string} name */
  layer(name) {
    const layer = this.layers.get(name);
    if (layer) return layer;
    throw new PageError(`there is no layer ${name}`, { advice: "Choose one of the network's layers." });
  }

  /** @param {string} key */
  packed(key) {
    const entry = this.packedHolds ? this.document.packed[key] : undefined;
    return entry && unpacked(this.numbers, entry);
  }

  get asked() {
    return this.document.answers === "asked";
  }

  /**
   * @param {string} name
   * @returns {Promise<Tensor>}
   */
  maps(name) {
    return this.once(`maps:${name}`, async () => {
      this.layer(name);
      return this.packed(`maps:${name}`) ?? this.packed(`exact:${name}`) ?? this.tensor({ ask: "maps", layer: name });
    });
  }

  /**
   * @param {string} name
   * @returns {Promise<Tensor>}
   */
  array(name) {
    return this.once(`array:${name}`, async () => this.packed(`array:${name}`) ?? this.tensor({ ask: "array", array: name }));
  }

  /**
   * @param {{ ask: string, [more: string]: any }} content
   * @returns {Promise<Tensor>}
   */
  async tensor(content) {
    if (!this.asked) throw new PageError("these numbers don't travel with the page", { advice: "Open the page with a server: --serve." });
    const { content: told, buffers } = await this.asks.ask(content);
    return tensorOf(told.dtype, told.shape, buffers[0], told.scale ?? 1);
  }

  /** @param {string} name */
  chosen(name) {
    return (this.document.chosen[name] ?? []).map((one) => one.at);
  }

  /**
   * @param {string} name
   * @param {Cell} at
   */
  canExplain(name, at) {
    const layer = this.layer(name);
    if (!isExplainable(layer)) return false;
    return this.asked || this.isExact(layer) || this.chosenAt(name, at) !== undefined;
  }

  /**
   * Whether all that goes into a layer's values travels with the page.
   * @param {Layer} layer
   */
  isExact(layer) {
    const keys = [...[layer.name, ...layer.inputs].map((name) => `exact:${name}`), ...layer.arrays.map(({ name }) => `array:${name}`)];
    return this.packedHolds && keys.every((key) => key in this.document.packed);
  }

  /**
   * @param {string} name
   * @param {Cell} at
   */
  chosenAt(name, at) {
    return this.packedHolds ? (this.document.chosen[name] ?? []).find((one) => String(one.at) === String(at)) : undefined;
  }

  /**
   * @param {string} name
   * @param {Cell} at
   * @returns {Promise<Explanation>}
   */
  explain(name, at) {
    return this.once(`explain:${name}:${at}`, () => this.explainNow(this.layer(name), at));
  }

  /**
   * @param {Layer} layer
   * @param {Cell} at
   * @returns {Promise<Explanation>}
   */
  async explainNow(layer, at) {
    const layers = this.document.layers;
    const chosen = this.chosenAt(layer.name, at);
    if (this.isExact(layer) && isExplainable(layer)) {
      const [result, ...inputs] = await Promise.all([layer.name, ...layer.inputs].map((name) => this.exact(name)));
      return explained(layers, layer, at, { result, inputs, arrays: await this.keptArrays(layer) });
    }
    if (chosen) {
      const { data } = unpacked(this.numbers, this.document.packed[chosen.packed]);
      return explainedFrom(layers, layer, at, data, await this.keptArrays(layer));
    }
    if (this.asked) {
      const { content } = await this.asks.ask({ ask: "explain", layer: layer.name, at });
      return revived(content.explanation);
    }
    throw new PageError(`the terms of ${layer.name} at ${at.join(", ")} don't travel with the page`, {
      usual: "Only those of chosen values do; the marked ones.",
      advice: "Choose a marked value, or open the page with a server: --serve.",
    });
  }

  /**
   * A result as the engine computed it.
   * @param {string} name
   * @returns {Promise<Tensor>}
   */
  exact(name) {
    return this.once(`exact:${name}`, async () => unpacked(this.numbers, this.document.packed[`exact:${name}`]));
  }

  /**
   * The arrays of a layer that travel with the page, by their short names.
   * @param {Layer} layer
   * @returns {Promise<Record<string, Tensor>>}
   */
  async keptArrays(layer) {
    const here = layer.arrays.filter(({ name }) => `array:${name}` in this.document.packed);
    return Object.fromEntries(await Promise.all(here.map(async ({ name, short }) => [short, await this.array(name)])));
  }

  /**
   * @param {Record<string, any>} content
   * @param {(ArrayBuffer | ArrayBufferView)[]} [buffers]
   * @returns {Promise<Answer>}
   */
  async change(content, buffers) {
    if (!this.asked || !this.document.editable) {
      throw new PageError("nothing can be changed on this page", {
        usual: "It carries its numbers, and nothing that would compute others.",
        advice: "Open the page with a server: --serve.",
      });
    }
    const { content: told } = await this.asks.ask(content, buffers);
    this.revision = told.revision;
    this.prediction = told.prediction;
    this.packedHolds = false;
    this.known = new Map();
    this.tell();
    return { revision: told.revision, prediction: told.prediction, note: told.note ?? "" };
  }

  /** @param {{ array: string, at: Cell, value: number }} change */
  edit(change) {
    return this.change({ ask: "edit", ...change });
  }

  /** @param {Blob} file */
  async image(file) {
    return this.change({ ask: "image" }, [await file.arrayBuffer()]);
  }

  /** @param {number[]} values */
  pixels(values) {
    return this.change({ ask: "pixels", values });
  }

  reset() {
    return this.change({ ask: "reset" });
  }

  /**
   * @param {number} number
   * @returns {Promise<Trace>}
   */
  trace(number) {
    return this.once(`trace:${number}`, async () => {
      const told = this.packedHolds ? this.document.classes?.[String(number)] : undefined;
      if (told) return told;
      if (!this.asked) throw new PageError(`what led to class ${number} doesn't travel with the page`, { advice: "Choose another class." });
      return (await this.asks.ask({ ask: "trace", class: number })).content.trace;
    });
  }

  /** @param {() => void} listener */
  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close() {
    this.model.off?.("change:document", this.renewed);
    this.asks.close();
    this.listeners.clear();
  }
}
