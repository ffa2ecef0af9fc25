"""A convolution by its sum: a tile of sums in registers, blocks of filters × positions of a row.

    for a part of the maps:  for every row:  for every tile of the row:
        for a block of maps:  for a tap:  for a map of the block:
            a vector of filters for each block of the tile  ×  one value of x for each position

A vector holds the filters of a block, so that a result is written as it lies. The weights of one task lie in the order in which
they are read. Rows of x and y, and the taps, are tables of distances: strides, dilations, paddings and a third axis are in them.

`inner`   maps of a block: as many as lanes; 1 where x has few maps, which then lie by themselves, plane by plane
`width`   how filters are stored (`widths.py`)
`step`    from one position to the next on x, in values; on y it is `y_step`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.tail import PLAIN, Tail, applied
from slidesum.engine.whole.widths import BYTES, Width, beside, read

UNROLLED = 4
"""Maps of a block whose products are written out."""
AHEAD = 4096
"""Bytes by which filters are fetched ahead, where each is used a few times only."""


@dataclass(frozen=True)
class Direct(Kernel):
    """The kernel for tiles of `blocks` × `wide` sums, and `rest` positions at a row's end."""

    blocks: int
    wide: int
    rest: int
    step: int
    y_step: int
    inner: int
    tail: Tail = PLAIN
    adds: bool = False
    width: Width = "float32"
    past: bool = False

    SLOTS = (
        *("x", "w", "y", "bias", "other", "taps_table", "x_rows", "y_rows", "other_rows", "groups_table"),
        *("x_sample", "y_sample", "other_sample", "x_block", "y_block", "other_block"),
        *("groups", "group_by", "chunks", "chunk_by", "rows", "rows_at_once", "tiles"),
        *("maps", "maps_at_once", "taps", "w_group"),
    )

    def write(self, body: Body) -> None:
        """One task: a sample, a group of filters, some rows."""
        sample = body.builder.udiv(body.task, body.times(body.given("groups"), body.given("chunks")))
        group = body.split(body.split(body.task, body.given("group_by"))[0], body.given("groups"))[1]
        chunk = body.split(body.split(body.task, body.given("chunk_by"))[0], body.given("chunks"))[1]
        first = body.times(chunk, body.given("rows_at_once"))
        end = body.least(body.given("rows"), body.sum(first, body.given("rows_at_once")))
        blocks = body.count(self.blocks)
        x = body.lane(
            body.address("x"), body.sum(body.times(sample, body.given("x_sample")), self._entry(body, "groups_table", group))
        )
        own = body.times(group, blocks)
        y = body.lane(body.address("y"), _place(body, "y", sample, own))
        other = body.lane(body.address("other"), _place(body, "other", sample, own)) if self.adds else None
        bias = body.lane(body.address("bias"), body.times(own, body.count(self.lanes)))
        weights = beside(body, self.width, body.address("w"), body.times(group, body.given("w_group")))
        a_map = body.times(body.given("taps"), body.count(self.inner * self.blocks * self.lanes))

        def part(low: Value) -> None:
            high = body.least(body.given("maps"), body.sum(low, body.given("maps_at_once")))
            is_last = body.builder.icmp_signed("==", high, body.given("maps"))
            some = beside(body, self.width, weights, body.times(low, a_map))

            def row(r: Value) -> None:
                x_row = body.lane(x, self._entry(body, "x_rows", r))
                y_row = body.lane(y, self._entry(body, "y_rows", r))
                other_row = body.lane(other, self._entry(body, "other_rows", r)) if self.adds else None

                def tile(j: Value, wide: int) -> None:
                    at = _Tile(
                        body.lane(x_row, body.times(j, body.count(self.wide * self.step))),
                        some,
                        body.lane(y_row, body.times(j, body.count(self.wide * self.y_step))),
                        bias,
                        body.lane(other_row, body.times(j, body.count(self.wide * self.y_step))) if self.adds else None,
                    )
                    self._tile(body, at, wide, low, high, is_last)

                body.each(body.given("tiles"), lambda j: tile(j, self.wide))
                if self.rest:
                    tile(body.given("tiles"), self.rest)

            body.each(end, row, first)

        # the step of the loop is a number that is read, so the parts are counted
        parts = body.builder.udiv(
            body.sum(body.given("maps"), body.given("maps_at_once"), body.count(-1)), body.given("maps_at_once")
        )
        body.each(parts, lambda k: part(body.times(k, body.given("maps_at_once"))))
        body.settled(self.past)

    def _entry(self, body: Body, table: str, index: Value) -> Value:
        return body.entry(body.address(table), index)

    def _tile(self, body: Body, at: _Tile, wide: int, low: Value, high: Value, is_last: Value) -> None:
        builder = body.builder
        places = [(k, p) for k in range(self.blocks) for p in range(wide)]
        y_block = body.given("y_block")
        lines = [body.lane(at.y, body.times(body.count(k), y_block)) for k in range(self.blocks)]
        is_first = builder.icmp_signed("==", low, body.count(0))
        with builder.if_else(is_first) as (fresh, going):
            with fresh:
                from_fresh = builder.block
            with going:
                before = [body.load(body.lane(lines[k], p * self.y_step)) for k, p in places]
                from_going = builder.block
        sums = []
        for value in before:
            begin = builder.phi(body.vector)
            begin.add_incoming(body.zeros(), from_fresh)
            begin.add_incoming(value, from_going)
            sums.append(begin)
        sums = summed(body, self, at.x, at.w, (low, high), wide, sums)
        with builder.if_else(is_last) as (done, more):
            with done:
                for k, p in places:
                    value = builder.fadd(sums[k * wide + p], body.load(body.lane(at.bias, k * self.lanes)))
                    if at.other is not None:
                        line = body.lane(at.other, body.times(body.count(k), body.given("other_block")))
                        value = builder.fadd(value, body.load(body.lane(line, p * self.y_step)))
                    body.result(applied(body, self.tail, value), body.lane(lines[k], p * self.y_step), self.past)
            with more:
                for k, p in places:
                    body.store(sums[k * wide + p], body.lane(lines[k], p * self.y_step))


