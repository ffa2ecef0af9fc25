"""Passes over rows as parts: into blocks and out of them, zeros around them, and the numbers of any kernel that goes row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from slidesum.engine.whole.edges import Pack, Unpack
from slidesum.engine.whole.maps import BARE, Maps
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Number, Part, Place, Ref
from slidesum.engine.whole.rows import Clear, rows_cut
from slidesum.engine.whole.tables import row_table
from slidesum.engine.whole.ways import SHARE

SHORT = 64
"""Cells of a row, below which rows are put together where they can be."""


def clear_part(spot: Spot, lanes: int, level: int) -> Part:
    """Zeros around the cells of a whole buffer."""
    maps = spot.maps
    blocks = maps.of or maps.blocks
    depth, height, columns = maps.held
    z, i, j = maps.halo
    numbers: dict[str, Number] = {
        "blocks": blocks, "y": Ref(spot.buffer), "y_sample": maps.sample, "y_block": maps.block, "cell": maps.lanes,
        "depth": depth, "height": height, "row": maps.row,
        "z_low": z[0], "z_high": depth - z[1], "i_low": i[0], "i_high": height - i[1],
        "j_low": j[0], "j_high": columns - j[1],
    }  # fmt: skip
    size = maps.batch * blocks * (maps.block - math.prod(maps.cells) * maps.lanes)
    return Part("halo", Clear(lanes), numbers, maps.batch * blocks, level, bytes=4 * size, note="zeros")


def row_numbers(spots: Mapping[str, Spot], cells: Maps, threads: int, share: int = SHARE) -> tuple[dict[str, Number], int]:
    """What a kernel reads that goes through the rows of all these arrays, and how many tasks it has."""
    rows = cells.cells[0] * cells.cells[1]
    chunks, at_once = rows_cut(rows, cells.batch * cells.blocks, share * threads)
    numbers: dict[str, Number] = {
        "blocks": cells.blocks, "chunks": chunks, "rows": rows, "rows_at_once": at_once, "columns": cells.cells[2]
    }  # fmt: skip
    for name in ("a", "b", "x", "y"):
        spot = spots.get(name)
        numbers[name] = spot.ref() if spot else 0
        numbers[f"{name}_sample"] = spot.maps.sample if spot else 0
        numbers[f"{name}_block"] = spot.maps.block if spot else 0
        numbers[f"{name}_rows"] = row_table(spot.maps) if spot else 0
    return numbers, cells.batch * cells.blocks * chunks


def edge_part(name: str, spot: Spot, plain: Place, lanes: int, threads: int, level: int, *, into: bool) -> Part:
    """From a plain array into blocks, or back; short rows with nothing between them are one."""
    maps = spot.maps
    size = math.prod(maps.cells)
    if maps.is_bare and maps.cells[2] < SHORT:
        maps = replace(maps, cells=(1, 1, size))
    numbers, tasks = row_numbers({"y" if into else "x": Spot(maps, spot.buffer)}, replace(maps, halo=BARE), threads)
    numbers |= {
        "channels": maps.channels, "plain": plain, "plain_sample": maps.channels * size, "plain_map": size,
        "plain_row": maps.cells[2],
    }  # fmt: skip
    kernel = Pack(lanes, maps.lanes) if into else Unpack(lanes, maps.lanes)
    return Part(name, kernel, numbers, tasks, level, bytes=8 * maps.values)
