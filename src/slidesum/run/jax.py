"""JAX: slices that XLA fuses, instead of the strided views that it lacks. Every verb can be traced.

So `jax.jit`, `grad`, `vmap` and `jvp` go through whatever is computed: shapes are known, values never asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from slidesum.core.equation import Reduce
from slidesum.core.ops import Combination, Function
from slidesum.errors import ArrayError
from slidesum.plans.geometry import Geometry
from slidesum.plans.machine import METHODS, Machine, Method
from slidesum.plans.step import Plan
from slidesum.run.backend import Array, Backend, Backward, Labels, Laying, Run, Watched
from slidesum.run.jax_convolution import convolve, pooled, scatter
from slidesum.run.jax_functions import COMBINATIONS, FUNCTIONS
from slidesum.run.memory import free_bytes

MOST_SLICES = 256
"""As many as an axis is cut into; beyond, cells are gathered, which compiles at once and runs up to three times slower."""


MACHINE = Machine(
    "jax",
    call_seconds=2e-5,
    slid=3,  # XLA takes more, three times slower than a sum over taps
    poolings=frozenset({"max", "min", "mean", "sum"}),
    methods=frozenset(METHODS) - {"channels-last", "direct", "unfolded"},  # XLA lays axes out itself; copied windows never won
    efficiency={"library": 0.5, "transposed": 0.5, "windows": 0.25, "matmul": 0.7, "pooling": 0.13, "fft": 0.1},
)
TRACED = replace(MACHINE, call_seconds=0.0)
"""While JAX traces, calls cost nothing: they become one program."""


class Jax(Backend):
    """Arrays of JAX, on any device, and what stands for them while JAX traces."""

    name = "jax"
    watches = ("unwatched", "traced")

    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        for x in arrays:
            if not jnp.issubdtype(x.dtype, jnp.number):
                raise ArrayError(
                    f"no sums and products of dtype {x.dtype}",
                    advice="Convert the array to numbers, for example with x.astype('float32').",
                )
            if reduce in ("max", "min") and jnp.issubdtype(x.dtype, jnp.complexfloating):
                raise ArrayError(f"complex numbers have no {reduce}", advice="Pool the absolute values, abs(x).")

    def number(self, arrays: Sequence[Array]) -> tuple[int, str]:
        dtype = reduce(jnp.promote_types, [x.dtype for x in arrays])
        kind = "c" if jnp.issubdtype(dtype, jnp.complexfloating) else "f" if jnp.issubdtype(dtype, jnp.floating) else "i"
        return dtype.itemsize, kind

    def watched(self, arrays: Sequence[Array]) -> Watched:
        return "traced" if any(isinstance(x, jax.core.Tracer) for x in arrays) else "unwatched"

    def near(self, arrays: Sequence[Array]) -> bool:
        return True

    def machine_for(self, watched: Watched, near: bool) -> Machine:
        return TRACED if watched == "traced" else MACHINE

    def free_bytes(self, arrays: Sequence[Array] = ()) -> int:
        device = jax.local_devices()[0].memory_stats() or {}  # a CPU has none
        return device["bytes_limit"] - device["bytes_in_use"] if "bytes_limit" in device else free_bytes()

    def differentiates(self, plan: Plan) -> bool:
        return True

    def differentiable(self, run: Run, backward: Backward) -> Run:
        return run

    def constant(self, values: Any, like: Array) -> Array:
        return jnp.asarray(values, like.dtype)

    def promoted(self, x: Array, dtype: str) -> Array:
        wanted = jax.dtypes.canonicalize_dtype(dtype)  # float64 is float32, unless jax_enable_x64 says otherwise
        if not jnp.issubdtype(x.dtype, jnp.inexact):
            return x.astype(wanted)
        return x.astype(jnp.promote_types(x.dtype, wanted)) if wanted.kind == "c" else x

    def copied(self, x: Array) -> Array:
        return x  # nobody can write to it

    def reshape(self, x: Array, shape: Sequence[int]) -> Array:
        return x.reshape(tuple(shape))

    def transpose(self, x: Array, order: Sequence[int]) -> Array:
        return x.transpose(tuple(order))

    def take(self, x: Array, axis: int, cells: Sequence[int]) -> Array:
        return jnp.take(x, np.asarray(cells, np.int32), axis, mode="clip")

    def pad(self, x: Array, axis: int, low: int, high: int, value: complex) -> Array:
        return _spread(x, axis, low, high, value=value)

    def windows(self, x: Array, axis: int, base: int, steps: Sequence[int], extents: Sequence[int]) -> Array:
        return _windows(x, axis, base, tuple(steps), tuple(extents))

    def fold(self, x: Array, axis: int, base: int, steps: Sequence[int], extent: int) -> Array:
        return _fold(x, axis, base, tuple(steps), extent)

    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels) -> Array:
        flat: list[Any] = [part for x, labels in operands for part in (x, list(labels))]
        return jnp.einsum(*flat, list(result), precision=lax.Precision.HIGHEST)

    def reduce(self, x: Array, axes: Sequence[int], how: Reduce) -> Array:
        if how == "mean":
            return jnp.mean(x, tuple(axes))
        if how == "sum":
            return jnp.sum(x, tuple(axes), dtype=x.dtype)
        kept = [k for k in range(x.ndim) if k not in axes]
        flat = x.transpose(*kept, *axes).reshape(*(x.shape[k] for k in kept), -1)
        return _extreme(how, flat)

    def lowest(self, x: Array, *, highest: bool = False) -> complex:
        if jnp.issubdtype(x.dtype, jnp.floating):
            return math.inf if highest else -math.inf
        limits = np.iinfo(x.dtype)
        return int(limits.max if highest else limits.min)

    def concat(self, parts: Sequence[Array], axis: int) -> Array:
        return jnp.concatenate(list(parts), axis)

    def apply(self, function: Function, x: Array, options: Sequence[float] = ()) -> Array:
        return FUNCTIONS[function](x, *options)

    def combine(self, function: Combination, x: Array, y: Array) -> Array:
        return COMBINATIONS[function](x, y)

    def exp(self, x: Array) -> Array:
        return jnp.exp(x)

    def flip(self, x: Array, axes: Sequence[int]) -> Array:
        return jnp.flip(x, tuple(axes))

    def repeat(self, x: Array, shape: Sequence[int]) -> Array:
        return jnp.broadcast_to(x, tuple(shape))

    def stitched(self, pieces: Iterable[Array], axis: int, shape: Sequence[int], like: Array) -> Array:
        parts = [piece.astype(like.dtype) for piece in pieces]
        return jnp.concatenate(parts, axis) if parts else jnp.zeros(tuple(shape), like.dtype)

    def convolution(self, geometry: Geometry, method: Method) -> Callable[[Array, Array], Array]:
        return lambda x, w: convolve(x, w, geometry)

    def kernel(self, geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
        raise AssertionError("not among the methods of JAX")

    def transposed(self, x: Array, w: Array, geometry: Geometry, method: Method) -> Array:
        return scatter(x, w, geometry)

    def pooled(self, x: Array, how: Reduce, windows: Sequence[int], geometry: Geometry) -> Array:
        return pooled(x, how, tuple(windows), geometry)

    def spectrum(self, x: Array, axes: Sequence[int], sizes: Sequence[int]) -> Array:
        if x.dtype in (jnp.float16, jnp.bfloat16):
            x = x.astype(jnp.float32)
        transform = jnp.fft.fftn if jnp.issubdtype(x.dtype, jnp.complexfloating) else jnp.fft.rfftn
        return transform(x, tuple(sizes), tuple(axes))

    def signal(self, spectrum: Array, axes: Sequence[int], sizes: Sequence[int], like: Array) -> Array:
        transform = jnp.fft.ifftn if jnp.issubdtype(like.dtype, jnp.complexfloating) else jnp.fft.irfftn
        return transform(spectrum, tuple(sizes), tuple(axes)).astype(like.dtype)


@partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _windows(x: Array, axis: int, base: int, steps: tuple[int, ...], extents: tuple[int, ...]) -> Array:
    """One slice along the longest index for all values of the others: forwards as fast as a gather, backwards twice."""
    if 0 in extents:
        return jnp.zeros((*x.shape[:axis], *extents, *x.shape[axis + 1 :]), x.dtype)
    longest, others = _longest(extents)
    if math.prod(extents[k] for k in others) > MOST_SLICES:
        return jnp.take(x, _cells(base, steps, extents), axis, mode="clip")
    step, count = steps[longest], extents[longest]
    parts = []
    for first in _cells(base, [steps[k] for k in others], [extents[k] for k in others]).flat:
        low, high = sorted((int(first), int(first) + step * (count - 1)))
        parts.append(lax.slice_in_dim(x, low, high + 1, abs(step), axis))
    y = jnp.stack(parts, axis).reshape(*x.shape[:axis], *(extents[k] for k in others), count, *x.shape[axis + 1 :])
    y = jnp.flip(y, axis + len(others)) if step < 0 else y
    return jnp.moveaxis(y, axis + len(others), axis + longest)


@partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _fold(x: Array, axis: int, base: int, steps: tuple[int, ...], extent: int) -> Array:
    """The same slices laid back and summed: four times as fast as a scatter."""
    extents = x.shape[axis : axis + len(steps)]
    before, after = x.shape[:axis], x.shape[axis + len(steps) :]
    y = jnp.zeros((*before, extent, *after), x.dtype)
    if 0 in extents or not extent:
        return y
    longest, others = _longest(extents)
    if math.prod(extents[k] for k in others) > MOST_SLICES:
        cells = _cells(base, steps, extents)
        cells[cells < 0] = extent  # beyond the end too, where it is dropped; a negative index would count from the end
        return y.at[(slice(None),) * axis + (cells,)].add(x, mode="drop")
    step, count = steps[longest], extents[longest]
    x = jnp.moveaxis(x, axis + longest, axis + len(others))
    x = jnp.flip(x, axis + len(others)) if step < 0 else x
    x = x.reshape(*before, -1, count, *after)
    for k, first in enumerate(_cells(base, [steps[k] for k in others], [extents[k] for k in others]).flat):
        low, high = sorted((int(first), int(first) + step * (count - 1)))
        y = y + _spread(lax.index_in_dim(x, k, axis, keepdims=False), axis, low, extent - 1 - high, abs(step) - 1)
    return y


def _longest(extents: Sequence[int]) -> tuple[int, list[int]]:
    """Which index is the longest, and the others."""
    longest = max(range(len(extents)), key=extents.__getitem__)
    return longest, [k for k in range(len(extents)) if k != longest]


def _cells(base: int, steps: Sequence[int], extents: Sequence[int]) -> np.ndarray[Any, Any]:
    """The cell base + sum(step·value) for all values."""
    cells = np.full(tuple(extents), base, np.int32)
    for step, values in zip(steps, np.indices(tuple(extents), np.int32), strict=True):
        cells += step * values
    return cells


def _spread(x: Array, axis: int, low: int, high: int, between: int = 0, value: complex = 0) -> Array:
    """Cells of this value before, after and between those of an axis."""
    sides = [(low, high, between) if k == axis else (0, 0, 0) for k in range(x.ndim)]
    return lax.pad(x, np.asarray(value, x.dtype), sides)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _extreme(how: Reduce, x: Array) -> Array:
    """The maximum or minimum of the last axis. A gradient goes to the first of equals, as in pooling; JAX would divide it."""
    return x.max(-1) if how == "max" else x.min(-1)


@_extreme.defjvp
def _extreme_jvp(how: Reduce, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (moved,) = primals, tangents
    winner = (jnp.argmax if how == "max" else jnp.argmin)(x, -1, keepdims=True)
    won = lax.broadcasted_iota(winner.dtype, x.shape, x.ndim - 1) == winner
    return _extreme(how, x), jnp.sum(jnp.where(won, moved, 0), -1, dtype=moved.dtype)
