"""A layer by Winograd's transforms, as a part: how transformed filters lie, and where tiles begin.

Whether filters round well enough for it is measured: `BOUND` on random inputs against double precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.meaning import Window
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Number, Part
from slidesum.engine.whole.tables import room_for
from slidesum.engine.whole.transforms import relative_error, transformed_filters
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Transformed
from slidesum.engine.whole.winograd import Winograd

Array = Any
BOUND = 1e-5
"""The largest relative L2 error of a layer."""


def rounds_well(w: Array, outputs: int) -> bool:
    """Whether these filters, (1, filter, map, three taps), stay within the bound with so many results along a tile's side."""
    return relative_error(w[0].reshape(w.shape[1], -1, *w.shape[4:]), outputs) <= BOUND


def laid_shape(way: Transformed, window: Window, x: Maps, y: Maps) -> tuple[int, ...]:
    """How transformed filters lie: (frequency, group, block of maps, layer, map, block of the group, filter)."""
    frequencies = (way.outputs + window.taps[2] - 1) ** 2
    return frequencies, y.blocks // way.blocks, x.blocks, window.taps[0], x.lanes, way.blocks, y.lanes


def filters_in_frequencies(work: Filters, way: Transformed, x: Maps, y: Maps) -> Array:
    """A layer's filters, transformed and laid.

    Block by block, since all filters in frequencies take much memory: they are there once.
    """
    w, lanes, high = work.w[0], y.lanes, way.blocks
    laid = room_for(laid_shape(way, work.what.window, x, y))
    frequencies, groups, maps, depth = laid.shape[:4]
    for group, block in np.ndindex(groups, high):
        begin = (group * high + block) * lanes
        filled = np.zeros((lanes, maps * lanes, *w.shape[2:]), np.float32)
        own = w[begin : begin + lanes]
        filled[: len(own), : w.shape[1]] = own
        found = transformed_filters(filled, way.outputs).reshape(frequencies, lanes, maps, lanes, depth)
        laid[:, group, :, :, :, block] = found.transpose(0, 2, 4, 3, 1)
    return laid


def bias_in_blocks(work: Filters, y: Maps) -> Array:
    """A layer's bias, zero where there is no map."""
    bias = np.zeros(y.blocks * y.lanes, np.float32)
    bias[: len(work.bias)] = work.bias
    return bias


def winograd_part(
    work: Filters,
    x: Spot,
    y: Spot,
    other: Spot | None,
    way: Transformed,
    arrays: tuple[Number, Number],
    host: Host,
    level: int,
) -> tuple[Part, int]:
    """The part, and the values of scratch that a thread needs; `arrays` are the transformed filters and the bias, or places."""
    lanes, window = host.bytes_wide // 4, work.what.window
    m, taps, high = way.outputs, window.taps[2], way.blocks
    n = m + taps - 1
    w, bias = arrays
    blocks, depth = y.maps.blocks, window.taps[0]
    maps, groups = x.maps.blocks * depth, blocks // way.blocks
    rows, columns = (_begins(k, m) for k in window.positions[1:])
    corners = [(i, j, skip, omit) for i, skip in rows for j, omit in columns]
    by = 2 if work.pools else 1
    planes = [(t * window.dilations[0] - window.low[0]) * x.maps.plane for t in range(depth)]
    deeper = [c * x.maps.block + plane for c in range(x.maps.blocks) for plane in planes]
    at_once, groups_at_once = way.at_once, -(-groups // way.parts)
    parts = -(-groups // groups_at_once)
    low = window.low

    def table(maps_of: Maps | None, up: int = 0, left: int = 0, by: int = 1) -> Number:
        if maps_of is None:
            return 0
        return np.array([(i // by - up) * maps_of.row + (j // by - left) * maps_of.lanes for i, j, _, _ in corners], np.int64)

    numbers: dict[str, Number] = {
        "x": x.ref(), "y": y.ref(), "other": other.ref() if other else 0, "bias": bias,
        "w": w,
        "maps_table": np.array(deeper, np.int64),
        "x_tiles": table(x.maps, low[1], low[2]), "y_tiles": table(y.maps, by=by),
        "other_tiles": table(other.maps if other else None),
        "rows_skipped": np.array([skip // by for _, _, skip, _ in corners], np.int64),
        "columns_skipped": np.array([omit // by for _, _, _, omit in corners], np.int64),
        "x_layer": window.strides[0] * x.maps.plane, "y_layer": y.maps.plane, "other_layer": other.maps.plane if other else 0,
        "layers": window.positions[0], "tiles": len(corners), "at_once": at_once, "chunks": -(-len(corners) // at_once),
        "parts": parts, "groups": groups, "groups_at_once": groups_at_once, "maps": maps,
    }  # fmt: skip
    for name, spot in (("x", x), ("y", y), ("other", other)):
        numbers[f"{name}_sample"] = spot.maps.sample if spot else 0
        numbers[f"{name}_block"] = spot.maps.block if spot else 0
        numbers[f"{name}_row"] = spot.maps.row if spot else 0
    chunks = -(-len(corners) // at_once)
    kernel = Winograd(lanes, m, taps, high, way.wide, work.tail, other is not None, work.pools, y.maps.is_large)
    tasks = x.maps.batch * window.positions[0] * parts * chunks
    macs = x.maps.batch * window.positions[0] * chunks * at_once * n * n * maps * lanes * blocks * lanes
    size = 4 * (x.maps.values + y.maps.values + math.prod(laid_shape(way, window, x.maps, y.maps)))
    scratch = n * n * at_once * lanes * (maps + groups_at_once * high)
    return Part(work.name, kernel, numbers, tasks, level, macs, size, f"{way}{', max' if work.pools else ''}"), scratch


def _begins(positions: int, outputs: int) -> list[tuple[int, int]]:
    """Where tiles begin, and how many of their first results another one has written.

    >>> _begins(7, 4)
    [(0, 0), (3, 1)]
    """
    found = []
    for wanted in range(0, positions, outputs):
        begin = min(wanted, positions - outputs)
        found.append((begin, wanted - begin))
    return found
