"""A transposed convolution, gathered: of stride s along an axis, results n, n + s, n + 2s … meet the same taps.

    y[s·i + d·u - p] = Σ x[i]·w[u]     is for every phase r < s     y[s·q + r - p] = Σ x[q - (d·u - r)/s]·w[u]

summed over the u for which s divides d·u - r: a window with some of the taps, the last one first, whose results land on every s-th
cell. No product with a zero that was put between cells, and nothing is added to a result that another window wrote.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from slidesum.engine.whole.maps import Three
from slidesum.engine.whole.meaning import Window


@dataclass(frozen=True)
class Lands:
    """Cells of the result: the first one, and the distance to the next."""

    first: Three
    step: Three


@dataclass(frozen=True)
class Phase:
    """A window over x, where its results land, and the taps of the filter that it has, by axis in its order."""

    window: Window
    lands: Lands
    taps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Line:
    """One axis: cells of x and of the result, taps, stride, dilation, and cells of the result's padding in front."""

    cells: int
    extent: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    low: int = 0


@dataclass(frozen=True)
class _Part:
    """A phase along one axis."""

    cells: int
    positions: int
    first: int
    stride: int
    dilation: int
    low: int
    taps: tuple[int, ...]


def phases(lines: tuple[Line, Line, Line]) -> tuple[Phase, ...]:
    """The phases of three axes: each result belongs to one of them.

    >>> one = Line(1, 1)
    >>> for phase in phases((one, one, Line(4, 9, taps=3, stride=2))):
    ...     print(phase.lands.first[2], phase.taps[2], phase.window.positions[2], phase.window.low[2])
    0 (2, 0) 5 1
    1 (1,) 4 0
    """
    return tuple(_phase(*parts) for parts in itertools.product(*map(_parts, lines)))


def _phase(a: _Part, b: _Part, c: _Part) -> Phase:
    return Phase(
        Window(
            (a.cells, b.cells, c.cells),
            (a.positions, b.positions, c.positions),
            (len(a.taps), len(b.taps), len(c.taps)),
            dilations=(a.dilation, b.dilation, c.dilation),
            low=(a.low, b.low, c.low),
        ),
        Lands((a.first, b.first, c.first), (a.stride, b.stride, c.stride)),
        (a.taps, b.taps, c.taps),
    )


def _parts(line: Line) -> Iterator[_Part]:
    s, d = line.stride, line.dilation
    for r in range(s):
        taps = [u for u in range(line.taps) if (d * u - r) % s == 0]
        lowest, highest = -((r - line.low) // s), (line.extent - 1 + line.low - r) // s
        if highest < lowest:
            continue
        steps = [(d * u - r) // s for u in taps]  # from q back to the cell of x
        dilation = steps[1] - steps[0] if len(steps) > 1 else 1
        low = steps[-1] - lowest if steps else 0
        yield _Part(line.cells, highest - lowest + 1, s * lowest + r - line.low, s, dilation, low, tuple(reversed(taps)))
