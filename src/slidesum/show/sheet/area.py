"""Where one array stands on a sheet: an index becomes a cell, by a step of rows and columns for every axis.

The last two axes of a map are the rows and columns of a tile. Tiles stand below each other along the axes `down` and beside each
other along the axes `across`, a free row and column between them; single numbers stand close, as a matrix. So a window of a map is
a range of cells, and so is a filter.

    >>> maps = area("conv1", "maps", (1, 3, 4, 5), rows=2, columns=3, down=(0, 1))
    >>> maps.cell((0, 0, 0, 0)), maps.cell((0, 2, 3, 4)), maps.steps
    ((0, 0), (13, 4), ((15, 0), (5, 0), (1, 0), (0, 1)))

A row that would be longer than `LONGEST_LINE` is broken into lines.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

Cell = tuple[int, int]

LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class Area:
    """An array on a sheet.

    `rows` and `columns` are the axes of a tile, if it has them; `line` is the length of a broken row, or 0.
    """

    sheet: str
    title: str
    top: int
    left: int
    shape: tuple[int, ...]
    steps: tuple[Cell, ...]
    rows: int | None
    columns: int | None
    down: tuple[int, ...]
    across: tuple[int, ...]
    line: int = 0

    def cell(self, index: Sequence[int]) -> Cell:
        """The row and column of one number, counted from 0."""
        row, column = self.top, self.left
        for axis, (value, (rows, columns)) in enumerate(zip(index, self.steps, strict=True)):
            if self.line and axis == self.columns:
                row += value // self.line
                column += value % self.line
            else:
                row += value * rows
                column += value * columns
        return row, column

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def tile(self) -> Cell:
        """The rows and columns of a tile."""
        rows = 1 if self.rows is None else self.shape[self.rows]
        columns = 1 if self.columns is None else self.shape[self.columns]
        return (-(-columns // self.line), self.line) if self.line else (rows, columns)

    @property
    def end(self) -> Cell:
        """The last row and column."""
        height, width = self.tile
        row, column = self.top + height - 1, self.left + width - 1
        for axis in (*self.down, *self.across):
            row += (self.shape[axis] - 1) * self.steps[axis][0]
            column += (self.shape[axis] - 1) * self.steps[axis][1]
        return row, column

    @property
    def is_line(self) -> bool:
        """Whether it is one row of numbers, such as the scores of the classes."""
        return self.rows is None and prod(self.shape[axis] for axis in (*self.down, *self.across)) == 1

    @property
    def is_matrix(self) -> bool:
        """Whether its tiles are single rows or numbers, standing close."""
        return self.tile[0] == 1 and (self.tile[1] == 1 or not self.across)

    def indices(self) -> Iterator[tuple[int, ...]]:
        """All indices, the last axis fastest."""
        return itertools.product(*map(range, self.shape))

    def tiles(self) -> Iterator[tuple[dict[int, int], int, int, int, int]]:
        """Every tile: the indices along the other axes, and its first and last row and column."""
        others = (*self.down, *self.across)
        height, width = self.tile
        for values in itertools.product(*(range(self.shape[axis]) for axis in others)):
            given = dict(zip(others, values, strict=True))
            row, column = self.cell([given.get(axis, 0) for axis in range(len(self.shape))])
            yield given, row, column, row + height - 1, column + width - 1


def area(
    sheet: str,
    title: str,
    shape: Sequence[int],
    *,
    rows: int | None = None,
    columns: int | None = None,
    down: Sequence[int] = (),
    across: Sequence[int] = (),
    top: int = 0,
    left: int = 0,
    pitch: int = 0,
) -> Area:
    """An array whose first cell is at `top` and `left`; tiles are at least `pitch` rows apart."""
    line = LONGEST_LINE if columns is not None and rows is None and shape[columns] > LONGEST_LINE else 0
    wide = 1 if columns is None else line or shape[columns]
    high = 1 if rows is None else shape[rows]
    if line and columns is not None:
        high = -(-shape[columns] // line)
    close = high == 1 and (wide == 1 or not across)
    steps: list[Cell] = [(0, 0)] * len(shape)
    if rows is not None:
        steps[rows] = (1, 0)
    if columns is not None:
        steps[columns] = (0, 1)
    step = max(high if high == 1 else high + 1, pitch)
    for axis in reversed(down):
        steps[axis] = (step, 0)
        step *= shape[axis]
    step = wide if close else wide + 1
    for axis in reversed(across):
        steps[axis] = (0, step)
        step = step * shape[axis] + (0 if close or shape[axis] == 1 else 1)
    return Area(sheet, title, top, left, tuple(shape), tuple(steps), rows, columns, tuple(down), tuple(across), line)
