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

import { Asks } from "./asks.js";
import { PageError } from "./error.js";
import { explained, explainedFrom, isExplainable, refuseUnexplainable, revived } from "./explain.js";
import { tensorOf, unpacked } from "./tensor.js";

const MOST_EXPLANATIONS = 100; // each may have thousands of terms

/**
 * @param {Model} model
 * @returns {Promise<Source>}
 */
export async function createSource(model) {
  return new ModelSource(model, new Asks(model));
}

/** @implements {Source} */
class ModelSource {
  /**
   * @param {Model} model
   * @param {Asks} asks
   */
  constructor(model, asks) {
    this.model = model;
    this.asks = asks;
    this.numbers = new DataView(new ArrayBuffer(0));
    this.document = /** @type {PageDocument} */ (model.get("document"));
    this.revision = 0;
    this.prediction = this.document.prediction;
    this.packedHolds = true;
    /** @type {Map<string, Layer>} */
    this.layers = new Map();
    /** @type {Map<string, Promise<any>>} */
    this.known = new Map();
    /** @type {Map<string, Promise<any>>} */
    this.explanations = new Map();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    this.begin();
    this.renewed = () => {
      this.begin();
      this.tell();
    };
    model.on("change:document", this.renewed);
  }

  /** A document as it came: nothing has been changed, so what travels with it holds. */
  begin() {
    this.document = readDocument(this.model.get("document"));
    this.numbers = this.model.get("numbers") ?? new DataView(new ArrayBuffer(0));
    this.revision = this.document.revision ?? 0;
    this.prediction = this.document.prediction;
    this.packedHolds = true;
    this.layers = new Map(this.document.layers.map((layer) => [layer.name, layer]));
    this.forget();
  }

  forget() {
    this.known.clear();
    this.explanations.clear();
  }

  tell() {
    for (const listener of this.listeners) listener();
  }

  /**
   * What was found before under this key, or is found now; what failed is tried again.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} find
   * @param {Map<string, Promise<any>>} [known]
   * @returns {Promise<T>}
   */
  once(key, find, known = this.known) {
    let found = known.get(key);
    if (!found) {
      found = find();
      known.set(key, found);
      found.catch(() => known.get(key) === found && known.delete(key));
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
    if (this.explanations.size >= MOST_EXPLANATIONS) this.explanations.delete([...this.explanations.keys()][0]);
    return this.once(`${name}:${at}`, async () => this.explainNow(this.layer(name), at), this.explanations);
  }

  /**
   * @param {Layer} layer
   * @param {Cell} at
   * @returns {Promise<Explanation>}
   */
  async explainNow(layer, at) {
    refuseUnexplainable(layer);
    const layers = this.document.layers;
    const chosen = this.chosenAt(layer.name, at);
    if (this.isExact(layer)) {
      const [result, ...inputs] = await Promise.all([layer.name, ...layer.inputs].map((name) => this.exact(name)));
      return explained(layers, layer, at, { result, inputs, arrays: await this.keptArrays(layer) });
    }
    if (chosen) {
      const { data } = unpacked(this.numbers, this.document.packed[chosen.packed]);
      return explainedFrom(layers, layer, at, data, await this.keptArrays(layer));
    }
    if (this.asked) {
      const { content } = await this.asks.ask({ ask: "explain", layer: layer.name, at });
      return { inputs: layer.inputs, ...revived(content.explanation) };
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
    this.prediction = revived(told.prediction);
    this.packedHolds = false;
    this.forget();
    this.tell();
    return { revision: this.revision, prediction: this.prediction, note: told.note ?? "" };
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

/**
 * The document with numbers for the words that JSON has no number for, wherever a number stands.
 * @param {PageDocument} document
 * @returns {PageDocument}
 */
function readDocument(document) {
  return {
    ...document,
    input: revived(document.input),
    prediction: revived(document.prediction),
    layers: document.layers.map((layer) => ({
      ...layer,
      options: revived(layer.options),
      sized: layer.sized && { ...layer.sized, border: revived(layer.sized.border) },
    })),
  };
}
