"""Which layers are computed by Winograd's transforms, with how many outputs a tile, and the part that does it.

An estimate of cycles decides: of the transforms, the products, and of the filters that have to come from memory. What the estimate
likes is taken only if these filters round well enough: `BOUND` on random inputs against double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.program import Number, Part
from slidesum.engine.whole.tiling import cycles, fits, tiling
from slidesum.engine.whole.transforms import relative_error, transformed_filters
from slidesum.engine.whole.winograd import Winograd
from slidesum.engine.whole.work import Filters

Array = Any
BOUND = 1e-5
"""The largest relative L2 error of a layer."""
OUTPUTS = {3: (2, 4, 6), 5: (2, 4)}
"""Results along one side of a tile, by taps."""
SCRATCH = 2**20
"""Bytes of a thread's scratch: half of it is worked on at a time, so most stays in the second-level cache."""
FAR = 8.0
"""Bytes that come from memory or from the third-level cache in a cycle, to one thread."""
COARSE = 0.06
"""What it costs that threads aren't equally fast, where each has one task: the others wait."""
NEAR = 2**21
"""Bytes of filters beyond which they come from there every time."""


@dataclass(frozen=True)
class Choice:
    """Results of a tile's side, the tile of products, tiles of a chunk, parts of the filters; and cycles of a thread."""

    outputs: int
    blocks: int
    wide: int
    at_once: int
    parts: int
    cycles: float


