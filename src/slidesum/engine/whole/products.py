"""One step of an equation, of one or two operands, as filters or a pooling between moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.core.axis import Address
from slidesum.core.sized import Sized
from slidesum.engine.whole.gather import NOWHERE
from slidesum.engine.whole.maps import FEW as THIN
from slidesum.engine.whole.meaning import ONES, Convolution, Window
from slidesum.engine.whole.opened import fill_of, opened, places
from slidesum.engine.whole.poolings import extent_of, laid, put, reopened, window_of
from slidesum.engine.whole.spread import Line, phases
from slidesum.engine.whole.units import Filters, Joins
from slidesum.laws.edge import REPEATING, source
from slidesum.plans.lowering import Lowering, lowered

if TYPE_CHECKING:
    from slidesum.engine.whole.lower import Lowering as Made

Array = Any
FEW = 8
"""Filters a group, up to which groups lie side by side in a vector instead of their filters."""


@dataclass(frozen=True)
class Bias:
    """An array over some indices of the result."""

    names: tuple[str, ...]
    array: Array

    def over(self, names: Sequence[str], extents: Sequence[int]) -> Array | None:
        """Its values over these indices, or None where it has others."""
        if not set(self.names) <= set(names):
            return None
        order = sorted(range(len(self.names)), key=lambda k: names.index(self.names[k]))
        shape = [extent if name in self.names else 1 for name, extent in zip(names, extents, strict=True)]
        return np.broadcast_to(self.array.transpose(order).reshape(shape), extents)

    def added(self, x: str, maps: int, cells: int) -> Filters:
        """To maps that are its values in their order."""
        what = Convolution(Window((1, 1, cells), (1, 1, cells)), maps, 1, 1, (), ())
        return Filters("", x, what, np.ones((maps, 1, 1, 1, 1, 1), np.float32), self.array.reshape(-1), counts=False)


@dataclass(frozen=True)
class Product:
    """Two operands, stored or results, and a bias that may be added on the way."""

    made: Made
    sized: Sized
    held: tuple[Array | str, Array | str]
    bias: Bias | None

    def filters(self, number: int) -> tuple[Array, str | None]:
        """An operand as filters: its values; or places from 1 on, and the result that they are in."""
        held = self.held[number]
        return (places(self.sized.shapes[number]) + 1, held) if isinstance(held, str) else (held, None)

    def shift(self, names: Sequence[str]) -> tuple[Array, bool]:
        """The bias over these indices, or zeros; and whether it is it."""
        extents = [int(self.sized.extents[name]) for name in names]
        found = None if self.bias is None else self.bias.over(names, extents)
        return (np.zeros(extents, np.float32), False) if found is None else (found, True)


def as_filters(task: Product) -> tuple[str, bool] | None:
    """As one convolution, transposed or not, where the equation is shaped like one, over up to three axes."""
    low = lowered(task.sized)
    if low is None or low.w is None or low.w_laid is None or len(low.lines) > 3:
        return None
    x = task.held[low.x]
    if not isinstance(x, str) or (low.scatters and any(line.slide.border in REPEATING for line in low.lines)):
        return None
    source_of, lows = _with_borders(low)
    if source_of is None:
        return None
    groups, channels, filters = (extent_of(task.sized, names) for names in (low.group, low.channel, low.filter))
    if (groups == 1 and channels <= THIN) or source_of or not low.x_laid.keeps_order:
        table = laid(places(task.sized.shapes[low.x]), low.x_laid)
        for axis, cells_read in source_of.items():
            table = table.take(cells_read, axis=axis)
        name, cells = task.made.moved(x, table, made_anew=groups == 1 and channels <= THIN), table.shape[2:]
    else:
        name, cells = task.made.viewed(x, low.x_laid.shape), low.x_laid.shape[2:]
    w, w_from = task.filters(low.w)
    w = laid(w, low.w_laid)
    w = np.flip(w, low.flipped) if low.flipped else w
    taps = w.shape[2:]
    w = w.reshape(groups, *((channels, filters) if low.scatters else (filters, channels)), *[1] * (3 - len(taps)), *taps)
    w = w.swapaxes(1, 2) if low.scatters else w
    shift, has_bias = task.shift((*low.group, *low.filter))
    lines = [
        Line(n, int(line.slide.extent), t, int(line.stride), abs(int(line.dilation)), p)
        for n, line, t, p in zip(cells, low.lines, taps, lows, strict=True)
    ]
    a, b, c = [*[Line(1, 1)] * (3 - len(lines)), *lines]
    window = window_of((a, b, c), None if low.scatters else low.positions)
    made = Filters(
        "", name, Convolution(window, groups, channels, filters, (), ()), np.ascontiguousarray(w), shift.reshape(-1),
        w_from=w_from, phases=phases((a, b, c)) if low.scatters else (),
    )  # fmt: skip
    return reopened(task.made, low, task.made.add(made, low.y_given)), has_bias


def _with_borders(low: Lowering) -> tuple[dict[int, list[int]] | None, list[int]]:
    """Of axes whose border repeats cells, the cells that are read, by axis; and how far windows reach beyond the first cell.

    None where a number stands there.
    """
    found: dict[int, list[int]] = {}
    lows = []
    for k, line in enumerate(low.lines):
        before, behind = (int(n) for n in line.slide.padding)
        if not low.scatters and line.slide.border != "zero" and (before, behind) != (0, 0):
            extent = int(line.slide.extent)
            cells = [source(cell, extent, line.slide.border) for cell in range(-before, extent + behind)]
            found[2 + k], before = [cell for cell in cells if cell is not None], 0
            if len(found[2 + k]) < len(cells):
                return None, []
        lows.append(before)
    return found, lows


def multiplied(task: Product) -> tuple[str, bool]:
    """One product of operands with one axis an index, windows opened: groups × filters × channels, for every position."""
    made, sized = task.made, task.sized
    number = 0 if isinstance(task.held[0], str) else 1
    x, names = opened(sized, number)
    w, names_w = opened(sized, 1 - number)
    of_y = list(sized.equation.result.indices)
    group = [n for n in of_y if n in names and n in names_w]
    position, filters = [n for n in of_y if n in names and n not in group], [n for n in of_y if n not in names]
    channel = [n for n in dict.fromkeys((*names, *names_w)) if n not in of_y]
    m, g, k, n = (extent_of(sized, some) for some in (position, group, channel, filters))
    x = _over(sized, x, names, (*position, *group, *channel)).reshape(m, g, k)
    w = _over(sized, w, names_w, (*group, *filters, *channel)).reshape(g, n, k)
    beside = fill_of(sized, 1 - number)
    values, w_from = task.filters(1 - number)
    if w_from is not None and beside:  # numbers that stand beyond its edges are put there first
        w_from, values, w = made.moved(w_from, w, beside), places(w.shape) + 1, places(w.shape)
    flat = np.append(values.reshape(-1), [0 if w_from else beside, 0]).astype(values.dtype)  # BEYOND and NOWHERE, from the end
    w = flat[w]
    axes = sized.equation.result.axes
    if len(of_y) < len(axes) or any(isinstance(axis, Address) for axis in axes):
        task = replace(task, bias=None)  # not yet: cells of the result have several of these values, or none
    shift, has_bias = task.shift((*group, *filters))
    shift = shift.reshape(g, n)
    source_name = task.held[number]
    assert isinstance(source_name, str)
    fill = fill_of(sized, number)
    if g > 1 and n <= FEW:
        y, table = _side_by_side(made, source_name, fill, x, w, shift, w_from)
    else:
        y, table = _grouped(made, source_name, fill, x, w, shift, w_from)
    extents = [int(sized.extents[i]) for i in (*position, *group, *filters)]
    return put(made, sized, y, table.reshape(extents), [*position, *group, *filters]), has_bias


def _over(sized: Sized, table: Array, names: Sequence[str], wanted: Sequence[str]) -> Array:
    """A table over other indices: in their order, repeated along those that it hasn't."""
    table = table.transpose([names.index(name) for name in wanted if name in names])
    shape = [int(sized.extents[name]) for name in wanted]
    return np.broadcast_to(table.reshape([e if name in names else 1 for name, e in zip(wanted, shape, strict=True)]), shape)


