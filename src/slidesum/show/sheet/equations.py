"""The formula of a cell whose layer is an equation: the terms that `laws.explain` tells, as cells.

    2-D, type 2.2      SUMPRODUCT(patch of map 0, filter 0) + SUMPRODUCT(patch of map 1, filter 1) + … + bias
    zero padding       the part of the window that lies on the map, times that part of the filter
    other borders      the cells that they repeat, or their number
    dilated            product by product, since the cells read have others between them
    pooling            MAX, MIN, AVERAGE or SUM of the window

Places that read nothing beyond an edge read alike: what one of them reads is what another one reads, moved. So terms are asked for
once for every such kind of place, and moved as a spreadsheet moves a formula that is copied; an index that meets an edge, stands in
an address of the result, or in a table of connections, is a kind for every value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.sized import Border, Sized
from slidesum.laws.edge import constant
from slidesum.laws.explain import Reading, readings
from slidesum.show.sheet.area import Area, Cell
from slidesum.show.sheet.functions import of_many
from slidesum.show.sheet.names import cell, quoted
from slidesum.show.sheet.patches import Factor, Patch, patches, product_text, range_text

LONGEST_FORMULA = 8000
"""Excel takes 8192 characters."""

Moves = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Kind:
    """What all places of a kind read: found at the index values `base`; `terms` counts those in the border, too."""

    base: Mapping[str, int]
    terms: int
    patches: Sequence[Patch]


class Formulas:
    """The formulas of one layer. `areas` are where its operands stand, `sheet` where the formulas will."""

    def __init__(self, sized: Sized, border: Border, areas: Sequence[Area], bias: Area | None, sheet: str) -> None:
        self.sized, self.border, self.areas, self.bias = sized, border, areas, bias
        self.reduce = sized.equation.reduce
        self._sheets = [_before(area, sheet) for area in areas]
        self._moves = [moves(sized, number, operand.axes, areas[number]) for number, operand in enumerate(sized.equation.operands)]
        self._bias_moves = moves(sized, -2, sized.equation.bias.axes, bias) if sized.equation.bias and bias else {}
        self._bias_sheet = _before(bias, sheet) if bias else ""
        self._alike = {name: _alike(sized, name, areas) for name in sized.extents}
        self._kinds: dict[tuple[int | None, ...], Kind] = {}

    def pieces(self, at: Sequence[int]) -> tuple[list[str], int]:
        """The sums of products, or the ranges of a pooling, that make the value at `at`; and how many terms they are."""
        values, key = self._place(at)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = self._asked(at, values)
        shifts = [self._shift(k, values, kind) for k in range(len(self._moves))]
        if self.reduce in ("max", "min"):
            return [range_text(patch, 0, self._sheets[0], shifts[0]) for patch in kind.patches], kind.terms
        return [product_text(patch, self._sheets, shifts) for patch in kind.patches], kind.terms

    def text(self, at: Sequence[int]) -> str | None:
        """The formula, without its '='; None where nothing is read of which a maximum could be taken."""
        told, terms = self.pieces(at)
        return self.finished(told, at, terms)

    def finished(self, told: Sequence[str], at: Sequence[int], terms: int) -> str | None:
        """From the pieces, or from the cells that hold sums of them, to the value."""
        match self.reduce:
            case "max" | "min":
                return of_many(self.reduce.upper(), told) if told else None
            case "mean":
                whole = told[0] if len(told) == 1 else ""
                if whole.startswith("SUM(") and self._is_whole(at):
                    return f"AVERAGE({whole.removeprefix('SUM(')}"
                return f"({'+'.join(told) or '0'})/{terms}"
            case _:
                bias = [self._bias_sheet + cell(*self._bias_cell(at))] if self.bias is not None else []
                return "+".join([*told, *bias]) or "0"

    def partial(self, told: Sequence[str]) -> str:
        """Some of the pieces in one cell."""
        if self.reduce in ("max", "min"):
            return of_many(self.reduce.upper(), told) if told else ""
        return "+".join(told) or "0"

    def reads(self, at: Sequence[int]) -> str | None:
        """The cells of the first input that the value at `at` reads first, with their sheet."""
        values, key = self._place(at)
        told, _ = self.pieces(at)
        if not told:
            return None
        kind = self._kinds[key]
        start = kind.patches[0].starts[0]
        shift = self._shift(0, values, kind)
        return range_text(kind.patches[0], 0, quoted(self.areas[0].sheet), shift) if isinstance(start, tuple) else None

    def _shift(self, number: int, values: Mapping[str, int], kind: Kind) -> Cell:
        """How far what factor `number` reads has been moved from where the kind was found."""
        rows = columns = 0
        for name, (down, right) in self._moves[number].items():
            if name in values:
                steps = values[name] - kind.base[name]
                rows, columns = rows + steps * down, columns + steps * right
        return rows, columns

    def parts(self, at: Sequence[int]) -> int:
        """In how many cells the pieces must stand, for no formula to become too long; 1 where they fit into the value's own."""
        told, _ = self.pieces(at)
        room = max(map(len, told), default=0) + 4  # rows and columns may have more digits elsewhere
        return ceil(len(told) * room / (LONGEST_FORMULA - 200))

    def _is_whole(self, at: Sequence[int]) -> bool:
        _, key = self._place(at)
        kind = self._kinds[key]
        return len(kind.patches) == 1 and kind.patches[0].rows * kind.patches[0].columns == kind.terms

    def _bias_cell(self, at: Sequence[int]) -> Cell:
        assert self.bias is not None
        values, _ = self._place(at)
        row, column = self.bias.top, self.bias.left
        for name, (rows, columns) in self._bias_moves.items():
            row, column = row + values[name] * rows, column + values[name] * columns
        return row, column

    def _place(self, at: Sequence[int]) -> tuple[dict[str, int], tuple[int | None, ...]]:
        """The index values that a place tells, and its kind."""
        values: dict[str, int] = {}
        key: list[int | None] = []
        for axis, place in zip(self.sized.equation.result.axes, at, strict=True):
            if isinstance(axis, Address):
                key.append(place)
                continue
            for name in reversed(indices(axis)):
                place, values[name] = divmod(place, self.sized.extents[name])
                key.append(None if self._alike[name][values[name]] else values[name])
        return values, tuple(key)

    def _asked(self, at: Sequence[int], values: Mapping[str, int]) -> Kind:
        asked = list(readings(self.sized, at))
        kept = [self._factors(reading) for reading in asked if not self._drops(reading)]
        if self.reduce in ("sum", "mean"):
            kept = [factors for factors in kept if 0.0 not in [f for f in factors if isinstance(f, float)]]
        return Kind(dict(values), len(asked), patches(kept))

    def _drops(self, reading: Reading) -> bool:
        return self.reduce in ("max", "min") and reading.in_border and self.border == "zero"

    def _factors(self, reading: Reading) -> tuple[Factor, ...]:
        beyond = float(np.real(constant(self.sized.border)))
        return tuple(
            beyond if source is None else area.cell(source) for source, area in zip(reading.sources, self.areas, strict=True)
        )


