"""Putting what stands beyond the edge around an array, along one slid axis."""

from __future__ import annotations

from slidesum.core.sized import Sized, Slide
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
    """The number in a constant border: for a maximum or minimum one that never wins, unless a number was asked for."""
    reduce = sized.equation.reduce
    if sized.border == "zero" and reduce in ("max", "min"):
        return backend.lowest(x, highest=reduce == "min")
    return constant(sized.border)
