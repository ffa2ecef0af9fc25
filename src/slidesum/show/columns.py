"""Columns that fit a window: formulas are broken where one may read on, and what can be missed is left out, before anything is cut.

Rich shrinks columns by proportion and cuts cells wherever that falls, in the middle of a symbol too; so widths are settled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.style import Style
from rich.table import Table as RichTable

from slidesum.show.formula import broken, pieces

GAP = 2
"""Spaces between columns."""


@dataclass(frozen=True)
class Column:
    """A title, its cells, what stands below them, and whether it is words (left) or a number or formula (right)."""

    title: str
    cells: Sequence[str]
    footer: str = ""
    words: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.title, *self.cells, self.footer)

    @cached_property
    def widest(self) -> int:
        """The width at which nothing is broken."""
        return max(map(len, self.texts))

    def narrowest(self, most: int) -> int:
        """The width below which something would be cut; names give way from `most` on."""
        longest = max(
            len(piece.strip()) for text in set(self.texts) for piece in (text.split() or [""] if self.words else pieces(text))
        )
        return max(len(self.title), min(longest, most) if self.words else longest)


def kept(columns: Sequence[Column], width: int, expendable: Sequence[str]) -> list[Column]:
    """The columns that fit side by side; the expendable ones go in their order, and only as many as must."""
    if unbroken(columns) <= width:
        return list(columns)
    found = {c.title: (c, c.narrowest(width // 3)) for c in columns}
    for title in expendable:
        if _total([least for _, least in found.values()]) <= width:
            break
        found.pop(title, None)
    return [c for c, _ in found.values()]


def unbroken(columns: Sequence[Column]) -> int:
    """How wide a window must be for nothing to be broken."""
    return _total([c.widest for c in columns])


def widths(columns: Sequence[Column], width: int) -> list[int]:
    """How wide each column is: formulas give way first, the widest of them first, then words.

    >>> widths([Column("layer", ["conv1"], words=True), Column("macs", ["25·k1·k2·m·n + 9·k1"])], 20)
    [5, 13]
    """
    found = [c.widest for c in columns]
    least = [c.narrowest(width // 3) for c in columns]
    for words in (False, True):
        while _total(found) > width:
            loose = [k for k, c in enumerate(columns) if c.words == words and found[k] > least[k]]
            if not loose:
                break
            found[max(loose, key=lambda k: found[k])] -= 1
    return found


def grid(columns: Sequence[Column], width: int, *, header: bool = True, indent: int = 0) -> Any:
    """The columns, moved in: as lines where all of them fit, else as a Rich table, which breaks cells.

    Rich takes a millisecond a row; a network of five hundred layers is printed in a fraction of that.
    """
    if unbroken(columns) <= width:
        return Lines(columns, header=header, indent=indent)
    table = RichTable(
        box=None,
        pad_edge=False,
        padding=(0, GAP, 0, 0),
        header_style="bold",
        show_header=header,
        show_footer=any(c.footer for c in columns),
    )
    settled = widths(columns, width)
    for column, room in zip(columns, settled, strict=True):
        side: Any = "left" if column.words else "right"
        table.add_column(
            column.title, _fitted(column, column.footer, room), justify=side, overflow="fold", footer_style="bold", min_width=room
        )
    for row in zip(*(c.cells for c in columns), strict=True):
        table.add_row(*(_fitted(c, cell, room) for c, cell, room in zip(columns, row, settled, strict=True)))
    return Padding(table, (0, 0, 0, indent)) if indent else table


class Lines:
    """Columns of which nothing is broken, a line of text each row."""

    def __init__(self, columns: Sequence[Column], *, header: bool, indent: int) -> None:
        sided = (" " * GAP).join(f"{{:{'<' if c.words else '>'}{c.widest}}}" for c in columns)
        line = (" " * indent + sided).format
        self.width = indent + _total([c.widest for c in columns])
        self.title = line(*(c.title for c in columns)) if header else None
        self.rows = [line(*row) for row in zip(*(c.cells for c in columns), strict=True)]
        self.footer = line(*(c.footer for c in columns)) if any(c.footer for c in columns) else None

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Segment]:
        bold = Style(bold=True)
        for text, style in ((self.title, bold), *((row, None) for row in self.rows), (self.footer, bold)):
            if text is not None:
                yield Segment(text + "\n", style)

    def __rich_measure__(self, console: Any, options: Any) -> Measurement:
        return Measurement(self.width, self.width)


def _fitted(column: Column, text: str, room: int) -> str:
    return text if column.words else broken(text, room)


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + GAP * (len(sizes) - 1)
