"""Cases to results, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module

from slidesum.bench.case import Case, Skip
from slidesum.bench.clock import Rounds
from slidesum.bench.machine import machine, use_threads
from slidesum.bench.measure import measure
from slidesum.bench.peak import measured
from slidesum.bench.progress import Bar
from slidesum.bench.results import Results
from slidesum.errors import SlidesumError


def run(cases: Sequence[Case], *, runs: int | None = None, threads: int = 2) -> Results:
    """The results of these cases, with exactly so many runs a side, or as many as their time allows; Ctrl-C gives what is there.

    A case that slidesum refuses, or whose sides disagree, is told in `refused`, and the others go on. Raises ModuleNotFoundError
    where torch is needed and isn't installed.
    """
    if any("torch" in case.needs for case in cases):
        import_module("torch")
    use_threads(threads)
    with Bar(len(cases)) as bar:
        results = Results(datetime.now(UTC).isoformat(timespec="seconds"), machine(threads), measured())
        try:
            for case in cases:
                bar.at(case.name)
                try:
                    results.rows += measure(case, results.peak, Rounds(runs), threads)
                except Skip as why:
                    results.skipped[case.name] = str(why)
                except SlidesumError as error:
                    results.refused[case.name] = str(error)
                bar.done()
        except KeyboardInterrupt:
            results.stopped = True
    return results
