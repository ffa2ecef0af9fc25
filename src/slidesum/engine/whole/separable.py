"""A filter a map, then a 1×1 convolution of what it gives, in one task: between them lies the scratch of the thread.

    a sample, some filters of the 1×1, some rows:
        every block of maps:         its rows, filtered                   ->  scratch
        every tile of the filters:   products of scratch with filters     ->  y

What is filtered never leaves the second-level cache, and nobody waits for it. Tasks that have a part of the filters each filter
the same maps again: a filter a map costs little beside a filter of all maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.depthwise import Line
from slidesum.engine.whole.direct import products
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import place, row_of
from slidesum.engine.whole.tail import PLAIN, Tail, applied
from slidesum.engine.whole.widths import Width


@dataclass(frozen=True)
class Separable(Kernel):
    """The kernel: `line` filters rows, `between` is applied to them; products in tiles of `blocks` × `wide` sums and a `rest`."""

    line: Line
    between: Tail
    blocks: int
    wide: int
    rest: int
    tail: Tail = PLAIN
    adds: bool = False
    past: bool = False

    SLOTS = (
        *Line.SLOTS,
        *("x", "y", "other", "x_rows", "y_rows", "other_rows", "x_sample", "y_sample", "other_sample"),
        *("x_block", "y_block", "other_block", "point_w", "point_bias", "maps", "columns", "point_tiles"),
        *("groups", "groups_at_once", "parts", "chunks", "rows", "rows_at_once", "rows_in_line"),
    )

    @property
    def step(self) -> int:
        """From one position of the products to the next."""
        return self.lanes

    @property
    def inner(self) -> int:
        """Maps of a block."""
        return self.lanes

    @property
    def width(self) -> Width:
        """Of the filters, which aren't streamed."""
        return "float32"

    def write(self, body: Body) -> None:
        """One task."""
        rest, chunk = body.split(body.task, body.given("chunks"))
        sample, part = body.split(rest, body.given("parts"))
        first = body.times(chunk, body.given("rows_at_once"))
        end = body.least(body.given("rows"), body.sum(first, body.given("rows_at_once")))
        group = body.times(part, body.given("groups_at_once"))
        self._filtered(body, sample, first, end)
        self._products(body, sample, first, end, group)
        body.settled(self.past)

    def _row(self, body: Body) -> Value:
        """Values of a row of scratch."""
        return body.times(body.given("columns"), body.count(self.lanes))

    def _filtered(self, body: Body, sample: Value, first: Value, end: Value) -> None:
        row_size = self._row(body)

        def block(k: Value) -> None:
            x = place(body, "x", sample, k)
            to = body.lane(body.scratch, body.times(k, body.times(body.given("rows_at_once"), row_size)))

            def row(r: Value) -> None:
                into = body.lane(to, body.times(body.minus(r, first), row_size))
                self.line.write(body, self.between, k, row_of(body, "x", x, r), into)

            body.each(end, row, first)

        body.each(body.given("maps"), block)

    def _products(self, body: Body, sample: Value, first: Value, end: Value, group: Value) -> None:
        lanes, row_size = self.lanes, self._row(body)
        a_block = body.times(body.given("rows_at_once"), row_size)
        a_group = body.times(body.given("maps"), body.count(lanes * self.blocks * lanes))
        rows = body.given("rows_in_line")
        lines = body.builder.udiv(body.minus(end, first), rows)

        def some(g: Value) -> None:
            own = body.times(g, body.count(self.blocks))
            at = {name: place(body, name, sample, own) for name in ("y", *(["other"] if self.adds else []))}
            bias = body.lane(body.address("point_bias"), body.times(own, body.count(lanes)))
            weights = body.lane(body.address("point_w"), body.times(g, a_group))

            def line(r: Value) -> None:
                begin = body.times(r, rows)
                x = body.lane(body.scratch, body.times(begin, row_size))
                line_at = {name: row_of(body, name, where, body.sum(first, begin)) for name, where in at.items()}

                def tile(j: Value, wide: int) -> None:
                    here = body.times(j, body.count(self.wide * lanes))
                    sums = self._summed(body, body.lane(x, here), weights, a_block, wide)
                    for k in range(self.blocks):
                        shift = body.load(body.lane(bias, k * lanes))
                        places = {
                            name: body.lane(where, body.sum(here, body.times(body.count(k), body.given(f"{name}_block"))))
                            for name, where in line_at.items()
                        }
                        for p in range(wide):
                            value = body.builder.fadd(sums[k * wide + p], shift)
                            if self.adds:
                                value = body.builder.fadd(value, body.load(body.lane(places["other"], p * lanes)))
                            body.result(applied(body, self.tail, value), body.lane(places["y"], p * lanes), self.past)

                body.each(body.given("point_tiles"), lambda j: tile(j, self.wide))
                if self.rest:
                    tile(body.given("point_tiles"), self.rest)

            body.each(lines, line)

        body.each(body.least(body.given("groups"), body.sum(group, body.given("groups_at_once"))), some, group)

    def _summed(self, body: Body, x: Value, weights: Value, a_block: Value, wide: int) -> list[Value]:
        lanes = self.lanes

        def block(k: Value, carried: list[Value]) -> Sequence[Value]:
            own = body.lane(x, body.times(k, a_block))

            def several(c: Value, carried: list[Value]) -> Sequence[Value]:
                weights, *sums = carried
                sums = products(body, self, body.lane(own, c), weights, wide, sums)
                return [body.lane(weights, 4 * self.blocks * lanes), *sums]

            return body.loop(body.count(lanes), several, carried, step=4)

        return body.loop(body.given("maps"), block, [weights, *[body.zeros()] * (self.blocks * wide)])[1:]
