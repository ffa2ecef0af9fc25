"""The ways of a network's layers, measured: the fastest first, and what was measured is kept for the next time.

Layers of one size are one problem and are measured once. The costliest problems are first, so that a budget of seconds is spent
where it matters; what isn't reached is left to the estimate. What a problem's ways took is a file beside the machine code
(`objects.py`), named by a hash of the problem, the processor, the number of threads and the sources that write code:

    {"Summed 2x14": 0.00031, "Transformed F(4x4) 2x14, 28 tiles at once": 0.00019}

Nothing in it is run: ways are those of the estimate, in the order of the seconds that the file has for them. If it hasn't got all
of them, or isn't what it should be, they are measured again. Several processes may write at once, each the whole file, and one of
them is the last.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from slidesum.engine.whole.candidates import Ranked, Setting, candidates
from slidesum.engine.whole.objects import keep, read, sources_key
from slidesum.engine.whole.trial import measured
from slidesum.engine.whole.ways import Problem, Way

BETWEEN = 3 * 2**24
"""Bytes that are read between two runs, at most: more than caches hold."""
STREAMED = 2**28
"""Bytes of filters from which on nothing is tried: it would need them once a way, and they only stream."""
WON = 0.95
"""Of the first way's seconds, what another one has to stay below to be better: less is chance."""
Seconds = Mapping[str, float]


class Tuner:
    """Chooses by what it measures, or finds measured, for so many seconds; `between` are bytes that a network reads in a run."""

    def __init__(self, seconds: float, between: int) -> None:
        self.seconds, self.between = seconds, min(between, BETWEEN)
        self.known, self.all = 0, 0

    def __call__(self, problems: Sequence[Problem], setting: Setting) -> Ranked:
        """The ways of each problem, those first that took least; without seconds where time was over."""
        end = time.monotonic() + self.seconds
        offered = {problem: candidates(problem, setting) for problem in dict.fromkeys(problems)}
        times = Counter(problems)
        order = sorted(offered, key=lambda problem: -times[problem] * offered[problem][0].cycles)
        found: dict[Problem, Sequence[tuple[Way, float | None]]] = {}
        self.known, self.all = 0, len(order)
        for number, problem in enumerate(order, 1):
            ways = offered[problem]
            seconds = known(problem, setting)
            if not _tells(seconds, ways) and time.monotonic() < end and _bytes(problem) < STREAMED:
                _tell(f"measuring layers: {number} of {len(order)}")
                seconds = {**seconds, **dict(zip(map(name, ways), measured(problem, ways, setting, self.between), strict=True))}
                kept(problem, setting, seconds)
            if _tells(seconds, ways):
                self.known += 1
                own = {way: seconds[name(way)] * (WON if way == ways[0] else 1) for way in ways}
                found[problem] = [(way, seconds[name(way)]) for way in sorted(ways, key=lambda way: own[way])]
            else:
                found[problem] = [(way, None) for way in ways]
        _tell("")
        return found


def name(way: Way) -> str:
    """What a way is called in a file."""
    return f"{type(way).__name__} {way}"


def known(problem: Problem, setting: Setting) -> Seconds:
    """What was measured by now, by the names of ways; nothing where the file isn't what it should be."""
    try:
        held = json.loads(read(_key(problem, setting)) or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(held, dict):
        return {}
    return {way: float(s) for way, s in held.items() if type(s) in (int, float) and 0 < s < math.inf}


def kept(problem: Problem, setting: Setting, seconds: Seconds) -> None:
    """Keep it for the next time, if anything is kept here."""
    keep(_key(problem, setting), json.dumps(dict(seconds)).encode())


def _key(problem: Problem, setting: Setting) -> str:
    return sources_key(("tuned", problem, setting.threads, setting.width), setting.host)


def _tells(seconds: Seconds, ways: Sequence[Way]) -> bool:
    """Whether they are measured, all of them: what is compared was measured in turn."""
    return all(name(way) in seconds for way in ways)


def _bytes(problem: Problem) -> int:
    what = problem.what
    return 4 * what.groups * what.filters * what.channels * math.prod(what.window.taps)


def _tell(text: str) -> None:
    """A line that the next one takes the place of, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
