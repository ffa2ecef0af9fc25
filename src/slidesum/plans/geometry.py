"""The numbers of a convolution as libraries take them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """One entry a slid axis; `padding` is zeros on both sides; `groups` divides the maps of x and the filters."""

    strides: tuple[int, ...]
    padding: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    @property
    def slid(self) -> int:
        return len(self.strides)

    def positions(self, cells: tuple[int, ...], taps: tuple[int, ...]) -> tuple[int, ...]:
        """How many positions each axis has.

        >>> Geometry((2,), (3,), (1,)).positions((224,), (7,))
        (112,)
        """
        return tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(cells, self.padding, self.dilations, taps, self.strides, strict=True)
        )
