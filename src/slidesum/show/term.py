"""One term of an explained value, and which of many terms to show."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the sum.

    `cell` is where x is read; it lies outside the array where `in_border` holds. `weights` has an entry (name, cell, value) for
    each filter, and `product` is the value times all of them. `origin` is the number of the layer's input that x is.
    """

    indices: Mapping[str, int]
    cell: Place
    value: float
    weights: tuple[tuple[str, Place, float], ...]
    product: float
    in_border: bool
    origin: int = 0


def heaviest_of(most: int, places: Sequence[int], weight: Callable[[int], float]) -> list[int]:
    """The `most` places that weigh most, in their order; of equals the first ones, and NaN weighs as much as anything.

    >>> heaviest_of(2, range(4), [1.0, 3.0, 1.0, 2.0].__getitem__)
    [1, 3]
    """

    def key(place: int) -> tuple[float, int]:
        found = weight(place)
        return (math.inf if math.isnan(found) else found, -place)

    return sorted(heapq.nlargest(most, places, key=key))
