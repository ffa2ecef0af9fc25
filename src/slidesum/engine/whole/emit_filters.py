"""Filters as parts: how groups become blocks, how weights lie, how rows and filters are cut into tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.whole.depthwise import Depthwise
from slidesum.engine.whole.direct import Direct
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.meaning import Window
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.program import Number, Part
from slidesum.engine.whole.rows import rows_cut
from slidesum.engine.whole.tables import lined_up, row_table, tap_table, window_rows
from slidesum.engine.whole.ways import SHARE, Mapwise, Summed
from slidesum.engine.whole.work import Filters

Array = Any
TASK = 2**19
"""Multiply-adds below which a task isn't worth taking."""
FEW_GROUPS = 8
"""Groups up to which each is a layer of its own."""


def row_numbers(spots: Mapping[str, Spot], cells: Maps, threads: int, share: int = SHARE) -> tuple[dict[str, Number], int]:
    """The numbers of a kernel that goes through rows of all these arrays, and its tasks."""
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


def depthwise_part(work: Filters, x: Spot, y: Spot, way: Mapwise, lanes: int, threads: int, level: int) -> Part:
    """A filter a map."""
    window, maps, wide = work.what.window, y.maps, way.wide
    columns = window.positions[2]
    numbers, tasks = row_numbers({"x": x, "y": y}, maps, threads, way.share)
    taps = math.prod(window.taps)
    w = np.zeros((maps.blocks * lanes, taps), np.float32)
    w[: maps.channels] = work.w.reshape(maps.channels, taps)
    bias = np.zeros(maps.blocks * lanes, np.float32)
    bias[: maps.channels] = work.bias
    numbers |= {
        "tiles": columns // wide,
        "taps": taps,
        "taps_table": tap_table(window, x.maps),
        "w": lined_up(w.reshape(maps.blocks, lanes, taps).transpose(0, 2, 1)),
        "bias": bias,
        "x_rows": window_rows(window, x.maps),
    }
    kernel = Depthwise(lanes, wide, columns % wide, window.strides[2] * lanes, work.tail)
    macs = maps.batch * work.what.macs
    return Part(work.name, kernel, numbers, tasks, level, macs, 4 * (x.maps.values + maps.values), str(way))


