"""What the work of a network is made of: one entry a kernel, or a few. See `work.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slidesum.core.network import Node
from slidesum.core.ops import LocalResponseNorm
from slidesum.core.sizes import Size
from slidesum.engine.whole.meaning import Convolution, Pooling
from slidesum.engine.whole.rows import How
from slidesum.engine.whole.spread import Lands, Phase
from slidesum.engine.whole.tail import PLAIN, Tail

Array = Any
NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class Filters:
    """x with filters, (group, filter, channel, taps), then a bias, another result, and a tail.

    A batch norm by itself is one, too, that counts no multiply-adds. With `pools`, only the largest of every 2×2 results is kept,
    before the tail. Filters that are results themselves have their names in
    `w_from`, and in w for every weight its place there, from 1 on; 0 is a weight that is 0.

    phases   of a transposed convolution: the windows by which it is gathered, and where they land on the result
    lands    where the results of these windows lie: cell `first`, and every `step`
    """

    name: str
    x: str
    what: Convolution
    w: Array
    bias: Array
    other: str | None = None
    tail: Tail = PLAIN
    counts: bool = True
    w_from: str | None = None
    phases: tuple[Phase, ...] = ()
    lands: Lands | None = None
    pools: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether these filters are known, and give all of the result."""
        return self.w_from is None and not self.phases and self.lands is None

    @property
    def halos(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """What its windows reach beyond x."""
        windows = [phase.window for phase in self.phases if phase.window.has_taps] if self.phases else [self.what.window]
        return tuple(window.halo for window in windows)

    def parted(self) -> Iterator[Filters]:
        """Phase by phase, each with its part of the taps; itself, if it has none."""
        for phase in self.phases:
            w = self.w
            for axis, taps in enumerate(phase.taps):
                w = w.take(taps, axis=3 + axis)
            yield replace(self, what=replace(self.what, window=phase.window), w=w, lands=phase.lands, phases=())
        if not self.phases:
            yield self


@dataclass(frozen=True, eq=False)
class Pools:
    """A reduction over windows."""

    name: str
    x: str
    what: Pooling
    tail: Tail = PLAIN


@dataclass(frozen=True, eq=False)
class Combines:
    """One or two results, value by value."""

    name: str
    how: How
    inputs: tuple[str, ...]
    tail: Tail = PLAIN


@dataclass(frozen=True, eq=False)
class Responds:
    """Response normalisation."""

    name: str
    x: str
    op: LocalResponseNorm


@dataclass(frozen=True, eq=False)
class Joins:
    """Maps put behind each other."""

    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Planned:
    """A layer that its plan computes."""

    name: str
    inputs: tuple[str, ...]
    node: Node


@dataclass(frozen=True, eq=False)
class Moves:
    """The values of x in other places: for every value the place in x, NOWHERE for 0, BEYOND for `fill`."""

    name: str
    x: str
    table: Array
    fill: float = 0.0


@dataclass(frozen=True, eq=False)
class Works:
    """All of it; the shapes of all results; and of layers that became several works, the names of these, and their multiply-adds.

    lowered   by the name of a work that stands for no layer: the layer that it is a part of
    macs      what such layers ask for
    """

    works: tuple[Single, ...]
    shapes: Mapping[str, tuple[Size, ...]]
    lowered: Mapping[str, str]
    macs: Mapping[str, int]


Single = Filters | Pools | Combines | Responds | Joins | Planned | Moves
"""What a layer becomes, with the small ones behind it."""
