"""The results in a terminal: readable in 80 columns; a wider one shows also against what, and the spread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slidesum.bench.case import Case
from slidesum.bench.passes import FORWARD
from slidesum.bench.results import Results
from slidesum.bench.row import Row

WIDE = 125
"""From this width on the table tells the peer and the spread."""

NOTHING_MS = 0.001
"""A floor below this says nothing about a call."""

LEGEND = (
    "Medians in milliseconds of calls timed by turns; under a case, forward and backward together. ratio: the other's time over "
    "ours. floor: multiply-adds over the measured peak or bytes over the measured bandwidth, the larger; ours× and other×: how "
    "many floors each takes."
)


class ResultsText:
    """Drawn when the width is known."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def __rich_console__(self, console: Any, options: Any) -> Any:
        results, width = self.results, options.max_width
        yield Text(_heading(results), style="bold")
        yield Text()
        yield _rows(results.rows, width)
        if any(row.layouts for row in results.rows):
            yield Padding(_layouts([row for row in results.rows if row.layouts]), (1, 0, 0, 0))
        yield Text()
        yield Text(LEGEND, style="dim")
        for line in _remarks(results):
            yield Text(line)


def list_text(cases: Sequence[Case]) -> Any:
    """The names of the cases with their equations, and against what each is timed."""
    parts: list[Text] = []
    for case in cases:
        parts.append(Text(case.name, style="bold") + Text(f"  ({case.group})  {case.what}", style=""))
        parts.append(Text(f"    {case.equation}", style="cyan"))
        parts.append(Text(f"    against {case.against}", style="dim"))
    return Group(*parts)


def _heading(results: Results) -> str:
    machine, peak = results.machine, results.peak
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return (
        f"{machine.cpu}, {machine.threads} of {machine.cores} cores: {peak.macs_per_second / 1e9:.0f} G multiply-adds/s, "
        f"{peak.bytes_per_second / 1e9:.1f} GB/s\n{versions}"
    )


def _rows(rows: Sequence[Row], width: int) -> Table:
    wide = width >= WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("case", no_wrap=True)
    for title in ("ours", "other", "ratio", "wanted", "floor", "ours×", "other×"):
        table.add_column(title, justify="right", no_wrap=True)
    if wide:
        table.add_column("quartiles", justify="right", no_wrap=True)
        table.add_column("against", overflow="ellipsis")
    for row in rows:
        name = Text(row.case) if row.passes == FORWARD else Text("  and backward", style="dim")
        ratio = Text(ms(row.ratio) if row.wanted_extra_us is None else f"{row.extra_us:+.1f}µs", style=_style(row))
        floors = (ms(row.floor_ms), short(row.ours_floors), short(row.peer_floors))
        if row.floor_ms < NOTHING_MS:
            floors = ("–", "–", "–")
        more = (_quartiles(row), row.against) if wide else ()
        table.add_row(name, ms(row.ours_ms), ms(row.peer_ms), ratio, _wanted(row), *floors, *more)
    return table


def _style(row: Row) -> str:
    return {True: "green", False: "yellow", None: ""}[row.reached]


def _wanted(row: Row) -> str:
    """What was wanted, and whether it was reached: told by a sign too, for those who see no colours.

    A difference in time stands with its unit.
    """
    if row.reached is None:
        return ""
    wanted = f"+{row.wanted_extra_us:g}µs" if row.wanted is None else f"{row.wanted:g}"
    return f"{wanted} {_sign(row.reached)}"


def _sign(reached: bool) -> str:
    return "✓" if reached else "✗"


def _quartiles(row: Row) -> str:
    sides = [min((s for s in row.sides if s.ours is mine), key=lambda s: s.times.ms).times for mine in (True, False)]
    return "  ".join(f"{ms(t.low_ms)}–{ms(t.high_ms)}" for t in sides)


def _layouts(rows: Sequence[Row]) -> Table:
    """Where both sides were given several memory layouts: each of them alone."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("by layout", no_wrap=True)
    names = list(dict.fromkeys(name for row in rows for name in row.layouts))
    for name in names:
        for title in (f"{name} ours", "other", "ratio"):
            table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        cells: list[str] = []
        for name in names:
            found = [min(s.times.ms for s in row.sides if s.layout == name and s.ours is mine) for mine in (True, False)]
            cells += [*map(ms, found), ms(row.layouts[name])]
        table.add_row(Text(row.case) if row.passes == FORWARD else Text("  and backward", style="dim"), *cells)
    return table


def _remarks(results: Results) -> Iterator[str]:
    for row in results.rows:
        if row.memory:
            found = row.memory
            sides = f"{found.ours_bytes / 2**20:.1f} MiB against {found.peer_bytes / 2**20:.1f} MiB, {found.share:.2f} of it"
            wanted = "" if found.reached is None else f", wanted {found.wanted:.2f} {_sign(found.reached)}"
            beside = f"beside {found.returned_bytes / 2**20:.1f} MiB that are returned {found.share_beside:.2f}{wanted}"
            yield f"{row.case}, {row.passes}: memory at its peak {sides}; {beside}"
    yield from (f"{name}: left out, {why}" for name, why in results.skipped.items())
    yield from (f"{name}: refused, {why.splitlines()[0]}" for name, why in results.refused.items())
    asked = [row.reached for row in results.rows if row.reached is not None]
    if asked:
        yield f"{sum(asked)} of {len(asked)} wanted ratios reached"


def ms(number: float) -> str:
    """Three digits that tell something, without an exponent.

    >>> [ms(n) for n in (0.00341, 0.1312, 2.804, 36.04, 301.2, 4096.0)]
    ['0.0034', '0.131', '2.80', '36.0', '301', '4096']
    """
    for limit, digits in ((0.01, 4), (1, 3), (10, 2), (100, 1)):
        if number < limit:
            return f"{number:.{digits}f}"
    return f"{number:.0f}"


def short(number: float) -> str:
    """Two digits that tell something: how many floors.

    >>> [short(n) for n in (0.97, 3.24, 61.8, 1234.0)]
    ['1.0', '3.2', '62', '1234']
    """
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"