@dataclass(frozen=True)
class _Tile:
    """The first values that a tile reads and writes."""

    x: Value
    w: Value
    y: Value
    bias: Value
    other: Value | None


def _place(body: Body, name: str, sample: Value, block: Value) -> Value:
    return body.sum(body.times(sample, body.given(f"{name}_sample")), body.times(block, body.given(f"{name}_block")))


def summed(
    body: Body, kernel: Direct, x: Value, w: Value, maps: tuple[Value, Value], wide: int, sums: Sequence[Value]
) -> list[Value]:
    """The sums after the products of these blocks of maps."""
    low, high = maps
    table, taps, x_block = body.address("taps_table"), body.given("taps"), body.given("x_block")
    at_once = min(UNROLLED, kernel.inner)
    a_step = at_once * kernel.blocks * kernel.lanes

    def block(c: Value, carried: list[Value]) -> Sequence[Value]:
        own = body.lane(x, body.times(c, x_block))

        def tap(t: Value, carried: list[Value]) -> Sequence[Value]:
            here = body.lane(own, body.entry(table, t))

            def some(m: Value, carried: list[Value]) -> Sequence[Value]:
                weights, *sums = carried
                sums = products(body, kernel, body.lane(here, m), weights, wide, sums)
                return [beside(body, kernel.width, weights, a_step), *sums]

            if kernel.inner == at_once:
                return some(body.count(0), carried)
            return body.loop(body.count(kernel.inner), some, carried, step=at_once)

        return body.loop(taps, tap, carried)

    return body.loop(high, block, [w, *sums], start=low)[1:]


class Shape(Protocol):
    """What the products need to know of a kernel."""

    @property
    def lanes(self) -> int: ...

    @property
    def blocks(self) -> int: ...

    @property
    def step(self) -> int: ...

    @property
    def inner(self) -> int: ...

    @property
    def width(self) -> Width: ...


def products(body: Body, kernel: Shape, x: Value, w: Value, wide: int, sums: Sequence[Value], ahead: bool = False) -> list[Value]:
    """The products of a few maps: every filter's vector with every position's value. `ahead` fetches filters in time."""
    made = list(sums)
    blocks, lanes = kernel.blocks, kernel.lanes
    for c in range(min(UNROLLED, kernel.inner)):
        places = [(c * blocks + k) * lanes for k in range(blocks)]
        filters = [read(body, kernel.width, beside(body, kernel.width, w, place)) for place in places]
        if ahead or wide < 7:
            for place in places:
                body.prefetch(beside(body, kernel.width, w, place + AHEAD // BYTES[kernel.width]))
        for p in range(wide):
            value = body.spread(body.value(body.lane(x, p * kernel.step + c)))
            for k in range(blocks):
                made[k * wide + p] = body.multiply_add(filters[k], value, made[k * wide + p])
    return made
