"""Into blocks and out of them, at the edges of a program: arrays as everybody has them, batch, maps and positions in their order.

`Pack`     from such an array into blocks of `into` maps; 1 is maps that lie by themselves, with a halo
`Unpack`   back
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import CUT, place, row_of, task_of

SIDES = (*CUT, "columns", "channels", "plain", "plain_sample", "plain_map", "plain_row")


@dataclass(frozen=True)
class Pack(Kernel):
    """plain -> y."""

    into: int

    SLOTS = (*SIDES, "y", "y_rows", "y_sample", "y_block")

    def write(self, body: Body) -> None:
        """Lane by lane of a block; lanes without a map become zeros."""
        sample, block, first, end = task_of(body)
        y = place(body, "y", sample, block)
        columns = body.given("columns")

        def row(r: Value) -> None:
            to = row_of(body, "y", y, r)
            if self.into > 1:
                body.each(columns, lambda j: body.store(body.zeros(), body.lane(to, body.times(j, body.count(self.into)))))

            def lane(k: Value, source: Value) -> None:
                if self.into == 1:
                    copied(body, source, to, columns)
                else:
                    strewn = body.lane(to, k)
                    body.each(
                        columns,
                        lambda j: body.put(
                            body.value(body.lane(source, j)), body.lane(strewn, body.times(j, body.count(self.into)))
                        ),
                    )

            _lanes(body, sample, block, r, self.into, lane)

        body.each(end, row, first)


@dataclass(frozen=True)
class Unpack(Kernel):
    """x -> plain."""

    out_of: int

    SLOTS = (*SIDES, "x", "x_rows", "x_sample", "x_block")

    def write(self, body: Body) -> None:
        """Lane by lane of a block."""
        sample, block, first, end = task_of(body)
        x = place(body, "x", sample, block)
        columns = body.given("columns")

        def row(r: Value) -> None:
            source = row_of(body, "x", x, r)

            def lane(k: Value, to: Value) -> None:
                if self.out_of == 1:
                    copied(body, source, to, columns)
                else:
                    strewn = body.lane(source, k)
                    body.each(
                        columns,
                        lambda j: body.put(body.value(body.lane(strewn, body.times(j, body.count(self.out_of)))), body.lane(to, j)),
                    )

            _lanes(body, sample, block, r, self.out_of, lane)

        body.each(end, row, first)


def copied(body: Body, source: Value, to: Value, size: Value) -> None:
    """So many values, and nothing behind them."""

    def some(j: Value) -> None:
        mask = body.mask(body.minus(size, j))
        body.store(body.load(body.lane(source, j), mask), body.lane(to, j), mask)

    body.each(size, some, step=body.lanes)


def _lanes(body: Body, sample: Value, block: Value, row: Value, lanes: int, each: Callable[[Value, Value], None]) -> None:
    """each(lane, its row on the plain side) for the maps of a block."""
    first = body.times(block, body.count(lanes))
    plain = body.lane(
        body.address("plain"),
        body.sum(body.times(sample, body.given("plain_sample")), body.times(row, body.given("plain_row"))),
    )
    stop = body.least(body.count(lanes), body.minus(body.given("channels"), first))
    body.each(stop, lambda k: each(k, body.lane(plain, body.times(body.sum(first, k), body.given("plain_map")))))
