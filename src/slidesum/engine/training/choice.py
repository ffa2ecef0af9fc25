"""How the gradient of filters is cut: an estimate of cycles, as everywhere in the engine (`tiling.py`, `emit_winograd.py`)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from slidesum.engine.whole.candidates import COARSE, OUTPUTS, SCRATCH
from slidesum.engine.whole.tiling import cycles, fits

STREAM = 4
"""Cycles in which a vector of a sum is read and written again, from the second-level cache."""
SCATTER = 150
"""Cycles in which a vector of sums, transformed back, is put where its filters are."""
MOST = 8
"""Blocks of filters, and of maps, up to which a task is considered."""


@dataclass(frozen=True)
class Cut:
    """Results of a tile's side; the tile of products; blocks of filters and maps a task; tiles of a chunk; splits of all tiles."""

    outputs: int
    blocks: int
    wide: int
    filters: int
    maps: int
    at_once: int
    splits: int
    cycles: float = math.inf

    def scratch(self, taps: int, lanes: int) -> int:
        """The values that a thread works on."""
        cells = (self.outputs + taps - 1) ** 2
        return cells * lanes * (self.at_once * (self.filters + self.maps) + self.filters * self.maps * lanes)


def cut(taps: int, positions: tuple[int, int], batch: int, filters: int, maps: int, lanes: int, vectors: int, threads: int) -> Cut:
    """The best cut for so many blocks of filters and of maps.

    >>> found = cut(3, (56, 56), 1, 4, 4, 16, 32, 2)
    >>> found.outputs, found.filters, found.maps
    (6, 2, 2)
    """
    return min(_cuts(taps, positions, batch, filters, maps, lanes, vectors, threads), key=lambda one: one.cycles)


def _cuts(
    taps: int, positions: tuple[int, int], batch: int, filters: int, maps: int, lanes: int, vectors: int, threads: int
) -> Iterator[Cut]:
    for outputs in OUTPUTS[taps]:
        tiles = batch * math.prod(-(-n // outputs) for n in positions)
        for high, wide in itertools.product((1, 2, 3, 4), (1, 2, 4, 8, 16)):
            if filters % high or wide > lanes or not fits(high, wide, vectors) or high * wide < 4:
                continue
            own = range(high, min(filters, MOST) + 1, high)
            for some, few, at_once in itertools.product(own, range(1, min(maps, MOST) + 1), (8, 16, 24, 32, 48, 64, 96)):
                for wanted in {1, threads, 2 * threads, 4 * threads}:
                    a_split = -(-tiles // wanted)
                    one = Cut(outputs, high, wide, some, few, min(at_once, tiles), -(-tiles // a_split))
                    if 4 * one.scratch(taps, lanes) > SCRATCH and (some, few, at_once) != (high, 1, 8):
                        continue
                    yield replace(one, cycles=_cycles(one, taps, tiles, filters, maps, lanes, threads))


def _cycles(one: Cut, taps: int, tiles: int, filters: int, maps: int, lanes: int, threads: int) -> float:
    """What the busiest thread does."""
    cells = (one.outputs + taps - 1) ** 2
    own = -(-tiles // one.splits)
    sums = one.filters * one.maps * lanes
    transforms = 6 * cells * own * (one.filters + one.maps)
    products = cells * own * sums * cycles(one.blocks, one.wide) / (one.blocks * one.wide)
    streams = STREAM * cells * sums * -(-own // one.at_once)
    back = sums * (3 * cells + SCATTER)
    tasks = one.splits * -(-filters // one.filters) * -(-maps // one.maps)
    a_task = transforms + products + streams + back
    return -(-tasks // threads) * a_task * (1 + COARSE * threads / tasks)
