"""The code of one kernel: tasks are taken until none is left; each copies its part of x and goes through its tiles.

    run(numbers, x, w, y, scratch, threads)            what is called: lays the five and two counters side by side, starts the threads
    work(call)                                          what each thread does
    copy(numbers, x, into, first, rows, channels)       a task's part of x, laid out anew; a module of its own, the same for all tiles

A tile that would reach beyond the end is moved back and computes some values again; only the task whose they are writes them.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from slidesum.engine.choice import Tile
from slidesum.engine.code import INT, POINTER, Code, Value
from slidesum.engine.copy import Numbers, copied
from slidesum.engine.layout import SLOTS
from slidesum.engine.tiles import filters_by_positions, filters_by_vectors, rows_by_vectors

TEAM = "GOMP_parallel"
"""The function (work, data, threads, flags) of the OpenMP library that starts a team; linked where there is one."""
COPY = ir.FunctionType(ir.VoidType(), [POINTER] * 3 + [INT] * 3)
CALL = 7
"""Words of a call: numbers, x, w, y, scratch, the next task, the next thread's part of the scratch."""


def copy_name(itemsize: int) -> str:
    """What the function `copy` for values of so many bytes is called where it is linked."""
    return f"slidesum_copy_{8 * itemsize}"


def copy_module(itemsize: int, lanes: int) -> ir.Module:
    """The module of `copy`."""
    made = ir.Module(name="copy")
    function = ir.Function(made, COPY, copy_name(itemsize))
    code = Code(function, _number(itemsize), lanes)
    table, x, into, first, rows, channels = function.args
    copied(code, _numbers(code, table), table, x, into, first, rows, channels)
    code.builder.ret_void()
    return made


def module(tile: Tile, itemsize: int, lanes: int, *, team: bool) -> ir.Module:
    """The module of a kernel, for values of so many bytes."""
    made = ir.Module(name=f"{tile.kind}_{tile.high}_{tile.wide}_{itemsize}")
    number = _number(itemsize)
    ir.Function(made, COPY, copy_name(itemsize))
    work = ir.Function(made, ir.FunctionType(ir.VoidType(), [POINTER]), "work")
    _work(Code(work, number, lanes), work.args[0], tile)
    run = ir.Function(made, ir.FunctionType(ir.VoidType(), [POINTER] * 5 + [INT]), "run")
    _run(Code(run, number, lanes), run, work, team=team)
    return made


def _number(itemsize: int) -> ir.Type:
    return ir.FloatType() if itemsize == 4 else ir.DoubleType()


def _numbers(code: Code, table: Value) -> dict[str, Value]:
    return {name: code.entry(table, code.count(k)) for k, name in enumerate(SLOTS)}


def _copy(code: Code, *arguments: Value) -> None:
    code.builder.call(code.module.globals[copy_name(code.bytes)], arguments)


def _run(code: Code, run: ir.Function, work: ir.Function, *, team: bool) -> None:
    builder, threads = code.builder, run.args[5]
    call = builder.alloca(INT, CALL)
    for k, value in enumerate([*(builder.ptrtoint(a, INT) for a in run.args[:5]), code.count(0), code.count(0)]):
        builder.store(value, builder.gep(call, [code.count(k)], source_etype=INT))
    if team:
        start = ir.Function(run.module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER, ir.IntType(32), ir.IntType(32)]), TEAM)
        with builder.if_else(builder.icmp_signed(">", threads, code.count(1))) as (several, alone):
            with several:
                builder.call(start, [work, call, builder.trunc(threads, ir.IntType(32)), ir.Constant(ir.IntType(32), 0)])
            with alone:
                builder.call(work, [call])
    else:
        builder.call(work, [call])
    builder.ret_void()


def _work(code: Code, call: Value, tile: Tile) -> None:
    builder = code.builder

    def word(k: int) -> Value:
        return builder.gep(call, [code.count(k)], source_etype=INT)

    table, x, w, y, scratch = (builder.load(word(k), typ=POINTER) for k in range(5))
    n = _numbers(code, table)
    ticket = builder.atomic_rmw("add", word(6), code.count(1), "monotonic")
    own = code.at(scratch, code.times(ticket, n["scratch"]))
    task = _reduced_task(code, n, table, tile, x, w, y, own) if tile.kind == "reduce" else _task(code, n, table, tile, x, w, y, own)
    again, some, done = (builder.append_basic_block() for _ in range(3))
    builder.branch(again)
    builder.position_at_end(again)
    number = builder.atomic_rmw("add", word(5), code.count(1), "monotonic")
    builder.cbranch(builder.icmp_signed("<", number, n["tasks"]), some, done)
    builder.position_at_end(some)
    task(number)
    builder.branch(again)
    builder.position_at_end(done)
    builder.ret_void()


