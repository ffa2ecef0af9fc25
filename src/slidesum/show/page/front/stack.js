// The feature maps of one tensor as small multiples on one canvas, and what of them is lit.

/**
 * A cell of a tensor: all its coordinates, the batch included.
 * @typedef {number[]} Place
 */

/**
 * `kind`: "read" (an output reads it), "fed" (an input feeds it), "at" (the place itself), "winner", "trace".
 * @typedef {object} Lit
 * @property {Place[]} cells may lie in the padding
 * @property {string} kind
 */

/**
 * @typedef {object} Stack
 * @property {HTMLElement} el
 * @property {(place: Place) => void} show brings the map and the slice of a place to the front
 * @property {(lit: Lit[]) => void} light highlights, on a canvas of their own
 * @property {() => void} redraw after the theme or the size changed
 * @property {() => void} destroy
 */
