"""The loop that every thread runs: stage by stage, it takes tasks until none is left, and goes on when all of a stage are done.

A stage is kernels that don't wait for each other. Nobody waits for a thread, only for tasks that a thread has taken: one that
comes late, or never, finds less to do. So a program is right with any number of helpers, also with none (after a fork, say).

    run(program)             of the thread that called: works, then closes the program and waits until all helpers have left
    help(program, number)    of a helper: works, if the program is still open for this call
    work(program)            of every thread of a team that is waited for anyway

The program is a table of 64-bit integers: WORDS, then a stage's words, then the parts' (see `program.py`).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from functools import lru_cache

from llvmlite import ir

from slidesum.engine.code import INT, POINTER, Code, Value
from slidesum.engine.host import Host
from slidesum.engine.whole.kernel import KERNEL
from slidesum.engine.whole.objects import keep, loaded, machine_code, read, sources_key

WORDS = ("open", "inside", "stages", "stage_count", "scratch", "scratch_size", "seats")
"""Of a program: the number of the call it is open for (0: none), helpers inside, the table of stages, the memory of the threads."""
GAP = 8
"""Words from one counter to the next, so that threads don't fight for a line of the cache."""
STAGE = ("taken", "done", "tasks", "parts")
"""Of a stage, GAP words each for the two counters, then the others."""
STAGE_WORDS = 3 * GAP
PART = ("kernel", "numbers", "begin", "end")
"""Of a part: its code, its numbers, and which of the stage's tasks are its."""

PAUSE = "pause" if platform.machine().lower() in ("x86_64", "amd64") else "yield"
"""The instruction that says: this thread waits."""
YIELD = "" if sys.platform == "win32" else "sched_yield"
PATIENCE = 2000
"""Looks before the processor is given away: some 50 µs."""


@lru_cache(maxsize=4)
def driver(host: Host) -> tuple[int, int, int]:
    """The addresses of run, help and work."""
    import llvmlite.binding as llvm

    llvm.initialize_native_asmparser()  # for the one instruction that has no name in the intermediate code
    key = sources_key("driver", host)
    code = read(key)
    if code is None:
        code = machine_code(str(module()), host)
        keep(key, code)
    return loaded(code, host, "run"), loaded(code, host, "help"), loaded(code, host, "work")


def module() -> ir.Module:
    """The module of the driver."""
    made = ir.Module(name="driver")
    work = ir.Function(made, ir.FunctionType(ir.VoidType(), [POINTER]), "work")
    _work(Code(work, ir.FloatType(), 4), work.args[0])
    run = ir.Function(made, ir.FunctionType(ir.VoidType(), [POINTER]), "run")
    _run(Code(run, ir.FloatType(), 4), run.args[0], work)
    helping = ir.Function(made, ir.FunctionType(ir.VoidType(), [POINTER, INT]), "help")
    _help(Code(helping, ir.FloatType(), 4), helping.args[0], helping.args[1], work)
    return made


def _word(code: Code, table: Value, k: int) -> Value:
    return code.builder.gep(table, [code.count(k)], source_etype=INT)


def _read(code: Code, table: Value, name: str) -> Value:
    return code.builder.load(_word(code, table, WORDS.index(name) * GAP), typ=INT)


def _now(code: Code, pointer: Value) -> Value:
    return code.builder.load_atomic(pointer, "seq_cst", 8, typ=INT)


def _run(code: Code, program: Value, work: ir.Function) -> None:
    builder = code.builder
    builder.call(work, [program])
    builder.atomic_rmw("xchg", _word(code, program, WORDS.index("open") * GAP), code.count(0), "seq_cst")
    inside = _word(code, program, WORDS.index("inside") * GAP)
    _wait(code, lambda: builder.icmp_signed("==", _now(code, inside), code.count(0)))
    builder.ret_void()


