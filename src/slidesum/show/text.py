"""Tables and explanations in a terminal, by Rich. In narrow windows the equations get a list of their own."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from slidesum.show.formula import number, pretty, times

if TYPE_CHECKING:
    from slidesum.show.explanation import Explanation, Term
    from slidesum.show.table import Table

WIDE = 150
"""From this width on the equations stand in the table."""

ROOM_FOR_FORMULAS = 100
"""Below this width a table of formulas has no column for the reach."""

SHOWN_TERMS = 30
"""Sums of up to so many terms are printed whole; longer ones are folded."""


def printed(thing: Any, width: int | None = None) -> str:
    """What Rich would print, as plain text in the width of the terminal."""
    out = io.StringIO()
    columns = width or shutil.get_terminal_size((100, 24)).columns
    Console(file=out, width=columns, color_system=None, highlight=False).print(thing)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


class _ByWidth:
    """Drawn when the width is known."""

    def __init__(self, table: Table, equations: bool) -> None:
        self.table, self.equations = table, equations

    def __rich_console__(self, console: Console, options: Any) -> Any:
        yield _drawn(self.table, options.max_width, self.equations)


def table_text(table: Table, *, equations: bool = True) -> Any:
    """A network's table as a renderable, with or without the equations."""
    return _ByWidth(table, equations)


def _drawn(table: Table, width: int, equations: bool) -> Any:
    wide = equations and width >= WIDE
    head = Text(table.graph.name, style="bold")
    for node in table.graph.inputs:
        head.append(f"   {node.name} {times(node.shape)}", style="dim")
    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_footer=not table.graph.symbols)
    titles = ["layer", "kind", "equation", "maps", "size", "reads", "weights", "biases", "multiply-adds", "reach"]
    left = {"layer", "kind", "equation"}
    left_out = set() if wide else {"kind", "equation"}
    if table.graph.symbols and width < ROOM_FOR_FORMULAS:
        left_out.add("reach")
    shown = [k for k, title in enumerate(titles) if title not in left_out]
    footer = table.total_cells() if not table.graph.symbols else [""] * len(titles)
    for k in shown:
        side: Any = "left" if titles[k] in left else "right"
        grid.add_column(titles[k], footer[k], justify=side, overflow="fold", footer_style="bold", min_width=len(titles[k]))
    for cells in table.cells():
        grid.add_row(*(cells[k] for k in shown))
    parts: list[Any] = [head, Padding(grid, (0, 0, 0, 2))]
    if equations and not wide:
        parts.append(Padding(_equations(table), (0, 0, 0, 2)))
    parts += [Text(f"  note  {note}", style="yellow") for note in table.notes]
    parts.append(Padding(_totals(table), (1 if wide else 0, 0, 0, 2)))
    return Group(*parts)


def _totals(table: Table) -> Any:
    total = table.totals
    if not table.graph.symbols:
        counted = f"{pretty(total['parameters'])} parameters, {pretty(total['connections'])} connections"
        return Text(f"{counted}; reads: input values per output value", style="dim")
    grid = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for title, key in (("weights", "weights"), ("biases", "biases"), ("parameters", "parameters"), ("multiply-adds", "macs")):
        grid.add_row(title, pretty(total[key]))
    return grid


def _equations(table: Table) -> Any:
    grid = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in table:
        if row["equation"]:
            grid.add_row(
                row["name"], Text(row["equation"], style="cyan") + Text(f"   {', '.join((row['kind'], *row['also']))}", style="dim")
            )
    return grid


def explanation_text(explanation: Explanation, *, all_terms: bool = False) -> Any:
    """An explanation as a renderable: the terms, the sums of the maps, the bias, the activation."""
    at = ",".join(map(str, explanation.at))
    head = Text(f"{explanation.layer}[{at}]", style="bold")
    head.append(f"   {explanation.equation}", style="cyan")
    parts: list[Any] = [head, Text(f"  {explanation.kind}: {explanation.gist}", style="dim")]
    if explanation.terms:
        parts.append(Padding(_terms(explanation, all_terms), (1, 0, 0, 2)))
    if len(explanation.partial_sums) > 1:
        parts.append(Padding(_sums(explanation), (1, 0, 0, 2)))
    parts.append(Padding(_ledger(explanation), (1, 0, 0, 2)))
    return Group(*parts)


def _terms(explanation: Explanation, all_terms: bool) -> Any:
    shown, hidden = explanation.folded(None if all_terms else SHOWN_TERMS)
    weighted = any(term.weights for term in shown)
    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column(explanation.term_title)
    grid.add_column("input value", justify="right")
    if weighted:
        grid.add_column("filter")
        grid.add_column("weight", justify="right")
        grid.add_column("product", justify="right")
    for term in shown:
        mark = " border" if term.in_border else " ← this one" if term is explanation.winner else ""
        cells = [f"x[{_place(term)}]{mark}", number(term.value)]
        if weighted:
            cells += [
                " ".join(f"{n}[{','.join(map(str, c))}]" for n, c, _ in term.weights),
                " ".join(number(w) for _, _, w in term.weights),
                number(term.product),
            ]
        grid.add_row(*cells, style="dim" if term.in_border else None)
    if not hidden:
        return grid
    return Group(grid, Text(f"… {hidden} more terms: --all shows them", style="dim"))


def _place(term: Term) -> str:
    return ",".join(map(str, term.cell))


def _sums(explanation: Explanation) -> Any:
    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column("input map")
    grid.add_column("terms", justify="right")
    grid.add_column("sum", justify="right")
    for label, count, total in explanation.partial_sums:
        grid.add_row(label, str(count), number(total))
    return grid


def _ledger(explanation: Explanation) -> Any:
    grid = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    for label, value in explanation.ledger():
        grid.add_row(label, number(value, 8))
    grid.add_row(Text("residual against the network", style="dim"), Text(f"{explanation.residual:.2e}", style="dim"))
    return grid
