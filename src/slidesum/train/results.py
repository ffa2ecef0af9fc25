"""What a comparison leaves: text in four forms, and a folder with the networks, the figures and the plot."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from pathlib import Path

from slidesum.errors import UsageError
from slidesum.read.saved import save
from slidesum.train.compare import Comparison, Row
from slidesum.train.plot import plot


def save_results(comparison: Comparison, folder: str | Path) -> dict[str, Path]:
    """Write everything, each file atomically; returns the paths by what they are.

    Raises FileError where nothing can be written.
    """
    home = Path(folder)
    files = {}
    for kind, one in comparison.trained.items():
        if not one.history:  # stopped before its first epoch: nothing was learned
            continue
        files[f"type {kind}"], *_ = save(home / f"{one.graph.name}.json", one.graph, one.values)
    files["comparison"] = comparison.save(home / "comparison.json")
    if any(row.accuracy is not None for row in comparison.rows):
        files["plot"] = plot(comparison, home / "comparison.png")
    return files


def formatted(comparison: Comparison, how: str) -> str:
    """The comparison as json (everything), csv or markdown (a line a type)."""
    names = [field.name for field in fields(Row)]
    told = [asdict(row) for row in comparison.rows]
    rows = [["" if row[name] is None else str(row[name]) for name in names] for row in told]
    match how:
        case "json":
            return comparison.to_json()
        case "csv":
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows([names, *rows])
            return out.getvalue()
        case "markdown":
            return "".join(f"| {' | '.join(cells)} |\n" for cells in (names, ["--"] * len(names), *rows))
        case _:
            raise UsageError(f"there is no format {how!r}", usual="There are json, csv, markdown.", advice="Write one of them.")
