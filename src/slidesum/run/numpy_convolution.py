"""Convolutions of NumPy: windows copied piece by piece into a small buffer, each piece one matrix product of BLAS.

A piece is sized for the second-level cache: what is copied is multiplied before it leaves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from slidesum.core.equation import Reduce
from slidesum.plans.geometry import Geometry
from slidesum.run.memory import BUFFERS

Array = Any
PIECE = 2**20
"""Bytes of windows that are copied before they are multiplied."""


def unfolded(x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, cells…) with w (group·filter, channel, taps…) to (batch, group·filter, positions…).

    >>> unfolded(np.ones((1, 2, 5)), np.ones((4, 2, 3)), Geometry((1,), (0,), (1,))).shape
    (1, 4, 3)
    """
    slid, groups = geometry.slid, geometry.groups
    taps = w.shape[2:]
    positions = geometry.positions(x.shape[2:], taps)
    batch, filters, channels = x.shape[0], w.shape[0] // groups, w.shape[1]
    dtype = np.result_type(x, w)
    y = BUFFERS.empty((batch, groups * filters, *positions), dtype)
    windows = _windows(_padded(x, geometry), taps, geometry).reshape(batch, groups, channels, *positions, *taps)
    windows = windows.transpose(0, 1, 2, *range(3 + slid, 3 + 2 * slid), *range(3, 3 + slid))
    weights = w.reshape(groups, filters, channels * math.prod(taps)).astype(dtype, copy=False)
    result = y.reshape(batch, groups, filters, *positions)
    rest = math.prod(positions[1:])
    terms = weights.shape[2]
    rows = max(1, min(positions[0], PIECE // max(1, terms * rest * dtype.itemsize)))
    copied = BUFFERS.empty((terms, rows * rest), dtype)
    for b, g in np.ndindex(batch, groups):
        for first in range(0, positions[0], rows):
            part = _rows(windows[b, g], 1 + slid, first, rows)
            wide = part.shape[1 + slid] * rest
            piece = copied[:, :wide] if wide == copied.shape[1] else BUFFERS.empty((terms, wide), dtype)
            piece.reshape(part.shape)[...] = part
            into = result[b, g].reshape(filters, -1)[:, first * rest : first * rest + wide]
            np.matmul(weights[g], piece, out=into)
    return y


def scattered(x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, positions…) with w (group·channel, filter, taps…) to (batch, group·filter, cells…), uncropped."""
    groups, taps, positions = geometry.groups, w.shape[2:], x.shape[2:]
    batch, channels, filters = x.shape[0], x.shape[1] // groups, w.shape[1]
    steps = list(zip(geometry.strides, geometry.dilations, strict=True))
    cells = tuple((n - 1) * s + d * (k - 1) + 1 for n, k, (s, d) in zip(positions, taps, steps, strict=True))
    dtype = np.result_type(x, w)
    y = np.zeros((batch, groups, filters, *cells), dtype)
    rows = x.reshape(batch, groups, channels, -1)
    weights = w.reshape(groups, channels, filters, math.prod(taps)).transpose(0, 3, 2, 1)
    for b in range(batch):
        for number, tap in enumerate(itertools.product(*map(range, taps))):
            part = np.matmul(weights[:, number], rows[b]).reshape(groups, filters, *positions)
            where = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, (s, d) in zip(tap, positions, steps, strict=True))
            y[b][(slice(None), slice(None), *where)] += part
    return y.reshape(batch, groups * filters, *cells)


def pooled(x: Array, how: Reduce, windows: Sequence[int], geometry: Geometry) -> Array:
    """The maximum, minimum, sum or mean over windows of the last axes, one tap after the other."""
    reducer = {"max": np.maximum, "min": np.minimum}.get(how, np.add)
    views = _each_tap(_padded(x, geometry), tuple(windows), geometry)
    first = next(views)
    y = BUFFERS.empty(first.shape, x.dtype)
    y[...] = first
    for view in views:
        reducer(y, view, out=y)
    return y / math.prod(windows) if how == "mean" else y


def _each_tap(x: Array, taps: tuple[int, ...], geometry: Geometry) -> Iterator[Array]:
    """What every tap reads, at all positions."""
    positions = Geometry(geometry.strides, (0,) * len(taps), geometry.dilations).positions(x.shape[x.ndim - len(taps) :], taps)
    for tap in itertools.product(*map(range, taps)):
        where = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, n, s, d in zip(tap, positions, geometry.strides, geometry.dilations, strict=True)
        )
        yield x[(..., *where)]


def _padded(x: Array, geometry: Geometry) -> Array:
    if not any(geometry.padding):
        return x
    return np.pad(x, [(0, 0)] * (x.ndim - geometry.slid) + [(p, p) for p in geometry.padding])


def _windows(x: Array, taps: tuple[int, ...], geometry: Geometry) -> Array:
    """A view (…, positions…, taps…) that shows overlapping cells again."""
    slid = len(taps)
    plain = Geometry(geometry.strides, (0,) * slid, geometry.dilations)
    positions = plain.positions(x.shape[-slid:], taps)
    own = x.strides[-slid:]
    strides = [n * s for n, s in zip(own, geometry.strides, strict=True)] + [
        n * d for n, d in zip(own, geometry.dilations, strict=True)
    ]
    shape = (*x.shape[:-slid], *positions, *taps)
    return np.lib.stride_tricks.as_strided(x, shape, (*x.strides[:-slid], *strides), writeable=False)


def _rows(x: Array, axis: int, first: int, count: int) -> Array:
    return x[(slice(None),) * axis + (slice(first, first + count),)]
