"""A program: parts that threads share, steps that Python takes in between, and one arena for all that lies between them.

A part has a level: it may begin when all parts of lower levels are done. Parts of one level are a stage of the driver. A step is a
function of arrays; before it and behind it the threads stop, so that a program is as many pieces as steps part it into.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.team import in_team
from slidesum.engine.whole.arena import PAGE, Held, Memory, laid_out
from slidesum.engine.whole.crew import crew
from slidesum.engine.whole.driver import GAP, PART, STAGE_WORDS, WORDS, driver
from slidesum.engine.whole.objects import address_of, call_of
from slidesum.engine.whole.plan import LINE, Outside, Part, Place, Plan, Ref, Step

Array = Any
ALONE = 60e-6
"""Seconds of work up to which nobody is called for help: a thread that sleeps takes as long to come."""
_programs: weakref.WeakSet[Program] = weakref.WeakSet()


def _forked() -> None:
    """In a child, nobody is inside any program: those threads exist no more, and what they held is free."""
    for program in list(_programs):
        program.alone()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class Program:
    """A plan that can be run: code is loaded, the arena is there, all numbers are known but addresses of what comes and goes.

    `memory` gives so many bytes: a program's own, or what several share, since nothing is kept in it from call to call. `in_team`
    computes with the threads of the OpenMP library that is in the process, for those who have it compute in between.
    """

    def __init__(
        self,
        plan: Plan,
        outputs: Sequence[tuple[int, ...]],
        threads: int,
        host: Host,
        memory: Callable[[int], Memory] = Memory,
        in_team: bool = False,
    ) -> None:
        self.plan, self.outputs, self.threads = plan, [tuple(shape) for shape in outputs], threads
        self.begins, self.arena_bytes = laid_out(_lifetimes(plan), LINE)
        self.scratch_bytes = -(-(plan.scratch * 4 + PAGE) // PAGE) * PAGE
        self.memory = memory(self.arena_bytes + threads * self.scratch_bytes)
        self.base, self.in_team, self.calls = self.memory.base, in_team, 0
        self.outside: list[tuple[np.ndarray, int, Outside]] = []
        self.held: list[Any] = []
        run, helping, self._work = driver(host)
        self._run = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(run)
        self._help = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(helping)
        self.stops = sorted({step.level for step in plan.steps})
        self.pieces = [Piece(self, parts, host) if parts else None for parts in self._parted()]
        _programs.add(self)

    def alone(self) -> None:
        """Forget the threads that were at work."""
        self.memory.lock = threading.Lock()
        for piece in self.pieces:
            if piece is not None:
                piece.words[GAP * WORDS.index("inside")] = 0

    def _parted(self) -> list[list[Part]]:
        """The parts between the steps: those of levels up to the first step's, and so on."""
        bounds = [-1, *self.stops, max([part.level for part in self.plan.parts], default=-1)]
        return [[p for p in self.plan.parts if low < p.level <= high] for low, high in pairwise(bounds)]

    def address(self, place: Ref) -> int:
        """Where it lies."""
        return self.base + self.begins[place.buffer] + 4 * place.offset

    def view(self, place: Place, shape: tuple[int, ...], given: Sequence[Array], out: Sequence[Array]) -> Array:
        """A plain array that a step reads or writes."""
        if isinstance(place, Outside):
            return (given if place.given else out)[place.number].reshape(shape)
        begin = self.address(place) - self.memory.array.ctypes.data
        return self.memory.array[begin : begin + 4 * int(np.prod(shape))].view(np.float32).reshape(shape)

    def run(self, given: Sequence[Array]) -> list[Array]:
        """The results for these arrays: float, in order, of the shapes that the program was made for."""

        def piece(number: int) -> None:
            found = self.pieces[number]
            if found is not None:
                self.calls += 1
                found.run(self.calls)

        return self._walked(given, piece, lambda step, run: run())

    def timed(self, given: Sequence[Array]) -> list[tuple[Part | Step, float]]:
        """How many seconds each part and step takes by itself, in one thread."""
        found: list[tuple[Part | Step, float]] = []

        def clocked(what: Part | Step, run: Callable[[], None]) -> None:
            begin = time.perf_counter()
            run()
            found.append((what, time.perf_counter() - begin))

        self.one_by_one(given, clocked)
        return found

    def one_by_one(self, given: Sequence[Array], each: Callable[[Part | Step, Callable[[], None]], None]) -> list[Array]:
        """The results, by `each` for every part and step in turn: with what it is, and the function that does it in this thread."""

        def piece(number: int) -> None:
            found = self.pieces[number]
            for part, code, numbers in found.entries if found is not None else ():
                each(part, partial(_alone, part, call_of(code), numbers, self.base + self.arena_bytes))

        return self._walked(given, piece, each)

    def results(self) -> list[Array]:
        """Arrays for the results of a call: all that it allocates."""
        return [np.empty(shape, np.float32) for shape in self.outputs]

    def _walked(
        self, given: Sequence[Array], piece: Callable[[int], None], each: Callable[[Step, Callable[[], None]], None]
    ) -> list[Array]:
        """Pieces and steps in turn; one call at a time, since there is one arena."""
        out = self.results()

        def stepped(step: Step) -> None:
            arrays = [self.view(place, shape, given, out) for place, shape in step.reads]
            np.copyto(self.view(*step.writes, given, out), step.function(arrays))

        with self.memory.lock:
            for numbers, slot, place in self.outside:
                numbers[slot] = (given if place.given else out)[place.number].ctypes.data
            for number in range(len(self.pieces)):
                piece(number)
                for step in self.plan.steps if number < len(self.stops) else ():
                    if step.level == self.stops[number]:
                        each(step, partial(stepped, step))
        return out


