"""Reach: which cells of the network's input one output value depends on.

Along one axis of the input, the output at position t reads the cells from `-padding + t·stride` on, `field` many. Through a layer
with stride s, padding p and windows of k cells,

    field' = field + (k - 1)·stride        padding' = padding + p·stride        stride' = stride·s

which is the forward form of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019).
A transposed layer divides the stride; a layer that runs backwards (`-i`) turns it round; an axis that is summed away reads all of
itself, and its stride becomes 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from slidesum.core.axis import Address, Merged, indices
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size, ceil_div, largest, prod, tidy
from slidesum.laws.once import once
from slidesum.laws.padding import window_span


@dataclass(frozen=True, slots=True)
class Reach:
    """The reach of an array along one axis of the network's input.

    `along` is the axis of the array that moves it, None once that axis was summed away; `cells` is the extent of that axis. A
    stride may be a fraction behind transposed layers.
    """

    field: Size
    stride: Size | Fraction
    padding: Size | Fraction
    along: int | None
    cells: Size

    def window(self, place: int) -> tuple[Any, Any]:
        """The first and the last input cell read at this position; before 0 and beyond the end lies the padding.

        Behind a transposed layer windows aren't alike; the one told may be shifted by less than one step of that layer's input.
        """
        first = _up(-self.padding + place * self.stride)
        return first, first + _up(self.field) - 1


Reaches = Mapping[str, Reach]


def origin(names: Sequence[str], shape: Sequence[Size]) -> dict[str, Reach]:
    """The reach of the input itself: every cell reads itself."""
    return {name: Reach(1, 1, 0, place, cells) for place, (name, cells) in enumerate(zip(names, shape, strict=True))}


def layer_reach(sized: Sized) -> dict[str, Reach]:
    """The reach of one layer alone, along the positions it slides over.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> layer_reach(solve(parse("b c 2*i+3*u-2, o c u -> b o i"), [(1, 1, 99), (1, 1, 5)]))["i"]
    Reach(field=13, stride=2, padding=2, along=2, cells=46)
    """
    x, shape = sized.equation.operands[0], sized.shapes[0]
    through = follow(sized, origin([str(place) for place in range(len(shape))], shape))
    positions = sized.equation.positions
    return {name: through[str(place)] for place, axis in enumerate(x.axes) for name in indices(axis) if name in positions}


def follow(sized: Sized, reaches: Reaches, number: int = 0) -> dict[str, Reach]:
    """The reach of a layer's result, from the reach of operand `number`."""
    return {name: _follow(sized, number, reach) for name, reach in reaches.items()}


def union(branches: Sequence[Reaches]) -> dict[str, Reach]:
    """The reach where branches meet: from the earliest first cell to the latest last one.

    Branches that don't move alike along an axis (at other strides, along other axes, or one of them has summed it away) have no
    common window: there it is the whole, from the earliest first cell over all places to the latest last one, and nothing moves it.
    That is an upper bound for every place.

    >>> print(union([{"i": Reach(3, 1, 1, 2, 8)}, {"i": Reach(5, 2, 2, 2, 8)}])["i"])
    Reach(field=19, stride=0, padding=2, along=None, cells=1)
    """
    joined = dict(branches[0])
    for other in branches[1:]:
        for name, reach in other.items():
            joined[name] = _join(joined[name], reach) if name in joined else reach
    return joined


def _join(a: Reach, b: Reach) -> Reach:
    if (a.stride, a.along) != (b.stride, b.along):
        a, b = absorbed(a), absorbed(b)
    if a == b:
        return a
    padding: Any = largest(*(r.padding for r in (a, b)))
    end: Any = largest(*(r.field - r.padding for r in (a, b)))
    return replace(a, field=_number(end + padding), padding=_number(padding))


