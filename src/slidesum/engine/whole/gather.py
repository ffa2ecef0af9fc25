"""Values put into other places, by a table that says for each where it comes from: transposed, cropped, opened into windows.

A place is a distance in x, in values; NOWHERE is 0, BEYOND is the number `fill`. Rows of y begin where another table says.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from slidesum.engine.code import POINTER, Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.maps import Maps

Array = Any
NOWHERE, BEYOND = -1, -2
PLACE = np.int32
"""A place: arrays have less than 2³¹ values."""


@dataclass(frozen=True)
class Gather(Kernel):
    """A task is some rows of `size` values, of `total` in all; fill has the bits of a number."""

    SLOTS = ("rows", "rows_at_once", "size", "total", "x", "y", "y_rows", "table", "fill")

    def write(self, body: Body) -> None:
        """Row by row, a vector at a time."""
        builder, size = body.builder, body.given("size")
        first = body.times(body.task, body.given("rows_at_once"))
        end = body.least(body.given("rows"), body.sum(first, body.given("rows_at_once")))
        number = builder.bitcast(builder.trunc(body.given("fill"), ir.IntType(32)), body.number)
        fill = body.spread(number)

        def row(r: Value) -> None:
            begin = body.times(r, size)
            count = body.least(size, body.minus(body.given("total"), begin))
            places = body.lane(body.address("table"), begin)  # a place is as wide as a value
            to = body.lane(body.address("y"), body.entry(body.address("y_rows"), r))

            def some(j: Value) -> None:
                mask = body.mask(body.minus(count, j))
                body.store(self._values(body, body.lane(places, j), mask, fill), body.lane(to, j), mask)

            body.each(count, some, step=self.lanes)

        body.each(end, row, first)

    def _values(self, body: Body, places: Value, mask: Value, fill: Value) -> Value:
        builder = body.builder
        whole, wide = (ir.VectorType(ir.IntType(bits), self.lanes) for bits in (32, 64))
        where = builder.bitcast(body.load(places, mask), whole)
        is_there = builder.and_(mask, builder.icmp_signed(">=", where, ir.Constant(whole, [0] * self.lanes)))
        is_beyond = builder.icmp_signed("==", where, ir.Constant(whole, [BEYOND] * self.lanes))
        otherwise = builder.select(is_beyond, fill, body.zeros())
        distances = builder.mul(builder.sext(where, wide), ir.Constant(wide, [body.bytes] * self.lanes))
        bases = body.spread_whole(body.given("x"))
        pointers = builder.inttoptr(builder.add(bases, distances), ir.VectorType(POINTER, self.lanes))
        return body.gathered(pointers, is_there, otherwise)


def bits(number: float) -> int:
    """A number as the kernel reads it."""
    return int(struct.unpack("<i", struct.pack("<f", number))[0])


def distances(maps: Maps) -> Array:
    """Where every value of some maps lies, from the first one's place: (batch, maps, depth, rows, columns)."""
    of_map = np.array([maps.at(0, c // maps.lanes, (0, 0, 0)) + c % maps.lanes for c in range(maps.channels)])
    steps = (maps.plane, maps.row, maps.lanes)
    total = np.arange(maps.batch)[:, None] * maps.sample + (of_map - maps.at(0, 0, (0, 0, 0)))
    for extent, step in zip(maps.cells, steps, strict=True):
        total = total[..., None] + np.arange(extent) * step
    return total


def in_rows(table: Array, maps: Maps) -> tuple[Array, Array]:
    """The table in the order of blocks, a row of cells of a block after the other; and where these rows begin."""
    batch, channels, depth, rows, columns = (maps.batch, maps.channels, *maps.cells)
    laid = np.full((batch, maps.blocks * maps.lanes, depth, rows, columns), NOWHERE, PLACE)
    laid[:, :channels] = table.reshape(batch, channels, depth, rows, columns)
    laid = laid.reshape(batch, maps.blocks, maps.lanes, depth, rows, columns).transpose(0, 1, 3, 4, 5, 2)
    first = maps.at(0, 0, (0, 0, 0))
    begins = [
        maps.at(b, k, (z, i, 0)) - first
        for b in range(batch)
        for k in range(maps.blocks)
        for z in range(depth)
        for i in range(rows)
    ]
    return np.ascontiguousarray(laid).reshape(len(begins), -1), np.array(begins, np.int64)
