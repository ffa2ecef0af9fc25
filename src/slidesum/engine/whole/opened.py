"""Arrays of an equation with one axis an index: addresses as windows, an index that stands twice as a diagonal. And back.

They are told as tables of places: what an array of 0, 1, 2 … would become.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slidesum.core.axis import Address, Axis, indices
from slidesum.core.sized import Sized, Slide
from slidesum.engine.whole.gather import BEYOND, NOWHERE
from slidesum.laws.edge import constant, source

Array = Any
MOST = 2**26
"""Values of an opened array: beyond, it isn't made."""


class TooLarge(Exception):
    """It would be; or numbers stand beyond its edges that can't be put there."""


def places(shape: Sequence[Any]) -> Array:
    """Every value of an array in its own place.

    >>> places((2, 3)).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    extents = [int(n) for n in shape]
    return np.arange(int(np.prod(extents, dtype=np.int64))).reshape(extents)


def opened(sized: Sized, number: int) -> tuple[Array, list[str]]:
    """The table of an operand over its indices, and these."""
    operand = sized.equation.operands[number]
    names = list(operand.indices)
    grids = _grids(sized, names)
    cells, beyond = _cells(sized, number, operand.axes, grids)
    code = BEYOND if fill_of(sized, number) else NOWHERE
    where = places(sized.shapes[number])[tuple(cells)] if cells else places(())
    shape = [int(sized.extents[name]) for name in names]
    return np.broadcast_to(np.where(beyond, code, where), shape), names


def fill_of(sized: Sized, number: int) -> float:
    """What stands beyond the edges of an operand: for a maximum or minimum a number that never wins, if none is named."""
    slides = [slide for (owner, _), slide in sized.slides.items() if owner == number and slide.is_padded]
    numbers = {_beyond(sized, slide) for slide in slides if slide.border not in ("circular", "reflect", "replicate")}
    if len(numbers) > 1:
        raise TooLarge
    return next(iter(numbers), 0.0)


def _beyond(sized: Sized, slide: Slide) -> float:
    reduce = sized.equation.reduce
    if slide.border == "zero" and reduce in ("max", "min"):
        return -np.inf if reduce == "max" else np.inf
    number = constant(slide.border)
    if isinstance(number, complex):
        raise TooLarge
    return float(number)


def _grids(sized: Sized, names: Sequence[str]) -> dict[str, Array]:
    extents = [int(sized.extents[name]) for name in names]
    if np.prod(extents, dtype=np.float64) > MOST:
        raise TooLarge
    return dict(zip(names, np.ogrid[tuple(slice(n) for n in extents)], strict=True)) if names else {}


def _cells(sized: Sized, number: int, axes: Sequence[Axis], grids: dict[str, Array]) -> tuple[list[Array], Array]:
    """The cell along every axis that index values stand for, and whether there is none."""
    cells, beyond = [], np.zeros((1,) * len(grids), bool)
    for place, axis in enumerate(axes):
        if isinstance(axis, Address):
            slide = sized.slides[number, place]
            wanted = int(slide.start) + sum(int(step) * grids[name] for name, step in slide.steps)
            lowest, highest = int(wanted.min()), int(wanted.max())
            there = [source(cell, int(slide.extent), slide.border) for cell in range(lowest, highest + 1)]
            cell = np.array([NOWHERE if found is None else found for found in there])[wanted - lowest]
            beyond = beyond | (cell < 0)
            cells.append(np.maximum(cell, 0))
        else:
            cells.append(grids[indices(axis)[0]])
    return cells, beyond


def folded(sized: Sized, table: Array, names: Sequence[str]) -> Array:
    """A table over indices of the result as the result: (so many, *its shape), to be summed over the first axis.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> folded(solve(parse("i u -> i+u"), [(3, 2)]), places((3, 2)), ["i", "u"]).tolist()
    [[0, 1, 3, 5], [-1, 2, 4, -1]]
    """
    shape = tuple(int(n) for n in sized.result_shape)
    axes = sized.equation.result.axes
    if all(not isinstance(axis, Address) for axis in axes) and len(names) == len(axes):
        return table.transpose([names.index(indices(axis)[0]) for axis in axes])[None]
    more = [name for name in sized.equation.result.indices if name not in names]  # on no operand: repeated along them
    names = [*names, *more]
    shape_of_table = [int(sized.extents[name]) for name in names]
    table = np.broadcast_to(table.reshape(*table.shape, *[1] * len(more)), shape_of_table)
    cells, beyond = _cells(sized, -1, axes, _grids(sized, names))
    flat = np.ravel_multi_index(np.broadcast_arrays(*cells), shape) if cells else np.zeros((), np.int64)
    to, is_beyond = np.broadcast_to(flat, table.shape).reshape(-1), np.broadcast_to(beyond, table.shape).reshape(-1)
    to, what = to[~is_beyond], table.reshape(-1)[~is_beyond]
    order = np.argsort(to, kind="stable")
    to, what = to[order], what[order]
    firsts = np.searchsorted(to, to)
    turn = np.arange(len(to)) - firsts
    many = int(turn.max(initial=0)) + 1
    if many * int(np.prod(shape, dtype=np.int64)) > MOST:
        raise TooLarge
    made = np.full((many, int(np.prod(shape, dtype=np.int64))), NOWHERE, np.int64)
    made[turn, to] = what
    return made.reshape(many, *shape)
