"""Pooling, map by map: of a window only those cells that exist. Which ones, is a table for each axis: the first, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.core.equation import Reduce
from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import CUT, combined, place, row_of, task_of
from slidesum.engine.whole.tail import PLAIN, Tail, applied


@dataclass(frozen=True)
class Pool(Kernel):
    """The kernel of a reduction; a mean is the sum times `scale`, cells of the padding counted."""

    reduce: Reduce
    scale: float = 1.0
    tail: Tail = PLAIN

    SLOTS = (
        *CUT,
        *("columns", "x", "y", "x_rows", "y_rows", "layers", "lines", "x_columns", "cells"),
        *("x_sample", "y_sample", "x_block", "y_block", "layer_step", "line_step", "cell_step"),
    )

    def write(self, body: Body) -> None:
        """For every position: layers, lines and cells of its window."""
        sample, block, first, end = task_of(body)
        x, y = place(body, "x", sample, block), place(body, "y", sample, block)

        def row(r: Value) -> None:
            x_row, y_row = row_of(body, "x", x, r), row_of(body, "y", y, r)
            layers, lines = (body.entry(body.address(name), r) for name in ("layers", "lines"))

            def column(j: Value) -> None:
                corner = body.lane(x_row, body.entry(body.address("x_columns"), j))
                cells = body.entry(body.address("cells"), j)

                def layer(z: Value, carried: list[Value]) -> Sequence[Value]:
                    def line(i: Value, carried: list[Value]) -> Sequence[Value]:
                        distance = body.sum(body.times(z, body.given("layer_step")), body.times(i, body.given("line_step")))
                        begin = body.lane(corner, distance)

                        def cell(k: Value, carried: list[Value]) -> Sequence[Value]:
                            value = body.load(body.lane(begin, body.times(k, body.given("cell_step"))))
                            return [combined(body, _HOW[self.reduce], carried[0], value)]

                        return body.loop(cells, cell, carried)

                    return body.loop(lines, line, carried)

                total = body.loop(layers, layer, [body.constant(_BEGIN[self.reduce])])[0]
                if self.reduce == "mean":
                    total = body.builder.fmul(total, body.constant(self.scale))
                to = body.lane(y_row, body.times(j, body.count(self.lanes)))
                body.store(applied(body, self.tail, total), to)

            body.each(body.given("columns"), column)

        body.each(end, row, first)


_HOW = {"max": "maximum", "min": "minimum", "sum": "add", "mean": "add"}
_BEGIN = {"max": float("-inf"), "min": float("inf"), "sum": 0.0, "mean": 0.0}