def _help(code: Code, program: Value, number: Value, work: ir.Function) -> None:
    builder = code.builder
    inside = _word(code, program, WORDS.index("inside") * GAP)
    builder.atomic_rmw("add", inside, code.count(1), "seq_cst")
    now = _now(code, _word(code, program, WORDS.index("open") * GAP))
    with builder.if_then(builder.icmp_signed("==", now, number)):
        builder.call(work, [program])
    builder.atomic_rmw("sub", inside, code.count(1), "seq_cst")
    builder.ret_void()


def _work(code: Code, program: Value) -> None:
    """Every stage: take tasks, then wait until the others' are done."""
    builder = code.builder
    seat = builder.atomic_rmw("add", _word(code, program, WORDS.index("seats") * GAP), code.count(1), "monotonic")
    distance = code.times(seat, _read(code, program, "scratch_size"))
    scratch = builder.inttoptr(code.sum(_read(code, program, "scratch"), distance), POINTER)
    stages = builder.inttoptr(_read(code, program, "stages"), POINTER)

    def stage(s: Value) -> None:
        own = builder.gep(stages, [code.times(s, code.count(STAGE_WORDS))], source_etype=INT)
        taken, done = _word(code, own, 0), _word(code, own, GAP)
        tasks = builder.load(_word(code, own, 2 * GAP), typ=INT)
        parts = builder.inttoptr(builder.load(_word(code, own, 2 * GAP + 1), typ=INT), POINTER)
        again, some, over = (builder.append_basic_block() for _ in range(3))
        builder.branch(again)
        builder.position_at_end(again)
        task = builder.atomic_rmw("add", taken, code.count(1), "monotonic")
        builder.cbranch(builder.icmp_signed("<", task, tasks), some, over)
        builder.position_at_end(some)
        _task(code, parts, task, scratch)
        builder.atomic_rmw("add", done, code.count(1), "release")
        builder.branch(again)
        builder.position_at_end(over)
        _wait(code, lambda: builder.icmp_signed(">=", _now(code, done), tasks))

    code.each(_read(code, program, "stage_count"), stage)
    builder.ret_void()


def _task(code: Code, parts: Value, task: Value, scratch: Value) -> None:
    """Find the part that the task belongs to, and run its kernel."""
    builder = code.builder
    before, look, found = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(look)
    builder.position_at_end(look)
    part = builder.phi(POINTER)
    following = builder.gep(part, [code.count(len(PART))], source_etype=INT)
    part.add_incoming(parts, before)
    part.add_incoming(following, look)
    builder.cbranch(builder.icmp_signed("<", task, builder.load(_word(code, part, 3), typ=INT)), found, look)
    builder.position_at_end(found)
    kernel = _Called(builder.inttoptr(builder.load(_word(code, part, 0), typ=INT), POINTER))
    numbers = builder.inttoptr(builder.load(_word(code, part, 1), typ=INT), POINTER)
    own = code.minus(task, builder.load(_word(code, part, 2), typ=INT))
    builder.call(kernel, [numbers, own, scratch])


class _Called:
    """An address as something to call: llvmlite asks the callee for its type, and an address has none any more."""

    function_type, type = KERNEL, POINTER

    def __init__(self, address: Value) -> None:
        self.get_reference = address.get_reference
        self.calling_convention = ""


def _wait(code: Code, is_over: Callable[[], Value]) -> None:
    """Turn until it is over: first with a pause between looks, then giving the processor away, if the system has a way to."""
    builder = code.builder
    look, pause, out = (builder.append_basic_block() for _ in range(3))
    before = builder.block
    builder.branch(look)
    builder.position_at_end(look)
    turns = builder.phi(INT)
    turns.add_incoming(code.count(0), before)
    builder.cbranch(is_over(), out, pause)
    builder.position_at_end(pause)
    builder.asm(ir.FunctionType(ir.VoidType(), []), PAUSE, "", [], True)
    if YIELD:
        with builder.if_then(builder.icmp_signed(">", turns, code.count(PATIENCE)), likely=False):
            name = YIELD
            give = code.module.globals.get(name) or ir.Function(code.module, ir.FunctionType(ir.IntType(32), []), name)
            builder.call(give, [])
    turns.add_incoming(code.sum(turns, code.count(1)), builder.block)
    builder.branch(look)
    builder.position_at_end(out)
