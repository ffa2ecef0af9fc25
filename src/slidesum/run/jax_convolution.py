"""Convolutions and poolings of JAX, written so that XLA makes one loop of them.

On a CPU XLA computes a grouped convolution 20 to 500 times slower than an ordinary one, but whatever is a sum of products of
shifted slices it fuses into one loop without a buffer. So a convolution becomes

    few channels a group    all products written out, one for every tap and channel          depthwise, or grey images
    some groups             one ordinary convolution a group                                 AlexNet
    many groups             for every tap one product of matrices, batched over the groups   a filter per sample
    else                    the convolution of the library

and a pooling one axis after the other, each a handful of slices. The library of an accelerator knows better, and gets all
convolutions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from slidesum.core.equation import Reduce
from slidesum.plans.geometry import Geometry

Array = Any
FEW_CHANNELS = 4
"""As many as are worth writing out; products of matrices are faster with more."""
MOST_PRODUCTS = 128
"""As many as are written out: each takes XLA some 10 ms to compile."""
MOST_GROUPS = 32
"""As many as become a convolution each."""


@partial(jax.jit, static_argnames="geometry")
def convolve(x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, cells…) with w (group·filter, channel, taps…) to (batch, group·filter, positions…)."""
    w = w.reshape(geometry.groups, -1, *w.shape[1:])
    return _lowered(_gather, _gather_by_taps, x, w, geometry)


@partial(jax.jit, static_argnames="geometry")
def scatter(x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, positions…) with w (group·channel, filter, taps…) to (batch, group·filter, cells…), uncropped."""
    w = w.reshape(geometry.groups, -1, *w.shape[1:]).swapaxes(1, 2)
    return _lowered(_scatter, _scatter_by_taps, x, w, geometry)


@partial(jax.jit, static_argnames=("how", "windows", "geometry"))
def pooled(x: Array, how: Reduce, windows: tuple[int, ...], geometry: Geometry) -> Array:
    """The maximum, minimum, sum or mean over windows of the last axes. A gradient goes to the first of equal extremes."""
    if how == "mean":
        x = x.astype(jnp.result_type(x.dtype, float))
    x = _padded(x, geometry)
    for axis, *numbers in zip(range(-len(windows), 0), windows, geometry.strides, geometry.dilations, strict=True):
        x = reduce(JOINED[how], _slices(x, axis % x.ndim, *numbers))
    return x / math.prod(windows) if how == "mean" else x


JOINED: dict[Reduce, Callable[[Array, Array], Array]] = {
    "max": lambda a, b: jnp.where((b > a) | (b != b), b, a),  # jnp.maximum would halve the gradient between equals
    "min": lambda a, b: jnp.where((b < a) | (b != b), b, a),
    "sum": jnp.add,
    "mean": jnp.add,
}

Way = Callable[[Array, Array, Geometry], Array]


def _lowered(library: Way, by_taps: Way, x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, …) with w (group, filter, channel, taps…), the way that is fastest here."""
    groups, _, channels, *taps = w.shape
    dtype = jnp.promote_types(x.dtype, w.dtype)
    x, w = x.astype(dtype), w.astype(dtype)
    if jax.default_backend() != "cpu":
        return library(x, w.reshape(-1, *w.shape[2:]), geometry)
    few = channels <= FEW_CHANNELS
    products = math.prod(taps) * (channels if few else 1)
    if products <= MOST_PRODUCTS and (few or groups > MOST_GROUPS):
        wide = jnp.float32 if dtype in (jnp.float16, jnp.bfloat16) else dtype  # rounded once, and not at every tap
        opened = x.reshape(x.shape[0], groups, channels, *x.shape[2:])
        y = by_taps(opened.astype(wide), w.astype(wide), geometry)
        return y.reshape(y.shape[0], -1, *y.shape[3:]).astype(dtype)
    if groups <= MOST_GROUPS:
        alone = replace(geometry, groups=1)
        return jnp.concatenate([library(part, w[k], alone) for k, part in enumerate(jnp.split(x, groups, 1))], 1)
    return library(x, w.reshape(-1, *w.shape[2:]), geometry)


def _gather(x: Array, w: Array, geometry: Geometry) -> Array:
    g = geometry
    return _library(x, w, g, g.strides, [(p, p) for p in g.padding], None)