def choices(work: Filters, x: Maps, y: Maps, host: Host, threads: int) -> Iterator[Choice]:
    """The best choice for each number of outputs."""
    window, lanes = work.what.window, host.bytes_wide // 4
    taps = window.taps[2]
    is_square = window.taps[1] == taps and taps in OUTPUTS
    plain = window.strides[1:] == (1, 1) == window.dilations[1:]
    if not (is_square and plain) or work.what.groups > 1 or x.lanes != lanes or work.what.channels < lanes:
        return
    blocks, maps = y.blocks, x.blocks * window.taps[0]
    for outputs in OUTPUTS[taps]:
        if min(window.positions[1:]) < outputs:
            continue
        n = outputs + taps - 1
        tiles = math.prod(-(-k // outputs) for k in window.positions[1:])
        others = x.batch * window.positions[0]
        size = _Size(n, tiles, others, blocks, maps, lanes, threads)
        found = [
            Choice(outputs, high, wide, at_once, parts, size.cycles(high, wide, at_once, parts))
            for high, wide in _tiles(blocks, tiles, host.vectors)
            for at_once in range(wide, min(-(-tiles // wide) * wide, 112) + 1, wide)
            for parts in {1, 2, threads, 2 * threads}
            if parts <= blocks // high and (at_once == wide or 4 * n * n * at_once * lanes * (maps + blocks // parts) <= SCRATCH)
        ]
        if found:
            yield min(found, key=lambda choice: choice.cycles)


def _tiles(blocks: int, tiles: int, vectors: int) -> Iterator[tuple[int, int]]:
    for high in range(1, min(blocks, 8) + 1):
        if blocks % high == 0:
            yield from ((high, wide) for wide in range(1, tiles + 1) if fits(high, wide, vectors) and high * wide >= 4)


@dataclass(frozen=True)
class _Size:
    """A layer in numbers: cells of a tile's side, tiles of a layer, layers and samples, blocks of filters, blocks of maps."""

    n: int
    tiles: int
    others: int
    blocks: int
    maps: int
    lanes: int
    threads: int

    def cycles(self, high: int, wide: int, at_once: int, parts: int) -> float:
        """What the busiest thread does: transforms take some 6 cycles a frequency, with their loads and stores."""
        n, lanes = self.n, self.lanes
        own = -(-(self.blocks // high) // parts) * high
        transforms = 6 * n * n * at_once * (self.maps + own)
        product = n * n * (own / high) * (at_once / wide) * self.maps * lanes * cycles(high, wide)
        size = 4.0 * n * n * self.maps * own * lanes * lanes
        fetched = size / FAR if size * parts > NEAR else 0.0
        a_task = transforms + max(product, fetched) + 0.1 * min(product, fetched)
        tasks = self.others * -(-self.tiles // at_once) * parts
        return -(-tasks // self.threads) * a_task * (1 + COARSE * self.threads / tasks)


def direct_cycles(work: Filters, x: Maps, y: Maps, host: Host, threads: int) -> float:
    """What a thread does for the sum itself."""
    window = work.what.window
    _, a_row = tiling(y.blocks, window.positions[2], host.vectors, False)
    rows = x.batch * window.positions[0] * window.positions[1]
    return a_row * rows * x.blocks * x.lanes * math.prod(window.taps) / threads


def winograd_part(
    work: Filters, x: Spot, y: Spot, other: Spot | None, host: Host, threads: int, level: int
) -> tuple[Part, int] | None:
    """The part, and the values of scratch that a thread needs; or None where the sum itself is the better way."""
    limit = 0.95 * direct_cycles(work, x.maps, y.maps, host, threads)
    for choice in sorted(choices(work, x.maps, y.maps, host, threads), key=lambda choice: choice.cycles):
        if choice.cycles > limit:
            return None
        if relative_error(_flat_filters(work.w), choice.outputs) <= BOUND:
            return _part(work, x, y, other, choice, host, level)
    return None


def _flat_filters(w: Array) -> Array:
    """(filter, map and layer, taps, taps) of (1, filter, map, layer, taps, taps)."""
    return w[0].reshape(w.shape[1], -1, *w.shape[4:])


def _part(work: Filters, x: Spot, y: Spot, other: Spot | None, choice: Choice, host: Host, level: int) -> tuple[Part, int]:
    lanes, window = host.bytes_wide // 4, work.what.window
    m, taps, high = choice.outputs, window.taps[2], choice.blocks
    n = m + taps - 1
    blocks, depth = y.maps.blocks, window.taps[0]
    maps, groups = x.maps.blocks * depth, blocks // choice.blocks
    filled = np.zeros((blocks * lanes, x.maps.blocks * lanes, depth, taps, taps), np.float32)
    filled[: work.w.shape[1], : work.w.shape[2]] = work.w[0]
    weights = transformed_filters(filled, m).reshape(n * n, groups, high, lanes, x.maps.blocks, lanes, depth)
    bias = np.zeros(blocks * lanes, np.float32)
    bias[: len(work.bias)] = work.bias
    rows, columns = (_begins(k, m) for k in window.positions[1:])
    corners = [(i, j, skip, omit) for i, skip in rows for j, omit in columns]
    by = 2 if work.pools else 1
    planes = [(t * window.dilations[0] - window.low[0]) * x.maps.plane for t in range(depth)]
    deeper = [c * x.maps.block + plane for c in range(x.maps.blocks) for plane in planes]
    at_once, groups_at_once = choice.at_once, -(-groups // choice.parts)
    parts = -(-groups // groups_at_once)
    low = window.low

    def table(maps_of: Maps | None, up: int = 0, left: int = 0, by: int = 1) -> Number:
        if maps_of is None:
            return 0
        return np.array([(i // by - up) * maps_of.row + (j // by - left) * maps_of.lanes for i, j, _, _ in corners], np.int64)

    numbers: dict[str, Number] = {
        "x": x.ref(), "y": y.ref(), "other": other.ref() if other else 0, "bias": bias,
        "w": np.ascontiguousarray(weights.transpose(0, 1, 4, 6, 5, 2, 3)),
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
    kernel = Winograd(lanes, m, taps, high, choice.wide, work.tail, other is not None, work.pools, y.maps.is_large)
    tasks = x.maps.batch * window.positions[0] * parts * chunks
    macs = x.maps.batch * window.positions[0] * chunks * at_once * n * n * maps * lanes * blocks * lanes
    size = 4 * (x.maps.values + y.maps.values + weights.size)
    note = f"F({m}x{m}) {high}x{choice.wide}{' max' if work.pools else ''}"
    scratch = n * n * at_once * lanes * (maps + groups_at_once * high)
    return Part(work.name, kernel, numbers, tasks, level, macs, size, note), scratch


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
