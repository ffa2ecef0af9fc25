"""Where a command prints, and explanations in a terminal, by Rich."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slidesum.show.formula import number

if TYPE_CHECKING:
    from slidesum.show.explanation import Explanation
    from slidesum.show.term import Term

SHOWN_TERMS = 30
"""Sums of up to so many terms are printed whole; longer ones are folded."""

SHOWN_MAPS = 16
"""The sums of up to so many input maps are printed."""


def printed(thing: Any, width: int | None = None) -> str:
    """What Rich would print, as plain text in the width of the terminal."""
    out = io.StringIO()
    columns = width or shutil.get_terminal_size((100, 24)).columns
    Console(file=out, width=columns, color_system=None, highlight=False).print(thing, crop=False)  # nothing is wider
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


class Trimmed:
    """A stream that takes the spaces off the ends of lines, with which Rich fills its tables: for files and pipes."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    @property
    def encoding(self) -> str:
        return str(self.stream.encoding)

    def write(self, text: str) -> int:
        return int(self.stream.write(re.sub(r"[ ]+$", "", text, flags=re.MULTILINE)))

    def flush(self) -> None:
        self.stream.flush()


def console() -> Console:
    """Where a command prints: the terminal, with its colours; into a file or a pipe, text without trailing spaces."""
    found = Console(highlight=False)
    if found.is_terminal:
        return found
    file: Any = Trimmed(sys.stdout)
    return Console(file=file, width=found.width, highlight=False)


def explanation_text(explanation: Explanation, *, all_terms: bool = False) -> Any:
    """An explanation as a renderable: the terms, the sums of the maps, the bias, the activation."""
    at = ",".join(map(str, explanation.at))
    head = Text(f"{explanation.layer}[{at}]", style="bold")
    head.append(f"   {explanation.equation}", style="cyan")
    parts: list[Any] = [head, Text(f"  {explanation.kind}: {explanation.gist}", style="dim")]
    if explanation.terms:
        parts.append(Padding(_terms(explanation, all_terms), (1, 0, 0, 2)))
    sums, hidden = explanation.folded_sums(None if all_terms else SHOWN_MAPS)
    if sums:
        parts.append(Padding(_sums(sums, hidden), (1, 0, 0, 2)))
    parts.append(Padding(_ledger(explanation), (1, 0, 0, 2)))
    return Group(*parts)


def _terms(explanation: Explanation, all_terms: bool) -> Any:
    shown, hidden = explanation.folded(None if all_terms else SHOWN_TERMS)
    weighted = any(term.weights for term in shown)
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column(explanation.term_title, overflow="fold")
    grid.add_column("input value", justify="right", overflow="fold")
    if weighted:
        grid.add_column("filter", overflow="fold")
        grid.add_column("weight", justify="right", overflow="fold")
    derived = any(term.product != term.value for term in shown)
    if weighted or derived:
        grid.add_column("product" if weighted else "term", justify="right", overflow="fold")
    for term in shown:
        mark = " border" if term.in_border else " ← this one" if term is explanation.winner else ""
        cells = [f"x[{_place(term)}]{mark}", number(term.value)]
        if weighted:
            cells += [
                " ".join(f"{n}[{','.join(map(str, c))}]" for n, c, _ in term.weights),
                " ".join(number(w) for _, _, w in term.weights),
            ]
        if weighted or derived:
            cells.append(number(term.product))
        grid.add_row(*cells, style="dim" if term.in_border else None)
    if not hidden:
        return grid
    return Group(grid, Text(f"… {hidden} more terms: --all shows them", style="dim"))


def _place(term: Term) -> str:
    return ",".join(map(str, term.cell))


def _sums(sums: Sequence[tuple[str, int, float]], hidden: int) -> Any:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("input map", overflow="fold")
    grid.add_column("terms", justify="right", overflow="fold")
    grid.add_column("sum", justify="right", overflow="fold")
    for label, count, total in sums:
        grid.add_row(label, str(count), number(total))
    return Group(grid, Text(f"… {hidden} more maps: --all shows them", style="dim")) if hidden else grid


def _ledger(explanation: Explanation) -> Any:
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(justify="right", overflow="fold")
    for label, value in explanation.ledger():
        grid.add_row(label, number(value, 8))
    grid.add_row(Text("residual against the network", style="dim"), Text(f"{explanation.residual:.2e}", style="dim"))
    return grid
