"""How long ways take for a problem: each is run by all threads, on maps that lie as in the network, in turn with the others.

In a network, maps have just been written by the layer before, and filters have last been read in the call before. So before a way
is run, all threads read as many bytes as the network does in between, and then write y and x. What takes little is run several
times, each time with filters of its own, since threads wake late. What all that takes without any way is measured, and taken off.
What counts is the median of the rounds, of what a way took in parts of what the first took in the same round: a machine that has
more to do for a while slows all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from statistics import median

import numpy as np

from slidesum.engine.whole.candidates import Setting
from slidesum.engine.whole.emit_ways import parts_of
from slidesum.engine.whole.emit_winograd import laid_shape
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Number, Part, Plan, Ref
from slidesum.engine.whole.program import Piece, Program
from slidesum.engine.whole.rows import Combine
from slidesum.engine.whole.tables import lined_up
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Problem, Transformed, Way

ROW, AROUND = 1024, 256
"""Values that are copied at once; rows over which is written again and again what is read only to be read."""
ROUNDS, MORE, NEARLY = 5, 8, 1.1
"""Rounds of all ways; then of the first, and of those that took at most so much longer than the best."""
LEAST = 1e-7
"""Seconds: nothing takes less."""
LONG, MOST, HELD = 2e6, 16, 2**26
"""Cycles that are to be measured at least; runs for that at most, and bytes of filters of all of them."""
_runs = count(1)
"""Numbers of runs: a helper that wakes late must not take one for another."""


def measured(problem: Problem, ways: Sequence[Way], setting: Setting, between: int) -> list[float]:
    """The seconds of each way, where a network reads so many bytes between two runs of a layer."""
    pieces, times = _pieces(problem, ways, setting, between)
    nothing, first = math.inf, math.inf
    ratios: list[list[float]] = [[] for _ in ways]
    for turn in range(1 + ROUNDS + MORE):
        near = [turn <= ROUNDS or median(told) <= NEARLY * min(map(median, ratios)) for told in ratios]
        seconds = [_timed(pieces[0], piece) if k < 2 or near[k - 1] else 0.0 for k, piece in enumerate(pieces[1:])]
        if turn:  # the first is for code and pages that nobody has met
            nothing, first = min(nothing, seconds[0]), min(first, seconds[1])
            for told, taken in zip(ratios, seconds[1:], strict=True):
                told.extend([taken / seconds[1]] if taken else [])
    return [max(LEAST, (first * median(told) - nothing) / times) for told in ratios]


def _timed(before: Piece, piece: Piece) -> float:
    """The seconds of a piece, after another one."""
    before.run(next(_runs))
    begin = time.perf_counter()
    piece.run(next(_runs))
    return time.perf_counter() - begin


def _pieces(problem: Problem, ways: Sequence[Way], setting: Setting, between: int) -> tuple[list[Piece], int]:
    """What is read in between; x and y written; that and each of the ways; and how often the latter are run at once."""
    plan = Plan()
    maps = [problem.y, *([problem.other] if problem.other else []), problem.x]
    y, *others, x = (Spot(lie, plan.buffer(lie.size)) for lie in maps)
    rows = -(-max(between // 4, *(lie.size for lie in maps)) // ROW)
    far, around = plan.buffer(rows * ROW), plan.buffer(AROUND * ROW)
    read = _copied(setting, far, around, np.arange(rows) % AROUND, 0)
    before = [_copied(setting, far, spot.buffer, np.arange(spot.maps.size // ROW), 1) for spot in (y, *others, x)]
    tried = [
        _written(problem, way, (x, y, others[0] if others else None), setting, plan, level) for level, way in enumerate(ways, 2)
    ]
    plan.parts = [read, *before, *(part for parts in tried for part in parts)]
    program = Program(plan, (), setting.threads, setting.host)
    program.view(Ref(far), (rows, ROW), (), ())[...] = np.random.default_rng(0).standard_normal(ROW)
    largest = max(sum(_filters(part).nbytes for part in parts) for parts in tried)
    times = max(1, min(MOST, 1 + int(LONG / max(1.0, min(way.cycles for way in ways))), HELD // max(1, largest)))
    runs = [[read], *(_again(before, parts, times) for parts in ([], *tried))]
    return [Piece(program, parts, setting.host) for parts in runs], times


def _filters(part: Part) -> np.ndarray:
    w = part.numbers["w"]
    assert isinstance(w, np.ndarray)
    return w


def _again(before: Sequence[Part], parts: Sequence[Part], times: int) -> list[Part]:
    """Some parts and then others, so many times, each time with filters of their own: caches don't hold them from the last time."""
    made: list[Part] = []
    for k in range(times):
        made += [replace(part, level=2 * k) for part in before]
        made += [replace(part, level=2 * k + 1, numbers={**part.numbers, "w": lined_up(_filters(part))}) for part in parts]
    return made


def _written(
    problem: Problem, way: Way, spots: tuple[Spot, Spot, Spot | None], setting: Setting, plan: Plan, level: int
) -> list[Part]:
    """The parts of a way, for filters that are all one number."""
    what, (x, y, other) = problem.what, spots
    w = np.broadcast_to(np.float32(0.01), (what.groups, what.filters, what.channels, *what.window.taps))
    bias = np.zeros(what.groups * what.filters, np.float32)
    work = Filters("", "", what, w, bias, tail=problem.tail, lands=problem.lands, pools=problem.pools)
    filters = None
    if isinstance(way, Transformed):
        filters = np.full(laid_shape(way, what.window, x.maps, y.maps), 0.01, np.float32)
    parts, scratch = parts_of(work, x, y, other, way, setting, level, filters)
    plan.scratch = max(plan.scratch, scratch)
    return parts


def _copied(setting: Setting, source: int, to: int, rows: np.ndarray, level: int) -> Part:
    """Rows of a buffer to these rows of another one, by all threads."""
    at_once = 16
    numbers: dict[str, Number] = {
        **dict.fromkeys(Combine.SLOTS, 0),
        "blocks": 1, "chunks": -(-len(rows) // at_once), "rows": len(rows), "rows_at_once": at_once,
        "columns": ROW // setting.lanes, "a": Ref(source), "y": Ref(to),
        "a_rows": np.arange(len(rows)) * ROW, "y_rows": rows * ROW,
    }  # fmt: skip
    return Part("", Combine(setting.lanes, "copy"), numbers, -(-len(rows) // at_once), level)
