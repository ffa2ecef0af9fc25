"""The sheet *Explain*: of every layer that is an equation, one value with all of its terms. Its place is typed, all else follows.

conv2, then relu2
o  i  j               the place, yellow: type another one
3  7 12
             sum of 72 terms   0.218
                      + bias  -0.041
                     = value   0.177
                        relu   0.177
                on the sheet   0.177
c  u  v   i+u-1  j+v-1   x   w   product
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from slidesum.core.axis import Merged, Name
from slidesum.core.ops import Activation, Layer
from slidesum.laws.edge import REPEATING
from slidesum.laws.explain import Reading, bias_cell, readings
from slidesum.notation.write import axis as written
from slidesum.notation.write import named
from slidesum.show.sheet.functions import applied
from slidesum.show.sheet.layers import stored_cells
from slidesum.show.sheet.layout import Layout
from slidesum.show.sheet.live import (
    Linear,
    Terms,
    axis_cell,
    beyond_text,
    held_text,
    index_text,
    solved_text,
    sum_text,
)
from slidesum.show.sheet.names import cell, fixed, quoted, span
from slidesum.show.sheet.panels import Panel, Panels
from slidesum.show.sheet.style import Styles, printed, scale

NAMES, TYPED, SPLIT, SUM, BIAS, VALUE, AFTER, SHEET, HEAD, FIRST = 2, 3, 4, 6, 7, 8, 9, 10, 12, 13


def write_explain(
    book: Any, styles: Styles, layout: Layout, panels: Panels, values: Mapping[str, Any], maps: Mapping[str, Any]
) -> int:
    """Write the sheet, where there is anything to tell; how many formulas that took."""
    if not panels.written and not panels.left_out:
        return 0
    page = _page(book, styles)
    left = count = 0
    for panel in panels.written:
        count += _PanelWriter(layout, panel, styles, values, maps).write(page, left)
        left += panel.width + 2
    if panels.left_out:
        page.write_string(1, 0, f"left out, for having too many terms: {', '.join(panels.left_out)}"[:2000], styles["note"])
    return count


def _page(book: Any, styles: Styles) -> Any:
    page = book.add_worksheet("Explain")
    page.hide_gridlines(2)
    page.freeze_panes(FIRST, 0)
    page.set_row_pixels(0, 26)
    page.set_row_pixels(TYPED, 24)
    printed(page, wide=True)
    page.set_zoom(90)
    return page


class _PanelWriter:
    """Writes one layer."""

    def __init__(self, layout: Layout, panel: Panel, styles: Styles, values: Mapping[str, Any], maps: Mapping[str, Any]) -> None:
        node = panel.sheet.node
        assert isinstance(node.op, Layer)
        self.layout, self.panel, self.styles, self.node, self.op = layout, panel, styles, node, node.op
        self.sheet, self.at, self.terms, self.sized = panel.sheet, panel.at, panel.terms, panel.sized
        self.reduce = node.op.equation.reduce
        self.computed = float(maps[panel.sheet.shown][panel.at])
        self.areas = [
            *(layout.results[name] for name in node.inputs),
            *(layout.arrays[f"{node.owner}.{operand.name}"] for operand in self.sized.filters),
        ]
        self.arrays = [
            *(np.asarray(maps[name], dtype=float) for name in node.inputs),
            *(self._full(operand.name, values) for operand in self.sized.filters),
        ]
        self.bias = np.asarray(values[f"{node.owner}.bias"], dtype=float) if self.sized.equation.bias else None

    def _full(self, name: str, values: Mapping[str, Any]) -> Any:
        """A filter in the shape of its equation."""
        key = f"{self.node.owner}.{name}"
        array = np.asarray(values[key], dtype=float)
        area = self.layout.arrays[key]
        if array.shape == area.shape:
            return array
        full = np.zeros(area.shape)
        for index, stored in stored_cells(self.sized, key, area):
            full[index] = array[stored]
        return full

    def write(self, page: Any, left: int) -> int:
        """All of it; how many formulas."""
        self.page, self.left, self.count = page, left, 0
        self.last = last = left + self.panel.width - 1
        page.set_column_pixels(left, last, 44)
        page.set_column_pixels(last - len(self.areas), last, 78)
        page.set_column_pixels(last + 1, last + 2, 40)
        page.write_url(0, left, f"internal:{quoted(self.sheet.name)}A1", self.styles["title"], self.sheet.result.title)
        page.write_string(HEAD - 1, left, named(self.op.equation), self.styles["note"])
        names = self._place()
        total = self._rows(self.terms, names)
        self._ledger(names, total)
        self._coloured(*total)
        return self.count

    # The place

    def _place(self) -> dict[str, Linear]:
        """The cells that are typed, and the index values that they tell."""
        names: dict[str, Linear] = {}
        self.typed: dict[int, str] = {}
        column = self.left
        split = self.left
        for place, (axis, n) in enumerate(zip(self.sized.equation.result.axes, self.sized.result_shape, strict=True)):
            told = Linear(0)
            if n > 1:
                self.page.write_string(NAMES, column, self.sheet.axes[place], self.styles["above"])
                self.page.write_number(TYPED, column, self.at[place], self.styles["typed"])
                rule = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": int(n) - 1}
                told_error = {
                    "error_title": "There is no such place",
                    "error_message": f"Type a whole number from 0 to {int(n) - 1}.",
                }
                self.page.data_validation(TYPED, column, TYPED, column, {**rule, **told_error})
                told = Linear(0, {fixed(TYPED, column): 1})
                column += 1
            self.typed[place] = str(told)
            match axis:
                case Name(name):
                    names[name] = told
                case Merged(merged):
                    times, value = 1, self.at[place]
                    for name in reversed(merged):
                        extent = int(self.sized.extents[name])
                        self.page.write_string(SPLIT, split, name, self.styles["above"])
                        self._formula(SPLIT + 1, split, f"MOD(INT(({told})/{times}),{extent})", "index", value // times % extent)
                        names[name] = Linear(0, {fixed(SPLIT + 1, split): 1})
                        times, split = times * extent, split + 1
                case _:
                    pass
        return names

    # The terms

    def _rows(self, terms: Terms, names: Mapping[str, Linear]) -> tuple[int, list[float]]:
        """A row a term; the number of the last row, and the products that count."""
        slides = {place: slide for (owner, place), slide in self.sized.slides.items() if owner < 0}
        heads = [*terms.loops, *terms.solved]
        for number, place, _ in terms.addresses:
            operand = self.sized.equation.operands[number]
            heads.append(written(operand.axes[place]))
        heads += [operand.name for operand in self.sized.equation.operands]
        numbers = len(heads) - len(self.areas)
        for k, head in enumerate([*heads, "product"]):
            self.page.write_string(HEAD, self.left + k, head, self.styles["head_middle" if k < numbers else "head_right"])
        known = {tuple(r.values[name] for name in terms.loops): r for r in readings(self.sized, self.at)}
        products = []
        for row, loops in enumerate(terms.rows, start=FIRST):
            found = known.get(loops)
            there = dict(names)
            column = self.left
            for name, value in zip(terms.loops, loops, strict=True):
                self.page.write_number(row, column, value, self.styles["index"])
                there[name] = Linear(value)
                column += 1
            checks = []
            for name, place in terms.solved.items():
                text = solved_text(slides[place], self.typed[place], there)
                position = self._solved(slides[place], self.at[place], dict(zip(terms.loops, loops, strict=True)))
                self._formula(row, column, text, "index", position)
                here = cell(row, column)
                checks.append(f"{here}<>INT({here}),{here}<0,{here}>={self.sized.extents[name]}")
                there[name] = Linear(0, {here: 1})
                column += 1
            held: dict[tuple[int, int], str] = {}
            outside = []
            for number, place, slide in terms.addresses:
                value = found.cells[number][place] if found else 0
                self._formula(row, column, sum_text(slide, there), "index", value)
                here = cell(row, column)
                held[number, place] = held_text(slide, here)
                if slide.is_padded and slide.border not in REPEATING:
                    outside.append(f"{here}<0,{here}>={slide.extent}")
                column += 1
            products += self._factors(row, column, there, held, checks, outside, found)
        return FIRST + terms.count - 1, products

    def _solved(self, slide: Any, place: int, loops: Mapping[str, int]) -> float:
        rest = slide.start + sum(step * loops.get(name, 0) for name, step in slide.steps if name != slide.position)
        return float((place - rest) / slide.stride)

    def _factors(
        self,
        row: int,
        column: int,
        names: Mapping[str, Linear],
        held: Mapping[tuple[int, int], str],
        checks: list[str],
        outside: list[str],
        found: Reading | None,
    ) -> list[float]:
        beyond = beyond_text(self.sized, self.reduce, self.op.border)
        factors: list[Any] = []
        for number, (operand, area, array) in enumerate(zip(self.sized.equation.operands, self.areas, self.arrays, strict=True)):
            cells = [axis_cell(self.sized, axis, names, held.get((number, k), "")) for k, axis in enumerate(operand.axes)]
            text = index_text(area, cells)
            if number == 0 and outside:
                text = f"IF(OR({','.join(outside)}),{beyond},{text})"
            if checks:
                text = f'IF(OR({",".join(checks)}),"",{text})'
            value: Any = ""
            if found is not None:
                source = found.sources[number]
                value = float(array[source]) if source is not None else "" if beyond == '""' else float(beyond.strip("()"))
            factors.append(value)
            self._formula(row, column + number, text, "exact", value)
        refs = [cell(row, column + k) for k in range(len(factors))]
        product: Any = "" if "" in factors else float(np.prod(factors))
        text = "*".join(refs)
        self._formula(row, column + len(factors), f'IF({refs[0]}="","",{text})', "exact", product)
        return [] if product == "" else [product]

    # The ledger

    def _ledger(self, names: Mapping[str, Linear], total: tuple[int, list[float]]) -> None:
        last, products = total
        column = self.last
        terms = span(FIRST, column, last, column)
        function, value = {
            "sum": ("SUM", sum(products)),
            "mean": ("AVERAGE", sum(products) / max(1, len(products))),
            "max": ("MAX", max(products, default=0.0)),
            "min": ("MIN", min(products, default=0.0)),
        }[self.reduce]
        told = {"sum": "sum of", "mean": "mean of", "max": "largest of", "min": "smallest of"}[self.reduce]
        self._line(SUM, f"{told} {last - FIRST + 1} terms", f"{function}({terms})", value)
        value_text = cell(SUM, column)
        if self.bias is not None:
            equation = self.sized.equation
            assert equation.bias is not None
            area = self.layout.arrays[f"{self.node.owner}.bias"]
            cells = [axis_cell(self.sized, axis, names, "") for axis in equation.bias.axes]
            bias = float(self.bias[bias_cell(self.sized, self.at)])
            self._line(BIAS, "+ bias", index_text(area, cells), bias)
            value_text, value = f"{value_text}+{cell(BIAS, column)}", value + bias
        self._line(VALUE, "= value", value_text, value)
        if self.sheet.follower is not None:
            op = self.sheet.follower.op
            assert isinstance(op, Activation)
            self._line(AFTER, f"{op.function} of it", applied(op.function, op.options, cell(VALUE, column)), self.computed)
        places: list[Linear | str] = [text for _, text in sorted(self.typed.items())]
        self._line(SHEET, "on its sheet", index_text(self.sheet.result, places), self.computed)

    def _coloured(self, last: int, products: list[float]) -> None:
        column = self.last
        rule = scale(min(products, default=0.0), max(products, default=0.0))
        self.page.conditional_format(FIRST, column, last, column, rule)

    def _line(self, row: int, label: str, text: str, value: float) -> None:
        column = self.last
        self.page.write_string(row, column - 1, label, self.styles["label"])
        self._formula(row, column, text, "exact_bold" if row in (VALUE, AFTER) else "exact", value)

    def _formula(self, row: int, column: int, text: str, style: str, value: Any) -> None:
        self.count += 1
        self.page.write_formula(row, column, f"={text}", self.styles[style], value)
