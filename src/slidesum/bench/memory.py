"""How much memory a side needs at its peak, above its arrays: measured in a process of its own, because a peak is never forgotten.

    python -m slidesum.bench.memory CASE ours|peer forward|forward+backward THREADS

prints the bytes, and how many of them the result and the gradients have: these both sides must hold, so what is compared is what
they hold beside them. The process is warmed up on the case in small first, so that what a library loads or sets up once isn't
counted, and its allocator gives everything larger than a page or so back, so that nothing is hidden in what was freed before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slidesum.bench.case import Case, Duel
from slidesum.bench.machine import use_threads
from slidesum.bench.passes import BACKWARD, FORWARD, Pass, calls
from slidesum.errors import SlidesumError
from slidesum.run.memory import BUFFERS

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak bytes of both sides above their arrays, and what is returned of them, which is the same for both.

    share          ours of the peer's
    share_beside   the same beside what is returned; `wanted` is its largest
    """

    ours_bytes: int
    peer_bytes: int
    returned_bytes: int
    share: float
    share_beside: float
    wanted: float | None
    reached: bool | None


def memory(case: Case, which: Pass, threads: int) -> Memory | None:
    """The memory of a case that asks for it, where the system tells."""
    if case.small is None or not CLEAR.exists():
        return None
    (ours, returned), (peer, _) = (_in_a_process(case, side, which, threads) for side in ("ours", "peer"))
    beside, wanted = max(0, ours - returned) / max(1, peer - returned), case.wanted.memory
    return Memory(ours, peer, returned, ours / max(peer, 1), beside, wanted, None if wanted is None else beside <= wanted)


def _in_a_process(case: Case, side: str, which: Pass, threads: int) -> tuple[int, int]:
    command = [sys.executable, "-m", "slidesum.bench.memory", case.name, side, which, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **GIVEN_BACK})
    if done.returncode:
        raise SlidesumError(f"the memory of {case.name} couldn't be measured: {done.stderr.strip().splitlines()[-1:]}")
    peak, returned = map(int, done.stdout.split())
    return peak, returned


def grown(case: Case, side: str, which: Pass) -> tuple[int, int]:
    """How far one run lifts the peak of this process above what it holds before, and the bytes of what it returns."""
    assert case.small is not None
    small = _alone(case.small(), side)
    with calls(small, which) as (warm,):
        warm()
    del small, warm
    duel = _alone(case.prepare(), side)
    arrays = duel.sides[0].arrays
    with calls(duel, which) as (call,):
        BUFFERS.release()  # what was kept from the small one, or from the result whose gradient is given
        CLEAR.write_text("5")  # the peak starts anew
        before = _status("VmRSS")
        kept = call()
        peak = _status("VmHWM")
        del kept
        returned = duel.sides[0].call(*arrays).nbytes + (0 if which == FORWARD else sum(array.nbytes for array in arrays))
    return max(0, peak - before), returned


def _alone(duel: Duel, side: str) -> Duel:
    return Duel(duel.ours[:1], (), duel.macs) if side == "ours" else Duel((), duel.peers[:1], duel.macs)


def _status(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def main(name: str, side: str, which: str, threads: str) -> None:
    """What the process does."""
    use_threads(int(threads))  # before NumPy is imported
    from slidesum.bench.cases.catalogue import chosen

    (case,) = chosen([name])
    print(*grown(case, side, FORWARD if which == FORWARD else BACKWARD))


if __name__ == "__main__":
    main(*sys.argv[1:])
