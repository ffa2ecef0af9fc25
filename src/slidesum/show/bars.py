"""Numbers beside bars in a terminal, so that they can be compared at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.bar import Bar
from rich.table import Table

NARROWEST, WIDEST = 4, 10

Measure = tuple[float, float, str]
"""A value, the value of a full bar, and the text beside the bar."""


def bars(titles: Sequence[str], rows: Sequence[tuple[str, Sequence[Measure]]], room: int) -> Any:
    """A line for each (label, measures), a bar for each measure; `titles` stand above them.

    `room` is the width of all: what the figures leave is shared by the bars, and where it is too little there are none.
    """
    texts = [[title, *(measures[k][2] for _, measures in rows)] for k, title in enumerate(titles)]
    taken = max(len(label) for label, _ in rows) + sum(max(map(len, column)) + 2 for column in texts)
    width = min(WIDEST, (room - taken) // len(titles))
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("", no_wrap=True)
    for title in titles:
        if width >= NARROWEST:
            grid.add_column("", width=width)
        grid.add_column(title, justify="right", no_wrap=True)
    for label, measures in rows:
        cells: list[Any] = []
        for value, full, text in measures:
            cells += [Bar(full, 0.0, value, width=width, color="cyan")] if width >= NARROWEST else []
            cells.append(text)
        grid.add_row(label, *cells)
    return grid
