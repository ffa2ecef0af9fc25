"""A filter a map: a vector of weights times a vector of x, tap by tap, for a tile of positions of a row. Also a scale and a shift.

Where every map has its own filter, the lanes of a block of x meet the same lanes of the filters, and nothing is summed over maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import CUT, place, row_of, task_of
from slidesum.engine.whole.tail import PLAIN, Tail, applied


@dataclass(frozen=True)
class Depthwise(Kernel):
    """The kernel for tiles of `wide` positions and `rest` at a row's end, `step` values apart on x and `y_step` on y."""

    wide: int
    rest: int
    step: int
    y_step: int
    tail: Tail = PLAIN

    SLOTS = (
        *CUT,
        *("tiles", "taps", "taps_table", "x", "w", "bias", "y", "x_rows", "y_rows"),
        *("x_sample", "y_sample", "x_block", "y_block"),
    )

    def write(self, body: Body) -> None:
        """Row by row, tile by tile."""
        sample, block, first, end = task_of(body)
        x, y = place(body, "x", sample, block), place(body, "y", sample, block)
        taps, table = body.given("taps"), body.address("taps_table")
        filters = body.lane(body.address("w"), body.times(block, body.times(taps, body.count(self.lanes))))
        bias = body.load(body.lane(body.address("bias"), body.times(block, body.count(self.lanes))))

        def row(r: Value) -> None:
            x_row, y_row = row_of(body, "x", x, r), row_of(body, "y", y, r)

            def tile(j: Value, wide: int) -> None:
                here = body.lane(x_row, body.times(j, body.count(self.wide * self.step)))

                def tap(t: Value, sums: list[Value]) -> Sequence[Value]:
                    weight = body.load(body.lane(filters, body.times(t, body.count(self.lanes))))
                    cells = body.lane(here, body.entry(table, t))
                    return [
                        body.multiply_add(body.load(body.lane(cells, p * self.step)), weight, total) for p, total in enumerate(sums)
                    ]

                sums = body.loop(taps, tap, [bias] * wide)
                to = body.lane(y_row, body.times(j, body.count(self.wide * self.y_step)))
                for p, total in enumerate(sums):
                    body.store(applied(body, self.tail, total), body.lane(to, p * self.y_step))

            body.each(body.given("tiles"), lambda j: tile(j, self.wide))
            if self.rest:
                tile(body.given("tiles"), self.rest)

        body.each(end, row, first)
