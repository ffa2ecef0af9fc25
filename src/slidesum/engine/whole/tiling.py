"""Which tile a convolution takes: an estimate of cycles, in which a vector's multiply-add is one.

A multiply-add of every pair of the tile's blocks and positions; or the loads, of which two values or one vector come in a cycle;
or the wait for a sum that the next product is added to. What blocks are left over makes a second kernel, what positions are left
over a second tile in the same.
"""

from __future__ import annotations

from functools import lru_cache

LATENCY = 4
"""Cycles until a sum can be added to."""
TURN = 0.15
"""Cycles that a turn of the loops costs, for one map."""
CACHE = 0.15
"""Of a load from the second cache, the cycles that the products don't hide: for a vector of filters, and 16 positions."""
SMALL = 1.0
"""What a second tile in a row costs: it is code that has to be made and read."""


def cycles(blocks: int, wide: int) -> float:
    """Of one map's products with a tile.

    >>> round(cycles(2, 14), 2), round(cycles(1, 1), 2)
    (28.58, 4.31)
    """
    return max(blocks * wide, blocks + wide / 2, LATENCY) + TURN + CACHE * (blocks + wide / 16)


def fits(blocks: int, wide: int, vectors: int) -> bool:
    """Whether sums, filters and a value of x have registers."""
    return blocks * wide + blocks + 1 <= vectors


Tiling = tuple[tuple[tuple[int, int], ...], float]


@lru_cache(maxsize=4096)
def tilings(blocks: int, columns: int, vectors: int, whole: bool) -> tuple[Tiling, ...]:
    """Tiles ((blocks, positions), …) for so many blocks of filters and a row, with the cycles of one map and row; the best first.

    The first tile is used as often as it fits, the second, if there is one, for the blocks that are left. With `whole`, none are.

    >>> tilings(4, 56, 32, False)[0][0], tilings(13, 14, 32, False)[0][0], tilings(32, 7, 32, False)[0][0]
    (((1, 28),), ((2, 14), (1, 14)), ((3, 7), (2, 7)))
    """
    found: list[Tiling] = []
    for high in range(1, min(blocks, 8) + 1):
        if whole and blocks % high:
            continue
        wide, cost = _wide(high, columns, vectors)
        total, left = blocks // high * cost, blocks % high
        tiles = [(high, wide)]
        if left:
            wide, cost = _wide(left, columns, vectors)
            tiles.append((left, wide))
            total += cost + 1
        found.append((tuple(tiles), total))
    return tuple(sorted(found, key=lambda tiling: tiling[1]))


@lru_cache(maxsize=4096)
def _wide(high: int, columns: int, vectors: int) -> tuple[int, float]:
    """The best number of positions for so many blocks, and the cycles of a row."""
    best = 0, float("inf")
    for wide in range(1, columns + 1):
        if not fits(high, wide, vectors):
            break
        tiles, rest = divmod(columns, wide)
        total = tiles * cycles(high, wide) + (cycles(high, rest) + SMALL if rest else 0)
        if total <= best[1]:
            best = wide, total
    return best
