"""The judge: how many multiplications the plain-loop reference really does, counted one by one.

The reference is given arrays of numbers that note down each product they take part in. It does what it always does, and its result
is compared with torch's: so what is counted is the arithmetic of the module, and not somebody's formula for it.

>>> loops = Loops()
>>> loops("i+u-1, u -> i", np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
array([3., 6., 5.])
>>> loops.macs, loops.macs_inside           # of three windows of three, two values lie in the padding
(9, 7)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slidesum.core.sized import Border, Padding
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run.reference import evaluate

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Tally:
    """Products taken so far: all, and those in which no factor came from the padding."""

    all: int = 0
    inside: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of an array. Its products are noted down, its sums are not: that is what a multiply-add is counted by."""

    value: float
    tally: Tally

    def __mul__(self, other: Counted | float) -> Counted:
        self.tally.all += 1
        if isinstance(other, Counted):
            self.tally.inside += 1
        return Counted(self.value * _value(other), self.tally)

    __rmul__ = __mul__  # what the border holds is a bare number, and may stand first

    def __add__(self, other: Counted | float) -> Counted:
        return Counted(self.value + _value(other), self.tally)

    __radd__ = __add__


@dataclass(slots=True)
class Loops:
    """Called like `ss.conv`, on NumPy arrays; remembers the equations that it ran and what they multiplied."""

    equations: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def macs(self) -> int:
        """Multiplications, those with what stands in the padding included."""
        return self.tally.all

    @property
    def macs_inside(self) -> int:
        """Multiplications of two numbers that are both stored."""
        return self.tally.inside

    def __call__(
        self,
        pattern: str,
        *arrays: Array,
        bias: Array | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: dict[str, int] | None = None,
        **sizes: int,
    ) -> Array:
        sized = solve(parse(pattern), [array.shape for array in arrays], sizes, padding=padding, border=border, extent=extent)
        y = evaluate(sized, [self._counted(array) for array in arrays], None if bias is None else self._counted(bias))
        self.equations.append(pattern)
        return np.array([_value(number) for number in y.flat]).reshape(y.shape)

    def _counted(self, array: Array) -> Array:
        """The array with its numbers watched."""
        watched = np.empty(array.shape, object)
        for cell, value in np.ndenumerate(array):
            watched[cell] = Counted(float(value), self.tally)
        return watched


def _value(number: Counted | float) -> float:
    return number.value if isinstance(number, Counted) else number
