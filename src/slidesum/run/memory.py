"""How much memory there is, and memory used again.

A fresh array of many megabytes costs more in page faults than in arithmetic: the system hands out its pages one by one and clears
each. So large results are laid into buffers that are kept and used again once nobody refers to them. A buffer is a NumPy array;
whatever shares its memory (views, tensors made of it) refers to it, so its reference count says whether it is free.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

ALIGNMENT = 64
SMALLEST = 2**16
"""Below this many bytes, the allocator of the C library keeps memory by itself."""
SHARE = 4
"""What one plan may hold beside its operands and its result: this part of the free memory."""


def free_bytes() -> int:
    """The bytes that can still be allocated without swapping, by the system and by a limit set on this process."""
    found = [_available(), _below_limit()]
    return min(n for n in found if n is not None)


def default_budget() -> int:
    """The bytes that a plan may hold beside its operands and its result: a quarter of the free memory."""
    return free_bytes() // SHARE


def shown_bytes(count: int) -> str:
    """Bytes as people say them.

    >>> shown_bytes(6_000_000_000), shown_bytes(1536)
    ('6.0 GB', '1.5 kB')
    """
    shown: float = count
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if shown < 1000 or unit == "PB":
            return f"{count} {unit}" if unit == "bytes" else f"{shown:,.1f} {unit}"
        shown /= 1000
    raise AssertionError


def _available() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 2**32


def _below_limit() -> int | None:
    """What `ulimit -v` leaves, if it is set."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return None
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return None
    return max(0, limit - used)


_NOTHING = np.empty(0, np.uint8)


class Buffers:
    """Memory that is used again once nobody refers to it; at most `most` bytes are kept.

    >>> buffers = Buffers(most=2**24)
    >>> first = buffers.empty((2**20,), "float32")
    >>> where = first.ctypes.data
    >>> second = buffers.empty((2**20,), "float32")  # the first is in use
    >>> del first
    >>> buffers.empty((2**20,), "float32").ctypes.data == where != second.ctypes.data
    True
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: list[np.ndarray[Any, Any]] = []
        self._lock = Lock()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """An array whose values are anything, as `numpy.empty`."""
        dtype = np.dtype(dtype)
        size = dtype.itemsize
        for n in shape:
            size *= n
        if size < SMALLEST or size > self.most:
            return np.empty(shape, dtype)
        with self._lock:  # until the array is made, nothing refers to the buffer
            buffer = self._free(size)
            return np.frombuffer(buffer, dtype, size // dtype.itemsize, _offset(buffer)).reshape(shape)

    def release(self) -> None:
        """Give back what is not in use."""
        with self._lock:
            for k in reversed(range(len(self._kept))):
                if self._is_free(k):
                    del self._kept[k]

    def _free(self, size: int) -> np.ndarray[Any, Any]:
        for k in range(len(self._kept)):
            if size <= self._kept[k].nbytes - ALIGNMENT <= 2 * size and self._is_free(k):
                self._kept.append(self._kept.pop(k))  # the last used is the last given up
                return self._kept[-1]
        kept = sum(buffer.nbytes for buffer in self._kept)
        for k in [k for k in range(len(self._kept)) if self._is_free(k)]:
            if kept + size <= self.most:
                break
            kept -= self._kept[k].nbytes
            self._kept[k] = _NOTHING
        self._kept = [b for b in self._kept if b is not _NOTHING]
        buffer = np.empty(size + ALIGNMENT, np.uint8)
        if kept + size <= self.most:
            self._kept.append(buffer)
        return buffer

    def _is_free(self, k: int) -> bool:
        return sys.getrefcount(self._kept[k]) <= UNUSED


_probe = [np.empty(0)]
UNUSED = sys.getrefcount(_probe[0])
"""The reference count of what only its list refers to, counted as `_is_free` counts."""
del _probe


def _offset(buffer: np.ndarray[Any, Any]) -> int:
    return -buffer.ctypes.data % ALIGNMENT


BUFFERS = Buffers(most=min(2**30, free_bytes() // 8))
