"""Arrays that lie in a mapped file: what was copied of them needn't stay in memory until all is."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def is_mapped(array: Array) -> bool:
    """Whether it lies in a file that is mapped."""
    return _pages(array) is not None


def forget(array: Array) -> None:
    """Free the pages of its file: who looks at them again reads the file again. Not if most of them aren't its own."""
    pages = _pages(array)
    if pages is None or not array.size or not hasattr(mmap, "MADV_DONTNEED"):
        return
    reach = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
    first = array.ctypes.data - np.frombuffer(pages, np.uint8).ctypes.data + sum(min(0, n) for n in reach)
    behind = first + sum(map(abs, reach)) + array.itemsize
    if behind - first <= 2 * array.nbytes:
        begin = first - first % mmap.PAGESIZE
        pages.madvise(mmap.MADV_DONTNEED, begin, behind - begin)


def _pages(array: Array) -> mmap.mmap | None:
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None
