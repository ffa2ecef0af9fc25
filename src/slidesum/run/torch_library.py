"""Equations that are shaped like a convolution or a pooling of the library, lowered to it.

Each index falls into one group by where it stands; the groups become the library's axes:

    x (batch, group·channel, cells…)  *  w (group·filter, channel, taps…)  ->  y (batch, group·filter, positions…)

    batch     on x and y: the batch, and the maps that type 1 keeps apart
    group     on x, w and y: grouped, depthwise, a filter per sample
    channel   on x and w
    filter    on w and y
    alone     on x only, or on w only: summed first (type 2.1)

What doesn't fit (several taps in an address, weights that differ by position, four and more slid axes, three operands, integers)
returns None, and is computed by windows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch.nn import functional as F

from slidesum.core.axis import Address, indices
from slidesum.core.equation import Equation, Operand
from slidesum.core.sized import Sized, Slide
from slidesum.run.backend import Array, Backend
from slidesum.run.border import padded

_CONVOLUTIONS: tuple[Any, ...] = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED: tuple[Any, ...] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
_MAX_POOLINGS: tuple[Any, ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_MEAN_POOLINGS: tuple[Any, ...] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


@dataclass(frozen=True, slots=True)
class Line:
    """One slid axis: its position, its tap (None for a bare stride) and their numbers."""

    position: str
    tap: str | None
    stride: int
    dilation: int
    slide: Slide


@dataclass(frozen=True, slots=True)
class Groups:
    """The indices by where they stand; see the head of this file."""

    batch: list[str]
    group: list[str]
    channel: list[str]
    filter: list[str]
    x_alone: list[str]
    w_alone: list[str]


def convolution(backend: Backend, sized: Sized, arrays: Sequence[Array]) -> Array | None:
    """The result with its axes opened, or None."""
    if len(arrays) != 2 or not (arrays[0].dtype.is_floating_point or arrays[0].dtype.is_complex) or 0 in sized.extents.values():
        return None
    side = 0 if any(number == 0 for number, _, _ in sized.equation.addresses()) else -1
    lines = _lines(sized, side)
    groups = _groups(sized.equation, lines) if lines else None
    if not lines or not groups or (groups.x_alone and not isinstance(sized.border, str)):
        return None  # of maps that are summed first, the border is the sum of as many numbers
    positions = [line.position for line in lines]
    x, x_names = _open(backend, sized, 0, arrays[0])
    w, w_names = _open(backend, sized, 1, arrays[1])
    x = _arranged(x, x_names, groups.x_alone, [groups.batch, [*groups.group, *groups.channel], *([p] for p in positions)])
    taps = [[line.tap] if line.tap else [] for line in lines]
    outer, inner = (groups.filter, groups.channel) if side == 0 else (groups.channel, groups.filter)
    backwards = [w_names.index(line.tap) for line in lines if line.tap and line.dilation < 0]
    w = _arranged(w.flip(backwards) if backwards else w, w_names, groups.w_alone, [[*groups.group, *outer], inner, *taps])
    count = math.prod(sized.extents[name] for name in groups.group)
    y = _gathered(backend, sized, lines, x, w, count) if side == 0 else _scattered(backend, lines, x, w, count)
    return _result(sized, y, [*groups.batch, *groups.group, *groups.filter], positions)


def pooling(backend: Backend, sized: Sized, x: Array) -> Array | None:
    """The result with its axes opened, or None."""
    lines = _lines(sized, 0)
    groups = _groups(sized.equation, lines) if lines else None
    reduce = sized.equation.reduce
    if (
        not lines
        or not groups
        or groups.x_alone
        or reduce not in ("max", "mean")
        or not x.dtype.is_floating_point
        or 0 in sized.extents.values()
    ):
        return None
    if any(line.dilation < 0 or (reduce == "mean" and line.dilation > 1) for line in lines):
        return None
    opened, names = _open(backend, sized, 0, x)
    x = _arranged(opened, names, [], [groups.batch, *([line.position] for line in lines)]).unsqueeze(0)
    for k, line in enumerate(lines):
        x = padded(backend, sized, line.slide, x, 2 + k)
    windows = [sized.extents[line.tap] if line.tap else 1 for line in lines]
    strides, dilations = [line.stride for line in lines], [line.dilation for line in lines]
    if reduce == "max":
        y = _MAX_POOLINGS[len(lines) - 1](x, windows, strides, 0, dilations)
    else:
        y = _MEAN_POOLINGS[len(lines) - 1](x, windows, strides)
    return _result(sized, _trimmed(sized, lines, y)[0], groups.batch, [line.position for line in lines])


def _lines(sized: Sized, side: int) -> list[Line] | None:
    """The slid axes of one array, if they are one to three, each with a position and at most one tap."""
    lines = []
    if any(number != side for number, _, _ in sized.equation.addresses()):
        return None
    for slide in sized.slides_of(side):
        taps = slide.taps
        if slide.position is None or len(taps) > 1 or slide.stride < 0:
            return None
        tap, dilation = taps[0] if taps else (None, 1)
        lines.append(Line(slide.position, tap, slide.stride, dilation, slide))
    return lines if 1 <= len(lines) <= 3 else None


def _groups(equation: Equation, lines: list[Line]) -> Groups | None:
    """The groups, if every index stands where the library expects it."""
    x, y = equation.operands[0], equation.result
    w = equation.operands[1] if len(equation.operands) > 1 else Operand("", ())
    positions, taps = [line.position for line in lines], [line.tap for line in lines if line.tap]
    slid = {*positions, *taps}
    if len(slid) < len(positions) + len(taps) or any(_repeats(operand) for operand in (x, w)):
        return None
    on_x, on_w, on_y = set(x.indices), set(w.indices), set(y.indices)
    other = set(y.bare) if any(axis for axis in x.axes if isinstance(axis, Address)) else set(x.bare)
    addressed = set(x.indices) - set(x.bare) or set(y.indices) - set(y.bare)
    if not all(p in other and p not in on_w for p in positions) or addressed != slid:
        return None
    if len(equation.operands) > 1 and not all(t in on_w and t not in other for t in taps):
        return None
    if len(equation.operands) == 1 and any(t in on_y for t in taps):
        return None
    if on_y - on_x - on_w or (slid & set(x.bare) and slid & set(y.bare)):
        return None
    names_x = [n for n in x.indices if n not in slid]
    names_w = [n for n in w.indices if n not in slid]
    return Groups(
        batch=[n for n in names_x if n in on_y and n not in on_w],
        group=[n for n in names_x if n in on_y and n in on_w],
        channel=[n for n in names_x if n not in on_y and n in on_w],
        filter=[n for n in names_w if n in on_y and n not in on_x],
        x_alone=[n for n in names_x if n not in on_y and n not in on_w],
        w_alone=[n for n in names_w if n not in on_y and n not in on_x],
    )


def _repeats(operand: Operand) -> bool:
    names = [name for axis in operand.axes for name in indices(axis)]
    return len(set(names)) < len(names)


def _open(backend: Backend, sized: Sized, number: int, x: Array) -> tuple[Array, list[str]]:
    """Merged axes split, axes 1 taken away; an address keeps its axis, under the name of its position."""
    names: list[str] = []
    shape: list[int] = []
    for place, axis in enumerate(sized.equation.operands[number].axes):
        if isinstance(axis, Address):
            slide = sized.slides[number, place]
            names.append(str(slide.position))
            shape.append(slide.extent)
        else:
            names += indices(axis)
            shape += [sized.extents[name] for name in indices(axis)]
    return backend.reshape(x, shape), names


def _arranged(x: Array, names: list[str], alone: list[str], blocks: list[list[str]]) -> Array:
    """`alone` summed away, the rest in the order of the blocks, every block merged into one axis."""
    if alone:
        x = x.sum(dim=[names.index(n) for n in alone])
        names = [n for n in names if n not in alone]
    order = [names.index(n) for block in blocks for n in block]
    x = x.permute(order)
    extents = iter(x.shape)
    return x.reshape([math.prod(itertools.islice(extents, len(block))) for block in blocks])


def _gathered(backend: Backend, sized: Sized, lines: list[Line], x: Array, w: Array, groups: int) -> Array:
    own = [0] * len(lines)  # padding that the library does itself
    for k, line in enumerate(lines):
        low, high = line.slide.padding
        if sized.border == "zero" and low == high and low >= 0:
            own[k] = low
        else:
            x = padded(backend, sized, line.slide, x, 2 + k)
    strides, dilations = [line.stride for line in lines], [abs(line.dilation) for line in lines]
    y = _CONVOLUTIONS[len(lines) - 1](x, w, None, strides, own, dilations, groups)
    return _trimmed(sized, lines, y)


def _trimmed(sized: Sized, lines: list[Line], y: Array) -> Array:
    """Positions that were given fewer than would fit."""
    for k, line in enumerate(lines):
        if y.shape[2 + k] != sized.extents[line.position]:
            y = y.narrow(2 + k, 0, sized.extents[line.position])
    return y


def _scattered(backend: Backend, lines: list[Line], x: Array, w: Array, groups: int) -> Array:
    strides, dilations = [line.stride for line in lines], [abs(line.dilation) for line in lines]
    y = _TRANSPOSED[len(lines) - 1](x, w, None, strides, 0, 0, groups, dilations)
    for k, line in enumerate(lines):
        low, high = line.slide.padding
        y = backend.pad(y, 2 + k, -low, -high, 0) if (low, high) != (0, 0) else y
    return y


def _result(sized: Sized, y: Array, names: list[str], positions: list[str]) -> Array:
    """From the library's axes to the opened axes of the result."""
    y = y.reshape([sized.extents[n] for n in names] + list(y.shape[y.ndim - len(positions) :]))
    wanted: list[str] = []
    for place, axis in enumerate(sized.equation.result.axes):
        wanted += [str(sized.slides[-1, place].position)] if isinstance(axis, Address) else indices(axis)
    return y.permute([[*names, *positions].index(n) for n in wanted])
