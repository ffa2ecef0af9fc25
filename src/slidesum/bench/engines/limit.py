"""What the machine reaches at best: multiply-adds a second in registers, and bytes a second from memory.

multiply-adds    24 convolutions of 64 maps of 56×56, 3×3, summed as the equation says: all stay in the caches
bytes            dot products of an array that no cache holds with itself, a part of it in each thread
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.bench import peak

if TYPE_CHECKING:
    from slidesum.bench.engines.question import Question

READ = 2**25
"""Numbers that are read."""


def limit(question: Question) -> Callable[[], Any]:
    """For a process of its own: (multiply-adds a second, bytes a second)."""
    return lambda: np.array([_macs(question.threads), _bytes(question.threads)])


def _macs(threads: int) -> float:
    import slidesum as ss

    net = ss.Network("peak")
    x = net.activation(net.input("b c i j", b=1, c=64, i=58, j=58), "relu")
    for k in range(24):
        x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=64, u=3, v=3, name=f"conv{k}")
    fast = net.compile(threads=threads, exact=True)
    if not fast.is_native:
        return peak.measured().macs_per_second
    given = np.random.default_rng(1).standard_normal((1, 64, 58, 58)).astype("float32")
    fast(given)
    return int(net.macs) / _least(lambda: fast(given), 40)


def _bytes(threads: int) -> float:
    parts = np.array_split(np.ones(READ, "float32"), threads)
    with ThreadPoolExecutor(threads) as pool:
        return 4 * READ / _least(lambda: list(pool.map(lambda part: np.dot(part, part), parts)), 20)


def _least(call: Callable[[], Any], runs: int) -> float:
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)
