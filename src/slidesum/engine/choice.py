"""Which micro-kernel a convolution takes, and how large its tile is: the fewest cycles by an estimate.

    rows      tile of filters × vectors along a row of y, written where it belongs
    flat      the same along all rows of the copy at once, what lies between them included; then put in its place row by row.
              Less is wasted at the ends of short rows
    band      tile of rows of y × vectors, for few filters: every vector of x is used for several rows
    reduce    tile of filters × positions, for more taps than positions (gradients by filters): vectors run along the taps, their
              lanes are summed at the end

The sizes that a tile may have are few, so that few kernels are ever compiled.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from slidesum.engine.host import Host
from slidesum.engine.problem import Problem

Kind = Literal["rows", "flat", "band", "reduce"]
HIGH = (1, 2, 3, 4, 6, 8)
WIDE = (1, 2, 3, 4, 5, 6, 7)
BEGIN = 8
"""Cycles until a tile's loops run."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The micro-kernel and its tile: `high` filters (or rows) × `wide` vectors (or positions)."""

    kind: Kind
    high: int
    wide: int


def chosen(problem: Problem, host: Host, lanes: int) -> Tile:
    """The tile with the fewest cycles."""
    return min(tiles(problem, host, lanes), key=lambda entry: entry[0])[1]


def tiles(problem: Problem, host: Host, lanes: int) -> Iterator[tuple[float, Tile]]:
    """Tiles that fit the registers and the problem, each with an estimate of its cycles.

    A tile holds its sums, the fewer of its rows and columns, and one of the others.
    """
    for high, wide in itertools.product(HIGH, WIDE):
        if high * wide + min(high, wide) + 1 < host.vectors:
            if _reduces(problem):
                yield from _reduce(problem, lanes, high, wide)
            else:
                yield from _rows_and_flat(problem, lanes, high, wide)
                yield from _band(problem, lanes, high, wide)


def _reduces(p: Problem) -> bool:
    """Whether vectors may run along the taps, and are better filled there."""
    return p.taps[2] > p.positions[2] and p.dilations[2] == p.strides[2] == 1 and p.w_steps[5] == 1


def _reduce(p: Problem, lanes: int, high: int, wide: int) -> Iterator[tuple[float, Tile]]:
    outer, mid, inner = p.positions
    if high <= p.filters and wide <= inner:
        count = _parts(p.filters, high) * outer * mid * _parts(inner, wide)
        turns = p.channels * p.taps[0] * p.taps[1] * _parts(p.taps[2], lanes)
        yield count * (turns * _turn(high * wide, 2 * (high + wide)) + BEGIN + 5 * high * wide), Tile("reduce", high, wide)


def _rows_and_flat(p: Problem, lanes: int, high: int, wide: int) -> Iterator[tuple[float, Tile]]:
    if high > p.filters:
        return
    outer, mid, inner = p.positions
    each = (
        p.channels * (math.prod(p.taps) * _turn(high * wide, (2 if high > 6 else 1) * high + 2 * wide) + 5)
        + BEGIN
        + 0.7 * high * wide
    )
    vectors = _parts(inner, lanes)
    if wide <= vectors:
        yield _parts(p.filters, high) * outer * mid * _parts(vectors, wide) * each, Tile("rows", high, wide)
    span = _parts((outer - 1) * p.layer + (mid - 1) * p.row + inner, lanes)
    if wide <= span:
        copying = p.filters * outer * mid * (2 * vectors + 4)
        yield _parts(p.filters, high) * _parts(span, wide) * each + copying, Tile("flat", high, wide)


def _band(p: Problem, lanes: int, high: int, wide: int) -> Iterator[tuple[float, Tile]]:
    outer, mid, inner = p.positions
    vectors = _parts(inner, lanes)
    if 1 < high <= min(outer, p.taps[0]) and wide <= vectors and p.strides[0] == p.dilations[0] == 1:
        loads = (p.taps[0] + high - 1) * 2 * wide / p.taps[0] + high
        loops = p.taps[1] * p.taps[2] * (2 * high - 1) * 8
        each = p.channels * (math.prod(p.taps) * _turn(high * wide, loads) + loops + 5) + BEGIN + high * wide
        yield p.filters * _parts(outer, high) * mid * _parts(vectors, wide) * each, Tile("band", high, wide)


def _turn(products: int, loads: float) -> float:
    """Cycles of one turn of the innermost loop: two products or two loads a cycle, and four cycles until a sum is there.

    A vector of x counts as two loads, since it mostly lies in two lines of the cache; a weight as one, and as two where there are
    more of them than registers for their addresses.
    """
    return max(products / 2, loads / 2, 4.0) + 0.3


def _parts(whole: int, part: int) -> int:
    return -(-whole // part)
