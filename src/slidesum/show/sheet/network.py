"""The sheet *Network*: the rows of the table, its counts as formulas of the sizes that can be chosen.

Type another number for k1, and every count follows as it would in the network; the other sheets keep the sizes that they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slidesum.core.sizes import Size, is_number
from slidesum.show.formula import pretty, times
from slidesum.show.sheet.layout import Layout
from slidesum.show.sheet.names import cell, fixed, quoted
from slidesum.show.sheet.part import Part
from slidesum.show.sheet.style import Styles, printed
from slidesum.show.sheet.symbols import with_symbols
from slidesum.show.table import Table, reach_cell

COLUMNS: tuple[tuple[str, str | None, int], ...] = (
    ("layer", None, 120),
    ("kind", None, 190),
    ("equation", None, 270),
    ("maps", "maps", 70),
    ("size", None, 90),
    ("reads", "inputs_per_output", 70),
    ("weights", "weights", 90),
    ("biases", "biases", 80),
    ("multiply-adds", "macs", 110),
    ("backward", "backward_macs", 110),
    ("bytes", "activation_bytes", 90),
    ("reach", None, 70),
)
COUNTED = sum(key is not None for _, key, _ in COLUMNS)
SUMMED = ("weights", "biases", "macs", "backward_macs", "activation_bytes")
WORDS = 3
"""The first columns are words, the others numbers."""
TOP = 4


def most_formulas(layout: Layout) -> int:
    """How many formulas it has at most: a count that no size can change is a number."""
    return COUNTED * len(layout.graph.nodes) + len(SUMMED)


def write_network(page: Any, styles: Styles, layout: Layout, part: Part, kept: Mapping[str, int], remarks: Sequence[str]) -> int:
    """Write it; how many formulas that took."""
    graph, symbols = with_symbols(layout.graph) if part.formulas else (layout.graph, ())
    page.hide_gridlines(2)
    page.set_row_pixels(0, 28)
    page.write_string(0, 0, layout.graph.name, styles["title"])
    page.write_string(1, 0, _told(bool(symbols), part), styles["note"])
    for column, (_, _, width) in enumerate(COLUMNS):
        page.set_column_pixels(column, column, width)
    cells = {}
    row = TOP - 1
    for one in symbols:
        page.write_string(row, 0, one.name, styles["row"])
        page.write_number(row, 1, one.value, styles["size"])
        page.write_string(row, 2, one.what, styles["aside"])
        cells[one.name] = fixed(row, 1)
        row += 1
    head = row + 1 if symbols else row
    for column, (title, _, _) in enumerate(COLUMNS):
        page.write_string(head, column, title, styles["head" if column < WORDS else "head_right"])
    page.set_row_pixels(head, 22)
    table, symbolic = Table(layout.graph, remarks=remarks), Table(graph)
    count = 0
    for number, (now, formula) in enumerate(zip(table, symbolic, strict=True), start=1):
        count += _row(page, styles, layout, head + number, now, formula, cells)
    count += _totals(page, styles, head + 1, len(table), table.totals, part)
    _notes(page, styles, head + len(table) + 3, table, kept)
    page.freeze_panes(head + 1, 1)
    printed(page, wide=True)
    return count


def _told(symbols: bool, part: Part) -> str:
    if not part.formulas:
        return "A sheet a layer; all numbers, no formulas."
    sizes = " Counts follow the yellow sizes; the other sheets keep the sizes they have." if symbols else ""
    return f"A sheet a layer. Blue numbers can be changed: the image, weights, biases; black ones are computed from them.{sizes}"


def _row(
    page: Any,
    styles: Styles,
    layout: Layout,
    row: int,
    now: Mapping[str, Any],
    formula: Mapping[str, Any],
    cells: Mapping[str, str],
) -> int:
    sheet = layout.sheet_of(now["name"])
    if sheet is None:
        page.write_string(row, 0, now["name"], styles["row"])
    else:
        page.write_url(row, 0, f"internal:{quoted(sheet.name)}A1", styles["row_link"], now["name"])
    texts = {
        "kind": ", ".join((now["kind"], *now["also"])),
        "equation": now["equation"] or "",
        "size": times(now["size"]) or "1",
        "reach": reach_cell(now["reach"]),
    }
    count = 0
    for column, (title, key, _) in enumerate(COLUMNS):
        if key is None:
            if title in texts:
                page.write_string(row, column, texts[title], styles["row" if column < WORDS else "row_right"])
            continue
        value, told = now[key], formula[key]
        if value is None:
            continue
        if is_number(told):
            page.write_number(row, column, value, styles["count"])
        else:
            page.write_formula(row, column, f"={formula_text(told, cells)}", styles["count"], value)
            count += 1
    return count


def _totals(page: Any, styles: Styles, first: int, rows: int, totals: Mapping[str, Any], part: Part) -> int:
    row = first + rows
    page.write_string(row, 0, "total", styles["total_label"])
    count = 0
    for column, (_, key, _) in enumerate(COLUMNS[1:], start=1):
        if key in SUMMED and rows:
            text = f"SUM({cell(first, column)}:{cell(row - 1, column)})"
            count += part.write(page, row, column, text, styles["total"], totals[key])
        else:
            page.write_blank(row, column, None, styles["total"])
    return count


def _notes(page: Any, styles: Styles, row: int, table: Table, kept: Mapping[str, int]) -> None:
    unlike = [f"{name}: {count:,} cells hold numbers, since no formula says them." for name, count in kept.items()]
    parameters = f"{pretty(table.totals['parameters'])} parameters; reads: input values per output value."
    for k, note in enumerate([parameters, table.text, *table.notes, *unlike]):
        page.write_string(row + k, 0, note[:5000], styles["note"])


def formula_text(value: Size, cells: Mapping[str, str]) -> str:
    """An exact formula as a spreadsheet writes it.

    >>> from slidesum.core.sizes import size
    >>> formula_text(size("25*k1*k2 + floor(n/2)**2 - 3"), {"k1": "$B$4", "k2": "$B$5", "n": "$B$6"})
    '25*$B$4*$B$5+POWER(INT($B$6/2),2)-3'
    """
    if is_number(value):
        return str(value)
    import sympy

    match value:
        case sympy.Symbol():
            return cells[str(value)]
        case sympy.Integer():
            return str(int(value))
        case sympy.Add():
            ordered = value.as_ordered_terms()
            return "+".join(formula_text(term, cells) for term in ordered).replace("+-", "-")
        case sympy.Mul():
            above, below = sympy.fraction(value)
            if below != 1:
                return f"{_factor(above, cells)}/{_factor(below, cells)}"
            return "*".join(_factor(factor, cells) for factor in value.as_ordered_factors()).replace("-1*", "-")
        case sympy.Pow():
            return f"POWER({formula_text(value.base, cells)},{formula_text(value.exp, cells)})"
        case sympy.floor():
            return f"INT({formula_text(value.args[0], cells)})"
        case sympy.ceiling():
            return f"-INT(-({formula_text(value.args[0], cells)}))"
        case sympy.Rational():
            return f"({value.p}/{value.q})"
        case sympy.Max() | sympy.Min():
            name = "MAX" if isinstance(value, sympy.Max) else "MIN"
            return f"{name}({','.join(formula_text(part, cells) for part in value.args)})"
        case _:
            raise AssertionError(f"{type(value).__name__} is no size")


def _factor(value: Any, cells: Mapping[str, str]) -> str:
    text = formula_text(value, cells)
    return f"({text})" if getattr(value, "is_Add", False) else text
