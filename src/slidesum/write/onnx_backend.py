"""ONNX as one more backend: every verb records a node. So the laws and plans that compute an equation write it as well.

What has an operator of its own (convolutions, transposed ones, poolings, products of matrices, reductions) becomes that operator;
windows are gathered, and what is scattered otherwise is multiplied with a constant matrix of zeros and ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from slidesum.core.equation import Reduce
from slidesum.core.ops import Combination, Function
from slidesum.errors import UsageError
from slidesum.plans.geometry import Geometry
from slidesum.plans.machine import Machine, Method
from slidesum.plans.step import Plan
from slidesum.run.backend import Array, Backend, Backward, Labels, Laying, Run, Watched
from slidesum.run.product import product
from slidesum.write.onnx_absorbed import cropped, unmerged, unpadded
from slidesum.write.onnx_functions import applied, combined
from slidesum.write.onnx_record import Symbol

MACHINE = Machine(
    "onnx",
    call_seconds=1.0,  # so much that the fewest nodes are the cheapest plan, whatever the batch
    slid=3,  # what runtimes have kernels for
    poolings=frozenset({"max", "min", "mean", "sum"}),
    methods=frozenset({"library", "taps", "transposed", "pooling", "windows", "matmul", "sum"}),
)
MOST_MATRIX = 2**24
"""Cells of the matrix by which values are scattered."""


class ONNX(Backend):
    """Symbols in place of arrays."""

    name = "onnx"
    watches = ("unwatched",)

    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        pass

    def number(self, arrays: Sequence[Array]) -> tuple[int, str]:
        return arrays[0].dtype.itemsize, "f"

    def watched(self, arrays: Sequence[Array]) -> Watched:
        return "unwatched"

    def near(self, arrays: Sequence[Array]) -> bool:
        return False

    def machine_for(self, watched: Watched, near: bool) -> Machine:
        return MACHINE

    def free_bytes(self, arrays: Sequence[Array] = ()) -> int:
        return 2**62

    def differentiates(self, plan: Plan) -> bool:
        return True

    def differentiable(self, run: Run, backward: Backward) -> Run:
        return run

    def constant(self, values: Any, like: Array) -> Array:
        return values if isinstance(values, Symbol) else like.record.constant(np.asarray(values, like.dtype))

    def promoted(self, x: Array, dtype: str) -> Array:
        return x

    def copied(self, x: Array) -> Array:
        return x

    def reshape(self, x: Array, shape: Sequence[int]) -> Array:
        wanted = tuple(int(n) for n in shape)
        if -1 in wanted:
            rest = math.prod(x.shape) // max(1, -math.prod(wanted))
            wanted = tuple(rest if n == -1 else n for n in wanted)
        if wanted == x.shape:
            return x
        if x.value is not None:
            return x.record.constant(x.value.reshape(wanted), f"{x.origin}|reshape{wanted}")
        return x.record.node("Reshape", [x], wanted, target=wanted)

    def transpose(self, x: Array, order: Sequence[int]) -> Array:
        order = tuple(order)
        if order == tuple(range(x.ndim)):
            return x
        if x.value is not None:
            return x.record.constant(x.value.transpose(order), f"{x.origin}|transpose{order}")
        return x.record.node("Transpose", [x], [x.shape[k] for k in order], perm=list(order))

    def take(self, x: Array, axis: int, cells: Sequence[int]) -> Array:
        if x.value is not None:
            return x.record.constant(x.value.take(cells, axis), f"{x.origin}|take{axis}{tuple(cells)}")
        shape = (*x.shape[:axis], len(cells), *x.shape[axis + 1 :])
        return x.record.node("Gather", [x, x.record.integers(cells)], shape, axis=axis)

    def pad(self, x: Array, axis: int, low: int, high: int, value: complex) -> Array:
        low, high, number = int(low), int(high), float(value.real)
        if (low, high) == (0, 0):
            return x
        if low < 0 or high < 0:
            if (found := cropped(x, axis, low, high)) is not None:
                return found
            x = x[(*[slice(None)] * axis, slice(max(0, -low), x.shape[axis] - max(0, -high)))]
            low, high = max(0, low), max(0, high)
            if (low, high) == (0, 0):
                return x
        shape = (*x.shape[:axis], x.shape[axis] + low + high, *x.shape[axis + 1 :])
        sides = [(low, high) if k == axis else (0, 0) for k in range(x.ndim)]
        if x.value is not None:
            padded = np.pad(x.value, sides, constant_values=number)
            return x.record.constant(padded, f"{x.origin}|pad{axis},{low},{high},{number}")
        record, source = x.record, x
        before = record.maker(x, "Pad")
        if before is not None and before.attributes["value"] == number and before.inputs[0] is not None:
            sides = [(a + c, b + d) for (a, b), (c, d) in zip(before.attributes["sides"], sides, strict=True)]
            source = before.inputs[0]
            record.nodes.pop()
        return self.padded(source, sides, number, shape)

    def padded(self, x: Array, sides: Sequence[tuple[int, int]], number: float, shape: Sequence[int]) -> Array:
        """Cells that hold a number around all axes at once."""
        flat = [a for a, _ in sides] + [b for _, b in sides]
        filled = x.record.constant(np.asarray(number, x.dtype))
        told = {"mode": "constant", "sides": tuple(sides), "value": number}
        return x.record.node("Pad", [x, x.record.integers(flat), filled], shape, **told)

    def windows(self, x: Array, axis: int, base: int, steps: Sequence[int], extents: Sequence[int]) -> Array:
        cells = np.full(tuple(extents), base)
        for step, values in zip(steps, np.indices(tuple(extents)), strict=True):
            cells = cells + step * values
        shape = (*x.shape[:axis], *extents, *x.shape[axis + 1 :])
        if cells.ndim == 1 and np.array_equal(cells, np.arange(x.shape[axis])):
            return x
        if x.value is not None:
            taken = x.value.take(cells, axis)
            return x.record.constant(taken, f"{x.origin}|windows{axis},{base},{tuple(steps)},{tuple(extents)}")
        return x.record.node("Gather", [x, x.record.integers(cells)], shape, axis=axis)

    def fold(self, x: Array, axis: int, base: int, steps: Sequence[int], extent: int) -> Array:
        inner = tuple(x.shape[axis : axis + len(steps)])
        if math.prod(inner) * extent > MOST_MATRIX:
            raise UsageError(
                f"{x.record.scope}: a scatter of {math.prod(inner):,} values onto {extent:,} cells isn't written as ONNX",
                advice="Write the layer as a transposed convolution of one stride an axis.",
            )
        cells = np.full(inner, base)
        for step, values in zip(steps, np.indices(inner), strict=True):
            cells = cells + step * values
        matrix = (cells.reshape(-1, 1) == np.arange(extent)).astype(x.dtype)
        rank = x.ndim
        own = list(range(axis, axis + len(steps)))
        others = [k for k in range(rank) if k not in own]
        moved = self.transpose(x, [*others, *own])
        rows = math.prod(x.shape[k] for k in others)
        flat = self.reshape(moved, (rows, math.prod(inner)))
        y = self.reshape(self.matmul(flat, x.record.constant(matrix)), [*(x.shape[k] for k in others), extent])
        order = list(range(len(others)))
        order.insert(axis, len(others))
        return self.transpose(y, order)

    def matmul(self, x: Array, y: Array) -> Array:
        """The product of matrices, or of batches of them."""
        shape = (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1])
        if x.value is not None and y.value is not None:
            return x.record.constant(x.value @ y.value, f"{x.origin}|matmul|{y.origin}")
        return x.record.node("MatMul", [x, y], shape)

    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels) -> Array:
        if len(operands) == 2:
            (x, on_x), (w, on_w) = operands
            found = product(self, self.matmul, (x, on_x), (w, on_w), result)
            if found is not None:
                return found
        terms = ["".join(_letter(n) for n in labels) for _, labels in operands]
        extent = {n: size for x, labels in operands for n, size in zip(labels, x.shape, strict=True)}
        text = f"{','.join(terms)}->{''.join(_letter(n) for n in result)}"
        record = operands[0][0].record
        if all(x.value is not None for x, _ in operands):
            return record.constant(
                np.einsum(text, *(x.value for x, _ in operands)), "|".join([text, *(x.origin for x, _ in operands)])
            )
        if len(operands) == 1 and len(set(operands[0][1])) == len(operands[0][1]):
            x, labels = operands[0]
            gone = [k for k, n in enumerate(labels) if n not in result]
            left = [n for n in labels if n in result]
            y = self.reduce(x, gone, "sum") if gone else x
            return self.transpose(y, [left.index(n) for n in result])
        return record.node("Einsum", [x for x, _ in operands], [extent[n] for n in result], equation=text)

    def reduce(self, x: Array, axes: Sequence[int], how: Reduce) -> Array:
        gone = sorted(k % x.ndim for k in axes)
        shape = [n for k, n in enumerate(x.shape) if k not in gone]
        if x.value is not None:
            function: Any = {"sum": np.sum, "max": np.max, "mean": np.mean, "min": np.min}[how]
            return x.record.constant(function(x.value, axis=tuple(gone)), f"{x.origin}|{how}{gone}")
        op = {"sum": "ReduceSum", "max": "ReduceMax", "mean": "ReduceMean", "min": "ReduceMin"}[how]
        return x.record.node(op, [x, x.record.integers(gone)], shape, keepdims=0)

    def lowest(self, x: Array, *, highest: bool = False) -> complex:
        return math.inf if highest else -math.inf

    def concat(self, parts: Sequence[Array], axis: int) -> Array:
        axis %= parts[0].ndim
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return parts[0].record.node("Concat", parts, shape, axis=axis) if len(parts) > 1 else parts[0]

    def apply(self, function: Function, x: Array, options: Sequence[float] = ()) -> Array:
        return applied(function, x, options)

    def combine(self, function: Combination, x: Array, y: Array) -> Array:
        return combined(function, x, y)

    def exp(self, x: Array) -> Array:
        return x.record.node("Exp", [x], x.shape)

    def flip(self, x: Array, axes: Sequence[int]) -> Array:
        for axis in axes:
            x = self.take(x, axis % x.ndim, range(x.shape[axis % x.ndim])[::-1])
        return x

    def repeat(self, x: Array, shape: Sequence[int]) -> Array:
        wanted = tuple(int(n) for n in shape)
        if wanted == x.shape:
            return x
        if x.value is not None:
            return x.record.constant(np.broadcast_to(x.value, wanted), f"{x.origin}|repeat{wanted}")
        return x.record.node("Expand", [x], wanted, target=wanted)

    def stitched(self, pieces: Iterable[Array], axis: int, shape: Sequence[int], like: Array) -> Array:
        return self.concat(list(pieces), axis)

    def convolution(self, geometry: Geometry, method: Method) -> Callable[[Array, Array], Array]:
        def convolve(x: Array, w: Array) -> Array:
            source, sides = unpadded(x, 0.0)
            pads = [(p + a, p + b) for p, (a, b) in zip(geometry.padding, sides, strict=True)]
            cells = geometry.positions(x.shape[2:], w.shape[2:])
            return x.record.node(
                "Conv", [source, w], (x.shape[0], w.shape[0], *cells), kernel_shape=list(w.shape[2:]), **_told(geometry, pads),
                group=geometry.groups,
            )  # fmt: skip

        return convolve

    def kernel(self, geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
        raise AssertionError("not among the methods of ONNX")

    def transposed(self, x: Array, w: Array, geometry: Geometry, method: Method) -> Array:
        cells = [
            s * (n - 1) + d * (k - 1) + 1
            for n, s, d, k in zip(x.shape[2:], geometry.strides, geometry.dilations, w.shape[2:], strict=True)
        ]
        return x.record.node(
            "ConvTranspose", [x, w], (x.shape[0], w.shape[1] * geometry.groups, *cells), kernel_shape=list(w.shape[2:]),
            **_told(geometry, [(0, 0)] * len(cells)), group=geometry.groups,
        )  # fmt: skip

    def pooled(self, x: Array, how: Reduce, windows: Sequence[int], geometry: Geometry) -> Array:
        x = self._negative(x) if how == "min" else x
        cells = geometry.positions(x.shape[2:], tuple(windows))
        source, sides = unpadded(x, 0.0 if how in ("sum", "mean") else -math.inf, most=[n - 1 for n in windows])
        source = unmerged(source)
        told = {"kernel_shape": list(windows), **_told(geometry, sides)}
        record, shape = x.record, (*source.shape[:2], *cells)
        if how in ("max", "min"):
            y = record.node("MaxPool", [source], shape, **told)
            return self._negative(y) if how == "min" else y
        y = record.node("AveragePool", [source], shape, count_include_pad=1, **told)
        return y * float(math.prod(windows)) if how == "sum" else y

    def _negative(self, x: Array) -> Array:
        return x.record.node("Neg", [x], x.shape)

    def spectrum(self, x: Array, axes: Sequence[int], sizes: Sequence[int]) -> Array:
        raise AssertionError("no plan for ONNX transforms")

    def signal(self, spectrum: Array, axes: Sequence[int], sizes: Sequence[int], like: Array) -> Array:
        raise AssertionError("no plan for ONNX transforms")


def _letter(label: int) -> str:
    return "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[label]


def _told(geometry: Geometry, pads: Sequence[tuple[int, int]]) -> dict[str, Any]:
    return {
        "strides": list(geometry.strides),
        "dilations": list(geometry.dilations),
        "pads": [a for a, _ in pads] + [b for _, b in pads],
    }