class Piece:
    """Parts of a program as a table of stages, for the driver."""

    def __init__(self, program: Program, parts: Sequence[Part], host: Host) -> None:
        self.program = program
        self.entries: list[tuple[Part, int, int]] = []  # with the addresses of its code and numbers
        levels = sorted({part.level for part in parts})
        self.stages = np.zeros((len(levels), STAGE_WORDS), np.int64)
        self.words = np.zeros(GAP * len(WORDS), np.int64)
        for stage, level in zip(self.stages, levels, strict=True):
            among = sorted((p for p in parts if p.level == level), key=lambda p: -_weight(p))
            table = np.zeros((len(among), len(PART)), np.int64)
            begin = 0
            for row, part in zip(table, among, strict=True):
                code, numbers = address_of(part.kernel, host), self._numbers(part)
                row[:] = code, numbers, begin, begin + part.tasks
                self.entries.append((part, code, numbers))
                begin += part.tasks
            program.held.append(table)
            stage[2 * GAP :][:2] = begin, table.ctypes.data
        self._set("stages", self.stages.ctypes.data)
        self._set("stage_count", len(levels))
        self._set("scratch", program.base + program.arena_bytes)
        self._set("scratch_size", program.scratch_bytes)
        tasks = max(int(stage[2 * GAP]) for stage in self.stages)
        calls = program.in_team or sum(part.expected for part in parts) > ALONE
        self.workers = min(program.threads, tasks) if calls else 1
        self.address = self.words.ctypes.data

    def _set(self, name: str, value: int) -> None:
        self.words[GAP * WORDS.index(name)] = value

    def _numbers(self, part: Part) -> int:
        numbers = np.zeros(len(part.kernel.SLOTS), np.int64)
        for k, name in enumerate(part.kernel.SLOTS):
            match part.numbers[name]:
                case Ref() as place:
                    numbers[k] = self.program.address(place)
                case Outside() as place:
                    self.program.outside.append((numbers, k, place))
                case np.ndarray() as array:
                    self.program.held.append(array)
                    numbers[k] = array.ctypes.data
                case int(value):
                    numbers[k] = value
        self.program.held.append(numbers)
        return int(numbers.ctypes.data)

    def run(self, number: int) -> None:
        """All stages; `number` tells this call from those before."""
        program = self.program
        self.stages[:, 0] = 0
        self.stages[:, GAP] = 0
        self._set("seats", 0)
        if program.in_team and self.workers > 1 and in_team(program._work, self.address, self.workers):
            return
        self._set("open", number)
        helpers = self.workers - 1
        try:
            if helpers > 0:
                crew().call(helpers, lambda: program._help(self.address, number))
        finally:  # also if it was interrupted: who was called may be inside, and leaves only when it is closed
            program._run(self.address)


def _alone(part: Part, call: Callable[[int, int, int], None], numbers: int, scratch: int) -> None:
    for task in range(part.tasks):
        call(numbers, task, scratch)


def _weight(part: Part) -> float:
    return max(part.macs, part.bytes) / max(1, part.tasks)


def _lifetimes(plan: Plan) -> list[Held]:
    """From the first level that names a buffer to the last one."""
    seen: dict[int, list[int]] = {k: [] for k in range(len(plan.sizes))}
    for part in plan.parts:
        for number in part.numbers.values():
            if isinstance(number, Ref):
                seen[number.buffer].append(part.level)
    for step in plan.steps:
        for place, _ in (*step.reads, step.writes):
            if isinstance(place, Ref):
                seen[place.buffer].append(step.level)
    return [Held(4 * size, min(seen[k], default=0), max(seen[k], default=0)) for k, size in enumerate(plan.sizes)]
