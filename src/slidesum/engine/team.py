"""Threads for a kernel: those that the OpenMP library has started already, so that nobody waits beside them.

torch computes with a team of threads that spin for a while after each piece of work. A second team would fight with it over the
processors. So a kernel is started by `GOMP_parallel` of the very library that torch has loaded. In a process that was forked, those
threads don't exist any more, and a kernel runs in the thread that calls it; so it does where there is no such library.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from slidesum.engine.kernel import TEAM

ALIGNMENT = 64
_forked = False


def _after_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def team_size(wanted: int) -> int:
    """The threads to ask for."""
    return 1 if _forked else wanted


@lru_cache(maxsize=1)
def team_address() -> int:
    """The address of the function that starts a team, of an OpenMP library in this process; 0 where there is none."""
    try:
        loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libgomp" in line}
        start = getattr(ctypes.CDLL(min(loaded)), TEAM)
    except (OSError, ValueError, AttributeError):
        return 0
    return ctypes.cast(start, ctypes.c_void_p).value or 0


@lru_cache(maxsize=1)
def _start() -> Callable[[int, int, int, int], None]:
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)(team_address())


def in_team(function: int, data: int, threads: int) -> bool:
    """Have function(data) run by every thread of a team, and wait for it. False, and nothing done, where there is no team."""
    if team_size(threads) < threads or not team_address():
        return False
    _start()(function, data, threads, 0)
    return True


class Scratch(threading.local):
    """Memory that the kernels called by one thread work in, one after the other; what is larger than `most` isn't kept."""

    most = 2**24

    def __init__(self) -> None:
        self.size = 0
        self.address = 0
        self.held: np.ndarray | None = None

    def at_least(self, size: int) -> tuple[int, np.ndarray | None]:
        """The address of so many bytes, and what to hold until they are no longer used."""
        if size <= self.size:
            return self.address, self.held
        held = np.zeros(size + ALIGNMENT, np.uint8)
        address = held.ctypes.data + -held.ctypes.data % ALIGNMENT
        if size <= self.most:
            self.size, self.address, self.held = size, address, held
        return address, held


SCRATCH = Scratch()
