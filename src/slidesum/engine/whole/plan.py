"""What a program is made of: kernels with their numbers, steps of Python, buffers; and where things lie. See `program.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slidesum.engine.whole.kernel import Kernel

Array = Any
MACS_A_SECOND, BYTES_A_SECOND = 58e9, 12e9
"""Of one thread of the nominal machine (two Zen 4 cores with AVX-512)."""
LINE = 64
"""Bytes of a line of the cache: where buffers begin."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A place in a buffer of the arena, `offset` values behind its beginning."""

    buffer: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Outside:
    """An array that comes with a call (`given`), or goes out of it."""

    number: int
    given: bool


Place = Ref | Outside
Number = int | Ref | Outside | np.ndarray


@dataclass(frozen=True, eq=False)
class Part:
    """A kernel, its numbers by name (arrays: weights and tables), and how many tasks it has.

    `macs` are those that are done; `bytes` what it reads and writes at least; `seconds` what was measured of it and the parts of
    the same layer behind it, if the layer was tuned; `weight_error` what rounding its weights has changed.
    """

    name: str
    kernel: Kernel
    numbers: Mapping[str, Number]
    tasks: int
    level: int
    macs: int = 0
    bytes: int = 0
    note: str = ""
    seconds: float | None = None
    weight_error: float = 0.0

    @property
    def expected(self) -> float:
        """The seconds that one thread of the nominal machine needs at least."""
        return max(self.macs / MACS_A_SECOND, self.bytes / BYTES_A_SECOND)


@dataclass(frozen=True, eq=False)
class Step:
    """A function of plain arrays, that gives one; and where these lie."""

    name: str
    function: Callable[[Sequence[Array]], Array]
    reads: tuple[tuple[Place, tuple[int, ...]], ...]
    writes: tuple[Place, tuple[int, ...]]
    level: int


@dataclass
class Plan:
    """What a program is made of; `sizes` are those of the buffers, in values."""

    parts: list[Part] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    scratch: int = 0

    def buffer(self, size: int) -> int:
        """A new buffer."""
        self.sizes.append(size)
        return len(self.sizes) - 1
