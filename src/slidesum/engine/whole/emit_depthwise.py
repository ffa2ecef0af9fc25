"""Layers with a filter a map as parts: alone, and with the 1×1 convolution behind them (`separable.py`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.whole.depthwise import Depthwise, Line
from slidesum.engine.whole.emit_rows import row_numbers
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.pairs import Separates
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Number, Part
from slidesum.engine.whole.separable import Separable
from slidesum.engine.whole.tables import landing_rows, lined_up, row_table, tap_table, window_rows
from slidesum.engine.whole.tiling import tilings
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Mapwise

Array = Any
TILES = {16: 8, 32: 12}
"""Positions of a depthwise tile, by registers: sums, the taps of a line and what they meet have to be held."""
ACROSS = 7
"""Taps of a row up to which they are written out."""
SCRATCH = 2**19
"""Bytes of what is filtered in a task: half of the second-level cache, the filters of the 1×1 go through the rest."""
FAR, NEAR = 8.0, 2**19
"""Bytes of filters beyond which each task fetches them anew, so many in a cycle."""
TASK = 3000
"""Cycles that a task costs by itself."""
COARSE = 0.06
"""What it costs that threads aren't equally fast, where each has one task."""


def depthwise_part(work: Filters, x: Spot, y: Spot, way: Mapwise, host: Host, threads: int, level: int) -> Part:
    """A filter a map."""
    window, maps, lanes = work.what.window, y.maps, host.bytes_wide // 4
    numbers, tasks = row_numbers({"x": x, "y": y}, replace(maps, cells=window.positions), threads, way.share)
    y_step = lanes if work.lands is None else work.lands.step[2] * lanes
    line, own = _line(work, x.maps, lanes, way.wide, y_step)
    numbers["y_rows"] = row_table(maps) if work.lands is None else landing_rows(window, work.lands, maps)
    kernel = Depthwise(lanes, line, work.tail)
    macs = maps.batch * work.what.macs
    return Part(work.name, kernel, {**numbers, **own}, tasks, level, macs, 4 * (x.maps.values + maps.values), str(way))


def _line(work: Filters, x: Maps, lanes: int, wide: int, y_step: int) -> tuple[Line, dict[str, Number]]:
    """How a row is filtered, and the numbers that this needs."""
    window = work.what.window
    columns, across = window.positions[2], window.taps[2]
    if not 0 < across <= ACROSS:
        across = 1
    step, apart = window.strides[2] * lanes, window.dilations[2] * lanes if across > 1 else 0
    line = Line(wide, columns % wide, step, y_step, across, apart)
    taps, maps, blocks = math.prod(window.taps), work.what.groups, x.blocks
    w = np.zeros((blocks * lanes, taps), work.w.dtype)
    w[:maps] = work.w.reshape(maps, taps)
    bias = np.zeros(blocks * lanes, np.float32)
    bias[:maps] = work.bias
    return line, {
        "tiles": columns // wide,
        "lines": taps // across,
        "lines_table": np.ascontiguousarray(tap_table(window, x)[::across]),
        "w": lined_up(w.reshape(blocks, lanes, taps).transpose(0, 2, 1)),
        "bias": bias,
        "x_rows": window_rows(window, x),
    }


@dataclass(frozen=True)
class Cut:
    """Rows of a task, rows that are one line of products, parts of the filters, the tile of products; and cycles of a thread."""

    rows: int
    in_line: int
    parts: int
    blocks: int
    wide: int
    cycles: float


def cut_of(work: Separates, y: Maps, other: Maps | None, host: Host, threads: int) -> Cut:
    """The cut that an estimate of cycles likes best."""
    return min(_cuts(work, y, other, host, threads), key=lambda cut: cut.cycles)


