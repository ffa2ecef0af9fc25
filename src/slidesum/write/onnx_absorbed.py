"""What an operator of ONNX does by itself: the node that was recorded for it is taken back, or told to do more.

A convolution and a pooling pad their input, a pooling takes maps and batch apart or as one, a transposed convolution crops its
result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slidesum.write.onnx_record import Symbol


def unpadded(x: Symbol, value: float, most: Sequence[int] | None = None) -> tuple[Symbol, list[tuple[int, int]]]:
    """x before it was padded with this value, and the padding, which the operator does by itself."""
    none = [(0, 0)] * (x.ndim - 2)
    maker = x.record.maker(x, "Pad")
    if maker is None or maker.attributes["value"] != value or any(n for pair in maker.attributes["sides"][:2] for n in pair):
        return x, none
    sides = list(maker.attributes["sides"][2:])
    if maker.inputs[0] is None or (most is not None and any(max(pair) > n for pair, n in zip(sides, most, strict=True))):
        return x, none
    x.record.nodes.pop()
    return maker.inputs[0], sides


def unmerged(x: Symbol) -> Symbol:
    """x before its maps were merged into the batch: a pooling takes either."""
    maker = x.record.maker(x, "Reshape")
    source = maker.inputs[0] if maker is not None else None
    if source is None or source.ndim != x.ndim or source.shape[2:] != x.shape[2:]:
        return x
    x.record.nodes.pop()
    return source


def cropped(x: Symbol, axis: int, low: int, high: int) -> Symbol | None:
    """A transposed convolution crops its result by itself, and adds cells that nothing reaches at its end."""
    maker = x.record.maker(x, "ConvTranspose")
    if maker is None or axis < 2 or low > 0:
        return None
    slid, k = x.ndim - 2, axis - 2
    pads, more = list(maker.attributes["pads"]), list(maker.attributes.get("output_padding", [0] * slid))
    if pads[k] or pads[slid + k] or more[k] or high >= maker.attributes["strides"][k]:
        return None
    pads[k], pads[slid + k], more[k] = -low, max(0, -high), max(0, high)
    maker.attributes["pads"] = pads
    if any(more):
        maker.attributes["output_padding"] = more
    return replace(x, shape=(*x.shape[:axis], x.shape[axis] + low + high, *x.shape[axis + 1 :]))
