"""One tap after the other: what is left is an equation with an axis less to slide over, and the results are summed."""

from __future__ import annotations

from collections.abc import Callable

from slidesum.core.axis import Address, Name, indices
from slidesum.core.sized import Sized, Slide
from slidesum.run.backend import Array, Backend
from slidesum.run.border import padded

Call = Callable[..., Array]


def over_taps(backend: Backend, sized: Sized, tap: str, inner: Call) -> Call:
    """The function of an equation from that of `laws.rewrite.at_tap`.

    An address that holds the tap is read through a strided view, an axis of the tap alone at its cell.
    """
    taking = [_taking(backend, sized, number, tap) for number in range(len(sized.equation.operands))]
    count = int(sized.extents[tap])

    def call(*arrays: Array) -> Array:
        readers = [take(x) for take, x in zip(taking, arrays, strict=True)]
        y = inner(*[read(0) for read in readers])
        for value in range(1, count):
            y = y + inner(*[read(value) for read in readers])
        return y

    return call


Reader = Callable[[int], Array]


def _taking(backend: Backend, sized: Sized, number: int, tap: str) -> Callable[[Array], Reader]:
    axes = sized.equation.operands[number].axes
    bare = next((place for place, axis in enumerate(axes) if isinstance(axis, Name) and axis.name == tap), None)
    slid = next((place for place, axis in enumerate(axes) if isinstance(axis, Address) and tap in indices(axis)), None)

    def prepared(x: Array) -> Reader:
        slide = sized.slides[number, slid] if slid is not None else None
        if slide is not None:
            x = padded(backend, sized, slide, x, slid or 0)

        def read(value: int) -> Array:
            where: list[slice | int] = [slice(None)] * len(axes)
            if slide is not None:
                where[slid or 0] = _cells(slide, tap, value, int(sized.extents[str(slide.position)]))
            if bare is not None:
                where[bare] = value
            return x[tuple(where)] if slide is not None or bare is not None else x

        return read

    return prepared


def _cells(slide: Slide, tap: str, value: int, positions: int) -> slice:
    """The cells of the padded axis that all positions read with this value of the tap."""
    step = int(dict(slide.steps)[tap])
    first = int(slide.start + slide.padding[0]) + step * value
    return slice(first, first + int(slide.stride) * (positions - 1) + 1, int(slide.stride))
