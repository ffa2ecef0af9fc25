/**
 * The words that the parts of the page share, as types. There is nothing to run here: other files name these types in a comment,
 * `@import { Sized } from "./contract.js"`, and the type checker reads them.
 *
 * A cell, or a place, is one whole number for every axis of an array, counted from 0; a cell may lie outside (in the padding).
 */

/** @typedef {number[]} Cell */
/** @typedef {"sum" | "max" | "min" | "mean"} Reduce */
/** @typedef {"zero" | "circular" | "reflect" | "replicate" | number} Border  a number is a constant border */

// Equations

/**
 * An address with its numbers: cell = start + sum(step * value); below 0, or from `extent` on, it lies in the padding.
 * @typedef {object} Slide
 * @property {[string, number][]} steps
 * @property {number} start
 * @property {number} extent
 * @property {[number, number]} padding
 * @property {string | null} position
 * @property {Border} border
 */
/** @typedef {{ name: string } | { merged: string[] } | { one: true } | { slide: Slide }} Axis */
/** @typedef {{ name: string, axes: Axis[], shape: number[] }} Operand */
/** @typedef {{ indices: [string, string], pairs: [number, number][] }} Connections */
/**
 * An equation with its sizes. The first `inputs` operands are results of other layers, the others are filters. Arrays are numbered
 * like the operands; the result has the number -1.
 * @typedef {object} Sized
 * @property {Reduce} reduce
 * @property {number} inputs
 * @property {string[] | null} bias  the axes of the bias; a merged one as "(g o)"
 * @property {Operand[]} operands
 * @property {Operand} result
 * @property {Record<string, number>} extents
 * @property {string[]} summed
 * @property {Record<string, string>} roles
 * @property {Border} border
 * @property {Connections | null} connections
 */
/**
 * An axis without sizes: a slide is an address of steps and a constant.
 * @typedef {{ name: string } | { merged: string[] } | { one: true } | { address: [string, number][], constant: number }} OpenAxis
 */
/**
 * An equation without sizes, for the lab. What it leaves out is a sum, one input, and no bias.
 * @typedef {object} Equation
 * @property {{ name: string, axes: OpenAxis[] }[]} operands
 * @property {{ name: string, axes: OpenAxis[] }} result
 * @property {string[]} positions
 * @property {string[]} summed
 * @property {Record<string, string>} roles
 * @property {Reduce} [reduce]
 * @property {number} [inputs]
 * @property {string[] | null} [bias]
 */

/**
 * One term of a sum: the value of every index; for every operand the cell read, and the cell whose value stands there, or null where
 * the border is a constant.
 * @typedef {object} Reading
 * @property {Record<string, number>} values
 * @property {Cell[]} cells
 * @property {(Cell | null)[]} sources
 * @property {boolean} inBorder
 */
/**
 * A cell that is read: where it is, and the cell of the array whose value stands there (null: a constant; another cell: a border that
 * repeats cells).
 * @typedef {{ cell: Cell, source: Cell | null }} ReadCell
 */

// The document

/**
 * @typedef {object} PageDocument
 * @property {1} version
 * @property {string} name
 * @property {"here" | "asked"} answers
 * @property {boolean} editable
 * @property {"all" | "chosen"} exact
 * @property {number} [revision]
 * @property {string[]} notes
 * @property {{ layer: string, range: [number, number] }} input
 * @property {Layer[]} layers  in the order of computation
 * @property {Prediction | null} prediction
 * @property {Record<string, Packed>} packed  what lies in the numbers: "maps:LAYER", "exact:LAYER", "array:NAME", "chosen:LAYER:K"
 * @property {Record<string, { at: Cell, packed: string }[]>} chosen
 * @property {LabType[]} types
 * @property {Record<string, Trace>} [classes]
 */
/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string | null} group
 * @property {string} op  "Layer", "Input", "Activation", "Concat" … (the classes of core/ops.py)
 * @property {Record<string, any>} options  the fields of the op
 * @property {string} kind
 * @property {string[]} also
 * @property {string | null} gist
 * @property {string | null} sentence
 * @property {string | null} pattern
 * @property {string | null} named
 * @property {string[]} inputs
 * @property {number[]} shape
 * @property {string[]} axes
 * @property {number | null} map_axis
 * @property {number[]} places
 * @property {number} maps
 * @property {number} weights
 * @property {number} biases
 * @property {number} parameters
 * @property {number} macs
 * @property {number | null} macs_percent
 * @property {number | null} parameters_percent
 * @property {number} activation_bytes
 * @property {Record<string, { field: number, stride: number, padding: number, along: string }>} reach
 * @property {Sized | null} sized
 * @property {{ name: string, short: string, shape: number[] }[]} arrays
 */
