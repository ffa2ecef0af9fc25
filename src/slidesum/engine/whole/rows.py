"""Kernels that go through rows of blocks, a vector at a time: how their work is cut, and the kernels of one step a vector.

A task is a sample, a block and some rows. Where rows begin is a table for each array, since their halos differ.

`Combine`    y = tail(a), tail(a + b), tail(a · b) …  also the way to copy, and to add what no convolution could
`Clear`      the halo of y becomes zeros
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.tail import PLAIN, Tail, applied

CUT = ("blocks", "chunks", "rows", "rows_at_once")
"""The numbers by which a task is cut."""
How = Literal["copy", "add", "subtract", "multiply", "divide", "maximum", "minimum"]


def task_of(body: Body) -> tuple[Value, Value, Value, Value]:
    """Sample, block, first row, and the row behind the last."""
    rest, chunk = body.split(body.task, body.given("chunks"))
    sample, block = body.split(rest, body.given("blocks"))
    first = body.times(chunk, body.given("rows_at_once"))
    return sample, block, first, body.least(body.given("rows"), body.sum(first, body.given("rows_at_once")))


def place(body: Body, name: str, sample: Value, block: Value) -> Value:
    """The address of a block of an array."""
    distance = body.sum(body.times(sample, body.given(f"{name}_sample")), body.times(block, body.given(f"{name}_block")))
    return body.lane(body.address(name), distance)


def row_of(body: Body, name: str, begin: Value, row: Value) -> Value:
    """The address of a row of a block."""
    return body.lane(begin, body.entry(body.address(f"{name}_rows"), row))


@dataclass(frozen=True)
class Combine(Kernel):
    """One or two arrays, value by value; b's columns may be one and the same."""

    how: How
    tail: Tail = PLAIN
    repeats: bool = False

    SLOTS = (
        *CUT,
        *("columns", "a", "b", "y", "a_rows", "b_rows", "y_rows"),
        *("a_sample", "b_sample", "y_sample", "a_block", "b_block", "y_block"),
    )

    def write(self, body: Body) -> None:
        """Row by row."""
        sample, block, first, end = task_of(body)
        begins = {name: place(body, name, sample, block) for name in ("ay" if self.how == "copy" else "aby")}

        def row(r: Value) -> None:
            at = {name: row_of(body, name, begin, r) for name, begin in begins.items()}

            def column(j: Value) -> None:
                here = body.times(j, body.count(self.lanes))
                a = body.load(body.lane(at["a"], here))
                if self.how != "copy":
                    a = combined(body, self.how, a, body.load(at["b"] if self.repeats else body.lane(at["b"], here)))
                body.store(applied(body, self.tail, a), body.lane(at["y"], here))

            body.each(body.given("columns"), column)

        body.each(end, row, first)


def combined(body: Body, how: str, a: Value, b: Value) -> Value:
    """Two vectors value by value; NaN in either is NaN."""
    builder = body.builder
    match how:
        case "add":
            return builder.fadd(a, b)
        case "subtract":
            return builder.fsub(a, b)
        case "multiply":
            return builder.fmul(a, b)
        case "divide":
            return builder.fdiv(a, b)
        case "maximum" | "minimum":
            wins = builder.fcmp_ordered(">" if how == "maximum" else "<", a, b)
            chosen = builder.select(wins, a, b)  # b, where either is NaN
            return builder.select(builder.fcmp_unordered("uno", a, a), a, chosen)
        case _:
            raise AssertionError(f"{how} combines nothing")


@dataclass(frozen=True)
class Clear(Kernel):
    """Zeros around the cells of a block: a task is a sample and a block. `cell` are the values of one."""

    SLOTS = (
        *("blocks", "y", "y_sample", "y_block", "cell"),
        *("depth", "height", "z_low", "z_high", "i_low", "i_high", "j_low", "j_high", "row"),
    )

    def write(self, body: Body) -> None:
        """Whole rows above, below, before and behind; the ends of the others."""
        sample, block = body.split(body.task, body.given("blocks"))
        begin = place(body, "y", sample, block)
        height, row_size = body.given("height"), body.given("row")

        def inside(n: Value, low: str, high: str) -> Value:
            above = body.builder.icmp_signed(">=", n, body.given(low))
            return body.builder.and_(above, body.builder.icmp_signed("<", n, body.given(high)))

        def row(z: Value, i: Value) -> None:
            line = body.lane(begin, body.times(body.sum(body.times(z, height), i), row_size))
            within = body.builder.and_(inside(z, "z_low", "z_high"), inside(i, "i_low", "i_high"))
            with body.builder.if_else(within) as (some, none):
                with some:
                    right = body.times(body.given("j_high"), body.given("cell"))
                    zeroed(body, line, body.times(body.given("j_low"), body.given("cell")))
                    zeroed(body, body.lane(line, right), body.minus(row_size, right))
                with none:
                    zeroed(body, line, row_size)

        body.each(body.given("depth"), lambda z: body.each(height, lambda i: row(z, i)))


def zeroed(body: Body, pointer: Value, size: Value) -> None:
    """So many zeros, and nothing behind them."""
    body.each(size, lambda j: body.store(body.zeros(), body.lane(pointer, j), body.mask(body.minus(size, j))), step=body.lanes)


def rows_cut(rows: int, others: int, tasks: int) -> tuple[int, int]:
    """Into how many chunks rows are cut, and how many rows one has, for so many tasks where there are `others` of them anyway."""
    wanted = max(1, min(rows, -(-tasks // max(1, others))))
    at_once = -(-rows // wanted)
    return -(-rows // at_once), at_once
