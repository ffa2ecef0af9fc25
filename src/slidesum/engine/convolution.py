"""A convolution on addresses: what is laid out once for arrays like these, and then called.

prepared = convolution(problem, itemsize=4, threads=2)
prepared(x_address, w_address, y_address)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from slidesum.engine.compiled import compiled
from slidesum.engine.host import host
from slidesum.engine.layout import laid_out
from slidesum.engine.problem import Problem
from slidesum.engine.team import SCRATCH, team_address, team_size

ALONE = 2**16
"""Multiply-adds that one thread has done before another one has started."""
Call = Callable[[int, int, int], None]


@lru_cache(maxsize=1024)
def convolution(problem: Problem, itemsize: int, threads: int) -> Call:
    """The function of the addresses of x, w and y; float for four bytes, double for eight."""
    here = host()
    assert here is not None, "asked for only where it is"
    layout = laid_out(problem, here, itemsize, threads)
    run = compiled(layout.tile, itemsize, here, team_address())
    useful = min(threads, layout.tasks, max(1, problem.macs // ALONE))
    numbers, wanted = layout.numbers.ctypes.data, useful if team_address() else 1
    size, keep = layout.scratch * wanted, layout

    def call(x: int, w: int, y: int) -> None:
        scratch, held = SCRATCH.at_least(size)
        run(numbers, x, w, y, scratch, team_size(wanted))
        del held

    call.__dict__["layout"] = keep  # whose numbers the code reads
    return call
