"""A convolution of torch by products of matrices: windows copied piece by piece into a small buffer that is used again.

It pays where the library's own convolution has too little to do for each value it moves: few maps in, many out.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch.nn import functional as F

from slidesum.plans.geometry import Geometry
from slidesum.run.memory import BUFFERS

Array = Any
PIECE = 2**21
"""Bytes of windows that are copied before they are multiplied."""
PRODUCTS = 2**23
"""Bytes of products that are made before they are added where they fall: more, since each is touched but once."""
_NUMPYS = {torch.float32: "float32", torch.float64: "float64"}


def unfolded(x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, cells…) with w (group·filter, channel, taps…) to (batch, group·filter, positions…)."""
    groups, taps = geometry.groups, w.shape[2:]
    positions = geometry.positions(tuple(x.shape[2:]), tuple(taps))
    batch, filters, channels = x.shape[0], w.shape[0] // groups, w.shape[1]
    if any(geometry.padding):
        x = F.pad(x, [p for padding in reversed(geometry.padding) for p in (padding, padding)])
    x = x if groups == 1 or x.stride(0) == x.stride(1) * x.shape[1] else x.contiguous()
    own = x.stride()
    strides = [n * d for n, d in zip(own[2:], geometry.dilations, strict=True)]
    strides += [n * s for n, s in zip(own[2:], geometry.strides, strict=True)]
    terms, places = channels * math.prod(taps), math.prod(positions)
    members = batch * groups
    step = own[0] if groups == 1 else own[1] * channels
    windows = x.as_strided((members, channels, *taps, *positions), (step, own[1], *strides), x.storage_offset())
    weights = w.reshape(groups, filters, terms)
    y = empty((members, filters, places), x)
    bytes_each = terms * places * x.element_size()
    most = max(1, min(members, PIECE // max(1, bytes_each)))
    most = most if groups == 1 else math.gcd(most, groups)
    rows = positions[0] if bytes_each <= PIECE else max(1, positions[0] * PIECE // bytes_each)  # of one member's positions
    rest = places // max(1, positions[0])
    copied = empty((most * terms * rows * rest,), x)
    for first, row in itertools.product(range(0, members, most), range(0, positions[0], rows)):
        part = windows[first : first + most].narrow(2 + len(taps), row, min(rows, positions[0] - row))
        count, wide, at = part.shape[0], part.shape[2 + len(taps)] * rest, first % groups
        piece = copied[: part.numel()].view(part.shape).copy_(part).view(count, terms, wide)
        own_weights = weights.expand(count, -1, -1) if groups == 1 else weights[at : at + count]
        into = y[first : first + count, :, row * rest : row * rest + wide]
        if count == 1:
            torch.mm(own_weights[0], piece[0], out=into[0])
        else:
            torch.bmm(own_weights, piece, out=into)
    return y.view(batch, groups * filters, *positions)


def folded(x: Array, w: Array, geometry: Geometry) -> Array:
    """x (batch, group·channel, positions…), w (group·channel, filter, taps…) to (batch, group·filter, cells…), uncropped.

    The products of all taps come first; then those of each tap are added where they fall.
    """
    groups, taps, positions = geometry.groups, tuple(w.shape[2:]), tuple(x.shape[2:])
    batch, channels, filters = x.shape[0], x.shape[1] // groups, w.shape[1]
    steps = list(zip(geometry.strides, geometry.dilations, strict=True))
    cells = tuple((n - 1) * s + d * (k - 1) + 1 for n, k, (s, d) in zip(positions, taps, steps, strict=True))
    members, places, window = batch * groups, math.prod(positions), math.prod(taps)
    rows = x.reshape(members, channels, places)
    weights = w.reshape(groups, channels, filters, window).permute(0, 3, 2, 1).reshape(groups, window * filters, channels)
    y = torch.zeros((members, filters, *cells), dtype=x.dtype, device=x.device)
    most = max(1, min(members, PRODUCTS // (window * filters * places * x.element_size())))
    most = most if groups == 1 else math.gcd(most, groups)
    for first in range(0, members, most):
        part = rows[first : first + most]
        count = part.shape[0]
        at = first % groups
        own = weights.expand(count, -1, -1) if groups == 1 else weights[at : at + count]
        products = (torch.mm(own[0], part[0]) if count == 1 else torch.bmm(own, part)).view(count, window, filters, *positions)
        into = y[first : first + count]
        for number, tap in enumerate(itertools.product(*map(range, taps))):
            where = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, (s, d) in zip(tap, positions, steps, strict=True))
            into[(slice(None), slice(None), *where)] += products[:, number]
    return y.view(batch, groups * filters, *cells)


def empty(shape: tuple[int, ...], like: Array) -> Array:
    """A tensor whose values are anything, in memory that may have been used before."""
    if like.device.type == "cpu" and like.dtype in _NUMPYS:
        return torch.from_numpy(BUFFERS.empty(shape, _NUMPYS[like.dtype]))
    return torch.empty(shape, dtype=like.dtype, device=like.device)
