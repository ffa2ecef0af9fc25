"""One piece of memory for all that a network holds on the way: two results may share a place if they are never held together.

The largest are placed first, each at the lowest place that is free as long as it is held (greedy by size: Pisarchyk and Lee 2020,
"Efficient memory management for deep neural net inference", section 5.2).

>>> laid_out([Held(64, 0, 1), Held(32, 1, 2), Held(64, 2, 3)], 16)
((0, 64, 0), 96)
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PAGE = 4096
"""Bytes of a page of memory: where arenas begin."""


@dataclass(frozen=True, slots=True)
class Held:
    """How large, from the stage that writes it to the last one that reads it."""

    size: int
    first: int
    last: int


def laid_out(buffers: Sequence[Held], alignment: int) -> tuple[tuple[int, ...], int]:
    """Where each begins, and how large it is in all."""
    placed: list[tuple[int, int, Held]] = []
    begins = [0] * len(buffers)
    for number in sorted(range(len(buffers)), key=lambda k: -buffers[k].size):
        held = buffers[number]
        size = -(-held.size // alignment) * alignment
        begin = 0
        for low, high, other in sorted(placed, key=lambda entry: entry[:2]):
            if other.last < held.first or held.last < other.first:
                continue
            if low - begin >= size:
                break
            begin = max(begin, high)
        placed.append((begin, begin + size, held))
        begins[number] = begin
    return tuple(begins), max((high for _, high, _ in placed), default=0)


class Memory:
    """Where programs compute, one call at a time: bytes that begin on a page, written once so that no call pays for its pages."""

    def __init__(self, size: int) -> None:
        self.array = np.zeros(size + PAGE, np.uint8)
        self.array.fill(0)
        self.base = self.array.ctypes.data + -self.array.ctypes.data % PAGE
        self.lock = threading.Lock()
