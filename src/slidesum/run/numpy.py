"""NumPy: strided windows and einsum."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from slidesum.core.equation import Reduce
from slidesum.core.network import Function
from slidesum.core.sized import Sized
from slidesum.errors import ArrayError
from slidesum.run.backend import Array, Backend, Labels

LARGEST_COPY = 2**26
"""The bytes up to which windows are copied for one product; beyond, there is a product a tap."""


class NumPy(Backend):
    """Arrays of NumPy."""

    name = "numpy"

    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        for x in arrays:
            if x.dtype.kind not in "iufc":
                raise ArrayError(
                    f"no sums and products of dtype {x.dtype}",
                    advice="Convert the array to numbers, for example with x.astype('float32').",
                )
            if x.dtype.kind == "c" and reduce in ("max", "min"):
                raise ArrayError(f"complex numbers have no {reduce}", advice="Pool the absolute values, abs(x).")

    def constant(self, values: Any, like: Array) -> Array:
        return np.asarray(values, dtype=like.dtype)

    def promoted(self, x: Array, dtype: str) -> Array:
        if x.dtype.kind in "biu":
            return x.astype(dtype)
        return x.astype(np.result_type(x, np.dtype(dtype))) if np.dtype(dtype).kind == "c" else x

    def copied(self, x: Array) -> Array:
        return np.array(x)

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

    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels, taps: Labels = ()) -> Array:
        if len(operands) == 1:
            return np.einsum(operands[0][0], list(operands[0][1]), list(result))
        extents = {label: n for x, labels in operands for label, n in zip(labels, x.shape, strict=True)}
        looped = _looped(operands, taps)
        parts = (
            _product([_at(x, labels, dict(zip(looped, values, strict=True))) for x, labels in operands], result)
            for values in itertools.product(*(range(extents[tap]) for tap in looped))
        )
        y = next(parts)
        for part in parts:
            y += part
        return y

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

    FUNCTIONS: ClassVar[dict[Function, Callable[[Any], Any]]] = {
        "relu": lambda x: np.maximum(x, 0),
        "relu6": lambda x: np.clip(x, 0, 6),
        "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
        "tanh": np.tanh,
        "scaled_tanh": lambda x: 1.7159 * np.tanh(2 / 3 * x),
        "silu": lambda x: x * 0.5 * (1 + np.tanh(0.5 * x)),
        "gelu": lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(np.asarray(2, x.dtype)))),
        "identity": lambda x: x,
    }

    def apply(self, function: Function, x: Array) -> Array:
        return self.FUNCTIONS[function](x)

    def exp(self, x: Array) -> Array:
        return np.exp(x)

    def library(self, sized: Sized, arrays: Sequence[Array]) -> Array | None:
        return None


def _product(operands: Sequence[tuple[Array, Labels]], result: Labels) -> Array:
    flat: list[Any] = [part for x, labels in operands for part in (x, list(labels))]
    return np.einsum(*flat, list(result), optimize="greedy")


def _looped(operands: Sequence[tuple[Array, Labels]], taps: Labels) -> list[int]:
    """The taps to loop over, so that no copy of overlapping windows is larger than `LARGEST_COPY`; usually none."""
    looped: list[int] = []
    for tap in taps:
        left = (_at(x, labels, dict.fromkeys(looped, 0))[0].nbytes for x, labels in operands if tap in labels)
        if max(left, default=0) > LARGEST_COPY:
            looped.append(tap)
    return looped


def _at(x: Array, labels: Labels, values: Mapping[int, int]) -> tuple[Array, list[int]]:
    """The operand where its labels have these values."""
    return x[tuple(values.get(label, slice(None)) for label in labels)], [label for label in labels if label not in values]


def _erf(x: Array) -> Array:
    import math

    return np.vectorize(math.erf, otypes=[x.dtype])(x)