def _follow(sized: Sized, number: int, reach: Reach) -> Reach:
    if reach.along is None:
        return reach
    if (number, reach.along) in sized.slides:
        first, stride, window, place, cells = _windows(sized, number, reach.along)
        return _spread(sized, place, _composed(reach, first, stride, window, window, place, cells))
    place, whole, cells = _kept(sized, number, reach.along)
    if place is None:
        return absorbed(reach)
    if (-1, place) in sized.slides:
        return _spread(sized, place, reach)
    if whole and (place, cells) == (reach.along, reach.cells):
        return reach
    return replace(reach if whole else absorbed(reach), along=place, cells=cells)


@once
def _windows(sized: Sized, number: int, along: int) -> tuple[Any, Size, Size, int | None, Size]:
    """Along an axis with an address: where the window of place 0 begins, its step and cells, and which axis moves it, how long."""
    slide = sized.slides[number, along]
    window = window_span([(abs(step), sized.extents[name]) for name, step in slide.taps])
    first: Any = -slide.padding[0]
    if slide.position is None:
        return first, 0, window, None, 1
    if _backwards(slide.stride):
        first = first - slide.stride * (sized.extents[slide.position] - 1)
    return first, slide.stride, window, *_moving(sized, slide.position)


@once
def _kept(sized: Sized, number: int, along: int) -> tuple[int | None, bool, Size]:
    """Along any other axis: which axis of the result it is, if one; whether wholly; and how long that is."""
    axis = sized.equation.operands[number].axes[along]
    kept = [name for name in indices(axis) if name in sized.equation.result.indices]
    if not kept:
        return None, False, 1
    place, cells = _moving(sized, kept[0])
    return place, not isinstance(axis, Merged) or len(kept) == len(axis.names), cells


def _moving(sized: Sized, name: str) -> tuple[int, Size]:
    """The axis of the result that an index moves, and through how many places."""
    place, axis = next((place, axis) for place, axis in enumerate(sized.equation.result.axes) if name in indices(axis))
    return place, sized.extents[name] if isinstance(axis, Address) else prod(sized.extents[n] for n in indices(axis))


def _spread(sized: Sized, place: int | None, reach: Reach) -> Reach:
    """What was gathered, as the result has it: spread again where that axis of it has an address."""
    slide = sized.slides.get((-1, place)) if place is not None else None
    if slide is None:
        return reach
    window = window_span([(abs(step), sized.extents[name]) for name, step in slide.taps])
    stride = abs(slide.stride)
    positions = ceil_div(window, stride)
    first = _ratio(slide.padding[0] - (window - 1), stride)
    if _backwards(slide.stride):
        first = reach.cells - 1 - _ratio(slide.padding[0], stride)
    return _composed(reach, first, _ratio(1, slide.stride), positions, _ratio(window - 1, stride) + 1, place, slide.extent)


def absorbed(reach: Reach) -> Reach:
    """The whole axis is read: from the first of all its windows to the end of the last."""
    return _composed(reach, 0, 0, reach.cells, reach.cells, None, 1)


def _composed(reach: Reach, first: Any, stride: Any, cells: Size, span: Any, along: int | None, extent: Size) -> Reach:
    """The reach of a layer whose place t reads `cells` of its input's places, within `first + t·stride` and `span` from there."""
    lowest = first + span - 1 if _backwards(reach.stride) else first
    return Reach(
        _number(reach.field + (cells - 1) * abs(reach.stride)),
        _number(reach.stride * stride),
        _number(reach.padding - lowest * reach.stride),
        along,
        extent,
    )


def _backwards(stride: Any) -> bool:
    return isinstance(stride, int | Fraction) and stride < 0


def _up(value: Any) -> Any:
    return math.ceil(value) if isinstance(value, Fraction) else value


def _ratio(a: Any, b: Any) -> Any:
    if isinstance(a, int | Fraction) and isinstance(b, int | Fraction):
        return _number(Fraction(a) / Fraction(b))
    return tidy(a / b)


def _number(value: Any) -> Any:
    """A fraction that is whole becomes an integer."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else value
    return tidy(value)
