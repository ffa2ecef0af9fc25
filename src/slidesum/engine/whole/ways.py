"""What is to be computed with filters, and the ways to do so, as values: which kernel, which tile, how it is cut into tasks.

`Summed`        the sum itself (`direct.py`)
`Transformed`   by Winograd's transforms (`winograd.py`)
`Mapwise`       a filter a map (`depthwise.py`)

Equal problems are computed equally well in the same way, whatever their filters hold; which ways filters allow is another question,
since Winograd rounds. What `candidates.py` offers is written out by `emit_filters.py` and `emit_winograd.py`.

>>> str(Transformed(4, 2, 14, 28, 1)), str(Summed(((3, 7), (2, 7))))
('F(4x4) 2x14, 28 tiles at once', '3x7+2x7')
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.meaning import Convolution
from slidesum.engine.whole.spread import Lands
from slidesum.engine.whole.tail import Tail
from slidesum.engine.whole.units import Filters

NEAR = 2**18
"""Bytes of filters that a task goes through with all its rows before it takes the next: they stay in the second-level cache."""
SHARE = 4
"""Tasks for each thread, that the last one ends soon after the others."""


@dataclass(frozen=True)
class Problem:
    """Filters over maps, without what these hold; maps lie as they do in the network, wherever that is.

    `lands`   where results lie, if not everywhere (`spread.py`); `is_result`: filters are results, and not known yet; `pools`: the
    largest of every 2×2 results is kept
    """

    what: Convolution
    x: Maps
    y: Maps
    other: Maps | None
    tail: Tail
    lands: Lands | None = None
    is_result: bool = False
    pools: bool = False

    @staticmethod
    def of(work: Filters, x: Maps, y: Maps, other: Maps | None) -> Problem:
        """The problem of a layer: of no matter is where in others maps lie, or how filters were kept."""
        what = replace(work.what, order=(), shape=())
        is_result = work.w_from is not None
        return Problem(what, _alone(x), _alone(y), _alone(other) if other else None, work.tail, work.lands, is_result, work.pools)


def _alone(maps: Maps) -> Maps:
    return replace(maps, first=0, of=(maps.of or maps.blocks) if maps.batch > 1 else 0)


@dataclass(frozen=True)
class Summed:
    """Tiles of (blocks, positions), the second one for blocks that are left over; bytes of filters at once; tasks for a thread."""

    tiles: tuple[tuple[int, int], ...]
    near: int = NEAR
    share: int = SHARE
    cycles: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        tiles = "+".join(f"{high}x{wide}" for high, wide in self.tiles)
        near = f", {self.near >> 10} kB at once" if self.near != NEAR else ""
        return tiles + near + (f", {self.share} tasks a thread" if self.share != SHARE else "")


@dataclass(frozen=True)
class Transformed:
    """Results of a tile's side, the tile of products, tiles of a chunk, parts of the filters."""

    outputs: int
    blocks: int
    wide: int
    at_once: int
    parts: int
    cycles: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        parts = f", filters in {self.parts} parts" if self.parts > 1 else ""
        return f"F({self.outputs}x{self.outputs}) {self.blocks}x{self.wide}, {self.at_once} tiles at once{parts}"


@dataclass(frozen=True)
class Mapwise:
    """Positions of a tile; tasks for a thread."""

    wide: int
    share: int = SHARE
    cycles: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        return f"1x{self.wide}" + (f", {self.share} tasks a thread" if self.share != SHARE else "")


Way = Summed | Transformed | Mapwise
"""`cycles` is what the busiest thread is expected to take."""
