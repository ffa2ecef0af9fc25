"""The shape of every layer's result, from the shapes that it reads. Equations have their own law, `laws.shape`.

>>> from slidesum.core.ops import Concat, Slice
>>> result_shape("both", Concat(1), [(1, 64, 28, 28), (1, 32, 28, 28)])
(1, 96, 28, 28)
>>> result_shape("odd", Slice(2, 1, 28, 2), [(1, 64, 28, 28)])
(1, 64, 14, 28)
"""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.core.ops import (
    OPTIONS,
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Op,
    Opaque,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sizes import Size, ceil_div, floor_div, is_number, prod, surely_differ, surely_less, tidy
from slidesum.errors import RankError, SizeError, UsageError

Shape = tuple[Size, ...]


def result_shape(name: str, op: Op, before: Sequence[Shape]) -> Shape:
    """The shape of what layer `name` makes of arrays with the shapes `before`.

    Raises RankError for an axis that isn't there, SizeError for shapes that don't fit, UsageError for a wrong number of arrays.
    """
    _check_number(name, op, len(before))
    match op:
        case Stored(shape=shape) | Opaque(shape=shape):
            return tuple(shape)
        case Activation(function, options):
            wanted = len(OPTIONS.get(function, ()))
            if len(options) != wanted:
                raise UsageError(
                    f"{name}: {function} takes {wanted} numbers, and {len(options)} were given",
                    usual=f"They are {', '.join(option for option, _ in OPTIONS.get(function, ())) or 'none'}.",
                    advice="Give each, in this order.",
                )
            return before[0]
        case Dropout():
            return before[0]
        case BatchNorm(axis=axis) | LocalResponseNorm(axis=axis) | Softmax(axis=axis):
            _place(name, axis, before[0])
            return before[0]
        case LayerNorm(axes=axes):
            if len({_place(name, axis, before[0]) for axis in axes}) < len(axes):
                raise RankError(f"{name} normalises an axis twice: {axes}", advice="Name every axis once.")
            return before[0]
        case GroupNorm(groups=groups):
            maps = before[0][_place(name, 1, before[0])]
            if groups < 1 or (is_number(maps) and maps % groups):
                raise SizeError(f"{name} can't make {groups} groups of {maps} maps", advice="Let the groups divide the maps.")
            return before[0]
        case Elementwise():
            return _broadcast(name, before[0], before[1])
        case Add():
            return _alike(name, before, beside=None)
        case Concat(axis=axis):
            place = _place(name, axis, before[0])
            _alike(name, before, beside=place)
            return _with(before[0], place, tidy(sum(shape[place] for shape in before)))
        case Slice():
            return _sliced(name, op, before[0])
        case Take(axis=axis, cells=cells):
            place = _place(name, axis, before[0])
            extent = before[0][place]
            outside = next((c for c in cells if c < 0 or surely_less(extent - 1, c)), None)
            if outside is not None:
                raise SizeError(
                    f"{name} takes the cell {outside} of an axis of {extent}", advice=f"Name cells from 0 to {extent - 1}."
                )
            return _with(before[0], place, len(cells))
        case Pad(cells=cells):
            if len(cells) != len(before[0]):
                raise RankError(
                    f"{name} pads {len(cells)} axes, and its input has {len(before[0])}",
                    advice="Give (before, after) for every axis.",
                )
            shape = tuple(tidy(n + low + high) for n, (low, high) in zip(before[0], cells, strict=True))
            if any(surely_less(n, 0) for n in shape):
                raise SizeError(f"{name} crops more than {_times(before[0])} has", advice="Crop less.")
            return shape
        case Reshape(shape=shape):
            return _reshaped(name, shape, before[0])
        case Distance(centres=centres):
            if len(before[0]) != 2 or not centres or any(surely_differ(len(row), before[0][1]) for row in centres):
                raise SizeError(
                    f"{name}: {len(centres)} centres don't fit {_times(before[0])}",
                    usual="The input has a batch axis and one more, as long as each centre.",
                    advice="Flatten it first.",
                )
            return (before[0][0], len(centres))
        case Input() | Layer():
            raise AssertionError(f"{type(op).__name__} has a law of its own")


def arrays_read(op: Op) -> tuple[int, int | None]:
    """How many arrays a layer reads at least and at most; None is any number."""
    match op:
        case Input() | Stored():
            return 0, 0
        case Elementwise():
            return 2, 2
        case Add() | Concat():
            return 1, None
        case Layer(equation=equation):
            return 1, len(equation.operands)
        case Opaque():
            return 0, None
        case _:
            return 1, 1


def _check_number(name: str, op: Op, found: int) -> None:
    least, most = arrays_read(op)
    if found < least or (most is not None and found > most):
        counted = ("no arrays", "one array", "two arrays")[least]
        wanted = counted if least == most else f"at least {counted}"
        raise UsageError(f"{name} reads {wanted}, and {found} were given", advice="Pass the results of earlier layers.")


def _place(name: str, axis: int, shape: Shape) -> int:
    if not -len(shape) <= axis < len(shape):
        raise RankError(f"{name} names axis {axis} of {_times(shape)}", advice=f"Its axes are 0 to {len(shape) - 1}.")
    return axis % len(shape)


def _with(shape: Shape, place: int, extent: Size) -> Shape:
    return (*shape[:place], extent, *shape[place + 1 :])


def _alike(name: str, before: Sequence[Shape], beside: int | None) -> Shape:
    for shape in before[1:]:
        agree = len(shape) == len(before[0]) and not any(
            surely_differ(a, b) for k, (a, b) in enumerate(zip(shape, before[0], strict=True)) if k != beside
        )
        if not agree:
            raise SizeError(
                f"{name} joins {_times(before[0])} and {_times(shape)}",
                usual="Their shapes differ.",
                advice="Pad, pool or project one of them first.",
            )
    return before[0]


def _broadcast(name: str, a: Shape, b: Shape) -> Shape:
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    found = []
    for left, right in pairs:
        if not (_is_one(left) or _is_one(right)) and surely_differ(left, right):
            raise SizeError(
                f"{name} combines {_times(a)} and {_times(b)}",
                usual="Axes are compared from the last; they are equal, or one of them has the extent one.",
                advice="Reshape one of them first.",
            )
        found.append(right if _is_one(left) else left)
    return tuple(found)


def _is_one(extent: Size) -> bool:
    return is_number(extent) and extent == 1


def _sliced(name: str, op: Slice, shape: Shape) -> Shape:
    place = _place(name, op.axis, shape)
    extent = shape[place]
    wrong = op.step < 1 or surely_less(op.start, 0) or surely_less(op.stop, op.start) or surely_less(extent, op.stop)
    if wrong:
        raise SizeError(
            f"{name} takes the cells {op.start} to {op.stop} by steps of {op.step} of an axis of {extent}",
            advice=f"Let 0 ≤ start ≤ stop ≤ {extent}, and the step be at least one.",
        )
    return _with(shape, place, ceil_div(tidy(op.stop - op.start), op.step))


def _reshaped(name: str, wanted: Shape, shape: Shape) -> Shape:
    open_places = [k for k, n in enumerate(wanted) if is_number(n) and n == -1]
    if len(open_places) > 1 or any(surely_less(n, 0) for k, n in enumerate(wanted) if k not in open_places):
        raise SizeError(f"{name} can't have the shape {_times(wanted)}", advice="Leave at most one extent open, as -1.")
    known, total = prod(n for k, n in enumerate(wanted) if k not in open_places), prod(shape)
    rest = floor_div(total, known) if open_places and known != 0 else 1
    if surely_differ(tidy(known * rest), total):
        raise SizeError(
            f"{name} makes {_times(wanted)} of {_times(shape)}",
            usual="They don't have as many values.",
            advice="Give extents whose product is that of the input.",
        )
    return tuple(rest if k in open_places else n for k, n in enumerate(wanted))


def _times(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "a single number"
