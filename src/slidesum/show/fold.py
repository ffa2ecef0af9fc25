"""Rows of a table put together by their names, and in another order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from slidesum.core.sizes import is_number, largest
from slidesum.errors import UsageError
from slidesum.show.rows import COUNTS, Row, totals_of

SORTABLE = ("name", "kind", "maps", "inputs_per_output", *COUNTS, "held_bytes")
"""Columns that rows can be sorted by: words from a to z, numbers from the largest."""


def folded(rows: Sequence[Row], depth: int | None) -> tuple[Row, ...]:
    """Rows whose names agree in their first `depth` parts ("a/b/c" has three) become one, in the place of the first of them.

    Its counts are their sums. Shape and reach are those of the last one; what it reads is what they read from outside. A row whose
    name has no more parts stays what it is, unless longer names begin with all of it.
    """
    if depth is None:
        return tuple(rows)
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        raise UsageError(f"a depth is a whole number of at least 1, not {depth!r}", advice="Write depth=1 to see whole modules.")
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault("/".join(row["name"].split("/")[:depth]), []).append(row)
    return tuple(group[0] if len(group) == 1 else _one(name, group) for name, group in groups.items())


def ordered(rows: Sequence[Row], column: str | None) -> tuple[Row, ...]:
    """The rows sorted by a column; equals stay in the order of computation.

    Raises UsageError for a column that can't be sorted by: an unknown one, or one with formulas in it.
    """
    if column is None:
        return tuple(rows)
    if column not in SORTABLE:
        raise UsageError(
            f"rows can't be sorted by {column!r}", usual=f"They can by {', '.join(SORTABLE)}.", advice="Write one of these."
        )
    if column in ("name", "kind"):
        return tuple(sorted(rows, key=lambda row: _natural(row[column])))
    formula = next((row for row in rows if row[column] is not None and not is_number(row[column])), None)
    if formula:
        raise UsageError(
            f"the {column} of {formula['name']} are {formula[column]}",
            usual="Formulas have no order before their symbols have numbers.",
            advice="Give them, as in --set k1=8, or net.with_sizes(k1=8).",
        )
    return tuple(sorted(rows, key=lambda row: -(row[column] or 0)))


def _one(name: str, group: Sequence[Row]) -> dict[str, Any]:
    last, members = group[-1], {row["name"] for row in group}
    held = [row["held_bytes"] for row in group if row["held_bytes"] is not None]
    kinds = Counter(
        row["kind"] for row in group if row["equation"] and (not _nothing(row["parameters"]) or not _nothing(row["macs"]))
    )
    found: Mapping[str, Any] = {
        "kind": f"{len(group)} layers",
        "also": tuple(f"{n} {kind}" for kind, n in kinds.items()),
        "equation": None,
        "inputs": tuple(dict.fromkeys(source for row in group for source in row["inputs"] if source not in members)),
        "inputs_per_output": None,
        **totals_of(group),
        "held_bytes": largest(*held) if held else None,
    }
    return {**last, "name": name, **found}


def _nothing(count: Any) -> bool:
    return is_number(count) and count == 0


def _natural(text: str) -> list[tuple[int, str]]:
    """conv2 before conv10."""
    parts: list[tuple[int, str]] = []
    digits = ""
    for letter in text + "\0":
        if letter.isdecimal():
            digits += letter
            continue
        if digits:
            parts.append((int(digits), ""))
            digits = ""
        parts.append((-1, letter))
    return parts
