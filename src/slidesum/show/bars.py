"""Numbers beside bars in a terminal, so that they can be compared at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.bar import Bar
from rich.table import Table

Measure = tuple[float, float, str]
"""A value, the value of a full bar, and the text beside the bar."""


def bars(titles: Sequence[str], rows: Sequence[tuple[str, Sequence[Measure]]], width: int = 10) -> Any:
    """A line for each (label, measures), a bar for each measure; `titles` stand above them."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    grid.add_column("", no_wrap=True)
    for title in titles:
        grid.add_column("", width=width)
        grid.add_column(title, justify="right")
    for label, measures in rows:
        cells = [part for value, full, text in measures for part in (Bar(full, 0.0, value, width=width, color="cyan"), text)]
        grid.add_row(label, *cells)
    return grid
