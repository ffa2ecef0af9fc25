"""What a thread does with one task: lay a part of x out anew, and go through the tiles of what comes of it.

A task is some rows of y along the outer axis of one member (an entry of the batch and a group), for all filters; where vectors run
along the taps, it is some filters of one member. A tile that would reach beyond the end is moved back and computes some values
again; where these are another task's, they aren't written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from slidesum.engine.choice import Tile
from slidesum.engine.code import INT, POINTER, Code, Value
from slidesum.engine.copy import Numbers
from slidesum.engine.tiles import Put, filters_by_positions, filters_by_vectors, rows_by_vectors

COPY = ir.FunctionType(ir.VoidType(), [POINTER] * 3 + [INT] * 3)
"""numbers, x, into, first, rows, channels"""
Task = Callable[[Value], None]


def copy_name(itemsize: int) -> str:
    """What the function that lays x out, for values of so many bytes, is called where it is linked."""
    return f"slidesum_copy_{8 * itemsize}"


@dataclass(frozen=True, slots=True)
class Given:
    """The code being written, the numbers that it has loaded, their table, the tile, the arrays, and the thread's scratch."""

    code: Code
    n: Numbers
    table: Value
    tile: Tile
    x: Value
    w: Value
    y: Value
    own: Value

    def copy(self, x: Value, first: Value, rows: Value, channels: Value) -> None:
        """Lay so many rows and maps of x out, in the scratch."""
        copy = self.code.module.globals[copy_name(self.code.bytes)]
        self.code.builder.call(copy, [self.table, x, self.own, first, rows, channels])

    @property
    def a_layer(self) -> Value:
        """Values of y from one position of the outer axis to the next."""
        return self.code.times(self.n["mid"], self.n["inner"])

    @property
    def a_filter(self) -> Value:
        """Values of y from one filter to the next."""
        return self.code.times(self.n["outer"], self.a_layer)


def task_of(given: Given) -> Task:
    """What writes the code for the task of a number."""
    match given.tile.kind:
        case "rows" | "flat":
            return _whole_rows(given)
        case "band":
            return _bands(given)
        case "reduce":
            return _reduced(given)


def _member(given: Given, number: Value) -> tuple[Value, Value, Value, Value]:
    """Of a task's number: its chunk, and where x, w and y of its member begin."""
    code, n, builder = given.code, given.n, given.code.builder
    member, chunk = builder.sdiv(number, n["chunks"]), builder.srem(number, n["chunks"])
    batch, group = builder.sdiv(member, n["groups"]), builder.srem(member, n["groups"])
    return (
        chunk,
        code.at(given.x, code.sum(code.times(batch, n["x_batch"]), code.times(group, n["x_group"]))),
        code.at(given.w, code.times(group, n["w_group"])),
        code.at(given.y, code.times(code.times(member, n["filters"]), given.a_filter)),
    )


def _whole_rows(given: Given) -> Task:
    code, n, tile, own = given.code, given.n, given.tile, given.own
    a_filter = given.a_filter
    results = code.at(own, n["copy_size"])

    def task(number: Value) -> None:
        chunk, x, w, y = _member(given, number)
        first = code.times(chunk, n["rows"])
        rows = code.least(n["rows"], code.minus(n["outer"], first))
        given.copy(x, first, rows, n["channels"])
        begin = code.at(y, code.times(first, given.a_layer))

        def filters(o: Value) -> None:
            o = code.least(o, code.minus(n["filters"], code.count(tile.high)))
            weights, into = code.at(w, code.times(o, n["w_filter"])), code.at(begin, code.times(o, a_filter))

            def tiles(entry: Value, length: Value, put_at: Callable[[Value, Value], Put]) -> None:
                def one(at: Value, lanes: Value) -> None:
                    put = put_at(at, lanes)
                    filters_by_vectors(code, n, given.table, tile.high, tile.wide, code.at(entry, at), weights, put)

                _along(code, length, tile.wide, one)

            if tile.kind == "flat":
                span = code.times(code.minus(rows, code.count(1)), n["layer"])
                span = code.sum(span, code.times(code.minus(n["mid"], code.count(1)), n["row"]), n["inner"])
                tiles(own, span, lambda at, lanes: _put(given, results, n["span_stored"], at))
                _in_place(given, results, into, rows)
            else:
                _each_row(given, rows, into, lambda entry, line: tiles(entry, n["inner"], _masked(given, line, a_filter)))

        code.each(n["filters"], filters, step=tile.high)

    return task