def _member(code: Code, n: Numbers, number: Value, x: Value, w: Value, y: Value) -> tuple[Value, Value, Value, Value]:
    """Of a task's number: its chunk, and where the first map, filter and result of its batch entry and group are."""
    builder = code.builder
    member, chunk = builder.sdiv(number, n["chunks"]), builder.srem(number, n["chunks"])
    batch, group = builder.sdiv(member, n["groups"]), builder.srem(member, n["groups"])
    places = code.times(code.times(n["outer"], n["mid"]), n["inner"])
    return (
        chunk,
        code.at(x, code.sum(code.times(batch, n["x_batch"]), code.times(group, n["x_group"]))),
        code.at(w, code.times(group, n["w_group"])),
        code.at(y, code.times(code.times(member, n["filters"]), places)),
    )


def _task(code: Code, n: Numbers, table: Value, tile: Tile, x: Value, w: Value, y: Value, own: Value) -> Callable[[Value], None]:
    """A part of the outer axis of one member, all filters."""
    a_layer = code.times(n["mid"], n["inner"])
    a_filter = code.times(n["outer"], a_layer)
    results = code.at(own, n["copy_size"])

    def task(number: Value) -> None:
        chunk, x_own, w_own, y_own = _member(code, n, number, x, w, y)
        own_first = first = code.times(chunk, n["rows"])
        end = code.least(n["outer"], code.sum(first, n["rows"]))
        if tile.kind == "band":
            first = code.least(first, code.minus(n["outer"], code.count(tile.high)))
        rows = code.minus(end, first)
        _copy(code, table, x_own, own, first, rows, n["channels"])
        begin = code.at(y_own, code.times(first, a_layer))
        high = code.count(tile.high)

        def filters(o: Value) -> None:
            o = code.least(o, code.minus(n["filters"], high))
            weights = code.at(w_own, code.times(o, n["w_filter"]))
            into = code.at(begin, code.times(o, a_filter))
            if tile.kind == "flat":
                span = code.sum(code.times(code.minus(rows, code.count(1)), n["layer"]))
                span = code.sum(span, code.times(code.minus(n["mid"], code.count(1)), n["row"]), n["inner"])

                def flat(k: int, j: int, total: Value, at: Value) -> None:
                    to = code.sum(code.times(code.count(k), n["span_stored"]), at, code.count(j * code.lanes))
                    code.store(total, code.at(results, to))

                def a_tile(at: Value, lanes: Value) -> None:
                    put = lambda k, j, total: flat(k, j, total, at)  # noqa: E731
                    filters_by_vectors(code, n, table, tile.high, tile.wide, code.at(own, at), weights, put)

                _along(code, span, tile.wide, a_tile)
                _unfolded(code, n, tile.high, results, into, rows, a_filter)
                return

            def row(a: Value, b: Value) -> None:
                entry = code.at(own, code.sum(code.times(a, n["layer"]), code.times(b, n["row"])))
                line = code.at(into, code.times(code.sum(code.times(a, n["mid"]), b), n["inner"]))

                def a_tile(at: Value, lanes: Value) -> None:
                    mask = code.mask(lanes)

                    def put(k: int, j: int, total: Value) -> None:
                        to = code.at(line, code.sum(code.times(code.count(k), a_filter), at, code.count(j * code.lanes)))
                        code.store(total, to, mask if j == tile.wide - 1 else None)

                    filters_by_vectors(code, n, table, tile.high, tile.wide, code.at(entry, at), weights, put)

                _along(code, n["inner"], tile.wide, a_tile)

            code.each(rows, lambda a: code.each(n["mid"], lambda b: row(a, b)))

        def band(o: Value) -> None:
            weights = code.at(w_own, code.times(o, n["w_filter"]))
            into = code.at(begin, code.times(o, a_filter))

            def layers(a: Value) -> None:
                a = code.least(a, code.minus(rows, high))
                beside = code.minus(n["padding_outer"], code.sum(first, a))  # rows of padding above the tile's first
                inside = beside, code.sum(beside, n["cells_outer"])

                def row(b: Value) -> None:
                    entry = code.at(own, code.sum(code.times(a, n["layer"]), code.times(b, n["row"])))
                    line = code.at(into, code.times(code.sum(code.times(a, n["mid"]), b), n["inner"]))

                    def a_tile(at: Value, lanes: Value) -> None:
                        mask = code.mask(lanes)

                        def put(k: int, j: int, total: Value) -> None:
                            to = code.at(line, code.sum(code.times(code.count(k), a_layer), at, code.count(j * code.lanes)))
                            is_own = code.builder.icmp_signed(">=", code.sum(first, a, code.count(k)), own_first)
                            with code.builder.if_then(is_own):
                                code.store(total, to, mask if j == tile.wide - 1 else None)

                        rows_by_vectors(code, n, table, tile.high, tile.wide, code.at(entry, at), weights, put, inside)

                    _along(code, n["inner"], tile.wide, a_tile)

                code.each(n["mid"], row)

            code.each(rows, layers, step=tile.high)

        if tile.kind == "band":
            code.each(n["filters"], band)
        else:
            code.each(n["filters"], filters, step=tile.high)

    return task


