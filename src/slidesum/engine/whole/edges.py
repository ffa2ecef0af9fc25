"""Into blocks and out of them, at the edges of a program: arrays as everybody has them, batch, maps and positions in their order.

`Pack`     from such an array into blocks of `into` maps; 1 is maps that lie by themselves, with a halo
`Unpack`   back
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llvmlite import ir

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
        columns, into = body.given("columns"), body.count(self.into)

        def row(r: Value) -> None:
            to = row_of(body, "y", y, r)

            def squares(begin: Value, is_full: Value) -> Value:
                """Whole squares of maps × columns at once; the columns that are done."""
                step = body.given("plain_map")

                def square(n: Value) -> None:
                    j = body.times(n, into)
                    lines = [body.load(body.lane(begin, body.sum(body.times(step, body.count(k)), j))) for k in range(self.into)]
                    for k, line in enumerate(transposed(body, lines)):
                        body.store(line, body.lane(to, body.times(body.sum(j, body.count(k)), into)))

                return _whole(body, is_full, columns, self.into, square)

            def lane(k: Value, source: Value, done: Value) -> None:
                if self.into == 1:
                    copied(body, source, to, columns)
                else:
                    strewn = body.lane(to, k)
                    body.each(
                        columns,
                        lambda j: body.put(body.value(body.lane(source, j)), body.lane(strewn, body.times(j, into))),
                        done,
                    )

            def rest(done: Value) -> None:
                if self.into > 1:
                    body.each(columns, lambda j: body.store(body.zeros(), body.lane(to, body.times(j, into))), done)

            _lanes(body, sample, block, r, self.into, squares, rest, lane)

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
        columns, out_of = body.given("columns"), body.count(self.out_of)

        def row(r: Value) -> None:
            source = row_of(body, "x", x, r)

            def squares(begin: Value, is_full: Value) -> Value:
                step = body.given("plain_map")

                def square(n: Value) -> None:
                    j = body.times(n, out_of)
                    lines = [
                        body.load(body.lane(source, body.times(body.sum(j, body.count(k)), out_of))) for k in range(self.out_of)
                    ]
                    for k, line in enumerate(transposed(body, lines)):
                        body.store(line, body.lane(begin, body.sum(body.times(step, body.count(k)), j)))

                return _whole(body, is_full, columns, self.out_of, square)

            def lane(k: Value, to: Value, done: Value) -> None:
                if self.out_of == 1:
                    copied(body, source, to, columns)
                else:
                    strewn = body.lane(source, k)
                    body.each(
                        columns,
                        lambda j: body.put(body.value(body.lane(strewn, body.times(j, out_of))), body.lane(to, j)),
                        done,
                    )

            _lanes(body, sample, block, r, self.out_of, squares, lambda done: None, lane)

        body.each(end, row, first)


def copied(body: Body, source: Value, to: Value, size: Value) -> None:
    """So many values, and nothing behind them."""

    def some(j: Value) -> None:
        mask = body.mask(body.minus(size, j))
        body.store(body.load(body.lane(source, j), mask), body.lane(to, j), mask)

    body.each(size, some, step=body.lanes)


def transposed(body: Body, lines: Sequence[Value]) -> list[Value]:
    """As many vectors as lanes: lane k of vector n becomes lane n of vector k, by exchanging halves, quarters, …"""
    made, lanes = list(lines), len(lines)
    whole = ir.VectorType(ir.IntType(32), lanes)
    step = 1
    while step < lanes:
        upper = [k if not k & step else lanes + k - step for k in range(lanes)]
        lower = [k + step if not k & step else lanes + k for k in range(lanes)]
        for k in (k for k in range(lanes) if not k & step):
            a, b = made[k], made[k + step]
            made[k], made[k + step] = (body.builder.shuffle_vector(a, b, ir.Constant(whole, places)) for places in (upper, lower))
        step *= 2
    return made


def _whole(body: Body, is_full: Value, columns: Value, size: int, square: Callable[[Value], None]) -> Value:
    """Every whole square of a row, if the block is full; the columns that are done."""
    squares = body.builder.select(is_full, body.builder.udiv(columns, body.count(size)), body.count(0))
    body.each(squares, square)
    return body.times(squares, body.count(size))


def _lanes(
    body: Body,
    sample: Value,
    block: Value,
    row: Value,
    lanes: int,
    squares: Callable[[Value, Value], Value],
    rest: Callable[[Value], None],
    each: Callable[[Value, Value, Value], None],
) -> None:
    """The maps of a block: squares(the first one's plain row, whether all are there), then lane by lane what is left."""
    first = body.times(block, body.count(lanes))
    plain = body.lane(
        body.address("plain"),
        body.sum(body.times(sample, body.given("plain_sample")), body.times(row, body.given("plain_row"))),
    )
    stop = body.least(body.count(lanes), body.minus(body.given("channels"), first))
    done = body.count(0)
    if lanes > 1:
        begin = body.lane(plain, body.times(first, body.given("plain_map")))
        done = squares(begin, body.builder.icmp_signed("==", stop, body.count(lanes)))
        rest(done)
    body.each(stop, lambda k: each(k, body.lane(plain, body.times(body.sum(first, k), body.given("plain_map"))), done))
