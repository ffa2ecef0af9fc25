"""A convolution as numbers: how many of what, and where everything lies. No code yet, and no array.

    y[b,g,f,i] = Σ x[b,g,c, s·i + d·u - p] · w[g,f,c,u]        i, u: three axes each, outer, mid, inner, some of extent 1

A part of x is laid out anew first, so that a window's cells have fixed distances whatever the stride: one plane a phase, that is, a
remainder of cells by the stride. Cell s·i + d·u - p is then entry i + (d·u div s) of the plane (d·u mod s), and with
q = max(d·u div s) a plane has q entries more than positions along an axis. What stands beyond the edges is 0, and stands once where
one row's end meets the next one's beginning.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

Three = tuple[int, int, int]
Six = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Problem:
    """The sizes, and the distances in values of arrays that may lie anyhow.

    x_steps   along batch, group, channel and the three axes
    w_steps   along group, filter, channel and the three axes
    y lies in order: batch, group, filter and the three axes
    """

    batch: int
    groups: int
    channels: int
    filters: int
    cells: Three
    positions: Three
    taps: Three
    strides: Three
    dilations: Three
    padding: Three
    x_steps: Six
    w_steps: Six

    @property
    def macs(self) -> int:
        return self.batch * self.groups * self.channels * self.filters * math.prod(self.positions) * math.prod(self.taps)

    @property
    def members(self) -> int:
        return self.batch * self.groups

    @cached_property
    def reaches(self) -> Three:
        """How many entries a window spans beyond its first, along each axis."""
        outer, mid, inner = (d * (k - 1) // s for d, k, s in zip(self.dilations, self.taps, self.strides, strict=True))
        return outer, mid, inner

    @cached_property
    def phases(self) -> tuple[tuple[int, ...], ...]:
        """The remainders that occur, along each axis."""
        return tuple(
            tuple(sorted({d * u % s for u in range(k)})) for d, k, s in zip(self.dilations, self.taps, self.strides, strict=True)
        )

    @cached_property
    def planes(self) -> list[tuple[int, ...]]:
        """A remainder for each axis, by plane."""
        return list(itertools.product(*self.phases))

    def shared(self, axis: int) -> int:
        """How many zeros at the end of this axis can be the ones at the beginning of what follows."""
        s, p, n = self.strides[axis], self.padding[axis], self.cells[axis]
        entries = self.positions[axis] + self.reaches[axis]
        found = []
        for phase in self.phases[axis]:
            first = -(-(p - phase) // s) if p > phase else 0
            last = (n - 1 + p - phase) // s
            found.append(min(first, entries - 1 - last))
        return max(0, min(found))

    @cached_property
    def row(self) -> int:
        """Entries from one row to the next."""
        return self.positions[2] + self.reaches[2] - self.shared(2)

    @cached_property
    def layer(self) -> int:
        """Entries from one cell of the outer axis to the next."""
        mid = self.positions[1] + self.reaches[1]
        return (mid - self.shared(1) if mid > 1 else 1) * self.row

    def plane(self, rows: int, slack: int) -> int:
        """Entries of one plane for so many positions of the outer axis, with `slack` zeros behind."""
        end = self.positions[2] + self.reaches[2] - self.row + (self.positions[1] + self.reaches[1]) * self.row - self.layer
        return (rows + self.reaches[0]) * self.layer + end + slack

    def tap_entries(self, plane: int) -> list[tuple[int, int]]:
        """For every tap the distance of its entries in the copy, and of its weight in w, both from the first."""
        found = []
        for tap in itertools.product(*map(range, self.taps)):
            at = [d * u for d, u in zip(self.dilations, tap, strict=True)]
            phase = tuple(n % s for n, s in zip(at, self.strides, strict=True))
            outer, mid, inner = (n // s for n, s in zip(at, self.strides, strict=True))
            entry = self.planes.index(phase) * plane + outer * self.layer + mid * self.row + inner
            found.append((entry, sum(u * step for u, step in zip(tap, self.w_steps[3:], strict=True))))
        return found