def _along(code: Code, length: Value, wide: int, tile: Callable[[Value, Value], None]) -> None:
    """tile(first value, lanes of its last vector that count) along a line of `length` values."""
    builder, lanes = code.builder, code.lanes
    vectors = builder.sdiv(code.sum(length, code.count(lanes - 1)), code.count(lanes))
    last = code.minus(vectors, code.count(wide))

    def turn(m: Value) -> None:
        m = code.most(code.least(m, last), code.count(0))
        left = code.minus(length, code.times(code.sum(m, code.count(wide - 1)), code.count(lanes)))
        tile(code.times(m, code.count(lanes)), code.least(left, code.count(lanes)))

    code.each(vectors, turn, step=wide)


def _unfolded(code: Code, n: Numbers, high: int, results: Value, into: Value, rows: Value, a_filter: Value) -> None:
    """From the line of all sums to the rows of y."""
    lanes = code.count(code.lanes)
    is_short = code.builder.icmp_signed("<", n["inner"], lanes)
    mask = code.mask(n["inner"])
    last = code.most(code.minus(n["inner"], lanes), code.count(0))

    def row(k: Value, a: Value, b: Value) -> None:
        line = code.at(results, code.sum(code.times(k, n["span_stored"]), code.times(a, n["layer"]), code.times(b, n["row"])))
        to = code.at(into, code.sum(code.times(k, a_filter), code.times(code.sum(code.times(a, n["mid"]), b), n["inner"])))
        with code.builder.if_else(is_short) as (short, long):
            with short:
                code.store(code.load(line, mask), to, mask)
            with long:
                code.each(last, lambda j: code.store(code.load(code.at(line, j)), code.at(to, j)), step=code.lanes)
                code.store(code.load(code.at(line, last)), code.at(to, last))

    code.each(code.count(high), lambda k: code.each(rows, lambda a: code.each(n["mid"], lambda b: row(k, a, b))))


def _reduced_task(
    code: Code, n: Numbers, table: Value, tile: Tile, x: Value, w: Value, y: Value, own: Value
) -> Callable[[Value], None]:
    """Some filters of one member, all positions; maps in parts that fit the scratch."""
    places = code.times(code.times(n["outer"], n["mid"]), n["inner"])

    def task(number: Value) -> None:
        chunk, x_own, w_own, y_own = _member(code, n, number, x, w, y)
        first = code.times(chunk, n["filters_at_once"])
        end = code.least(n["filters"], code.sum(first, n["filters_at_once"]))

        def part(c: Value) -> None:
            channels = code.least(n["channels_at_once"], code.minus(n["channels"], c))
            _copy(code, table, code.at(x_own, code.times(c, n["x_channel"])), own, code.count(0), n["rows"], channels)

            def filters(fresh_o: Value) -> None:
                o = code.least(fresh_o, code.minus(n["filters"], code.count(tile.high)))
                weights = code.at(w_own, code.sum(code.times(o, n["w_filter"]), code.times(c, n["w_channel"])))
                into = code.at(y_own, code.times(o, places))

                def row(a: Value, b: Value) -> None:
                    entry = code.at(own, code.sum(code.times(a, n["layer"]), code.times(b, n["row"])))
                    line = code.times(code.sum(code.times(a, n["mid"]), b), n["inner"])

                    def positions(fresh_i: Value) -> None:
                        i = code.least(fresh_i, code.minus(n["inner"], code.count(tile.wide)))

                        def put(k: int, j: int, total: Value) -> None:
                            to = code.at(into, code.sum(code.times(code.count(k), places), line, i, code.count(j)))
                            builder = code.builder
                            is_new = builder.icmp_signed(">=", code.sum(o, code.count(k)), fresh_o)
                            is_new = builder.and_(is_new, builder.icmp_signed(">=", code.sum(i, code.count(j)), fresh_i))
                            with builder.if_then(is_new):
                                is_first = builder.icmp_signed("==", c, code.count(0))
                                before = builder.select(is_first, ir.Constant(code.number, 0.0), code.value(to))
                                builder.store(builder.fadd(before, total), to)

                        filters_by_positions(code, n, table, tile.high, tile.wide, code.at(entry, i), weights, channels, put)

                    code.each(n["inner"], positions, step=tile.wide)

                code.each(n["outer"], lambda a: code.each(n["mid"], lambda b: row(a, b)))

            code.each(end, filters, first, tile.high)

        def parts(k: Value) -> None:
            part(code.times(k, n["channels_at_once"]))

        code.each(n["channel_parts"], parts)

    return task
