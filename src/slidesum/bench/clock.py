"""Calls timed by turns, so that whatever slows the machine for a while slows all of them."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rounds:
    """How long to go on: `exactly` so many rounds, or for `seconds`, but at `least` and at `most` so many rounds."""

    exactly: int | None = None
    seconds: float = 1.0
    least: int = 5
    most: int = 500

    def enough(self, done: int, spent: float) -> bool:
        """Whether so many rounds in so many seconds will do."""
        if self.exactly is not None:
            return done >= self.exactly
        return done >= self.least and (spent >= self.seconds or done >= self.most)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one call: the median, the quartiles around it, and how many runs they are of.

    >>> Times.of([0.004, 0.001, 0.003, 0.002, 0.005])
    Times(ms=3.0, low_ms=2.0, high_ms=4.0, runs=5)
    """

    ms: float
    low_ms: float
    high_ms: float
    runs: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Times:
        if len(seconds) == 1:
            low = middle = high = seconds[0]
        else:
            low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(middle * 1e3, low * 1e3, high * 1e3, len(seconds))


def interleaved(calls: Sequence[Callable[[], object]], rounds: Rounds) -> list[Times]:
    """The times of each call, after one round that warms up.

    Every round has another order: in a fixed one, or one that turns round, some calls would always find the caches warm.
    """
    spent: list[list[float]] = [[] for _ in calls]
    shuffle = random.Random(0).shuffle
    with uncollected():
        for call in calls:
            call()
        order, done, begun = list(enumerate(calls)), 0, time.perf_counter()
        while not rounds.enough(done, time.perf_counter() - begun):
            for k, call in order:
                start = time.perf_counter()
                call()
                spent[k].append(time.perf_counter() - start)
            shuffle(order)
            done += 1
    return [Times.of(one) for one in spent]


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is collected in here."""
    on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
