/**
 * Packed bytes -> tensors.
 *
 * A tensor is an array as it travels: `int8` with a scale for looking, `float32` where numbers are explained. The value of a cell is
 * data[k] * scale, and 0 is exactly 0. Rows run fastest in the last axis, as everywhere.
 */

/** @import { Cell, Packed, Tensor } from "./contract.js" */

/**
 * The tensor that these bytes hold; no byte is copied unless it must be.
 * @param {"int8" | "float32"} dtype
 * @param {number[]} shape
 * @param {ArrayBufferView} bytes
 * @param {number} [scale]
 * @returns {Tensor}
 */
export function tensorOf(dtype, shape, bytes, scale = 1) {
  const count = shape.reduce((product, n) => product * n, 1);
  const needed = dtype === "int8" ? count : 4 * count;
  if (bytes.byteLength !== needed) throw new RangeError(`${needed} bytes are needed for ${shape.join("×")} ${dtype}, not ${bytes.byteLength}`);
  if (dtype === "int8") {
    const data = new Int8Array(bytes.buffer, bytes.byteOffset, count);
    return { shape, data, scale, max: largestMagnitude(data) * scale };
  }
  const aligned = bytes.byteOffset % 4 === 0;
  const start = bytes.byteOffset;
  const data = aligned ? new Float32Array(bytes.buffer, start, count) : new Float32Array(bytes.buffer.slice(start, start + needed));
  return { shape, data, scale, max: largestMagnitude(data) * scale };
}

/**
 * One packed array out of all the numbers.
 * @param {DataView} numbers
 * @param {Packed} packed
 * @returns {Tensor}
 */
export function unpacked(numbers, packed) {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset + packed.offset, packed.bytes);
  return tensorOf(packed.dtype, packed.shape, bytes, packed.scale ?? 1);
}

/**
 * Where a cell lies in the data.
 * @param {number[]} shape
 * @param {Cell} cell
 * @returns {number}
 */
export function offsetOf(shape, cell) {
  let offset = 0;
  for (let k = 0; k < shape.length; k += 1) offset = offset * shape[k] + cell[k];
  return offset;
}

/**
 * The cell at an offset of the data.
 * @param {number[]} shape
 * @param {number} offset
 * @returns {Cell}
 */
export function cellAt(shape, offset) {
  const cell = new Array(shape.length);
  for (let k = shape.length - 1; k >= 0; k -= 1) {
    cell[k] = offset % shape[k];
    offset = Math.floor(offset / shape[k]);
  }
  return cell;
}

/**
 * The value of a cell inside the tensor.
 * @param {Tensor} tensor
 * @param {Cell} cell
 * @returns {number}
 */
export function valueAt(tensor, cell) {
  return tensor.data[offsetOf(tensor.shape, cell)] * tensor.scale;
}

/**
 * Whether a cell lies in an array of this shape.
 * @param {number[]} shape
 * @param {Cell} cell
 * @returns {boolean}
 */
export function isInside(shape, cell) {
  return cell.length === shape.length && cell.every((c, k) => c >= 0 && c < shape[k]);
}

/** @param {Int8Array | Float32Array} data */
function largestMagnitude(data) {
  let found = 0;
  for (let k = 0; k < data.length; k += 1) {
    const magnitude = Math.abs(data[k]);
    if (magnitude > found && magnitude !== Infinity) found = magnitude;
  }
  return found;
}