def _cuts(work: Separates, y: Maps, other: Maps | None, host: Host, threads: int) -> Iterator[Cut]:
    window, lanes = work.first.what.window, host.bytes_wide // 4
    depth, high, columns = window.positions
    rows, maps = depth * high, -(-work.first.what.groups // lanes)
    is_bare = y.is_bare and (other is None or other.is_bare)
    for at_once in range(1, rows + 1):
        if at_once > 1 and 4 * at_once * columns * maps * lanes > SCRATCH:
            break
        in_line = at_once if is_bare and rows % at_once == 0 else 1
        ((blocks, wide), *_), a_line = tilings(y.blocks, in_line * columns, host.vectors, True)[0]
        groups = y.blocks // blocks
        for parts in {1, 2, threads, 2 * threads}:
            if parts > groups:
                continue
            share = -(-groups // parts)
            filtered = at_once * columns * maps * (math.prod(window.taps) + 2) * 1.3
            product = at_once / in_line * a_line * share / groups * maps * lanes
            size = 4.0 * maps * lanes * lanes * blocks * share
            fetched = size / FAR if size * parts > NEAR else 0.0
            tasks = y.batch * -(-rows // at_once) * parts
            a_task = TASK + filtered + max(product, fetched) + 0.1 * min(product, fetched)
            total = -(-tasks // threads) * a_task * (1 + COARSE * threads / tasks)
            yield Cut(at_once, in_line, parts, blocks, wide, total)


def separable_part(work: Separates, x: Spot, y: Spot, other: Spot | None, host: Host, threads: int, level: int) -> tuple[Part, int]:
    """The part, and the values of scratch that a thread needs."""
    lanes, window = host.bytes_wide // 4, work.first.what.window
    cut = cut_of(work, y.maps, other.maps if other else None, host, threads)
    rows, columns = window.positions[0] * window.positions[1], window.positions[2]
    line, numbers = _line(work.first, x.maps, lanes, -(-columns // -(-columns // TILES[host.vectors])), lanes)
    maps, blocks = x.maps.blocks, y.maps.blocks
    groups = blocks // cut.blocks
    filters, channels = work.point.what.filters, work.point.what.channels
    w = np.zeros((blocks * lanes, maps * lanes), np.float32)
    w[:filters, :channels] = work.point.w.reshape(filters, channels)
    bias = np.zeros(blocks * lanes, np.float32)
    bias[:filters] = work.point.bias
    at_once, chunks = -(-groups // cut.parts), -(-rows // cut.rows)
    parts = -(-groups // at_once)
    wide = cut.in_line * columns
    numbers |= {
        "point_w": lined_up(w.reshape(groups, cut.blocks, lanes, maps * lanes).transpose(0, 3, 1, 2)),
        "point_bias": bias, "maps": maps, "columns": columns, "point_tiles": wide // cut.wide,
        "groups": groups, "groups_at_once": at_once, "parts": parts,
        "chunks": chunks, "rows": rows, "rows_at_once": cut.rows, "rows_in_line": cut.in_line,
        "y_rows": row_table(y.maps), "other_rows": row_table(other.maps) if other else 0,
    }  # fmt: skip
    for name, spot in (("x", x), ("y", y), ("other", other)):
        numbers[name] = spot.ref() if spot else 0
        numbers[f"{name}_sample"] = spot.maps.sample if spot else 0
        numbers[f"{name}_block"] = spot.maps.block if spot else 0
    rest, past = wide % cut.wide, y.maps.is_large
    kernel = Separable(lanes, line, work.first.tail, cut.blocks, cut.wide, rest, work.point.tail, other is not None, past)
    macs = y.maps.batch * rows * columns * (lanes * lanes * blocks * maps + work.first.what.groups * math.prod(window.taps) * parts)
    size = 4 * (x.maps.values + y.maps.values + w.size)
    note = f"{cut.rows}x{columns} {cut.blocks}x{cut.wide}"
    part = Part(work.name, kernel, numbers, y.maps.batch * parts * chunks, level, macs, size, note)
    return part, cut.rows * columns * maps * lanes
