"""What an array library must be able to do: some thirty verbs. One file a backend; the rest of `run/` does all with them.

A class that lacks a verb can't be instantiated, so a backend is complete or it doesn't exist.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slidesum.core.equation import Reduce
from slidesum.core.ops import Combination, Function
from slidesum.plans.geometry import Geometry
from slidesum.plans.machine import Machine, Method
from slidesum.plans.step import Plan

Array = Any
Labels = Sequence[int]
Run = Callable[[Sequence[Array]], Array]
Backward = Callable[[Sequence[Array], Array, Sequence[int]], list[Array]]
"""(arrays, gradient by the result, numbers of the arrays asked for) -> the gradients by these arrays."""


@dataclass(frozen=True)
class Laying:
    """How arrays become those of a convolution: functions, or None where they are; axes of w that run backwards; the shape of y.

    Functions that make a view needn't be called again: a kernel only asks where the values lie.
    """

    x: Callable[[Array], Array] | None
    w: Callable[[Array], Array] | None
    flipped: tuple[int, ...]
    shape: tuple[int, ...]


Watched = Literal["unwatched", "recorded", "traced"]
"""How the library watches arrays: not at all; it records, to differentiate; it traces, and sees its own operations only."""


class Backend(ABC):
    """One array library."""

    name: str
    watches: tuple[Watched, ...]
    """The ways in which this library may watch arrays."""

    @abstractmethod
    def check(self, arrays: Sequence[Array], reduce: Reduce) -> None:
        """Raise ArrayError if these arrays can't be computed with: a dtype without the arithmetic, dtypes or devices mixed."""

    @abstractmethod
    def number(self, arrays: Sequence[Array]) -> tuple[int, str]:
        """The bytes of one value of the result, and its kind: "f", "c" for complex, "i" for integers."""

    @abstractmethod
    def watched(self, arrays: Sequence[Array]) -> Watched:
        """How the library watches these arrays now."""

    @abstractmethod
    def near(self, arrays: Sequence[Array]) -> bool:
        """Whether the values lie in memory that code of the processor may read."""

    @abstractmethod
    def machine_for(self, watched: Watched, near: bool) -> Machine:
        """What can be done with arrays that are watched so, and lie near or not."""

    @abstractmethod
    def free_bytes(self, arrays: Sequence[Array] = ()) -> int:
        """The bytes that can still be allocated where the arrays are; without arrays, on the device that is used by default."""

    @abstractmethod
    def differentiates(self, plan: Plan) -> bool:
        """Whether the library differentiates the steps of this plan well by itself."""

    @abstractmethod
    def differentiable(self, run: Run, backward: Backward) -> Run:
        """The function `run`, differentiated by `backward`."""

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
    def einsum(self, operands: Sequence[tuple[Array, Labels]], result: Labels) -> Array:
        """The sum of products over the labels that `result` doesn't have."""

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
    def apply(self, function: Function, x: Array, options: Sequence[float] = ()) -> Array:
        """A function of every value, with the numbers that it takes (`core.ops.OPTIONS`)."""

    @abstractmethod
    def combine(self, function: Combination, x: Array, y: Array) -> Array:
        """Two arrays value by value; axes of extent one and missing leading axes are repeated."""

    @abstractmethod
    def exp(self, x: Array) -> Array:
        """The exponential of every value."""

    @abstractmethod
    def flip(self, x: Array, axes: Sequence[int]) -> Array:
        """These axes backwards."""

    @abstractmethod
    def repeat(self, x: Array, shape: Sequence[int]) -> Array:
        """Axes of extent one repeated to this shape, as a view where the library has such views."""

    @abstractmethod
    def stitched(self, pieces: Iterable[Array], axis: int, shape: Sequence[int], like: Array) -> Array:
        """The array of this shape (and the dtype of `like`) whose consecutive slices along `axis` are the pieces."""

    @abstractmethod
    def convolution(self, geometry: Geometry, method: Method) -> Callable[[Array, Array], Array]:
        """The function of x (batch, group·channel, cells…) and w (group·filter, channel, taps…) to
        (batch, group·filter, positions…).

        `method` is "library", "channels-last" or "unfolded", as far as the backend's machine lists them.
        """

    @abstractmethod
    def kernel(self, geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
        """The same by a kernel of the engine, of arrays that are laid out by it; where the machine lists "direct"."""

    @abstractmethod
    def transposed(self, x: Array, w: Array, geometry: Geometry, method: Method) -> Array:
        """x (batch, group·channel, positions…), w (group·channel, filter, taps…) to (batch, group·filter, cells…), uncropped.

        `method` is "transposed" or "folded".
        """

    @abstractmethod
    def pooled(self, x: Array, how: Reduce, windows: Sequence[int], geometry: Geometry) -> Array:
        """max or mean over windows of the last axes of x (batch, maps, cells…)."""

    @abstractmethod
    def spectrum(self, x: Array, axes: Sequence[int], sizes: Sequence[int]) -> Array:
        """The Fourier transform over axes, zero-padded to sizes; of real numbers only half of the last axis."""

    @abstractmethod
    def signal(self, spectrum: Array, axes: Sequence[int], sizes: Sequence[int], like: Array) -> Array:
        """The inverse of `spectrum`, in the dtype of `like`."""
