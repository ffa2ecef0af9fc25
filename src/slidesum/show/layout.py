"""The table of a network in a terminal, by Rich. In narrow windows the equations get a list of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from slidesum.show.columns import GAP, Column, grid, kept, unbroken
from slidesum.show.formula import broken, pretty, times

if TYPE_CHECKING:
    from slidesum.show.table import Table

WIDE = 150
"""From this width on the equations stand in the table."""

ROOM_FOR_FORMULAS = 100
"""Below this width a table of formulas has no column for the reach."""

LONG = 40
"""A list of more equations than this tells each of them once."""

SHOWN_NOTES = 8
"""So many notes are shown; the other formats have them all."""

INDENT = 2
"""What a table is moved in by."""

TITLES = (
    *("layer", "kind", "equation", "maps", "size", "reads", "weights", "biases", "par %"),
    *("multiply-adds", "mac %", "backward", "bytes", "held", "reach"),
)
"""The columns of `Table.cells`, in few letters."""

FIRST_TO_GO = ("held", "bytes", "backward", "par %", "mac %")
"""What is shown only where it fits beside all the others without a line broken; the first of them goes first."""


class _ByWidth:
    """Drawn when the width is known."""

    def __init__(self, table: Table, equations: bool) -> None:
        self.table, self.equations = table, equations

    def __rich_console__(self, console: Console, options: Any) -> Any:
        yield _drawn(self.table, options.max_width, self.equations)


def table_text(table: Table, *, equations: bool = True) -> Any:
    """A network's table as a renderable, with or without the equations and what they mean."""
    return _ByWidth(table, equations)


def _drawn(table: Table, width: int, equations: bool) -> Any:
    wide = equations and width >= WIDE
    head = Text(table.graph.name, style="bold")
    for node in table.graph.inputs:
        head.append(f"   {node.name} {times(node.shape)}", style="dim")
    columns = _columns(table, width, wide=wide, reach_elsewhere=equations)
    parts: list[Any] = [head, grid(columns, width - INDENT, indent=INDENT)]
    if equations and not wide:
        parts.append(_indented(_equations(table, reach=all(c.title != "reach" for c in columns))))
    parts += [_indented(Text(f"note  {note}", style="yellow")) for note in table.notes[:SHOWN_NOTES]]
    if len(table.notes) > SHOWN_NOTES:
        more = f"… {len(table.notes) - SHOWN_NOTES} more notes: --format json has them all"
        parts.append(_indented(Text(more, style="yellow")))
    parts.append(Padding(_totals(table, width - INDENT), (1 if wide else 0, 0, 0, INDENT)))
    if equations:
        parts.append(Padding(Text(table.text), (1, 0, 0, INDENT)))
    return Group(*parts)


def _columns(table: Table, width: int, *, wide: bool, reach_elsewhere: bool) -> list[Column]:
    """The columns for this width. The reach goes first where the list of equations tells it, else last."""
    symbolic = bool(table.graph.symbols)
    footer = table.total_cells() if not symbolic else [""] * len(TITLES)
    cells = list(zip(*table.cells(), strict=True)) or [()] * len(TITLES)
    left_out = set() if wide else {"kind", "equation"}
    if symbolic:
        left_out |= {*FIRST_TO_GO, *(("reach",) if width < ROOM_FOR_FORMULAS and reach_elsewhere else ())}
    columns = [Column(title, cells[k], footer[k], words=k < 3) for k, title in enumerate(TITLES) if title not in left_out]
    for title in FIRST_TO_GO:
        if unbroken(columns) <= width - INDENT:
            break
        columns = [column for column in columns if column.title != title]
    less = ("reach", "biases", "reads") if reach_elsewhere else ("biases", "reads", "reach")
    return kept(columns, width - INDENT, (*less, "size", "maps", "weights"))


def _indented(thing: Any) -> Any:
    return Padding(thing, (0, 0, 0, INDENT))


def _totals(table: Table, width: int) -> Any:
    total = table.totals
    if not table.graph.symbols:
        counted = f"{pretty(total['parameters'])} parameters, {pretty(total['connections'])} connections"
        at = f", at {table.peak.layer}" if table.peak.layer else ""
        held = f"a forward pass holds {pretty(table.peak.bytes)} bytes of results at most{at}"
        back = f"a backward pass makes {pretty(total['backward_macs'])} multiply-adds"
        return Text(f"{counted}; reads: input values per output value\n{held}; {back}", style="dim")
    named = {
        "weights": total["weights"],
        "biases": total["biases"],
        "parameters": total["parameters"],
        "multiply-adds": total["macs"],
        "backward": total["backward_macs"],
        "held bytes": table.peak.bytes,
    }
    lines = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
    lines.add_column(style="bold", no_wrap=True)
    lines.add_column(overflow="fold")
    room = width - GAP - max(map(len, named))
    for title, value in named.items():
        lines.add_row(title, broken(pretty(value), room))
    return lines


def _equations(table: Table, *, reach: bool) -> Any:
    """The equations with their kinds, and with the reach where the table has no column for it."""
    listed = [row for row in table if row["equation"] or row["also"]]
    if len(listed) > LONG:
        return Group(*(_equation(equation, f"{told}   {names}") for names, equation, told in _alike(listed)))
    lines = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
    lines.add_column(overflow="fold")
    lines.add_column(overflow="fold")
    for name, equation, told in _each(listed, reach):
        lines.add_row(name, _equation(equation, told))
    return lines


def _equation(equation: str, told: str) -> Text:
    return Text(f"{equation}   " if equation else "", style="cyan") + Text(told, style="dim")


def _each(rows: list[Any], reach: bool) -> Iterator[tuple[str, str, str]]:
    from slidesum.show.table import reach_cell

    for row in rows:
        found = f"   reach {reach_cell(row['reach'])}" if reach and row["reach"] else ""
        yield row["name"], row["equation"] or "", _told(row) + found


def _alike(rows: list[Any]) -> Iterator[tuple[str, str, str]]:
    """A line for each equation with its strides and paddings, and how many layers it is the equation of."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row["equation"] or "", _told(row)), []).append(row["name"])
    for (equation, told), names in groups.items():
        yield names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", equation, told


def _told(row: Any) -> str:
    return ", ".join((row["kind"], *row["also"]))
