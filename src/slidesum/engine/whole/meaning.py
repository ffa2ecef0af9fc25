"""What an equation of a network means to the kernels: windows over maps with filters, or with a reduction; read off its axes.

    x is (batch, maps, positions…), the result (batch, maps, positions…) in the same order, up to three positions

    maps of x, of y      filter has         meaning
    c, o                 o, c, taps         a convolution; 1×1 without taps, linear where every cell is a tap
    (g c), (g o)         g, o, c, taps      grouped
    c, c                 c, taps            depthwise; without taps every one of a map has the same weight
    c, c                 (no filter)        pooling: max, mean, sum, min

Whatever is written otherwise is lowered to such layers (`lower.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.equation import Reduce
from slidesum.core.sized import Sized, Slide
from slidesum.engine.whole.maps import BARE, Three

Array = Any
ONES: Three = (1, 1, 1)


@dataclass(frozen=True)
class Window:
    """Where windows lie, on three axes; an axis that isn't there has extent 1.

    low   cells of padding that the first window reaches before the first cell
    """

    cells: Three
    positions: Three
    taps: Three = ONES
    strides: Three = ONES
    dilations: Three = ONES
    low: Three = (0, 0, 0)

    @property
    def has_taps(self) -> bool:
        """Whether there is anything to sum."""
        return 0 not in self.taps

    @property
    def halo(self) -> tuple[tuple[int, int], ...]:
        """Cells that windows reach before the first and after the last."""
        ends = (
            s * (n - 1) + d * (k - 1) - p - (cells - 1)
            for n, s, d, k, p, cells in zip(
                self.positions, self.strides, self.dilations, self.taps, self.low, self.cells, strict=True
            )
        )
        return tuple((max(0, p), max(0, end)) for p, end in zip(self.low, ends, strict=True))


@dataclass(frozen=True)
class Convolution:
    """Filters over windows. `order` and `shape` make (group, filter, channel, taps…) of the array that is kept.

    Where a map has one weight for all taps, as in LeNet-5's subsampling, `shape` has 1 for each of them.
    """

    window: Window
    groups: int
    channels: int
    filters: int
    order: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def is_depthwise(self) -> bool:
        return self.groups > 1 and self.channels == 1 and self.filters == 1

    @property
    def is_point(self) -> bool:
        """Whether every position is by itself, of one group of maps."""
        window = self.window
        return self.groups == 1 and window == Window(window.cells, window.cells)

    def laid(self, w: Array) -> Array:
        """The filters as (group, filter, channel, three taps)."""
        opened = np.ascontiguousarray(w.reshape(self.shape).transpose(self.order))
        whole = (self.groups, self.filters, self.channels, *self.window.taps)
        if opened.size < math.prod(whole):
            opened = np.repeat(opened.reshape(-1), math.prod(self.window.taps))
        return opened.reshape(whole)

    @property
    def macs(self) -> int:
        p, t = self.window.positions, self.window.taps
        return self.groups * self.filters * self.channels * int(np.prod(p)) * int(np.prod(t))


@dataclass(frozen=True)
class Pooling:
    """A reduction over windows, map by map."""

    window: Window
    reduce: Reduce

    @property
    def is_halving(self) -> bool:
        """Whether it keeps the largest of every 2×2 cells."""
        own, two = self.window, (1, 2, 2)
        return self.reduce == "max" and own.taps == own.strides == two and own.dilations == ONES and own.halo == BARE


Meaning = Convolution | Pooling


def meaning(sized: Sized) -> Meaning | None:
    """What the kernels make of it, or None."""
    equation = sized.equation
    if len(equation.operands) > 2 or sized.inputs != 1 or sized.connections is not None or 0 in sized.extents.values():
        return None
    x, y = equation.operands[0].axes, equation.result.axes
    if len(x) < 2 or len(y) < 2 or len(x) > 5 or x[0] != y[0] or not isinstance(x[0], Name):
        return None
    on_x, on_y = ([name for axis in axes for name in indices(axis)] for axes in (x, y))
    if len(set(on_x)) < len(on_x) or len(set(on_y)) < len(on_y) or any(isinstance(axis, Address) for axis in (*y, x[1])):
        return None
    bias = () if equation.bias is None else tuple(name for axis in equation.bias.axes for name in indices(axis))
    if equation.bias is not None and (equation.is_pooling or bias != indices(y[1])):
        return None
    window = _window(sized, x[2:], y[2:])
    if window is None:
        return None
    found, taps = window
    if equation.is_pooling:
        return Pooling(found, equation.reduce) if x[1] == y[1] and isinstance(x[1], Name) and _zero(sized) else None
    if equation.reduce != "sum" or not _zero(sized):
        return None
    return _convolution(sized, found, taps)


def _window(sized: Sized, x: tuple[Axis, ...], y: tuple[Axis, ...]) -> tuple[Window, list[str | None]] | None:
    """The window, and the tap of each of the axes."""
    left = list(y)
    found: list[tuple[int, int, int, int, int, int]] = []
    taps: list[str | None] = []
    for k, axis in enumerate(x):
        slide = sized.slides.get((0, 2 + k))
        if isinstance(axis, Name) and left and left[0] == axis:
            left.pop(0)
            extent = int(sized.extents[axis.name])
            found.append((extent, extent, 1, 1, 1, 0))
            taps.append(None)
        elif isinstance(axis, Name):
            extent = int(sized.extents[axis.name])
            found.append((extent, 1, extent, 1, 1, 0))
            taps.append(axis.name)
        elif slide is not None and left and _slides(slide, left[0]):
            left.pop(0)
            tap, dilation = slide.taps[0] if slide.taps else (None, 1)
            places = int(sized.extents[str(slide.position)])
            found.append(
                (
                    int(slide.extent),
                    places,
                    int(sized.extents[tap]) if tap else 1,
                    int(slide.stride),
                    int(dilation),
                    -int(slide.start),
                )
            )
            taps.append(tap)
        else:
            return None
    if left or len(x) > 3:
        return None
    missing = [(1, 1, 1, 1, 1, 0)] * (3 - len(x))
    cells, positions, sizes, strides, dilations, low = zip(*missing, *found, strict=True)
    return Window(_three(cells), _three(positions), _three(sizes), _three(strides), _three(dilations), _three(low)), taps


def _slides(slide: Slide, axis: Axis) -> bool:
    """Whether an address is a position of y, with a positive step and at most one tap that doesn't run backwards."""
    is_plain = all(step > 0 for _, step in slide.steps) and len(slide.taps) <= 1
    return isinstance(axis, Name) and slide.position == axis.name and is_plain


