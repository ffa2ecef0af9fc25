"""Moves as parts: where values come from as distances in memory, in the order in which they are written."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.engine.whole.edges import Pack, Unpack
from slidesum.engine.whole.emit_filters import Rows
from slidesum.engine.whole.gather import BEYOND, PLACE, Gather, bits, distances, in_rows
from slidesum.engine.whole.maps import BARE
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.program import Part, Place
from slidesum.engine.whole.rows import rows_cut

Array = Any
SHORT = 64
"""Cells of a row, below which rows are put together where they can be."""
ROW = 1024
"""Values of a row, where they are written one after the other."""


def edge_part(name: str, spot: Spot, plain: Place, lanes: int, level: int, rows: Rows, *, into: bool) -> Part:
    """Into blocks or out of them; short rows with nothing between them are one."""
    maps = spot.maps
    size = math.prod(maps.cells)
    if maps.is_bare and maps.cells[2] < SHORT:
        maps = replace(maps, cells=(1, 1, size))
    cells = replace(maps, halo=BARE)
    numbers, tasks = rows({"y" if into else "x": Spot(maps, spot.buffer)}, cells)
    numbers |= {
        "channels": maps.channels, "plain": plain, "plain_sample": maps.channels * size, "plain_map": size,
        "plain_row": maps.cells[2],
    }  # fmt: skip
    kernel = Pack(lanes, maps.lanes) if into else Unpack(lanes, maps.lanes)
    return Part(name, kernel, numbers, tasks, level, bytes=8 * maps.values)


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
    chunks, at_once = rows_cut(len(begins), 1, threads)
    numbers = {
        "rows": len(begins), "rows_at_once": at_once, "size": size, "total": total, "y_rows": begins, "table": where,
        "x": x.ref() if isinstance(x, Spot) else x, "y": y.ref() if isinstance(y, Spot) else y,
        "fill": bits(fill) if (table == BEYOND).any() else 0,
    }  # fmt: skip
    return Part(name, Gather(lanes), numbers, chunks, level, bytes=12 * total)