def _bands(given: Given) -> Task:
    code, n, tile = given.code, given.n, given.tile
    high = code.count(tile.high)

    def task(number: Value) -> None:
        chunk, x, w, y = _member(given, number)
        own_first = code.times(chunk, n["rows"])
        end = code.least(n["outer"], code.sum(own_first, n["rows"]))
        first = code.least(own_first, code.minus(n["outer"], high))
        rows = code.minus(end, first)
        given.copy(x, first, rows, n["channels"])
        begin = code.at(y, code.times(first, given.a_layer))

        def band(o: Value, a: Value) -> None:
            a = code.least(a, code.minus(rows, high))
            weights = code.at(w, code.times(o, n["w_filter"]))
            into = code.at(begin, code.sum(code.times(o, given.a_filter), code.times(a, given.a_layer)))
            above = code.minus(n["padding_outer"], code.sum(first, a))  # rows of padding above the tile's first
            inside = above, code.sum(above, n["cells_outer"])

            def row(b: Value) -> None:
                entry = code.at(given.own, code.sum(code.times(a, n["layer"]), code.times(b, n["row"])))
                line = code.at(into, code.times(b, n["inner"]))

                def one(at: Value, lanes: Value) -> None:
                    masked = _masked(given, line, given.a_layer)(at, lanes)

                    def put(k: int, j: int, total: Value) -> None:
                        is_own = code.builder.icmp_signed(">=", code.sum(first, a, code.count(k)), own_first)
                        with code.builder.if_then(is_own):
                            masked(k, j, total)

                    rows_by_vectors(code, n, given.table, tile.high, tile.wide, code.at(entry, at), weights, put, inside)

                _along(code, n["inner"], tile.wide, one)

            code.each(n["mid"], row)

        code.each(n["filters"], lambda o: code.each(rows, lambda a: band(o, a), step=tile.high))

    return task


def _reduced(given: Given) -> Task:
    """Maps in parts that fit the scratch; what is summed over the first is the beginning of the rest."""
    code, n, tile = given.code, given.n, given.tile
    builder, high, wide = code.builder, code.count(tile.high), code.count(tile.wide)
    totals = builder.alloca(code.vector, tile.high * tile.wide)

    def task(number: Value) -> None:
        chunk, x, w, y = _member(given, number)
        first = code.times(chunk, n["filters_at_once"])
        end = code.least(n["filters"], code.sum(first, n["filters_at_once"]))

        def part(k: Value) -> None:
            c = code.times(k, n["channels_at_once"])
            channels = code.least(n["channels_at_once"], code.minus(n["channels"], c))
            given.copy(code.at(x, code.times(c, n["x_channel"])), code.count(0), n["rows"], channels)
            w_part = code.at(w, code.times(c, n["w_channel"]))

            def tile_at(new_o: Value, new_i: Value, entry: Value, line: Value) -> None:
                o, i = code.least(new_o, code.minus(n["filters"], high)), code.least(new_i, code.minus(n["inner"], wide))
                weights = code.at(w_part, code.times(o, n["w_filter"]))
                sums = filters_by_positions(code, n, given.table, tile.high, tile.wide, code.at(entry, i), weights, channels)
                for first in range(0, len(sums), code.lanes):
                    code.store(code.totals(sums[first : first + code.lanes]), code.at(totals, code.count(first)))

                def added(k: Value, j: Value) -> None:
                    total = code.value(code.at(totals, code.sum(code.times(k, wide), j)))
                    to = code.at(line, code.sum(code.times(code.sum(o, k), given.a_filter), i, j))
                    is_first = builder.icmp_signed("==", c, code.count(0))
                    before = builder.select(is_first, ir.Constant(code.number, 0.0), code.value(to))
                    builder.store(builder.fadd(before, total), to)

                code.each(high, lambda k: code.each(wide, lambda j: added(k, j), code.minus(new_i, i)), code.minus(new_o, o))

            def filters(o: Value) -> None:
                def row(entry: Value, line: Value) -> None:
                    code.each(n["inner"], lambda i: tile_at(o, i, entry, line), step=tile.wide)

                _each_row(given, n["outer"], y, row)

            code.each(end, filters, first, tile.high)

        code.each(n["channel_parts"], part)

    return task


