"""Arrays where they lie in a file: what nobody looks at isn't read, and what was read can be forgotten.

A large array is mapped; small ones are read, since a mapping takes whole pages and a file handle. Arrays are for reading only, and
the file has to stay as it is for as long as they live: whoever shortens it then stops the process. So only those map who soon let
go of them.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np

Array = np.ndarray[Any, Any]

LARGE = 2**18
"""Bytes from which an array is mapped."""
MOST = 64
"""So many arrays are mapped at most, the largest: a process has some hundred file handles."""


@dataclass(frozen=True)
class Place:
    """An array in a file: its bytes from `begin` on."""

    begin: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def arrays_at(file: BinaryIO, places: Mapping[str, Place]) -> dict[str, Array]:
    """The arrays at these places. What can't be mapped is read: not every file system can, and file handles may run out."""
    large = sorted((place.bytes, name) for name, place in places.items() if place.bytes >= LARGE)[-MOST:]
    mapped = {name for _, name in large}
    return {name: (_mapped if name in mapped else _read)(file, place) for name, place in places.items()}


def _mapped(file: BinaryIO, place: Place) -> Array:
    begin = place.begin - place.begin % mmap.ALLOCATIONGRANULARITY
    try:
        pages = mmap.mmap(file.fileno(), place.begin - begin + place.bytes, access=mmap.ACCESS_READ, offset=begin)
    except OSError:
        return _read(file, place)
    return np.frombuffer(pages, place.dtype, prod(place.shape), place.begin - begin).reshape(place.shape)


def _read(file: BinaryIO, place: Place) -> Array:
    file.seek(place.begin)
    return np.frombuffer(file.read(place.bytes), place.dtype).reshape(place.shape)
