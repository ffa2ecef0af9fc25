"""Which terms make one output value: coordinates only, no arrays.

Where `run/reference.py` goes from every term to the cell it falls on, this law goes the other way, from one cell to its terms. The
two are written independently and tested against each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.sized import Sized, Slide
from slidesum.errors import RankError
from slidesum.laws.edge import held, source


@dataclass(frozen=True, slots=True)
class Reading:
    """One term: the value of every index, and for every operand the cell that is read.

    `cells` are the addresses as they are; they may lie outside the array. `sources` are the cells whose values stand there, or None
    where the border is a constant.
    """

    values: Mapping[str, int]
    cells: tuple[tuple[int, ...], ...]
    sources: tuple[tuple[int, ...] | None, ...]

    @property
    def in_border(self) -> bool:
        """Whether any operand is read outside its array."""
        return any(cell != source for cell, source in zip(self.cells, self.sources, strict=True))


def readings(sized: Sized, at: Sequence[int]) -> Iterator[Reading]:
    """Every term of the output value at `at`, input maps outside, taps inside.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> [r.cells for r in readings(solve(parse("i+u-1, u -> i"), [(5,), (3,)]), (0,))]
    [((-1,), (0,)), ((0,), (1,)), ((1,), (2,))]
    """
    _check_place(sized, at)
    fixed, constraints = _fixed(sized, at)
    if fixed is None:
        return
    solved = _solvable([slide for slide, _ in constraints], fixed)
    free = [name for name in _order(sized) if name not in fixed and name not in solved]
    wired = sized.connections
    connected = set(wired.pairs) if wired else set()
    for cells in itertools.product(*(_falling_on(slide, cell) for slide, cell in constraints)):
        there = [(slide, cell) for (slide, _), cell in zip(constraints, cells, strict=True)]
        for values in itertools.product(*(range(sized.extents[name]) for name in free)):
            full = fixed | dict(zip(free, values, strict=True))
            for position, k in solved.items():
                slide, cell = there[k]
                full[position] = (cell - slide.cell(full | {position: 0})) // slide.stride
            if any(not 0 <= full[position] < sized.extents[position] for position in solved):
                continue
            if any(slide.cell(full) != cell for slide, cell in there):
                continue
            if wired is None or (full[wired.indices[0]], full[wired.indices[1]]) in connected:
                yield _reading(sized, full)


def _falling_on(slide: Slide, cell: int) -> list[int]:
    """The cells, beyond the edge too, of which a result keeps the sum at `cell`."""
    low, high = slide.padding
    beyond = (*range(-low, 0), *range(slide.extent, slide.extent + high))
    return [cell, *(c for c in beyond if source(c, slide.extent, slide.border) == cell)]


def _solvable(slides: Sequence[Slide], fixed: Mapping[str, int]) -> dict[str, int]:
    """Positions that need no loop, with the number of the address that tells them once its other indices are known."""
    solved: dict[str, int] = {}
    needed: set[str] = set()
    for k, slide in enumerate(slides):
        others = {name for name, _ in slide.steps if name != slide.position}
        assert slide.position is not None
        if slide.position not in fixed and slide.position not in needed and others.isdisjoint(solved):
            solved.setdefault(slide.position, k)
            needed |= others
    return solved


def bias_cell(sized: Sized, at: Sequence[int]) -> tuple[int, ...]:
    """Where the bias of the output value at `at` stands."""
    assert sized.equation.bias is not None
    _check_place(sized, at)
    values, _ = _fixed(sized, at)
    assert values is not None  # the result of a layer with a bias names every index once
    return tuple(_cell(sized, -2, place, axis, values) for place, axis in enumerate(sized.equation.bias.axes))


def _check_place(sized: Sized, at: Sequence[int]) -> None:
    shape = sized.result_shape
    if len(at) != len(shape) or not all(0 <= place < n for place, n in zip(at, shape, strict=True)):
        raise RankError(
            f"there is no output value at {tuple(at)}",
            usual=f"The result has the shape {tuple(shape)}, counted from 0.",
            advice=f"Give {len(shape)} coordinates inside it.",
        )


def _fixed(sized: Sized, at: Sequence[int]) -> tuple[dict[str, int] | None, list[tuple[Slide, int]]]:
    """The index values that the place tells outright, and the addresses that constrain the others.

    The result of a gradient may name an index twice; then None off its diagonal.
    """
    fixed: dict[str, int] = {}
    constraints: list[tuple[Slide, int]] = []
    for place, (axis, cell) in enumerate(zip(sized.equation.result.axes, at, strict=True)):
        if isinstance(axis, Address):
            constraints.append((sized.slides[-1, place], cell))
            continue
        for name in reversed(indices(axis)):
            cell, value = divmod(cell, sized.extents[name])
            if fixed.setdefault(name, value) != value:
                return None, []
    return fixed, constraints


def _order(sized: Sized) -> list[str]:
    """Loops from the outside in: what x carries bare, what only filters carry, then the taps in the order of the addresses."""
    taps = [name for slide in sized.slides.values() for name, _ in slide.taps]
    operands = (name for operand in sized.equation.operands for name in operand.indices)
    names = list(dict.fromkeys((*operands, *sized.equation.indices)))
    return [n for n in names if n not in taps] + [n for n in names if n in taps]


def _reading(sized: Sized, values: Mapping[str, int]) -> Reading:
    cells, sources = list[tuple[int, ...]](), list[tuple[int, ...] | None]()
    for number, operand in enumerate(sized.equation.operands):
        cell = tuple(_cell(sized, number, place, axis, values) for place, axis in enumerate(operand.axes))
        found = [held(sized, number, place, c) for place, c in enumerate(cell)]
        inside = tuple(place for place in found if place is not None)
        cells.append(cell)
        sources.append(inside if len(inside) == len(found) else None)
    return Reading(values, tuple(cells), tuple(sources))


def _cell(sized: Sized, number: int, place: int, axis: Axis, values: Mapping[str, int]) -> int:
    match axis:
        case Name(name):
            return values[name]
        case Merged(names):
            cell = 0
            for name in names:
                cell = cell * sized.extents[name] + values[name]
            return cell
        case Address():
            return sized.slides[number, place].cell(values)
        case _:
            return 0
