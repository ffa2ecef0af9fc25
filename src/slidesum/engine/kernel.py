"""The code of one kernel: threads take tasks until none is left (`tasks.py`).

run(numbers, x, w, y, scratch, threads)          what is called: lays the five and two counters side by side, starts the threads
work(call)                                        what each thread does
copy(numbers, x, into, first, rows, channels)     a task's part of x, laid out anew; a module of its own, the same for all tiles
"""

from __future__ import annotations

from llvmlite import ir

from slidesum.engine.choice import Tile
from slidesum.engine.code import INT, POINTER, Code, Value
from slidesum.engine.copy import copied
from slidesum.engine.layout import SLOTS
from slidesum.engine.tasks import COPY, Given, copy_name, task_of

TEAM = "GOMP_parallel"
"""The function (work, data, threads, flags) of the OpenMP library that starts a team; linked where there is one."""
CALL = 7
"""Words of a call: numbers, x, w, y, scratch, the next task, the next thread's part of the scratch."""


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
    task = task_of(Given(code, n, table, tile, x, w, y, own))
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