def _each_row(given: Given, rows: Value, into: Value, body: Callable[[Value, Value], None]) -> None:
    """body(first entry of the copy, first value of y) for every row along the inner axis."""
    code, n = given.code, given.n

    def row(a: Value, b: Value) -> None:
        entry = code.at(given.own, code.sum(code.times(a, n["layer"]), code.times(b, n["row"])))
        body(entry, code.at(into, code.times(code.sum(code.times(a, n["mid"]), b), n["inner"])))

    code.each(rows, lambda a: code.each(n["mid"], lambda b: row(a, b)))


def _along(code: Code, length: Value, wide: int, tile: Callable[[Value, Value], None]) -> None:
    """tile(first value, lanes of its last vector that count) along a line of `length` values."""
    builder, lanes = code.builder, code.lanes
    vectors = builder.sdiv(code.sum(length, code.count(lanes - 1)), code.count(lanes))
    last = code.most(code.minus(vectors, code.count(wide)), code.count(0))

    def turn(m: Value) -> None:
        m = code.least(m, last)
        left = code.minus(length, code.times(code.sum(m, code.count(wide - 1)), code.count(lanes)))
        tile(code.times(m, code.count(lanes)), code.least(left, code.count(lanes)))

    code.each(vectors, turn, step=wide)


def _put(given: Given, line: Value, step: Value, at: Value, mask: Value | None = None) -> Put:
    """Sums to a line, the next row of the tile `step` values behind; the last vector by the mask."""
    code, wide = given.code, given.tile.wide

    def put(k: int, j: int, total: Value) -> None:
        to = code.at(line, code.sum(code.times(code.count(k), step), at, code.count(j * code.lanes)))
        code.store(total, to, mask if j == wide - 1 else None)

    return put


def _masked(given: Given, line: Value, step: Value) -> Callable[[Value, Value], Put]:
    return lambda at, lanes: _put(given, line, step, at, given.code.mask(lanes))


def _in_place(given: Given, results: Value, into: Value, rows: Value) -> None:
    """From the line of all sums of a tile's filters to the rows of y; a row's last vector overlaps the one before."""
    code, n = given.code, given.n
    lanes = code.count(code.lanes)
    is_short, mask = code.builder.icmp_signed("<", n["inner"], lanes), code.mask(n["inner"])
    last = code.most(code.minus(n["inner"], lanes), code.count(0))

    def row(k: Value, a: Value, b: Value) -> None:
        line = code.at(results, code.sum(code.times(k, n["span_stored"]), code.times(a, n["layer"]), code.times(b, n["row"])))
        place = code.times(code.sum(code.times(a, n["mid"]), b), n["inner"])
        to = code.at(into, code.sum(code.times(k, given.a_filter), place))
        with code.builder.if_else(is_short) as (short, long):
            with short:
                code.store(code.load(line, mask), to, mask)
            with long:
                code.each(last, lambda j: code.store(code.load(code.at(line, j)), code.at(to, j)), step=code.lanes)
                code.store(code.load(code.at(line, last)), code.at(to, last))

    code.each(code.count(given.tile.high), lambda k: code.each(rows, lambda a: code.each(n["mid"], lambda b: row(k, a, b))))
