"""Which ways to compute a layer are worth a look, and what each is expected to take: an estimate of cycles of the busiest thread.

The first of the list is what the estimate likes best. Of every method (the sum, each size of Winograd's tiles) there is one.
What a network takes without tuning is the first that its filters allow; with tuning (`tuning.py`) the fastest of those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from slidesum.engine.host import Host
from slidesum.engine.whole.emit_filters import groups_together, laid
from slidesum.engine.whole.tiling import LATENCY, cycles, fits, tilings
from slidesum.engine.whole.ways import SHARE, Mapwise, Problem, Summed, Transformed, Way
from slidesum.engine.whole.widths import Width

OUTPUTS = {3: (2, 4, 6), 5: (2, 4)}
"""Results along one side of a tile, by taps."""
SCRATCH = 2**20
"""Bytes of a thread's scratch: half of it is worked on at a time, so most stays in the second-level cache."""
FAR = 8.0
"""Bytes that come from memory or from the third-level cache in a cycle, to one thread."""
FETCHED = 2**21
"""Bytes of transformed filters beyond which they come from there every time."""
TRANSFORM = 6.5
"""Cycles that a frequency of a tile and block takes to be made or read, with its loads and stores."""
COARSE = 0.04
"""What it costs that threads aren't equally fast, where each has one task: the others wait."""
FINER = 1.01
"""What it costs to cut a sum into twice as many tasks."""
WORTH = 0.95
"""Of the sum's cycles, what Winograd may take to be preferred: it rounds a little worse."""
SUMS, TRANSFORMS = 3, 5
"""Tiles of either that are offered."""
TILES = (12, 14, 8, 20, 5)
"""Positions of a tile of a filter a map, the first without being measured."""


@dataclass(frozen=True)
class Setting:
    """What code is made for."""

    host: Host
    threads: int
    exact: bool
    width: Width = "float32"

    @property
    def lanes(self) -> int:
        return self.host.bytes_wide // 4


Ranked = Mapping[Problem, Sequence[tuple[Way, float | None]]]
"""The ways of every problem, the best first, with the seconds that were measured, if they were."""
Choose = Callable[[Sequence[Problem], Setting], Ranked]


def by_estimate(problems: Sequence[Problem], setting: Setting) -> Ranked:
    """What is expected, and nothing measured."""
    return {problem: [(way, None) for way in candidates(problem, setting)] for problem in dict.fromkeys(problems)}


def candidates(problem: Problem, setting: Setting) -> tuple[Way, ...]:
    """The ways that are offered, the best by estimate first."""
    host, threads = setting.host, setting.threads
    if problem.what.is_depthwise and problem.x.lanes > 1:
        return tuple(mapwise(problem, threads))
    if problem.pools:
        return tuple(sorted(_of_every_size(transformed(problem, host, threads), TRANSFORMS), key=_cycles))
    sums = summed(problem, host, threads)[:SUMS]
    sums += [replace(sums[0], share=2 * SHARE, cycles=sums[0].cycles * FINER)]
    fast = [] if setting.exact else transformed(problem, host, threads)
    ways: list[Way] = [*sums, *_of_every_size(fast, TRANSFORMS)]
    return tuple(sorted(ways, key=lambda way: way.cycles / WORTH if isinstance(way, Transformed) else way.cycles))


def _of_every_size(found: Sequence[Transformed], most: int) -> list[Transformed]:
    """The best of each size of tiles, then the best of all."""
    first = [min((way for way in found if way.outputs == m), key=_cycles) for m in sorted({way.outputs for way in found})]
    others = sorted((way for way in found if way not in first), key=_cycles)
    return [*first, *others[: max(0, most - len(first))]]


def _cycles(way: Way) -> float:
    return way.cycles


def mapwise(problem: Problem, threads: int) -> list[Mapwise]:
    """A filter a map: rows in tiles of equal size, of which the first is as long as registers allow without care."""
    depth, rows, columns = problem.what.window.positions
    taps, times = math.prod(problem.what.window.taps), problem.y.batch * problem.y.blocks * depth * rows / threads

    def cycles_of(wide: int) -> float:
        return sum(taps * (max(n, LATENCY) + 1) + 2 * n for n in (*[wide] * (columns // wide), columns % wide) if n) * times

    wides = dict.fromkeys(-(-columns // -(-columns // tile)) for tile in TILES)
    return [Mapwise(wide, cycles=cycles_of(wide)) for wide in wides]


def summed(problem: Problem, host: Host, threads: int) -> list[Summed]:
    """The sum itself, by its tiles, the best first."""
    what, lanes = problem.what, host.bytes_wide // 4
    lie = laid(what.window, problem.x, problem.y, problem.other, problem.lands)
    together = groups_together(what.groups, what.filters, what.channels, lanes)
    groups = what.groups // together
    blocks, maps = -(-together * what.filters // lanes), -(-together * what.channels // problem.x.lanes)
    times = lie["samples"] * lie["rows"] * groups * maps * problem.x.lanes * math.prod(what.window.taps) / threads
    return [Summed(tiles, cycles=a_row * times) for tiles, a_row in tilings(blocks, lie["columns"], host.vectors, groups > 1)]


def transformed(problem: Problem, host: Host, threads: int) -> list[Transformed]:
    """By Winograd's transforms, in all ways for which a thread's scratch holds the tiles."""
    what, lanes, x, y = problem.what, host.bytes_wide // 4, problem.x, problem.y
    window = what.window
    taps = window.taps[2]
    is_square = window.taps[1] == taps and taps in OUTPUTS
    plain = window.strides[1:] == (1, 1) == window.dilations[1:]
    is_whole = problem.lands is None and not problem.is_result and what.groups == 1
    if not (is_square and plain and is_whole) or x.lanes != lanes or what.channels < lanes:
        return []
    blocks, maps = y.blocks, x.blocks * window.taps[0]
    found = []
    for outputs in OUTPUTS[taps]:
        if min(window.positions[1:]) < outputs:
            continue
        n = outputs + taps - 1
        tiles = math.prod(-(-k // outputs) for k in window.positions[1:])
        others = x.batch * window.positions[0]
        size = _Size(n, tiles, others, blocks, maps, lanes, threads)
        found += [
            Transformed(outputs, high, wide, at_once, parts, size.cycles(high, wide, at_once, parts))
            for high, wide in _tiles(blocks, tiles, host.vectors)
            for at_once in range(wide, min(-(-tiles // wide) * wide, 112) + 1, wide)
            for parts in sorted({1, 2, threads, 2 * threads})
            if parts <= blocks // high and (at_once == wide or 4 * n * n * at_once * lanes * (maps + blocks // parts) <= SCRATCH)
        ]
    return found


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
        """What the busiest thread does: transforms, and products while filters are fetched."""
        n, lanes = self.n, self.lanes
        own = -(-(self.blocks // high) // parts) * high
        transforms = TRANSFORM * n * n * at_once * (self.maps + own)
        product = n * n * (own / high) * (at_once / wide) * self.maps * lanes * cycles(high, wide)
        size = 4.0 * n * n * self.maps * own * lanes * lanes
        fetched = size / FAR if size * parts > FETCHED else 0.0
        a_task = transforms + max(product, fetched) + 0.1 * min(product, fetched)
        tasks = self.others * -(-self.tiles // at_once) * parts
        return -(-tasks // self.threads) * a_task * (1 + COARSE * self.threads / tasks)