def _zero(sized: Sized) -> bool:
    return all(slide.border == "zero" for slide in sized.slides.values() if slide.is_padded)


def _convolution(sized: Sized, window: Window, taps: list[str | None]) -> Convolution | None:
    equation = sized.equation
    w = equation.operands[1].axes
    x_maps, y_maps = indices(equation.operands[0].axes[1]), indices(equation.result.axes[1])
    if any(isinstance(axis, Address) for axis in w):
        return None
    names = [name for axis in w for name in indices(axis)]
    group = [name for name in x_maps if name in y_maps]
    channel, filters = [n for n in x_maps if n not in group], [n for n in y_maps if n not in group]
    merged = isinstance(equation.operands[0].axes[1], Merged)
    if len(group) > 1 or len(channel) > 1 or len(filters) > 1 or (x_maps + y_maps)[:1] != x_maps[:1]:
        return None
    if merged and (not group or x_maps[0] != group[0] or y_maps[0] != group[0]):
        return None
    if group and len(filters) == 1 and y_maps[0] != group[0]:
        return None
    alike = [tap for tap in taps if tap and group and not (channel or filters) and not any(t in names for t in taps if t)]
    wanted = [*group, *filters, *channel, *(tap for tap in taps if tap)]
    if len(set(names)) != len(names) or {*names, *alike} != set(wanted):
        return None
    extents = [int(sized.extents[name]) for name in names] + [1 for _ in alike]
    order = tuple([*names, *alike].index(name) for name in wanted)
    size = {
        kind: int(sized.extents[found[0]]) if found else 1 for kind, found in zip("gco", (group, channel, filters), strict=True)
    }
    return Convolution(window, size["g"], size["c"], size["o"], order, tuple(extents))


def _three(values: tuple[int, ...]) -> Three:
    a, b, c = values
    return a, b, c


def is_biased_by_map(sized: Sized) -> bool:
    """Whether it has one bias a map of the result, or none: kernels add no other."""
    bias = sized.equation.bias
    return not bias or tuple(name for axis in bias.axes for name in indices(axis)) == indices(sized.equation.result.axes[1])


def is_flattening(sized: Sized) -> bool:
    """Whether it puts all axes but the first into one, in their order."""
    equation = sized.equation
    if not equation.is_pooling or equation.summed or len(equation.result.axes) != 2:
        return False
    x, (first, rest) = equation.operands[0].axes, equation.result.axes
    names = [name for axis in x[1:] for name in indices(axis)]
    return x[0] == first and all(isinstance(axis, Name) for axis in x) and indices(rest) == tuple(names)
