"""NumPy: strided windows and einsum."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.core.equation import Reduce
from slidesum.core.ops import Combination, Function
from slidesum.errors import ArrayError
from slidesum.plans.geometry import Geometry
from slidesum.plans.machine import METHODS, Machine, Method
from slidesum.plans.step import Plan
from slidesum.run.backend import Array, Backend, Backward, Labels, Laying, Run, Watched
from slidesum.run.memory import BUFFERS, free_bytes
from slidesum.run.native import available
from slidesum.run.numpy_convolution import pooled, scattered, unfolded
from slidesum.run.numpy_functions import COMBINATIONS, FUNCTIONS
from slidesum.run.product import product

MACHINE = Machine(
    "numpy",
    slid=9,
    poolings=frozenset({"max", "min", "mean", "sum"}),
    methods=frozenset(METHODS) - {"library", "channels-last", "transposed"},
    efficiency={"direct": 0.4, "unfolded": 0.5, "folded": 0.3, "windows": 0.3, "matmul": 0.8, "pooling": 0.03, "fft": 0.05},
)
PLAIN = replace(MACHINE, methods=MACHINE.methods - {"direct"})


def signature(arrays: Sequence[Array]) -> Hashable | None:
    """What tells these arrays from others, as far as a plan depends on it; None where one isn't NumPy's own."""
    if any(x.__class__ is not np.ndarray for x in arrays):
        return None
    return tuple([(x.shape, x.dtype) for x in arrays])


ARRAYS = (np.ndarray,)


class NumPy(Backend):
    """Arrays of NumPy."""

    name = "numpy"
    watches = ("unwatched",)

    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        for x in arrays:
            if x.dtype.kind not in "iufc":
                raise ArrayError(
                    f"no sums and products of dtype {x.dtype}",
                    advice="Convert the array to numbers, for example with x.astype('float32').",
                )
            if x.dtype.kind == "c" and reduce in ("max", "min"):
                raise ArrayError(f"complex numbers have no {reduce}", advice="Pool the absolute values, abs(x).")

    def number(self, arrays: Sequence[Array]) -> tuple[int, str]:
        dtype = np.result_type(*arrays) if len(arrays) > 1 else arrays[0].dtype
        return dtype.itemsize, "i" if dtype.kind == "u" else dtype.kind

    def watched(self, arrays: Sequence[Array]) -> Watched:
        return "unwatched"

    def near(self, arrays: Sequence[Array]) -> bool:
        return True

    def machine_for(self, watched: Watched, near: bool) -> Machine:
        return MACHINE if available() else PLAIN

    def free_bytes(self, arrays: Sequence[Array] = ()) -> int:
        return free_bytes()

    def differentiates(self, plan: Plan) -> bool:
        return True

    def differentiable(self, run: Run, backward: Backward) -> Run:
        return run

    def constant(self, values: Any, like: Array) -> Array:
        return np.asarray(values, dtype=like.dtype)

    def promoted(self, x: Array, dtype: str) -> Array:
        if x.dtype.kind in "biu":
            return x.astype(dtype)
        return x.astype(np.result_type(x, np.dtype(dtype))) if np.dtype(dtype).kind == "c" else x

    def copied(self, x: Array) -> Array:
        return np.array(x, order="C")

    def reshape(self, x: Array, shape: Sequence[int]) -> Array:
        return x.reshape(shape)

    def transpose(self, x: Array, order: Sequence[int]) -> Array:
        return x.transpose(order)

    def take(self, x: Array, axis: int, cells: Sequence[int]) -> Array:
        return np.take(x, np.asarray(cells, dtype=np.intp), axis=axis)

    def pad(self, x: Array, axis: int, low: int, high: int, value: complex) -> Array:
        inner = [slice(None)] * x.ndim
        inner[axis] = slice(max(0, -low), x.shape[axis] - max(0, -high))
        x = x[tuple(inner)]
        if low <= 0 and high <= 0:
            return x
        shape = list(x.shape)
        shape[axis] += max(0, low) + max(0, high)
        padded = np.full(shape, value, dtype=x.dtype)
        inner[axis] = slice(max(0, low), max(0, low) + x.shape[axis])
        padded[tuple(inner)] = x
        return padded

    def windows(self, x: Array, axis: int, base: int, steps: Sequence[int], extents: Sequence[int]) -> Array:
        first = [slice(None)] * x.ndim
        first[axis] = slice(base, None) if 0 not in extents else slice(0, 0)
        shape = (*x.shape[:axis], *extents, *x.shape[axis + 1 :])
        strides = (*x.strides[:axis], *(step * x.strides[axis] for step in steps), *x.strides[axis + 1 :])
        return np.lib.stride_tricks.as_strided(x[tuple(first)], shape, strides, writeable=False)

    def fold(self, x: Array, axis: int, base: int, steps: Sequence[int], extent: int) -> Array:
        inner = len(steps) - 1
        x = np.moveaxis(x, range(axis, axis + len(steps)), range(len(steps)))
        stride, positions = steps[0], x.shape[0]
        y = np.zeros((extent, *x.shape[len(steps) :]), x.dtype)
        for taps in itertools.product(*(range(n) for n in x.shape[1 : len(steps)])):
            offset = base + sum(step * tap for step, tap in zip(steps[1:], taps, strict=True))
            cells = offset + stride * np.arange(positions)
            inside = np.flatnonzero((cells >= 0) & (cells < extent))
            y[cells[inside]] += x[(inside, *taps)] if inner else x[inside]
        return np.moveaxis(y, 0, axis)

    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels) -> Array:
        if len(operands) == 2 and (y := product(self, np.matmul, operands[0], operands[1], result)) is not None:
            return y
        flat: list[Any] = [part for x, labels in operands for part in (x, list(labels))]
        return np.einsum(*flat, list(result), optimize="greedy")

    def reduce(self, x: Array, axes: Sequence[int], how: Reduce) -> Array:
        if how == "sum":
            return np.sum(x, axis=tuple(axes), dtype=x.dtype)
        functions: dict[str, Any] = {"max": np.max, "mean": np.mean, "min": np.min}
        return functions[how](x, axis=tuple(axes))

    def lowest(self, x: Array, *, highest: bool = False) -> complex:
        if x.dtype.kind == "f":
            return np.inf if highest else -np.inf
        limits = np.iinfo(x.dtype)
        return int(limits.max if highest else limits.min)

    def concat(self, parts: Sequence[Array], axis: int) -> Array:
        return np.concatenate(parts, axis=axis)

    def apply(self, function: Function, x: Array, options: Sequence[float] = ()) -> Array:
        return FUNCTIONS[function](x, *options)

    def combine(self, function: Combination, x: Array, y: Array) -> Array:
        return COMBINATIONS[function](x, y)

    def exp(self, x: Array) -> Array:
        return np.exp(x)

    def flip(self, x: Array, axes: Sequence[int]) -> Array:
        return np.flip(x, tuple(axes))

    def repeat(self, x: Array, shape: Sequence[int]) -> Array:
        return np.broadcast_to(x, tuple(shape))

    def stitched(self, pieces: Iterable[Array], axis: int, shape: Sequence[int], like: Array) -> Array:
        y = BUFFERS.empty(tuple(shape), like.dtype)
        at = 0
        for piece in pieces:
            inner = (slice(None),) * axis
            y[(*inner, slice(at, at + piece.shape[axis]))] = piece
            at += piece.shape[axis]
        return y

    def convolution(self, geometry: Geometry, method: Method) -> Callable[[Array, Array], Array]:
        return lambda x, w: unfolded(x, w, geometry)

    def kernel(self, geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
        from slidesum.run.numpy_native import direct  # needs what `available` found

        return direct(geometry, laying)

    def transposed(self, x: Array, w: Array, geometry: Geometry, method: Method) -> Array:
        return scattered(x, w, geometry)

    def pooled(self, x: Array, how: Reduce, windows: Sequence[int], geometry: Geometry) -> Array:
        return pooled(x, how, windows, geometry)

    def spectrum(self, x: Array, axes: Sequence[int], sizes: Sequence[int]) -> Array:
        transform = np.fft.fftn if x.dtype.kind == "c" else np.fft.rfftn
        return transform(x, tuple(sizes), tuple(axes))

    def signal(self, spectrum: Array, axes: Sequence[int], sizes: Sequence[int], like: Array) -> Array:
        transform = np.fft.ifftn if like.dtype.kind == "c" else np.fft.irfftn
        return transform(spectrum, tuple(sizes), tuple(axes)).astype(like.dtype, copy=False)
