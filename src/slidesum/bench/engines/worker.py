"""What a process does that one engine has for itself: python -m slidesum.bench.engines.worker FOLDER ENGINE

It prepares, computes once, writes the results and says so; then, for every line that it is sent, it computes and says how many
seconds that took. It ends when its input does. What libraries print goes to the file that stderr is: answers stay apart.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

QUICK = 0.5
"""Seconds below which a turn is three calls, the least of which counts: the first finds cold caches."""


def main(folder: Path, engine: str) -> None:
    """The life of the process."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _end_with_parent()

    def answer(**told: object) -> None:
        print(json.dumps(told), file=answers, flush=True)

    import numpy as np

    from slidesum.bench.case import Skip
    from slidesum.bench.engines.peers import OTHERS, PEERS
    from slidesum.bench.engines.question import Question, listed

    try:
        begin = time.perf_counter()
        call = {**PEERS, **OTHERS}[engine].prepared(Question.of(folder))
        results = listed(call())
        spent = time.perf_counter() - begin
        np.savez(folder / f"{engine}.npz", *results)
    except Skip as why:
        answer(state="left out", why=str(why))
        return
    except Exception as error:  # a peer that can't take the network is told, and the others go on
        answer(state="failed", why=f"{type(error).__name__}: {error}".strip().splitlines()[0])
        return
    del results
    answer(state="ready", seconds=spent)
    for _ in sys.stdin:
        least, calls = 1e30, 0
        while calls == 0 or (calls < 3 and least < QUICK):
            begin = time.perf_counter()
            call()
            least, calls = min(least, time.perf_counter() - begin), calls + 1
        answer(state="timed", seconds=least)


def _end_with_parent() -> None:
    """On Linux a process may ask to be ended when its parent is: this one may be stopped then, and would stay for ever."""
    if sys.platform == "linux":
        set_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_signal, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