def moves(sized: Sized, number: int, axes: Sequence[Axis], area: Area) -> dict[str, Cell]:
    """How far a cell of operand `number` is moved by a step of each index."""
    found: dict[str, Cell] = {}

    def add(name: str, times: int, step: Cell) -> None:
        rows, columns = found.get(name, (0, 0))
        found[name] = (rows + times * step[0], columns + times * step[1])

    for place, (axis, step) in enumerate(zip(axes, area.steps, strict=True)):
        match axis:
            case Name(name):
                add(name, 1, step)
            case Merged(names):
                times = 1
                for name in reversed(names):
                    add(name, times, step)
                    times *= sized.extents[name]
            case Address():
                for name, times in sized.slides[number, place].steps:
                    add(name, times, step)
            case _:
                pass
    return found


def _alike(sized: Sized, name: str, areas: Sequence[Area]) -> list[bool]:
    """For every value of an index of the result, whether what is read there is what is read elsewhere, moved."""
    extent = sized.extents[name]
    kept = set(sized.equation.result.indices)
    broken = any(
        name in indices(operand.axes[area.columns])
        for operand, area in zip(sized.equation.operands, areas, strict=True)
        if area.line and area.columns is not None
    )
    wired = sized.connections is not None and name in sized.connections.indices
    alike = [not (broken or wired)] * extent
    for (number, _), slide in sized.slides.items():
        steps = dict(slide.steps)
        if number < 0 or name not in steps:
            continue
        others = [step * (sized.extents[other] - 1) for other, step in slide.steps if other != name]
        alone = all(other == name or other not in kept for other in steps)
        low = slide.start + sum(min(0, other) for other in others)
        high = slide.start + sum(max(0, other) for other in others)
        for value in range(extent):
            moved = steps[name] * value
            alike[value] &= alone and low + moved >= 0 and high + moved < slide.extent
    return alike


def _before(area: Area, sheet: str) -> str:
    return "" if area.sheet == sheet else quoted(area.sheet)
