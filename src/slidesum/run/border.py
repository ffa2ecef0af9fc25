"""Putting what stands beyond the edge around an array, along one slid axis."""

from __future__ import annotations

from slidesum.core.sized import Sized, Slide
from slidesum.errors import ArrayError
from slidesum.laws.edge import REPEATING, constant, source
from slidesum.run.backend import Array, Backend


def padded(backend: Backend, sized: Sized, slide: Slide, x: Array, axis: int) -> Array:
    """The array with `slide.padding` cells more (negative: fewer) on either side of `axis`."""
    low, high = slide.padding
    if (low, high) == (0, 0):
        return x
    if sized.border in REPEATING:
        cells = [source(cell, slide.extent, sized.border) for cell in range(-low, slide.extent + high)]
        return backend.take(x, axis, [cell for cell in cells if cell is not None])
    return backend.pad(x, axis, low, high, filling(backend, sized, x))


def filling(backend: Backend, sized: Sized, x: Array) -> complex:
    """The number in a constant border: for a maximum or minimum one that never wins, unless a number was asked for.

    Raises ArrayError where the array's dtype can't hold it.
    """
    reduce = sized.equation.reduce
    if sized.border == "zero" and reduce in ("max", "min"):
        return backend.lowest(x, highest=reduce == "min")
    number = constant(sized.border)
    if not _holds(backend, x, number):
        raise ArrayError(
            f"an array of {x.dtype} can't hold the border {number}",
            usual="The border becomes part of the array.",
            advice="Convert the array, or give a border of its kind.",
        )
    return number


def _holds(backend: Backend, x: Array, number: complex) -> bool:
    kind = str(x.dtype)
    if "complex" in kind or isinstance(number, complex):
        return "complex" in kind
    return "float" in kind or (number % 1 == 0 and backend.lowest(x) <= number <= backend.lowest(x, highest=True))
