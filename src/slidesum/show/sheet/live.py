"""The terms of one value as cells, whose place is typed: what `laws.explain` tells of an equation, for any place.

A term is a row: the indices that the sum runs over are numbers, the place stands in cells, and what the term reads is found by
INDEX. An address is computed in a cell of its own; beyond the edge, the border stands. In a transposed layer the position that
falls on the place is computed too, and a tap that nothing falls through has an empty row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.sized import Sized, Slide
from slidesum.laws.edge import REPEATING, constant
from slidesum.laws.explain import readings
from slidesum.show.sheet.area import Area
from slidesum.show.sheet.functions import number
from slidesum.show.sheet.names import fixed_span, quoted


@dataclass(frozen=True)
class Linear:
    """A number and cells, each times a number: `1+30*$B$4`."""

    constant: int = 0
    cells: Mapping[str, int] = field(default_factory=dict)

    def plus(self, other: Linear, times: int = 1) -> Linear:
        """The sum with another one, times a number."""
        cells = dict(self.cells)
        for name, count in other.cells.items():
            cells[name] = cells.get(name, 0) + times * count
        return Linear(self.constant + times * other.constant, {name: count for name, count in cells.items() if count})

    def __str__(self) -> str:
        told = "".join(
            f"{count:+d}*{name}" if abs(count) != 1 else f"{'+' if count > 0 else '-'}{name}" for name, count in self.cells.items()
        )
        rest = f"{self.constant:+d}" if self.constant or not told else ""
        return (told + rest).removeprefix("+")


@dataclass(frozen=True)
class Terms:
    """How the terms of an equation are written: the names that are looped over, those that a place solves."""

    sized: Sized
    loops: tuple[str, ...]
    solved: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many terms there are, those in the border too."""
        return prod(self.sized.extents[name] for name in self.loops)

    @property
    def rows(self) -> Iterator[tuple[int, ...]]:
        """The values of the loops, term by term."""
        return itertools.product(*(range(self.sized.extents[name]) for name in self.loops))

    @property
    def addresses(self) -> list[tuple[int, int, Slide]]:
        """The addresses of operands, each of which has a column."""
        return [(n, place, slide) for (n, place), slide in sorted(self.sized.slides.items()) if n >= 0]


def terms_of(sized: Sized, at: Sequence[int]) -> Terms | None:
    """None where the result folds cells from beyond its edge onto itself, or no cell solves a position."""
    result = sized.equation.result
    bare = {name for axis in result.axes if not isinstance(axis, Address) for name in indices(axis)}
    solved: dict[str, int] = {}
    for place, axis in enumerate(result.axes):
        if isinstance(axis, Address):
            slide = sized.slides[-1, place]
            names = {name for name, _ in slide.steps}
            if slide.border in REPEATING or slide.position is None or slide.position in bare or names & set(solved):
                return None
            solved[slide.position] = place
    first = next(iter(readings(sized, at)), None)
    if first is None or len(set(result.indices)) < sum(len(indices(axis)) for axis in result.axes):
        return None
    return Terms(sized, tuple(name for name in first.values if name not in bare and name not in solved), solved)


def index_text(area: Area, cells: Sequence[Linear | str]) -> str:
    """INDEX of an array by the cells along its axes."""
    row, column = Linear(1), Linear(1)
    more_rows = more_columns = ""
    for axis, (value, (rows, columns)) in enumerate(zip(cells, area.steps, strict=True)):
        if area.line and axis == area.columns:
            more_rows += f"+INT(({value})/{area.line})"
            more_columns += f"+MOD({value},{area.line})"
        elif isinstance(value, Linear):
            row, column = row.plus(value, rows), column.plus(value, columns)
        else:
            more_rows += f"+{rows}*({value})" if rows else ""
            more_columns += f"+{columns}*({value})" if columns else ""
    whole = fixed_span(area.top, area.left, *area.end)
    return f"INDEX({quoted(area.sheet)}{whole},{row}{more_rows},{column}{more_columns})"


def axis_cell(sized: Sized, axis: Axis, names: Mapping[str, Linear], address: str) -> Linear | str:
    """The cell along one axis, from the values of the indices and the cell that holds the axis's address."""
    match axis:
        case Name(name):
            return names[name]
        case Merged(merged):
            found = Linear()
            for name in merged:
                found = Linear().plus(found, sized.extents[name]).plus(names[name])
            return found
        case Address():
            return address
        case _:
            return Linear()


def sum_text(slide: Slide, names: Mapping[str, Linear]) -> str:
    """An address: its start, and the steps of its indices."""
    found = Linear(int(slide.start))
    for name, step in slide.steps:
        found = found.plus(names[name], int(step))
    return str(found)


def solved_text(slide: Slide, typed: str, names: Mapping[str, Linear]) -> str:
    """The position whose window falls on the place that was typed, whole or not."""
    rest = Linear(int(slide.start))
    for name, step in slide.steps:
        if name != slide.position:
            rest = rest.plus(names[name], int(step))
    return f"({typed}-({rest}))/{slide.stride}"


def held_text(slide: Slide, address: str) -> str:
    """The cell that an address stands for, where the border repeats cells."""
    n = slide.extent
    match slide.border:
        case "circular":
            return f"MOD({address},{n})"
        case "replicate":
            return f"MAX(0,MIN({n - 1},{address}))"
        case "reflect":
            return f"({n - 1}-ABS({n - 1}-MOD({address},{2 * (n - 1)})))" if n > 1 else "0"
        case _:
            return address


def beyond_text(sized: Sized, reduce: str, border: object) -> str:
    """What a cell beyond the edge is read as: nothing, for a maximum that no border was named for."""
    if reduce in ("max", "min") and border == "zero":
        return '""'
    return number(float(np.real(constant(sized.border))))
