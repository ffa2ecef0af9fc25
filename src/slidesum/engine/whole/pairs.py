"""Two works that one kernel does: between them, nothing is written to memory.

    separated   a filter a map, and the 1×1 convolution that reads it
    thinned     filters, and the pooling that keeps the largest of every 2×2 of their results

The first is always done so; the second where Winograd's transforms are taken, the tiles of which hold whole windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from slidesum.engine.whole.tail import PLAIN
from slidesum.engine.whole.units import NOTHING, Combines, Filters, Joins, Moves, Planned, Pools, Responds, Single


@dataclass(frozen=True, eq=False)
class Separates:
    """A filter a map, and the 1×1 convolution behind it, the only one that reads it."""

    first: Filters
    point: Filters

    @property
    def name(self) -> str:
        return self.point.name


@dataclass(frozen=True, eq=False)
class Thins:
    """Filters, and the pooling behind them that keeps the largest of every 2×2 results, the only one that reads them."""

    filters: Filters
    pool: Pools

    @property
    def name(self) -> str:
        return self.pool.name

    @property
    def together(self) -> Filters:
        """Both as filters of those positions that windows of the pooling reach."""
        depth, rows, columns = self.filters.what.window.positions
        window = replace(self.filters.what.window, positions=(depth, rows // 2 * 2, columns // 2 * 2))
        return replace(
            self.filters, name=self.name, what=replace(self.filters.what, window=window), tail=self.pool.tail, pools=True
        )


Work = Single | Separates | Thins


def paired(works: Sequence[Single], asked: Collection[str]) -> list[Work]:
    """The works in their order, in pairs where there is a kernel for both; not what is asked for in between."""
    return thinned(separated(works, asked), asked)


def separated(works: Sequence[Work], asked: Collection[str]) -> list[Work]:
    """Filters a map, the result of which a 1×1 convolution alone reads, in one work with it."""
    reads = Counter(name for work in works for name in _read(work))
    single = [work for work in works if isinstance(work, Filters) and work.what.is_depthwise and work.is_whole]
    first = {work.name: work for work in single if work.name not in asked and reads[work.name] == 1}
    pairs = {
        work.name: first[work.x]
        for work in works
        if isinstance(work, Filters) and work.x in first and work.what.is_point and work.is_whole
    }
    gone = {work.name for work in pairs.values()}
    return [
        Separates(pairs[work.name], work) if isinstance(work, Filters) and work.name in pairs else work
        for work in works
        if work.name not in gone
    ]


def thinned(works: Sequence[Work], asked: Collection[str]) -> list[Work]:
    """Filters without a tail, the result of which such a pooling alone reads, in one work with it."""
    reads = Counter(name for work in works for name in _read(work))
    bare = [work for work in works if isinstance(work, Filters) and work.tail == PLAIN and work.other is None and work.is_whole]
    first = {work.name: work for work in bare if work.name not in asked and reads[work.name] == 1}
    pairs = {work.name: first[work.x] for work in works if isinstance(work, Pools) and work.x in first and work.what.is_halving}
    gone = {work.name for work in pairs.values()}
    return [
        Thins(pairs[work.name], work) if isinstance(work, Pools) and work.name in pairs else work
        for work in works
        if work.name not in gone
    ]


def _read(work: Work) -> tuple[str, ...]:
    """The results that a work reads."""
    match work:
        case Filters(x=x, other=other, w_from=w_from):
            return tuple(name for name in (x, other, w_from) if name is not None)
        case Separates(first=first, point=point):
            return (*_read(first), *_read(point)[1:])
        case Thins(filters=filters):
            return _read(filters)
        case Pools(x=x) | Responds(x=x) | Moves(x=x):
            return (x,)
        case Combines(inputs=inputs) | Joins(inputs=inputs) | Planned(inputs=inputs):
            return inputs


def spent(work: Work) -> Work:
    """A work without its arrays: they are in the parts by now."""
    match work:
        case Filters():
            return replace(work, w=NOTHING, bias=NOTHING)
        case Separates(first=first, point=point):
            return Separates(replace(first, w=NOTHING, bias=NOTHING), replace(point, w=NOTHING, bias=NOTHING))
        case Thins(filters=filters, pool=pool):
            return Thins(replace(filters, w=NOTHING, bias=NOTHING), pool)
        case _:
            return work