def by_group(work: Filters, x: Spot, y: Spot, other: Spot | None, lanes: int) -> Iterator[tuple[Filters, Spot, Spot, Spot | None]]:
    """Each group by itself, where there are few and they fill blocks; otherwise the layer as it is."""
    what = work.what
    groups, channels, filters = what.groups, what.channels, what.filters
    if not 1 < groups <= FEW_GROUPS or channels % lanes or filters % lanes or x.maps.lanes != lanes:
        yield work, x, y, other
        return

    def part(spot: Spot, group: int, maps: int) -> Spot:
        return Spot(spot.maps.part(group * maps // lanes, maps), spot.buffer)

    for group in range(groups):
        own = replace(
            work,
            what=replace(what, groups=1),
            w=work.w[group : group + 1],
            bias=work.bias[group * filters : (group + 1) * filters],
        )
        yield own, part(x, group, channels), part(y, group, filters), part(other, group, filters) if other else None


def merged(w: Array, lanes: int) -> Array:
    """Groups put together until their maps and filters fill blocks, with zeros between maps and filters of different groups.

    >>> merged(np.ones((4, 8, 8, 1, 1, 1), "float32"), 16).shape
    (2, 16, 16, 1, 1, 1)
    """
    groups, filters, channels = w.shape[:3]
    if groups == 1:
        return w
    together = groups_together(groups, filters, channels, lanes)
    made = np.zeros((groups // together, together * filters, together * channels, *w.shape[3:]), np.float32)
    for k in range(together):
        made[:, k * filters : (k + 1) * filters, k * channels : (k + 1) * channels] = w[k::together]
    return made


def groups_together(groups: int, filters: int, channels: int, lanes: int) -> int:
    """How many groups are put together: until their maps and filters fill blocks, or all."""
    fills = (n for n in range(1, groups) if groups % n == 0 and not (n * channels % lanes or n * filters % lanes))
    return next(fills, groups)


def direct_parts(
    work: Filters, x: Spot, y: Spot, other: Spot | None, way: Summed, host: Host, threads: int, level: int
) -> list[Part]:
    """The sum itself, as one part, or two where blocks are left over."""
    lanes, window = host.bytes_wide // 4, work.what.window
    w = merged(work.w, lanes)
    groups, filters, channels = w.shape[:3]
    inner = x.maps.lanes
    blocks, maps = -(-filters // lanes), -(-channels // inner)
    taps = math.prod(window.taps)
    filled = np.zeros((groups, blocks * lanes, maps * inner, taps), np.float32)
    filled[:, :filters, :channels] = w.reshape(groups, filters, channels, taps)
    bias = np.zeros(groups * blocks * lanes, np.float32)
    bias[: len(work.bias)] = work.bias
    lie = laid(window, x.maps, y.maps, other.maps if other else None)
    parts, begin = [], 0
    for high, wide in way.tiles:
        count = (blocks - begin) // high
        own = filled[:, begin * lanes : (begin + count * high) * lanes]
        weights = own.reshape(groups, count, high, lanes, maps, inner, taps).transpose(0, 1, 4, 6, 5, 2, 3)
        kernel = Direct(lanes, high, wide, lie["columns"] % wide, lie["step"], lie["y_step"], inner, work.tail, other is not None)
        macs = lie["samples"] * groups * count * high * lanes * maps * inner * taps * lie["rows"] * lie["columns"]
        numbers, chunks = _numbers(kernel, x, y, other, lie, way, threads, macs, groups, count, begin, maps, taps)
        numbers["w"] = lined_up(weights)
        numbers["bias"] = bias[begin * lanes :]
        numbers["taps_table"] = tap_table(window, x.maps)
        tasks = lie["samples"] * groups * count * chunks
        size = 4 * (x.maps.values + y.maps.values + weights.size)
        parts.append(Part(work.name, kernel, numbers, tasks, level, macs, size, str(replace(way, tiles=((high, wide),)))))
        begin += count * high
    return parts


def laid(window: Window, x: Maps, y: Maps, other: Maps | None) -> dict[str, Any]:
    """What is a row: of positions; of all of them, where nothing lies between rows; of samples, where each has one position."""
    depth, rows, columns = window.positions
    others = [maps for maps in (y, other) if maps is not None]
    if x.batch > 1 and (depth, rows, columns) == (1, 1, 1) and len({maps.sample for maps in others}) == 1:
        table = window_rows(window, x)
        return {
            "samples": 1, "rows": 1, "columns": x.batch, "step": x.sample, "y_step": y.sample,
            "x_rows": table, "y_rows": table * 0, "other_rows": table * 0,
        }  # fmt: skip
    is_point = window.taps == (1, 1, 1) == window.strides and window.low == (0, 0, 0)
    if is_point and all(maps.is_bare for maps in (x, *others)) and rows * depth > 1:
        zero = np.zeros(1, np.int64)
        return {
            "samples": x.batch, "rows": 1, "columns": depth * rows * columns, "step": x.lanes, "y_step": y.lanes,
            "x_rows": zero, "y_rows": zero, "other_rows": zero,
        }  # fmt: skip
    return {
        "samples": x.batch, "rows": depth * rows, "columns": columns, "step": window.strides[2] * x.lanes, "y_step": y.lanes,
        "x_rows": window_rows(window, x), "y_rows": row_table(y), "other_rows": row_table(other) if other else 0,
    }  # fmt: skip


def _numbers(
    kernel: Direct, x: Spot, y: Spot, other: Spot | None, lie: dict[str, Any], way: Summed, threads: int, macs: int,
    groups: int, count: int, begin: int, maps: int, taps: int,
) -> tuple[dict[str, Number], int]:  # fmt: skip
    lanes, rows = kernel.lanes, lie["rows"]
    a_map = kernel.blocks * lanes * kernel.inner * taps
    tiles = lie["columns"] // kernel.wide
    used = rows * (tiles + bool(kernel.rest))
    at_once = maps if used == 1 else max(1, min(maps, way.near // (4 * a_map)))
    ogs = groups * count
    wanted = max(1, min(rows, -(-way.share * threads // (lie["samples"] * ogs)), macs // (lie["samples"] * ogs * TASK)))
    rows_at_once = -(-rows // wanted)
    chunks = -(-rows // rows_at_once)
    is_small = 4 * ogs * maps * a_map <= 2 * way.near
    zero = np.zeros(1, np.int64)
    group_table = np.array([g * maps * x.maps.block for g in range(groups) for _ in range(count)], np.int64)
    return {
        "x": x.ref(),
        "y": y.ref(begin),
        "other": other.ref(begin) if other else 0,
        "x_rows": lie["x_rows"],
        "y_rows": lie["y_rows"],
        "other_rows": lie["other_rows"] if other else zero,
        "groups_table": group_table,
        "x_sample": x.maps.sample,
        "y_sample": y.maps.sample,
        "other_sample": other.maps.sample if other else 0,
        "x_block": x.maps.block,
        "y_block": y.maps.block,
        "other_block": other.maps.block if other else 0,
        "groups": ogs,
        "group_by": 1 if is_small else chunks,
        "chunks": chunks,
        "chunk_by": ogs if is_small else 1,
        "rows": rows,
        "rows_at_once": rows_at_once,
        "tiles": tiles,
        "maps": maps,
        "maps_at_once": at_once,
        "taps": taps,
        "w_group": maps * a_map,
    }, chunks
