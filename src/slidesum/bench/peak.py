"""What the machine reaches at best, measured: the floor under every time is made of it.

With torch if it was imported before, else with NumPy alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

SIZES = (512, 1024, 2048)
"""Of the matrix products."""

COPIED = 32 * 2**20
"""Numbers of the copy: more than any cache holds."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Multiply-adds and bytes that a second takes at best."""

    macs_per_second: float
    bytes_per_second: float

    def floor_ms(self, macs: int, size: int) -> float:
        """No call can take less: it multiplies that often, and reads and writes so many bytes.

        >>> Peak(100e9, 20e9).floor_ms(200_000_000, 4_000_000)
        2.0
        """
        return max(macs / self.macs_per_second, size / self.bytes_per_second) * 1e3


def measured() -> Peak:
    """The peak of this machine, in two or three seconds."""
    torch = sys.modules.get("torch")
    return Peak(_torch_macs(torch), _torch_bytes(torch)) if torch else Peak(_numpy_macs(), _numpy_bytes())


def _torch_macs(torch: Any) -> float:
    """The best of matrix products of several sizes and a convolution."""
    found = []
    for n in SIZES:
        a, b, c = torch.randn(n, n), torch.randn(n, n), torch.empty(n, n)
        found.append(n**3 / _best(partial(torch.mm, a, b, out=c)))
    x, w = torch.randn(1, 64, 56, 56), torch.randn(64, 64, 5, 5)
    found.append(64 * 64 * 25 * 56 * 56 / _best(lambda: torch.conv2d(x, w, padding=2)))
    return max(found)


def _torch_bytes(torch: Any) -> float:
    """A copy, read and written."""
    a, b = torch.ones(COPIED), torch.empty(COPIED)
    return float(2 * a.nbytes / _best(lambda: b.copy_(a), runs=5))


def _numpy_macs() -> float:
    found = []
    for n in SIZES:
        a, b = np.random.default_rng(0).standard_normal((2, n, n), dtype="float32")
        found.append(n**3 / _best(partial(np.matmul, a, b, out=np.empty_like(a))))
    return max(found)


def _numpy_bytes() -> float:
    a, b = np.ones(COPIED, "float32"), np.empty(COPIED, "float32")
    return 2 * a.nbytes / _best(lambda: np.copyto(b, a), runs=5)


def _best(call: Callable[[], object], runs: int = 20) -> float:
    """The shortest of so many runs, or of those that a second allows."""
    times: list[float] = []
    while len(times) < runs and sum(times) < 1:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
