"""One operand as a pooling or filters between moves; and the moves that products have, too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.core.sized import Sized
from slidesum.engine.whole.meaning import ONES, Convolution, Pooling, Window
from slidesum.engine.whole.opened import fill_of, folded, opened, places
from slidesum.engine.whole.spread import Line
from slidesum.engine.whole.tables import all_exist
from slidesum.engine.whole.units import Filters, Pools
from slidesum.plans.lowering import Laid, Lowering, lowered

if TYPE_CHECKING:
    from slidesum.engine.whole.lower import Lowering as Made

Array = Any


def extent_of(sized: Sized, names: Sequence[str]) -> int:
    """How many values these indices take together."""
    return math.prod(int(sized.extents[name]) for name in names)


def laid(array: Array, how: Laid) -> Array:
    """An array with the axes of a convolution."""
    return array.reshape(how.given).transpose(how.order).reshape(how.shape)


def window_of(lines: tuple[Line, Line, Line], positions: tuple[int, ...] | None) -> Window:
    """Where windows lie; of a transposed convolution, over the cells that it reads."""
    a, b, c = lines
    cells = (a.cells, b.cells, c.cells)
    if positions is None:
        return Window(cells, cells, (a.taps, b.taps, c.taps))
    z, i, j = [*[1] * (3 - len(positions)), *positions]
    return Window(
        cells, (z, i, j), (a.taps, b.taps, c.taps), (a.stride, b.stride, c.stride), (a.dilation, b.dilation, c.dilation),
        (a.low, b.low, c.low),
    )  # fmt: skip


def reopened(made: Made, low: Lowering, y: str) -> str:
    """The result of a convolution with its axes opened and in their order."""
    y_in_order = low.y_order == tuple(range(len(low.y_order)))
    return made.viewed(y, low.y_shape) if y_in_order else made.moved(y, places(low.y_shape).transpose(low.y_order))


def put(made: Made, sized: Sized, y: str, table: Array, names: Sequence[str]) -> str:
    """Where the result has them; what falls on one cell is summed."""
    there = folded(sized, table, names)
    if len(there) == 1:
        return made.moved(y, there[0])
    return _summed(made, y, there.reshape(len(there), -1).T, there.shape[1:], "sum")


def _summed(made: Made, x: str, table: Array, shape: Sequence[int], reduce: Any, fill: float = 0.0) -> str:
    """(values, summed) -> the values, in this shape."""
    values, count = table.shape
    name = made.moved(x, table.reshape(1, values, count), fill)
    what = Pooling(Window((1, 1, count), ONES, (1, 1, count)), reduce)
    return made.moved(made.add(Pools("", name, what), (1, values, 1)), places(shape))


def pooled(made: Made, sized: Sized, x: str) -> str:
    """One operand: moved, reduced over windows where they are a convolution's, or opened and reduced."""
    equation = sized.equation
    if equation.summed and (low := _windows(sized)) is not None:
        table = laid(places(sized.shapes[0]), low.x_laid)
        name = made.moved(x, table.reshape(1, -1, *table.shape[2:]))
        y = made.add(
            Pools("", name, Pooling(_pooling_window(sized, low), equation.reduce)), (1, *low.y_given[:1], *low.y_given[2:])
        )
        return reopened(made, low, y)
    table, names = opened(sized, 0)
    kept = [name for name in equation.result.indices if name in names]
    gone = [name for name in names if name not in kept]
    fill = fill_of(sized, 0)
    extents = [int(sized.extents[name]) for name in kept]
    table = table.transpose([names.index(name) for name in (*kept, *gone)])
    if not gone:
        return put(made, sized, made.moved(x, table, fill), places(extents), kept)
    count = extent_of(sized, gone)
    maps_first = np.moveaxis(table.reshape(*extents, count), -1, 1) if len(kept) in (2, 3, 4) else None
    if equation.reduce in ("sum", "mean") and maps_first is not None and _is_in_order(made, x, maps_first):
        depth, rows, columns = (*[1] * (4 - len(extents)), *extents[1:])
        cells = (depth, rows, columns)
        mixing = Convolution(Window(cells, cells), 1, count, 1, (), ())
        weight = 1 / count if equation.reduce == "mean" else 1
        w = np.full((1, 1, count, 1, 1, 1), weight, np.float32)
        name = made.moved(x, maps_first)
        y = made.add(Filters("", name, mixing, w, np.zeros(1, np.float32), counts=False), (extents[0], 1, *extents[1:]))
    else:
        y = _summed(made, x, table.reshape(-1, count), extents, equation.reduce, fill)
    return put(made, sized, y, places(extents), kept)


def _is_in_order(made: Made, x: str, table: Array) -> bool:
    """Whether x is it already, so that nothing has to be moved to sum its maps."""
    return tuple(made.shapes[x]) == table.shape and np.array_equal(table.reshape(-1), np.arange(table.size))


def _windows(sized: Sized) -> Lowering | None:
    """Windows that nothing else is summed with, over up to three axes, each with a cell that exists."""
    low = lowered(sized)
    if low is None or low.w is not None or low.scatters or low.channel or not sized.slides or len(low.lines) > 3:
        return None
    if any(line.slide.is_padded and line.slide.border != "zero" for line in low.lines):
        return None
    return low if all_exist(_pooling_window(sized, low)) else None


def _pooling_window(sized: Sized, low: Lowering) -> Window:
    lines = [
        Line(
            n, 1, int(sized.extents[line.tap]) if line.tap else 1, int(line.stride), abs(int(line.dilation)),
            int(line.slide.padding[0]),
        )
        for n, line in zip(low.x_laid.shape[2:], low.lines, strict=True)
    ]  # fmt: skip
    a, b, c = [*[Line(1, 1)] * (3 - len(lines)), *lines]
    return window_of((a, b, c), low.positions)
