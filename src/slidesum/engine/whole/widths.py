"""Filters kept in half the bytes, where reading them is what a layer waits for; they are widened as they are read.

    float16     11 bits of a number, up to 65504                          rounds by 2⁻¹¹ of it at most, from 6e-5 on
    bfloat16     8 bits of a number, with the range of float              rounds by 2⁻⁸ of it at most

A layer waits for its filters where each is used a few times only, and they don't stay in a cache: a fully connected one, of a small
batch. Its result then takes half the time, and has the error that the filters have.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from llvmlite import ir

from slidesum.engine.code import Value
from slidesum.engine.host import Host
from slidesum.engine.whole.kernel import Body
from slidesum.errors import ArrayError, UsageError

Array = Any
Width = Literal["float32", "float16", "bfloat16"]
BYTES: dict[Width, int] = {"float32": 4, "float16": 2, "bfloat16": 2}
ENDS = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38}
"""The largest number of each."""
USES = 16
"""Multiply-adds a weight, up to which a layer waits for its weights: both bounds of the nominal machine are met at some 19."""
LARGE = 2**18
"""Weights from which they stay in no cache of a thread."""


def is_streamed(macs: int, weights: int) -> bool:
    """Whether so many multiply-adds with so many weights wait for the weights.

    >>> is_streamed(4096 * 4096, 4096 * 4096), is_streamed(56 * 56 * 512 * 512, 512 * 512)
    (True, False)
    """
    return weights >= LARGE and macs <= USES * weights


def can_widen(host: Host, width: Width) -> None:
    """Raise UsageError where the processor has no instruction for it."""
    features = host.features.split(",")
    if width == "float16" and "+avx2" in features and "+f16c" not in features and "+avx512f" not in features:
        raise UsageError(
            "this processor has no instruction that widens float16",
            advice='Compile it with weights="bfloat16", or leave the weights in float32.',
        )


def narrowed(w: Array, width: Width, layer: str) -> Array:
    """The weights in this width, bfloat16 as its bits, rounded to nearest, ties to even.

    >>> [hex(n) for n in narrowed(np.array([1.0, -2.5], "float32"), "bfloat16", "fc")]
    ['0x3f80', '0xc020']

    Raises ArrayError where a number lies beyond the last one.
    """
    with np.errstate(over="ignore"):
        made = w.astype(np.float16) if width == "float16" else _upper_half(w)
    beyond = np.isfinite(w) & ~np.isfinite(widened(made))
    if beyond.any():
        largest = float(np.abs(w[beyond]).max())
        raise ArrayError(
            f"a weight of {layer!r} is {largest:.6g} in magnitude, and {width} ends at {ENDS[width]:.6g}",
            usual="Batch norms behind the layer are part of its weights.",
            advice='Compile it with weights="bfloat16", which has the range of float32.'
            if width == "float16"
            else "Leave the weights in float32.",
        )
    return made


def _upper_half(w: Array) -> Array:
    bits = np.ascontiguousarray(w, np.float32).view(np.uint32)
    upper = ((bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(w), np.uint16(0x7FC0), upper)


def widened(w: Array) -> Array:
    """As float32 again, without rounding."""
    return w.astype(np.float32) if w.dtype == np.float16 else (w.astype(np.uint32) << 16).view(np.float32)


def weight_error(w: Array, narrow: Array) -> float:
    """What rounding has changed, as a part of the weights: a norm over a norm."""
    is_number = np.isfinite(w)
    norm, change = (
        float(np.sqrt(np.square(np.where(is_number, part, 0)).sum(dtype=np.float64)))
        for part in (w.astype(np.float64), np.subtract(widened(narrow), w, where=is_number, out=np.zeros(w.shape)))
    )
    return change / norm if norm else 0.0


def beside(body: Body, width: Width, pointer: Value, index: Value | int) -> Value:
    """The address `index` weights behind a pointer."""
    place = body.count(index) if isinstance(index, int) else index
    return body.lane(pointer, place) if width == "float32" else body.builder.gep(pointer, [place], source_etype=ir.IntType(16))


def read(body: Body, width: Width, pointer: Value) -> Value:
    """A vector of weights, as float."""
    builder, lanes = body.builder, body.lanes
    match width:
        case "float32":
            return body.load(pointer)
        case "float16":
            return builder.fpext(builder.load(pointer, align=2, typ=ir.VectorType(ir.HalfType(), lanes)), body.vector)
        case "bfloat16":
            whole = ir.VectorType(ir.IntType(32), lanes)
            bits = builder.zext(builder.load(pointer, align=2, typ=ir.VectorType(ir.IntType(16), lanes)), whole)
            return builder.bitcast(builder.shl(bits, ir.Constant(whole, [16] * lanes)), body.vector)
