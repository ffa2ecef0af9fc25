"""A filter a map: vectors of weights times vectors of x for a tile of positions of a row. Also a scale and a shift.

Where every map has its own filter, the lanes of a block of x meet the same lanes of the filters, and nothing is summed over maps.
The taps along a row are written out: neighbouring positions share most of what they read, and each vector is loaded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import CUT, place, row_of, task_of
from slidesum.engine.whole.tail import PLAIN, Tail, applied


@dataclass(frozen=True)
class Line:
    """A row's filtering: tiles of `wide` positions and `rest` at its end, `step` values apart on x and `y_step` where they go.

    A window is lines of `across` taps, `apart` values from one to the next; where lines begin is a table.
    """

    wide: int
    rest: int
    step: int
    y_step: int
    across: int = 1
    apart: int = 0

    SLOTS = ("tiles", "lines", "lines_table", "w", "bias")

    def write(self, body: Body, tail: Tail, block: Value, x: Value, to: Value) -> None:
        """The row of a block of maps, from where its first window begins on x to where it is written."""
        lanes, across = body.lanes, self.across
        lines, table = body.given("lines"), body.address("lines_table")
        size = body.times(lines, body.count(across * lanes))
        filters = body.lane(body.address("w"), body.times(block, size))
        bias = body.load(body.lane(body.address("bias"), body.times(block, body.count(lanes))))

        def tile(j: Value, wide: int) -> None:
            here = body.lane(x, body.times(j, body.count(self.wide * self.step)))

            def line(t: Value, sums: list[Value]) -> Sequence[Value]:
                own = body.lane(filters, body.times(t, body.count(across * lanes)))
                weights = [body.load(body.lane(own, v * lanes)) for v in range(across)]
                cells = body.lane(here, body.entry(table, t))
                meets: dict[int, list[tuple[int, int]]] = {}
                for p in range(wide):
                    for v in range(across):
                        meets.setdefault(p * self.step + v * self.apart, []).append((p, v))
                for distance, pairs in sorted(meets.items()):
                    value = body.load(body.lane(cells, distance))
                    for p, v in pairs:
                        sums[p] = body.multiply_add(value, weights[v], sums[p])
                return sums

            sums = body.loop(lines, line, [bias] * wide)
            tile_to = body.lane(to, body.times(j, body.count(self.wide * self.y_step)))
            for p, total in enumerate(sums):
                body.store(applied(body, tail, total), body.lane(tile_to, p * self.y_step))

        body.each(body.given("tiles"), lambda j: tile(j, self.wide))
        if self.rest:
            tile(body.given("tiles"), self.rest)


@dataclass(frozen=True)
class Depthwise(Kernel):
    """The kernel: row by row."""

    line: Line
    tail: Tail = PLAIN

    SLOTS = (*CUT, *Line.SLOTS, "x", "y", "x_rows", "y_rows", "x_sample", "y_sample", "x_block", "y_block")

    def write(self, body: Body) -> None:
        """Some rows of a block."""
        sample, block, first, end = task_of(body)
        x, y = place(body, "x", sample, block), place(body, "y", sample, block)
        body.each(end, lambda r: self.line.write(body, self.tail, block, row_of(body, "x", x, r), row_of(body, "y", y, r)), first)
