"""A comparison in a terminal, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from slidesum.bench.engines.comparison import AGREES, Comparison
from slidesum.bench.table import ms

LEGEND = (
    "Medians in milliseconds, and quartiles, of rounds in which every engine has its turn in a process of its own; float32. ratio: "
    "to slidesum's time. limit: the share of the time below which this machine can't do the multiply-adds that the equations ask "
    "for, or can't read the arrays; who needs fewer can have more than all of it. error: relative L2, against float64."
)


class ComparisonText:
    """Drawn when the width is known."""

    def __init__(self, found: Comparison) -> None:
        self.found = found

    def __rich_console__(self, console: Any, options: Any) -> Any:
        yield Text(_heading(self.found), style="bold")
        yield Text()
        if any(row.times for row in self.found.rows):
            yield _rows(self.found)
            yield Text()
            yield Text(LEGEND, style="dim")
        for line in _remarks(self.found):
            yield Text(line)


def _heading(found: Comparison) -> str:
    machine, peak = found.machine, found.peak
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    lines = [f"{found.net}, batch {found.batch}, {found.threads} threads", f"{machine.cpu}, {machine.cores} cores", versions]
    if peak is not None:
        lines.append(
            f"limit {ms(peak.floor_ms(found.macs, found.bytes))} ms: {found.macs:,} multiply-adds at "
            f"{peak.macs_per_second / 1e9:.0f} G/s, {found.bytes:,} bytes at {peak.bytes_per_second / 1e9:.1f} GB/s"
        )
    return "\n".join(lines)


def _rows(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("engine", no_wrap=True)
    for title in ("ms", "quartiles", "ratio", "limit", "error", "ready in"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in found.rows:
        times = row.times
        if times is None:
            continue
        table.add_row(
            row.engine,
            ms(times.ms),
            f"{ms(times.low_ms)}–{ms(times.high_ms)}",
            "–" if row.ratio is None else f"{row.ratio:.2f}",
            "–" if row.share is None else f"{row.share:.0%}",
            Text(f"{row.error:.1e}", style="" if row.agrees else "bold red"),
            f"{row.prepared_s:.1f} s",
        )
    return table


def _remarks(found: Comparison) -> Iterator[str]:
    best, own = found.best_other, next((row for row in found.rows if row.engine == "slidesum"), None)
    for row in found.rows:
        if row.state != "timed":
            yield f"{row.engine}: {row.why if row.state == 'not installed' else f'{row.state}, {row.why}'}"
        elif not row.agrees:
            yield f"{row.engine}: disagrees, its error is {row.error:.1e}, and {AGREES:g} is let pass"
    if best is not None and best.times and own is not None and own.times:
        yield f"slidesum is {best.times.ms / own.times.ms:.2f} times as fast as the best of the others, {best.engine}"
