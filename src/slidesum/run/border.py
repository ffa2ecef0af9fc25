"""Putting what stands beyond the edge around an array, and folding it back, along one slid axis."""

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
    if slide.border in REPEATING:
        cells = [source(cell, slide.extent, slide.border) for cell in range(-low, slide.extent + high)]
        return backend.take(x, axis, [cell for cell in cells if cell is not None])
    if -min(low, high) > slide.extent:  # what is cropped begins in the padding of the other side
        x = backend.pad(x, axis, max(0, low), max(0, high), filling(backend, sized, slide, x))
        low, high = min(0, low), min(0, high)
    return backend.pad(x, axis, low, high, filling(backend, sized, slide, x))


def unpadded(backend: Backend, slide: Slide, y: Array, axis: int) -> Array:
    """The adjoint of `padded`: of the cells -low … extent + high - 1 along `axis` those of the array.

    What lies beyond is added to the cell that a repeating border reads there, and dropped otherwise; where `slide.padding` is
    negative, there are zeros.
    """
    low, high = slide.padding
    if (low, high) == (0, 0):
        return y
    if max(0, low) + max(0, high) <= y.shape[axis]:
        inner = backend.pad(y, axis, -low, -high, 0)
    else:  # what is cropped ends in the zeros of the other side
        inner = backend.fold(y, axis, -low, [1], slide.extent)
    beyond: list[list[int]] = [[] for _ in range(slide.extent)]
    for k, cell in enumerate(range(-low, slide.extent + high)):
        there = source(cell, slide.extent, slide.border)
        if there is not None and there != cell:
            beyond[there].append(k)
    zero = y.shape[axis]
    with_zero = backend.pad(y, axis, 0, 1, 0) if any(beyond) else y
    for turn in range(max(map(len, beyond), default=0)):
        inner = inner + backend.take(with_zero, axis, [cells[turn] if turn < len(cells) else zero for cells in beyond])
    return inner


def filling(backend: Backend, sized: Sized, slide: Slide, x: Array) -> complex:
    """The number in a constant border: for a maximum or minimum one that never wins, unless a number was asked for.

    Raises ArrayError where the array's dtype can't hold it.
    """
    reduce = sized.equation.reduce
    if slide.border == "zero" and reduce in ("max", "min"):
        return backend.lowest(x, highest=reduce == "min")
    number = constant(slide.border)
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