def _filled(array: Array, axis: int, to: int, value: float = 0) -> Array:
    wide = [(0, 0)] * array.ndim
    wide[axis] = (0, -array.shape[axis] % to)
    return np.pad(array, wide, constant_values=value)


def _grouped(made: Made, x: str, fill: float, table: Array, w: Array, shift: Array, w_from: str | None) -> tuple[str, Array]:
    """Filters in a vector, positions as samples; groups of more than one begin a block."""
    m, groups, _ = table.shape
    filters = w.shape[1]
    if groups > 1:
        table, w = _filled(table, 2, made.lanes, NOWHERE), _filled(_filled(w, 2, made.lanes), 1, made.lanes)
        shift = _filled(shift, 1, made.lanes)
    name = made.moved(x, table.reshape(m, -1), fill)
    what = Convolution(Window(ONES, ONES), groups, w.shape[2], w.shape[1], (), ())
    y = made.add(Filters("", name, what, w.reshape(*w.shape, 1, 1, 1), shift.reshape(-1), w_from=w_from), (m, groups * w.shape[1]))
    return y, places((m, groups, w.shape[1]))[:, :, :filters]


def _side_by_side(made: Made, x: str, fill: float, table: Array, w: Array, shift: Array, w_from: str | None) -> tuple[str, Array]:
    """Groups in a vector, what is summed as taps; filter by filter."""
    m, groups, channels = table.shape
    filters = w.shape[1]
    if filters > 1:
        table, w, shift = _filled(table, 1, made.lanes, NOWHERE), _filled(w, 0, made.lanes), _filled(shift, 0, made.lanes)
    maps = w.shape[0]
    cells, shape = (m, channels) if channels > 1 else (1, m), (1, maps, m, 1) if channels > 1 else (1, maps, 1, m)
    name = made.moved(x, table.transpose(1, 0, 2).reshape(1, maps, *cells), fill)
    window = Window((1, *cells), (1, *shape[2:]), (1, 1, channels))
    parts = [
        made.add(
            Filters(
                "", name, Convolution(window, maps, 1, 1, (), ()), w[:, k].reshape(maps, 1, 1, 1, 1, channels), shift[:, k],
                w_from=w_from,
            ),
            shape,
        )
        for k in range(filters)
    ]  # fmt: skip
    y = parts[0] if filters == 1 else made.add(Joins("", tuple(parts)), (1, filters * maps, *shape[2:]))
    return y, places((filters, maps, m))[:, :groups].transpose(2, 1, 0)
