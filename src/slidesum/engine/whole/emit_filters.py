"""Filters as parts: how groups become blocks, how weights lie, how rows and filters are cut into tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.whole.direct import Direct
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.meaning import Window
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Number, Part
from slidesum.engine.whole.spread import Lands
from slidesum.engine.whole.tables import landing_rows, lined_up, row_table, tap_table, window_rows
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Summed
from slidesum.engine.whole.widths import Width, is_streamed, narrowed, weight_error

Array = Any
TASK = 2**19
"""Multiply-adds below which a task isn't worth taking."""
FEW_GROUPS = 8
"""Groups up to which each is a layer of its own."""


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
    made = np.zeros((groups // together, together * filters, together * channels, *w.shape[3:]), w.dtype)
    for k in range(together):
        made[:, k * filters : (k + 1) * filters, k * channels : (k + 1) * channels] = w[k::together]
    return made


def groups_together(groups: int, filters: int, channels: int, lanes: int) -> int:
    """How many groups are put together: until their maps and filters fill blocks, or all."""
    fills = (n for n in range(1, groups) if groups % n == 0 and not (n * channels % lanes or n * filters % lanes))
    return next(fills, groups)


def direct_parts(
    work: Filters,
    x: Spot,
    y: Spot,
    other: Spot | None,
    way: Summed,
    host: Host,
    threads: int,
    level: int,
    streamed: Width = "float32",
) -> list[Part]:
    """The sum itself, as one part, or two where blocks are left over; filters that are streamed are stored in that width."""
    lanes, window = host.bytes_wide // 4, work.what.window
    w = merged(work.w, lanes)
    groups, filters, channels = w.shape[:3]
    inner = x.maps.lanes
    blocks, maps = -(-filters // lanes), -(-channels // inner)
    taps = math.prod(window.taps)
    filled = w.reshape(groups, filters, channels, taps)
    if filled.shape[1:3] != (blocks * lanes, maps * inner):
        filled = np.zeros((groups, blocks * lanes, maps * inner, taps), w.dtype)
        filled[:, :filters, :channels] = w.reshape(groups, filters, channels, taps)
    bias = np.zeros(groups * blocks * lanes, np.float32)
    bias[: len(work.bias)] = work.bias
    lie = laid(window, x.maps, y.maps, other.maps if other else None, work.lands)
    is_narrow = work.w_from is None and is_streamed(x.maps.batch * work.what.macs, work.w.size)
    width = streamed if is_narrow else "float32"
    parts, begin = [], 0
    for high, wide in way.tiles:
        count = (blocks - begin) // high
        own = filled[:, begin * lanes : (begin + count * high) * lanes]
        weights = own.reshape(groups, count, high, lanes, maps, inner, taps).transpose(0, 1, 4, 6, 5, 2, 3)
        kernel = Direct(
            lanes, high, wide, lie["columns"] % wide, lie["step"], lie["y_step"], inner, work.tail, other is not None, width
        )
        macs = lie["samples"] * groups * count * high * lanes * maps * inner * taps * lie["rows"] * lie["columns"]
        numbers, chunks = _numbers(kernel, x, y, other, lie, way, threads, macs, groups, count, begin, maps, taps)
        numbers["w"] = weights = lined_up(weights)
        note, error = str(replace(way, tiles=((high, wide),))), 0.0
        if width != "float32":
            narrow = narrowed(weights, width, work.name)
            numbers["w"] = lined_up(narrow)
            error = weight_error(weights, narrow)
            note += f" {width} {error:.0e}"
        numbers["bias"] = bias[begin * lanes :]
        numbers["taps_table"] = tap_table(window, x.maps)
        tasks = lie["samples"] * groups * count * chunks
        size = 4 * (x.maps.values + y.maps.values) + weights.nbytes // (1 if width == "float32" else 2)
        past = y.maps.is_large and numbers["maps_at_once"] == maps  # otherwise sums are read again
        kernel = replace(kernel, past=past)
        parts.append(Part(work.name, kernel, numbers, tasks, level, macs, size, note, weight_error=error))
        begin += count * high
    return parts


def laid(window: Window, x: Maps, y: Maps, other: Maps | None, lands: Lands | None = None) -> dict[str, Any]:
    """What is a row: of positions; of all of them, where nothing lies between rows; of samples, where each has one position."""
    depth, rows, columns = window.positions
    others = [maps for maps in (y, other) if maps is not None]
    if lands is not None:
        return {
            "samples": x.batch, "rows": depth * rows, "columns": columns, "step": window.strides[2] * x.lanes,
            "y_step": lands.step[2] * y.lanes, "x_rows": window_rows(window, x),
            "y_rows": landing_rows(window, lands, y), "other_rows": landing_rows(window, lands, other) if other else 0,
        }  # fmt: skip
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
    at_once = maps if used == 1 else max(1, min(maps, way.near // max(1, 4 * a_map)))
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
