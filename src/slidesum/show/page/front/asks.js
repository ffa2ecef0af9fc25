/**
 * Asks on their way: each has a number of its own, by which its answer is known, and is a promise until then. An answer that tells an
 * error breaks the promise with a PageError.
 */

/** @import { Model } from "./contract.js" */

import { PageError } from "./error.js";

export class Asks {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.last = Math.floor(Math.random() * 2 ** 40); // several views of one widget hear each other's answers
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
