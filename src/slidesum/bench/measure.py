"""A case from its arrays to its rows: compared, then timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from slidesum.bench.agree import agree
from slidesum.bench.case import Case, Duel, Skip
from slidesum.bench.clock import Rounds, interleaved
from slidesum.bench.memory import memory
from slidesum.bench.passes import BACKWARD, FORWARD, Pass, calls, gradients
from slidesum.bench.peak import Peak
from slidesum.bench.row import Row, row


def measure(case: Case, peak: Peak, rounds: Rounds, threads: int) -> Iterator[Row]:
    """The rows of a case. Raises Skip where it can't be run here, SlidesumError where the two sides disagree."""
    for package in case.needs:
        try:
            import_module(package)
        except ModuleNotFoundError:
            raise Skip(f"{package} isn't installed") from None
    duel = case.prepare()
    own = replace(rounds, least=case.least, most=case.most)
    passes: tuple[Pass, ...] = (FORWARD, BACKWARD) if case.backward else (FORWARD,)
    floors = _floors(duel, peak)
    for which in passes:
        with calls(duel, which) as found:
            _compared(duel, which, found)
            times = interleaved(found, own)
        yield row(case, which, duel, times, floors[which], memory(case, which, threads))


def _compared(duel: Duel, which: Pass, found: list[Callable[[], Any]]) -> None:
    """Run every side once, and refuse one that differs from our first."""
    expected: list[Any] = []
    for side, call in zip(duel.sides, found, strict=True):
        y = call()
        results = [y] if which == FORWARD else gradients(side)
        expected = expected or results
        agree(side.name, results, expected)


def _floors(duel: Duel, peak: Peak) -> dict[Pass, float]:
    """Backward, each of two gradients takes as many products again; and all arrays are read again, with a gradient for each."""
    first = duel.ours[0]
    read = sum(array.nbytes for array in first.arrays)
    written = first.call(*first.arrays).nbytes
    return {
        FORWARD: peak.floor_ms(duel.macs, read + written),
        BACKWARD: peak.floor_ms(3 * duel.macs, 3 * read + 2 * written),
    }
