"""How much a workbook will be, told before it is written, and what is too much.

    formulas     200,000      ours: a workbook with more takes minutes to open, where it opens at all. The sheet Explain has as many
                              as there is room for
    cells        10 million   Google Sheets, in one workbook
    rows         1,048,576    Excel and LibreOffice
    columns      16,384       Excel and LibreOffice
    characters   8,192        Excel, in one formula (`equations` breaks longer ones up)
    arguments    255          Excel, of one function (`functions` nests more)

Formulas are told as many as there are at most: a count may turn out to be a number, a cell to have nothing to read. Bytes and
seconds are estimates, from the lengths of the formulas; docs/sheet.md has what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from slidesum.core.ops import Input, Layer, Stored
from slidesum.errors import UsageError
from slidesum.show.sheet import network, prediction
from slidesum.show.sheet.layout import LayerSheet, Layout
from slidesum.show.sheet.panels import Panels
from slidesum.show.sheet.part import Part

MOST_FORMULAS = 200_000
MOST_CELLS = 10_000_000
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384

BYTES_A_CELL, BYTES_A_FORMULA, BYTES_A_CHARACTER = 10, 16, 0.09
SECONDS_A_CELL, SECONDS_A_FORMULA, SECONDS_A_CHARACTER = 1.5e-5, 9e-5, 2e-7
FEW, EXPLAINED = 24, 50
"""The formula of a layer that is no equation has about so many characters, and one of the sheet Explain."""


@dataclass(frozen=True)
class Estimate:
    """What a workbook comes to: formulas, cells with a number, bytes of the file, seconds to write it."""

    formulas: int
    cells: int
    bytes: int
    seconds: float
    rows: int = 0
    columns: int = 0
    widest: str = ""

    def plus(self, formulas: int, characters: float) -> Estimate:
        """With more formulas, of so many characters each."""
        return replace(
            self,
            formulas=self.formulas + formulas,
            bytes=self.bytes + int(formulas * (BYTES_A_FORMULA + BYTES_A_CHARACTER * characters)),
            seconds=self.seconds + formulas * (SECONDS_A_FORMULA + SECONDS_A_CHARACTER * characters),
        )

    def with_panels(self, panels: Panels) -> Estimate:
        """With the sheet Explain."""
        return self.plus(panels.formulas, EXPLAINED)

    def __str__(self) -> str:
        told = f"about {self.bytes / 1e6:.1f} MB, about {max(1, round(self.seconds))} s"
        return f"{self.formulas:,} formulas, {self.cells:,} cells, {told}"


def estimate(layout: Layout, part: Part) -> Estimate:
    """The sizes of everything that would be written but the sheet Explain, which has the room that is left."""
    told = Estimate(0, 0, 0, 0.0)
    cells = rows = columns = 0
    widest = ""
    for sheet in layout.sheets:
        numbers = sum(one.size for one in (*sheet.arrays.values(), *sheet.fixed.values()))
        cells += numbers + sheet.result.size
        told = told.plus(*_formulas(layout, sheet, part))
        for row, column in (one.end for one in sheet.areas):
            if row + 1 > rows or column + 1 > columns:
                widest = sheet.name
            rows, columns = max(rows, row + 1), max(columns, column + 1)
    if part.formulas:
        told = told.plus(network.most_formulas(layout) + prediction.formulas(layout), FEW)
    size, seconds = told.bytes + BYTES_A_CELL * cells, told.seconds + SECONDS_A_CELL * cells
    return Estimate(told.formulas, cells, size, seconds, rows, columns, widest)


def refuse_large(name: str, told: Estimate) -> None:
    """Raise UsageError for what is too much, with what would be written and what to do."""
    advice = (
        "Write a part of it: --layers conv1..pool2, or --crop TOP,LEFT,ROWS,COLUMNS of the image, or --values without formulas."
    )
    if told.formulas > MOST_FORMULAS:
        raise UsageError(
            f"the sheet of {name} would have {told}",
            usual=f"More than {MOST_FORMULAS:,} formulas are refused: hardly a spreadsheet computes them.",
            advice=advice,
        )
    if told.cells > MOST_CELLS:
        raise UsageError(
            f"the sheet of {name} would have {told}",
            usual=f"Google Sheets takes {MOST_CELLS:,} cells.",
            advice="Write fewer layers: --layers conv1..pool2.",
        )
    if told.rows > MOST_ROWS or told.columns > MOST_COLUMNS:
        raise UsageError(
            f"the sheet {told.widest!r} of {name} would have {told.rows:,} rows and {told.columns:,} columns",
            usual=f"A sheet has {MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns at most.",
            advice="Leave that layer out: --layers conv1..pool2.",
        )


def _formulas(layout: Layout, sheet: LayerSheet, part: Part) -> tuple[int, float]:
    """How many formulas a sheet has, and how long one is."""
    node = sheet.node
    if not sheet.live or isinstance(node.op, Input | Stored) or not sheet.result.size:
        return 0, 0.0
    count = part.count(sheet.shown, sheet.result.shape) * (1 + len(sheet.sums)) + sum(one.size for one in sheet.helpers.values())
    if not isinstance(node.op, Layer):
        return count, FEW
    middle = [n // 2 for n in sheet.result.shape]
    pieces, _ = layout.formulas(sheet).pieces(middle)
    return count, FEW + sum(map(len, pieces)) / (1 + len(sheet.sums))
