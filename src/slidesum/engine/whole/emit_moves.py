"""Moves as parts: where values come from as distances in memory, in the order in which they are written."""

from __future__ import annotations

from typing import Any

import numpy as np

from slidesum.engine.whole.gather import BEYOND, PLACE, Gather, bits, distances, in_rows
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Part, Place
from slidesum.engine.whole.rows import rows_cut
from slidesum.engine.whole.ways import SHARE

Array = Any
ROW = 1024
"""Values of a row, where they are written one after the other."""


def moved_part(
    name: str, table: Array, x: Spot | Place, y: Spot | Place, lanes: int, threads: int, level: int, fill: float = 0.0
) -> Part:
    """A table of places in x as everybody has it, from wherever x lies to wherever y does."""
    where = table
    if isinstance(x, Spot):
        of_x = distances(x.maps).reshape(-1)
        where = np.where(table >= 0, of_x[np.maximum(table, 0)], table)
    where = where.astype(PLACE)
    if isinstance(y, Spot):
        where, begins = in_rows(where, y.maps)
        total, size = where.size, where.shape[1]
    else:
        total, size = where.size, ROW
        begins = np.arange(0, total, ROW, dtype=np.int64)
        where = np.ascontiguousarray(where).reshape(-1)
    chunks, at_once = rows_cut(len(begins), 1, SHARE * threads)
    numbers = {
        "rows": len(begins), "rows_at_once": at_once, "size": size, "total": total, "y_rows": begins, "table": where,
        "x": x.ref() if isinstance(x, Spot) else x, "y": y.ref() if isinstance(y, Spot) else y,
        "fill": bits(fill) if (table == BEYOND).any() else 0,
    }  # fmt: skip
    return Part(name, Gather(lanes), numbers, chunks, level, bytes=12 * total)
