"""Arrays as the packed bytes of a page.

    maps:LAYER       int8     value = number · scale, so that 0 is exactly 0; to look at
    exact:LAYER      float32  the same result as the engine computed it
    array:NAME       float32  filters, biases, statistics
    chosen:LAYER:K   float32  all that went into one value (`choose`)

A page that can hold everything exactly has no int8: it draws from the exact numbers.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ALIGNED = 4
COMPRESSION = 9


@dataclass
class Packed:
    """Arrays behind each other, each beginning at a multiple of four bytes, with the list of where they are."""

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    length: int = 0

    def add(self, name: str, array: Array, **more: Any) -> None:
        """One more array, as it is."""
        data = np.ascontiguousarray(array).tobytes()
        kind = str(array.dtype)
        self.entries[name] = {"dtype": kind, "shape": list(array.shape), "offset": self.length, "bytes": len(data), **more}
        rest = -len(data) % ALIGNED
        self.parts += [data, b"\0" * rest]
        self.length += len(data) + rest

    def joined(self) -> bytes:
        return b"".join(self.parts)


def eight_bits(array: Array) -> tuple[Array, float]:
    """The array in int8, and what its numbers are to be multiplied with. What is no number becomes 0.

    >>> eight_bits(np.array([-1.0, 0.0, 0.5]))
    (array([-127,    0,   64], dtype=int8), 0.007874015748031496)
    """
    finite = np.nan_to_num(np.asarray(array, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    scale = largest / 127 if largest else 1.0
    return np.round(finite / scale).astype(np.int8), scale


def float_bytes(arrays: Mapping[str, Any]) -> int:
    """The bytes that these arrays take in float32."""
    return sum(4 * int(np.asarray(array).size) for array in arrays.values())


def compressed(data: bytes) -> str:
    """As text that an HTML file can hold: compressed, then base64, the same for the same bytes."""
    return base64.b64encode(gzip.compress(data, COMPRESSION, mtime=0)).decode("ascii")


def hasty(array: Array) -> int:
    """About the letters that `compressed` takes for an array, rather too many: compressed ten times as fast."""
    return len(zlib.compress(np.ascontiguousarray(array).tobytes(), 1)) * 4 // 3