/**
 * Which class wins; `top` begins with it, as [class, score].
 * @typedef {object} Prediction
 * @property {string} layer
 * @property {number} best
 * @property {"largest" | "smallest"} sense
 * @property {number} classes
 * @property {[number, number][]} top
 * @property {string[] | null} labels
 */
/**
 * Where an array lies in the numbers.
 * @typedef {object} Packed
 * @property {"int8" | "float32"} dtype
 * @property {number[]} shape
 * @property {number} offset
 * @property {number} bytes
 * @property {number} [scale]
 */
/**
 * @typedef {object} LabType
 * @property {string} name
 * @property {string} pattern
 * @property {string} kind
 * @property {string | null} gist
 * @property {string} sentence
 * @property {Equation} equation
 * @property {string[]} spelling  how each operand is written
 */

/**
 * value of a cell = data[k] * scale; `max` is the largest magnitude of a finite value.
 * @typedef {{ shape: number[], data: Int8Array | Float32Array, scale: number, max: number }} Tensor
 */

// Explanations

/**
 * @typedef {object} Term
 * @property {Record<string, number>} indices
 * @property {Cell} cell
 * @property {number} value
 * @property {{ filter: string, cell: Cell, weight: number }[]} weights
 * @property {number} product
 * @property {boolean} in_border
 * @property {boolean} winner
 * @property {string} [from]  the layer that is read
 */
/**
 * Why one value is what it is. Numbers are numbers here: what JSON spells "NaN" or "Infinity" has been read.
 * @typedef {object} Explanation
 * @property {string} layer
 * @property {string} kind
 * @property {string} equation
 * @property {Cell} at
 * @property {Reduce | "= value"} reduce
 * @property {string[]} inputs
 * @property {Term[]} terms
 * @property {{ map: string, terms: number, sum: number }[]} partial_sums  their terms stand behind each other in `terms`
 * @property {number | null} bias
 * @property {number} value
 * @property {string | null} activation
 * @property {number | null} after
 * @property {number} computed
 * @property {number} residual
 * @property {number} relative_residual
 */
/** @typedef {Record<string, any>} Trace  see trace.js */

// The model, as anywidget has it, and what the source makes of it

/**
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(content: any, callbacks?: any, buffers?: (ArrayBuffer | ArrayBufferView)[]) => void} send
 * @property {(event: string, listener: (...told: any[]) => void) => void} on
 * @property {(event: string, listener: (...told: any[]) => void) => void} [off]
 */
/** @typedef {{ revision: number, prediction: Prediction | null, note: string }} Answer  what a change is answered with */
/**
 * @typedef {object} Source
 * @property {PageDocument} document
 * @property {number} revision  counts the changes; what was known of another revision is stale
 * @property {Prediction | null} prediction
 * @property {(name: string) => Layer} layer  throws PageError for a name that the network doesn't have
 * @property {(name: string) => Promise<Tensor>} maps  the result of a layer
 * @property {(name: string) => Promise<Tensor>} array  an array that the network keeps, "conv1.w"
 * @property {(name: string, at: Cell) => Promise<Explanation>} explain
 * @property {(name: string, at: Cell) => boolean} canExplain
 * @property {(name: string) => Cell[]} chosen  the places whose terms travel with the page
 * @property {(change: { array: string, at: Cell, value: number }) => Promise<Answer>} edit
 * @property {(file: Blob) => Promise<Answer>} image
 * @property {(values: number[]) => Promise<Answer>} pixels
 * @property {() => Promise<Answer>} reset
 * @property {(number: number) => Promise<Trace>} trace
 * @property {(listener: () => void) => (() => void)} onChange  called when the numbers have changed
 * @property {() => void} close  stops listening to the model
 */

// What the views share

/**
 * What is looked at: a tab ("network", "layer", "types", "prediction"), a layer, and one of its values; pinned, it stays when the
 * pointer moves on.
 * @typedef {{ tab: string, layer: string, at: Cell | null, pinned: boolean }} Selection
 */
/**
 * @typedef {object} State
 * @property {() => Selection} get
 * @property {(patch: Partial<Selection>) => void} set
 * @property {(listener: (selection: Selection, before: Selection) => void) => (() => void)} subscribe
 */
/** @typedef {{ source: Source, state: State, el: HTMLElement, say: (text: string) => void }} Context */
/** @typedef {{ destroy: () => void, redraw?: () => void }} View  `redraw` after the theme changed */
