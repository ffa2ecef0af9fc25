"""The sheet *Prediction*: the scores of the classes, the winner, and a chart; all of them follow the cells of the last layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from slidesum.core.ops import Softmax
from slidesum.laws.answer import smallest_wins
from slidesum.show.sheet.area import Area
from slidesum.show.sheet.layout import Layout
from slidesum.show.sheet.names import cell, fixed_span, quoted
from slidesum.show.sheet.part import Part
from slidesum.show.sheet.style import BLUE, Styles, printed

FIRST = 6
MOST_CLASSES = 1000
"""It tells of so many classes at most."""


def formulas(layout: Layout) -> int:
    """How many formulas it has."""
    classes = _classes(layout)
    return classes * (2 if _has_shares(layout) else 1) + 1 if classes else 0


def write_prediction(book: Any, styles: Styles, layout: Layout, part: Part, maps: Mapping[str, Any]) -> int:
    """Write it where the network's output is a row of scores that has a sheet; how many formulas that took."""
    count = _classes(layout)
    node = layout.graph.output
    sheet = layout.sheet_of(node.name)
    if sheet is None or not count:
        return 0
    scores = np.asarray(maps[node.name], dtype=float)
    smallest, shares = smallest_wins(node), _has_shares(layout)
    page = book.add_worksheet("Prediction")
    page.hide_gridlines(2)
    page.set_column_pixels(0, 0, 90)
    page.set_column_pixels(1, 2, 110)
    page.write_string(0, 0, "Prediction", styles["title"])
    sense = "smallest distance wins" if smallest else "largest score wins"
    follows = "; change a pixel or a weight, and it follows" if part.formulas else ""
    page.write_string(1, 0, f"{layout.graph.name}: the {sense}{follows}", styles["note"])
    page.write_url(2, 0, f"internal:{quoted(sheet.name)}A1", styles["link"], f"← {sheet.name}")
    page.set_row_pixels(3, 44)
    span = fixed_span(FIRST, 1, FIRST + count - 1, 1)
    best = int(np.argmin(scores[0]) if smallest else np.argmax(scores[0]))
    function = "MIN" if smallest else "MAX"
    page.write_string(3, 0, "class", styles["plain"])
    written = part.write(page, 3, 1, f"MATCH({function}({span}),{span},0)-1", styles["big"], best)
    for column, title in enumerate(("class", "distance" if smallest else "score", *(["softmax of it"] if shares else []))):
        page.write_string(FIRST - 1, column, title, styles["head"])
    written += _rows(page, styles, part, sheet.result, scores[0], span, shares)
    _chart(book, page, count, shares, "distance" if smallest else "share" if shares else "score")
    page.freeze_panes(FIRST, 0)
    printed(page, wide=True)
    return written


def _classes(layout: Layout) -> int:
    """How many scores the output is a row of; 0 where there is none to show, or they are too many."""
    node = layout.graph.output
    shape = tuple(int(n) for n in node.shape)
    is_row = len(shape) == 2 and shape[0] == 1 and 2 <= shape[1] <= MOST_CLASSES
    return shape[1] if is_row and layout.sheet_of(node.name) is not None else 0


def _has_shares(layout: Layout) -> bool:
    """Whether the softmax of the scores stands beside them."""
    output = layout.graph.output
    return not smallest_wins(output) and not isinstance(output.op, Softmax)


def _rows(page: Any, styles: Styles, part: Part, area: Area, scores: Any, span: str, shares: bool) -> int:
    powers = np.exp(scores - scores.max())
    count = 0
    for k, score in enumerate(scores):
        row = FIRST + k
        page.write_number(row, 0, k, styles["index"])
        text = f"{quoted(area.sheet)}{cell(*area.cell((0, k)))}"
        count += part.write(page, row, 1, text, styles["exact"], score)
        if shares:
            share = float(powers[k] / powers.sum())
            text = f"EXP({cell(row, 1)}-MAX({span}))/SUMPRODUCT(EXP({span}-MAX({span})))"
            count += part.write(page, row, 2, text, styles["share"], share)
    return count


def _chart(book: Any, page: Any, count: int, shares: bool, title: str) -> None:
    chart = book.add_chart({"type": "column"})
    column = 2 if shares else 1
    chart.add_series(
        {
            "categories": ["Prediction", FIRST, 0, FIRST + count - 1, 0],
            "values": ["Prediction", FIRST, column, FIRST + count - 1, column],
            "fill": {"color": BLUE},
            "gap": 40,
        }
    )
    chart.set_title({"name": title, "name_font": {"size": 11, "bold": False}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#E5E8EC"}}, "line": {"none": True}})
    chart.set_x_axis({"num_font": {"size": 9}})
    chart.set_chartarea({"border": {"none": True}})
    chart.set_size({"width": 560, "height": 300})
    page.insert_chart(FIRST - 1, 4, chart)
