/**
 * An input of three maps as the photograph that it is: red, green and blue, where its range is the range of light.
 */

/** @import { Layer, Tensor } from "./contract.js" */

import { drawnAs } from "./tiles.js";

/**
 * @param {Layer} layer
 * @returns {boolean}
 */
export function isPhotograph(layer) {
  return layer.op === "Input" && layer.map_axis !== null && layer.shape[layer.map_axis] === 3 && layer.places.length === 2;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Layer} layer
 * @param {Tensor} tensor
 * @param {[number, number]} range from black to full light
 */
export function paintPhotograph(canvas, layer, tensor, [low, high]) {
  const { rows, columns, strides, mapAxis, rowAxis, columnAxis } = drawnAs(tensor.shape, layer.map_axis, layer.places);
  if (mapAxis === null || rowAxis === null || columnAxis === null) return;
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(columns, rows);
  const light = 255 / (high - low || 1);
  for (let row = 0, pixel = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, pixel += 4) {
      const cell = row * strides[rowAxis] + column * strides[columnAxis];
      for (let map = 0; map < 3; map++)
        image.data[pixel + map] = (tensor.data[cell + map * strides[mapAxis]] * tensor.scale - low) * light;
      image.data[pixel + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
