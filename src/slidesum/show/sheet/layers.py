"""The sheet of one layer, or of the input: its maps, and what makes them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core.ops import Activation, Distance, Input, Layer, Stored
from slidesum.core.sized import Sized
from slidesum.notation.write import axis as written
from slidesum.notation.write import named
from slidesum.show.kinds import op_kind
from slidesum.show.sheet.area import Area
from slidesum.show.sheet.equations import LONGEST_FORMULA, Formulas
from slidesum.show.sheet.functions import applied
from slidesum.show.sheet.layout import LEFT, TOP, LayerSheet, Layout
from slidesum.show.sheet.names import cell, quoted
from slidesum.show.sheet.others import OtherFormulas, constant_of
from slidesum.show.sheet.part import Part
from slidesum.show.sheet.style import INNER, LABELS, SQUARE, Styles, printed, scale

MOST_LABELS = 2000
"""So many labels a side at most; further rows and columns have none."""

Place = tuple[int, ...]


class LayerWriter:
    """Writes the sheets of layers. `maps` are the numbers of a run, `part` says which cells are formulas."""

    def __init__(
        self,
        layout: Layout,
        values: Mapping[str, Any],
        maps: Mapping[str, Any],
        styles: Styles,
        part: Part,
    ) -> None:
        self.layout, self.values, self.maps, self.styles, self.part = layout, values, maps, styles, part
        self.formulas = 0
        self.kept: dict[str, int] = {}

    def write(self, page: Any, sheet: LayerSheet) -> None:
        """All of one sheet."""
        self._frame(page, sheet)
        self._arrays(page, sheet)
        self._labels(page, sheet)
        self._result(page, sheet)
        self._colours(page, sheet)
        self._head(page, sheet)

    # The frame

    def _frame(self, page: Any, sheet: LayerSheet) -> None:
        page.hide_gridlines(2)
        page.set_default_row(SQUARE * 0.75)
        last = max(area.end[1] for area in sheet.areas)
        page.set_column_pixels(0, 0, LABELS)
        page.set_column_pixels(LEFT, last + 2, SQUARE)
        for one in sheet.areas:
            if one.left > LEFT:
                page.set_column_pixels(one.left - 1, one.left - 1, INNER)
        for row, height in enumerate((28, 20, 20, 18, 18)):
            page.set_row_pixels(row, height)
        page.freeze_panes(TOP, LEFT)
        page.set_zoom(90)
        height = max(area.end[0] for area in sheet.areas)
        printed(page, wide=last > height, pages=0 if height > 200 else 1)

    def _head(self, page: Any, sheet: LayerSheet) -> None:
        node = sheet.node
        page.write_string(0, 0, sheet.result.title, self.styles["title"])
        told = named(node.op.equation) if isinstance(node.op, Layer) else op_kind(node)
        if sheet.follower is not None:
            told += f", then {op_kind(sheet.follower).removeprefix('activation ')} of it"
        if isinstance(node.op, Layer):
            told += f"     {op_kind(node)}"
        if not (sheet.live and self.part.formulas) and not isinstance(node.op, Input):
            told += "     numbers only, no formulas"
        if self.kept.get(node.name):
            told += f"     {self.kept[node.name]:,} cells hold numbers, no formulas"
        page.write_string(1, 0, told, self.styles["note"])
        page.write_url(2, 0, "internal:'Network'!A1", self.styles["link"], "↑ Network")
        reads = [("← ", self.layout.sheet_of(name)) for name in node.inputs]
        read = [("→ ", self.layout.sheet_of(user.name)) for user in self.layout.graph.users(sheet.shown)]
        column = LEFT + 1
        for arrow, other in [*reads, *read]:
            if other is not None:
                page.write_url(2, column, f"internal:{quoted(other.name)}A1", self.styles["link"], arrow + other.name)
                column += max(3, math.ceil(len(other.name) * 7 / SQUARE) + 1)

    def _labels(self, page: Any, sheet: LayerSheet) -> None:
        for one in sheet.areas:
            names = self._names(sheet, one)
            page.write_string(
                one.top - 2, one.left, "maps" if one is sheet.result and one.rows is not None else one.title, self.styles["heading"]
            )
            self._tile_labels(page, sheet, one, names)

    def _tile_labels(self, page: Any, sheet: LayerSheet, one: Area, names: Sequence[str]) -> None:
        side = [axis for axis in one.down if one.shape[axis] > 1]
        above = [axis for axis in one.across if one.shape[axis] > 1]
        for given, row, column, _, _ in itertools.islice(one.tiles(), MOST_LABELS):
            if side and all(given[axis] == 0 for axis in one.across):
                self._side_label(page, sheet, one, given, row, " ".join(f"{names[a]} {given[a]}" for a in side))
            if above and all(given[axis] == 0 for axis in one.down):
                page.write_string(one.top - 1, column, " ".join(f"{names[a]} {given[a]}" for a in above), self.styles["above"])
        if one.is_matrix and one.columns is not None and not one.line:
            for k in range(min(one.shape[one.columns], MOST_LABELS)):
                page.write_string(one.top - 1, one.left + k, str(k), self.styles["above"])

    def _side_label(self, page: Any, sheet: LayerSheet, one: Area, given: Mapping[int, int], row: int, text: str) -> None:
        goal = self._goal(sheet, one, given) if one is sheet.result else None
        if goal is None:
            page.write_string(row, one.left - 1, text, self.styles["label"])
        else:
            page.write_url(row, one.left - 1, f"internal:{goal}", self.styles["label_link"], text)

    def _goal(self, sheet: LayerSheet, one: Area, given: Mapping[int, int]) -> str | None:
        """The cells that the middle of a map reads, on the sheet where they stand."""
        if not sheet.live or not self.part.formulas or not isinstance(sheet.node.op, Layer):
            return None
        middle = [given.get(axis, n // 2) for axis, n in enumerate(one.shape)]
        return self.layout.formulas(sheet).reads(middle)

    def _names(self, sheet: LayerSheet, one: Area) -> Sequence[str]:
        """What the axes of an array are called."""
        node = sheet.node
        key = next((key for key, area in sheet.arrays.items() if area is one), "")
        short = key.rpartition(".")[2]
        if isinstance(node.op, Layer) and node.sized is not None and short:
            equation = node.op.equation
            operand = next((o for o in equation.operands if o.name == short), equation.bias if short == "bias" else None)
            if operand is not None and len(operand.axes) == len(one.shape):
                return [written(axis) for axis in operand.axes]
        return sheet.axes if len(sheet.axes) == len(one.shape) else [""] * len(one.shape)

    # Numbers and formulas

    def _arrays(self, page: Any, sheet: LayerSheet) -> None:
        for key, one in sheet.arrays.items():
            array = np.asarray(self.values[key], dtype=float)
            style = self.styles.number(_most(array), editable=True)
            for index, stored in stored_cells(sheet.node.sized, key, one):
                page.write_number(*one.cell(index), float(array[stored]), style)
        if isinstance(sheet.node.op, Distance) and sheet.fixed:
            centres, table = sheet.fixed["centres"], np.asarray(sheet.node.op.centres, dtype=float)
            style = self.styles.number(_most(table), editable=False)
            for index in centres.indices():
                page.write_number(*centres.cell(index), float(table[index]), style)

    def _result(self, page: Any, sheet: LayerSheet) -> None:
        node, one = sheet.node, sheet.result
        array = np.asarray(self.maps[sheet.shown], dtype=float)
        editable = isinstance(node.op, Input | Stored)
        style = self.styles.number(_most(array), editable=editable)
        if (editable and not node.shares) or not sheet.live or not self.part.formulas:
            for index in one.indices():
                self._number(page, one, index, array[index], style)
            return
        if isinstance(node.op, Layer):
            self._equation(page, sheet, array, style)
        else:
            self._other(page, sheet, array, style)

    def _equation(self, page: Any, sheet: LayerSheet, array: Any, style: Any) -> None:
        told = self.layout.formulas(sheet)
        for index in sheet.result.indices():
            if not self.part.live_at(sheet.shown, index):
                self._number(page, sheet.result, index, array[index], style)
                continue
            pieces, terms = told.pieces(index)
            if sheet.sums:
                pieces = self._sums(page, sheet, told, index, pieces, style)
            self._formula(page, sheet, sheet.result, index, told.finished(pieces, index, terms), array[index], style)

    def _sums(self, page: Any, sheet: LayerSheet, told: Formulas, index: Place, pieces: Sequence[str], style: Any) -> list[str]:
        """Long formulas in several cells: each holds the sum of some pieces."""
        each = -(-len(pieces) // len(sheet.sums)) or 1
        cells = []
        for number, one in enumerate(sheet.sums):
            some = pieces[number * each : (number + 1) * each]
            if some:
                self._write(page, one, index, told.partial(some), "", style)
                cells.append(cell(*one.cell(index)))
        return cells

    def _other(self, page: Any, sheet: LayerSheet, array: Any, style: Any) -> None:
        node = sheet.node
        before = [np.asarray(self.maps[name], dtype=float) for name in node.inputs]
        told = OtherFormulas(self.layout, sheet, self.values, before)
        for name, one in sheet.helpers.items():
            for index in one.indices():
                self._write(page, one, index, told.helper(name, index), "", style)
        for index in sheet.result.indices():
            if not self.part.live_at(sheet.shown, index):
                self._number(page, sheet.result, index, array[index], style)
                continue
            text = told.text(index)
            value = array[index] if text is not None else constant_of(node, self.values, before, index)
            self._formula(page, sheet, sheet.result, index, text, value, style)

    def _formula(self, page: Any, sheet: LayerSheet, one: Area, index: Place, text: str | None, value: Any, style: Any) -> None:
        if text is not None and sheet.follower is not None:
            assert isinstance(sheet.follower.op, Activation)
            text = applied(sheet.follower.op.function, sheet.follower.op.options, text)
        if text is None or len(text) > LONGEST_FORMULA + 190:
            self.kept[sheet.node.name] = self.kept.get(sheet.node.name, 0) + 1
            self._number(page, one, index, value, style)
        else:
            self._write(page, one, index, text, value, style)

    def _write(self, page: Any, one: Area, index: Place, text: str, value: Any, style: Any) -> None:
        self.formulas += 1
        held = value if value == "" or math.isfinite(value) else "#NUM!"
        page.write_formula(*one.cell(index), f"={text}", style, held)

    def _number(self, page: Any, one: Area, index: Place, value: Any, style: Any) -> None:
        if math.isfinite(value):
            page.write_number(*one.cell(index), float(value), style)
        else:
            page.write_formula(*one.cell(index), "=NA()", style, "#N/A")

    def _colours(self, page: Any, sheet: LayerSheet) -> None:
        array = np.asarray(self.maps[sheet.shown], dtype=float)
        if array.size:
            finite = array[np.isfinite(array)]
            rule = scale(float(finite.min(initial=0.0)), float(finite.max(initial=0.0)), image=isinstance(sheet.node.op, Input))
            areas = (
                sheet.result.tiles()
                if not sheet.result.is_matrix
                else [({}, sheet.result.top, sheet.result.left, *sheet.result.end)]
            )
            for _, *corners in areas:
                page.conditional_format(*corners, rule)
        for key, one in sheet.arrays.items():
            held = np.asarray(self.values[key], dtype=float)
            if held.size and one.size:
                page.conditional_format(one.top, one.left, *one.end, scale(float(held.min()), float(held.max())))


def stored_cells(sized: Sized | None, key: str, one: Area) -> Any:
    """Every cell of an array with the index at which its number is kept: of maps that aren't connected there are none.

    Where only some pairs are connected, a filter is kept by the number of the pair.
    """
    short = key.rpartition(".")[2]
    wired = sized.connections if sized is not None else None
    operand = next((o for o in sized.filters if o.name == short), None) if sized is not None else None
    if wired is None or operand is None or not set(wired.indices) <= set(operand.indices):
        return ((index, index) for index in one.indices())
    where: dict[Place, int] = {pair: k for k, pair in enumerate(wired.pairs)}
    return ((index, (where[index[:2]], *index[2:])) for index in one.indices() if index[:2] in where)


def _most(array: Any) -> float:
    finite = np.abs(array[np.isfinite(array)]) if array.size else array
    return float(finite.max(initial=0.0))
