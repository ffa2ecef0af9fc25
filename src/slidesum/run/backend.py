"""What an array library must be able to do: some dozen verbs. One file a backend; `run/windows.py` does the rest with them.

A class that lacks a verb can't be instantiated, so a backend is complete or it doesn't exist.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from slidesum.core.equation import Reduce
from slidesum.core.network import Function
from slidesum.core.sized import Sized

Array = Any
Labels = Sequence[int]


class Backend(ABC):
    """One array library."""

    name: str

    @abstractmethod
    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        """Raise ArrayError if these arrays can't be computed with: a dtype without the arithmetic, dtypes or devices mixed."""

    @abstractmethod
    def constant(self, values: Any, like: Array) -> Array:
        """An array of these numbers with the dtype and the device of `like`."""

    @abstractmethod
    def promoted(self, x: Array, dtype: str) -> Array:
        """Integers as numbers of this dtype, and anything as complex numbers if it is complex; other arrays as they are."""

    @abstractmethod
    def copied(self, x: Array) -> Array:
        """The same values in memory of their own."""

    @abstractmethod
    def reshape(self, x: Array, shape: Sequence[int]) -> Array:
        """The same values in another shape."""

    @abstractmethod
    def transpose(self, x: Array, order: Sequence[int]) -> Array:
        """The axes in another order."""

    @abstractmethod
    def take(self, x: Array, axis: int, cells: Sequence[int]) -> Array:
        """These cells of an axis, in this order."""

    @abstractmethod
    def pad(self, x: Array, axis: int, low: int, high: int, value: complex) -> Array:
        """`low` and `high` more cells that hold `value`; negative numbers crop."""

    @abstractmethod
    def windows(self, x: Array, axis: int, base: int, steps: Sequence[int], extents: Sequence[int]) -> Array:
        """In place of `axis` one axis a step: cell base + sum(step·value). All cells lie inside."""

    @abstractmethod
    def fold(self, x: Array, axis: int, base: int, steps: Sequence[int], extent: int) -> Array:
        """The reverse: in place of as many axes as steps one of `extent` cells, what meets is summed; cells outside are dropped."""

    @abstractmethod
    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels, taps: Labels = ()) -> Array:
        """The sum of products over the labels that `result` doesn't have; along `taps` an operand shows the same cells again."""

    @abstractmethod
    def reduce(self, x: Array, axes: Sequence[int], how: Reduce) -> Array:
        """Sum, max, mean or min over axes; the mean of integers is a floating number."""

    @abstractmethod
    def lowest(self, x: Array, *, highest: bool = False) -> complex:
        """A number that never wins a maximum (a minimum) against values of x's dtype."""

    @abstractmethod
    def concat(self, parts: Sequence[Array], axis: int) -> Array:
        """Arrays behind each other."""

    @abstractmethod
    def apply(self, function: Function, x: Array) -> Array:
        """A function of every value."""

    @abstractmethod
    def exp(self, x: Array) -> Array:
        """The exponential of every value."""

    @abstractmethod
    def library(self, sized: Sized, arrays: Sequence[Array]) -> Array | None:
        """The result by a convolution of the library itself, or None where the equation isn't shaped like one."""