def _scatter(x: Array, w: Array, geometry: Geometry) -> Array:
    """x with zeros between its values, under the filter backwards."""
    spans = [d * (n - 1) for d, n in zip(geometry.dilations, w.shape[2:], strict=True)]
    w = jnp.flip(w, range(2, w.ndim))
    return _library(x, w, geometry, (1,) * geometry.slid, [(span, span) for span in spans], geometry.strides)


def _library(
    x: Array, w: Array, geometry: Geometry, strides: Sequence[int], padding: Sequence[tuple[int, int]], spread: Sequence[int] | None
) -> Array:
    return lax.conv_general_dilated(
        x,
        w,
        strides,
        padding,
        lhs_dilation=spread,
        rhs_dilation=geometry.dilations,
        feature_group_count=geometry.groups,
        precision=lax.Precision.HIGHEST,
    )


def _gather_by_taps(x: Array, w: Array, geometry: Geometry) -> Array:
    x = _padded(x, geometry)
    return _total(_product(_at(x, tap, w.shape[3:], geometry), w[(..., *tap)]) for tap in _each(w.shape[3:]))


def _scatter_by_taps(x: Array, w: Array, geometry: Geometry) -> Array:
    return _total(_laid(_product(x, w[(..., *tap)]), tap, w.shape[3:], geometry) for tap in _each(w.shape[3:]))


def _product(x: Array, w: Array) -> Array:
    """x (batch, group, channel, …) with w (group, filter, channel) to (batch, group, filter, …)."""
    if w.shape[1] == w.shape[2] == 1:
        return x * _column(w, x.ndim)
    return _by_matrices(x, w) if w.shape[2] > FEW_CHANNELS else _written_out(x, w)


def _by_matrices(x: Array, w: Array) -> Array:
    y = jnp.einsum("bgcp,gfc->bgfp", x.reshape(*x.shape[:3], -1), w, precision=lax.Precision.HIGHEST)
    return y.reshape(*y.shape[:3], *x.shape[3:])


@jax.custom_jvp
def _written_out(x: Array, w: Array) -> Array:
    return _total(x[:, :, c, None] * _column(w[:, :, c], x.ndim) for c in range(w.shape[2]))


_written_out.defjvps(  # by itself, the gradient by x would be summed over filters and taps anew for every channel, 40 times slower
    lambda moved, y, x, w: _by_matrices(moved, w),
    lambda moved, y, x, w: _by_matrices(x, moved),
)


def _column(w: Array, rank: int) -> Array:
    """Weights (group, filter, …) for arrays (batch, group, filter, …)."""
    return w.reshape(w.shape[:2] + (1,) * (rank - 3))


def _each(extents: Iterable[int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, extents))


def _total(parts: Iterable[Array]) -> Array:
    return reduce(jnp.add, parts)


def _at(x: Array, tap: tuple[int, ...], taps: Sequence[int], geometry: Geometry) -> Array:
    """What the tap reads at all positions."""
    first = x.ndim - geometry.slid
    for k, (t, n, s, d) in enumerate(zip(tap, taps, geometry.strides, geometry.dilations, strict=True)):
        x = lax.slice_in_dim(x, t * d, x.shape[first + k] - (n - 1 - t) * d, s, first + k)
    return x


def _laid(y: Array, tap: tuple[int, ...], taps: Sequence[int], geometry: Geometry) -> Array:
    """What the tap adds to all cells."""
    sides = [(t * d, (n - 1 - t) * d, s - 1) for t, n, s, d in zip(tap, taps, geometry.strides, geometry.dilations, strict=True)]
    return lax.pad(y, jnp.zeros((), y.dtype), [(0, 0, 0)] * (y.ndim - len(sides)) + sides)


def _slices(x: Array, axis: int, count: int, stride: int, dilation: int) -> Iterator[Array]:
    """What each tap of one axis reads at all positions."""
    last = (count - 1) * dilation
    return (lax.slice_in_dim(x, t, x.shape[axis] - last + t, stride, axis) for t in range(0, last + 1, dilation))


def _padded(x: Array, geometry: Geometry) -> Array:
    sides = [(0, 0)] * (x.ndim - geometry.slid) + [(p, p) for p in geometry.padding]
    return jnp.pad(x, sides) if any(geometry.padding) else x
