"""Into which blocks a result is cut: along the operands' chunks, and further until a block fits into the budget.

Every index is cut into parts. A chunked operand tells them: as they are for an index that has an axis for itself, divided by the
stride for a position, so that a block reads about one chunk and the halo beside it. Cuts of indices that are summed make partial
results. Then, while a block is too large, the index is halved that makes it smallest.

    index            its axis         chunks            parts
    b                b                (3, 2)            (3, 2)
    i                2*i+u-1          (64, 64, 64)      (32, 32, 32)
    g, c             (g c), c = 8     (32, 32)          g: (4, 4)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from slidesum.core.axis import Address, Axis, indices
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized, Slide
from slidesum.laws.blocks import Span, hull

Parts = tuple[int, ...]
"""The lengths of consecutive parts, as dask writes the chunks of one axis."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """The chunks of the result, and the parts of the summed indices that have more than one."""

    chunks: tuple[Parts, ...]
    summed: Mapping[str, Parts]


def cuts(sized: Sized, chunks: Sequence[Sequence[Parts]], itemsizes: Sequence[int], budget: int) -> Cuts:
    """Where to cut. `chunks` has an entry an operand; `itemsizes` one more, that of the result.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> sized = solve(parse("c 2*i+u, o c u -> o i"), [(6, 128), (5, 6, 2)])
    >>> cuts(sized, [((3, 3), (64, 64)), ((5,), (6,), (2,))], (4, 4, 4), 2**20)
    Cuts(chunks=((5,), (32, 32)), summed={'c': (3, 3)})
    """
    parts = _told(sized, chunks, itemsizes)
    _fit(sized, parts, itemsizes, budget)
    result = tuple(_along(sized, place, axis, parts) for place, axis in enumerate(sized.equation.result.axes))
    return Cuts(result, {name: parts[name] for name in sized.equation.summed if len(parts[name]) > 1})


def spans(parts: Parts) -> list[Span]:
    """The parts as spans: [(0, 3), (3, 5)] for (3, 2)."""
    return list(pairwise(accumulate(parts, initial=0)))


def regular(extent: int, length: int) -> Parts:
    """Parts of one length, the last may be shorter: what zarr can hold."""
    if extent <= length:
        return (extent,)
    return (length,) * (extent // length) + ((extent % length,) if extent % length else ())


# What the operands tell


def _told(sized: Sized, chunks: Sequence[Sequence[Parts]], itemsizes: Sequence[int]) -> dict[str, Parts]:
    """The parts of every index, told by the largest operand that is chunked along it."""
    parts: dict[str, Parts] = {name: (sized.extents[name],) for name in sized.equation.indices}
    sizes = [math.prod(shape) * size for shape, size in zip(sized.shapes, itemsizes, strict=False)]
    for number in sorted(range(len(sizes)), key=lambda n: sizes[n]):  # the largest has the last word
        for place, axis in enumerate(sized.equation.operands[number].axes):
            if len(chunks[number][place]) > 1:
                slide = sized.slides.get((number, place))
                found = (
                    _moved(slide, sized.extents, chunks[number][place])
                    if slide
                    else _opened(axis, sized.extents, chunks[number][place])
                )
                parts |= {name: cut for name, cut in found.items() if len(cut) > 1}
    return parts


def _opened(axis: Axis, extents: Mapping[str, Any], chunks: Parts) -> dict[str, Parts]:
    names = indices(axis)
    if len(names) == 1:
        return {names[0]: chunks}
    found, length = {}, max(chunks)
    for k, name in enumerate(names):
        inner = math.prod(extents[later] for later in names[k + 1 :])
        found[name] = regular(extents[name], max(1, length // max(1, inner)))
        if length >= inner:
            break
    return found


def _moved(slide: Slide, extents: Mapping[str, Any], chunks: Parts) -> dict[str, Parts]:
    """The parts of the index that moves the window most: its position, if it has one."""
    if not slide.steps:
        return {}
    name, step = max(slide.steps, key=lambda item: (item[0] == slide.position, abs(item[1])))
    if len(set(chunks[:-1])) == 1:
        return {name: regular(extents[name], max(1, chunks[0] // abs(step)))}
    edges = sorted({min(extents[name], -(-edge // abs(step))) for edge in accumulate(chunks[:-1], initial=0)} | {extents[name]})
    found = tuple(b - a for a, b in pairwise(edges))
    return {name: found if step > 0 else found[::-1]}


# What fits


def _fit(sized: Sized, parts: dict[str, Parts], itemsizes: Sequence[int], budget: int) -> None:
    """Halve parts until the largest block, what it reads and what it writes, has at most `budget` bytes, or nothing helps."""
    while (now := _block_bytes(sized, parts, itemsizes)) > budget:
        tried = ({name: _halved(parts[name])} for name in _divisible(sized, parts))
        best = min(tried, key=lambda cut: _block_bytes(sized, parts | cut, itemsizes), default={})
        if _block_bytes(sized, parts | best, itemsizes) >= now:
            return
        parts |= best


def _halved(parts: Parts) -> Parts:
    length = -(-max(parts) // 2)
    if len(set(parts[:-1])) <= 1:
        return regular(sum(parts), length)
    return tuple(piece for part in parts for piece in regular(part, length))


def _divisible(sized: Sized, parts: Mapping[str, Parts]) -> Iterator[str]:
    """The indices that can be cut further. Of a merged axis of the result an inner one only where all outer ones are single."""
    equation = sized.equation
    for place, axis in enumerate(equation.result.axes):
        slide = sized.slides.get((-1, place))
        for name in [slide.position] if slide else indices(axis):
            assert name is not None
            if max(parts[name]) > 1:
                yield name
                break
    yield from (name for name in equation.summed if max(parts[name]) > 1)


def _block_bytes(sized: Sized, parts: Mapping[str, Parts], itemsizes: Sequence[int]) -> int:
    most = {name: max(lengths) for name, lengths in parts.items()}
    for slide in sized.slides_of(-1):  # a block needs the positions beside its own whose windows reach into it
        assert slide.position is not None
        low, high = hull(slide, {name: (0, sized.extents[name]) for name, _ in slide.taps} | {slide.position: (0, 1)})
        most[slide.position] = min(sized.extents[slide.position], most[slide.position] + (high - low - 1) // abs(slide.stride))
    partial = any(len(parts[name]) > 1 for name in sized.equation.summed)
    total = 0
    for (number, operand), size in zip(sized.equation.arrays(), itemsizes, strict=True):
        total += _cells(sized, number, operand, most) * size * (2 if partial and number < 0 else 1)
    return total


def _cells(sized: Sized, number: int, operand: Operand, most: Mapping[str, int]) -> int:
    count = 1
    for place, axis in enumerate(operand.axes):
        if isinstance(axis, Address):
            low, high = hull(sized.slides[number, place], {name: (0, most[name]) for name in indices(axis)})
            count *= high - low
        else:
            count *= math.prod(most[name] for name in indices(axis))
    return count


# The axes of the result


def _along(sized: Sized, place: int, axis: Axis, parts: Mapping[str, Parts]) -> Parts:
    """The chunks of one axis of the result."""
    slide = sized.slides.get((-1, place))
    if slide is not None:
        assert slide.position is not None
        return _laid(slide, parts[slide.position])
    names = indices(axis)
    cut: Parts = (1,)
    for k, name in enumerate(names):
        inner = math.prod(sized.extents[later] for later in names[k + 1 :])
        cut = tuple(part * inner for part in parts[name]) * len(cut)
        if max(parts[name]) > 1:
            break
    return cut


def _laid(slide: Slide, parts: Parts) -> Parts:
    """The cells that each part of the positions begins with."""
    stride = abs(slide.stride)
    if slide.stride < 0:
        parts = parts[::-1]
    if len(set(parts[:-1])) <= 1:
        return regular(slide.extent, parts[0] * stride) if len(parts) > 1 else (slide.extent,)
    edges = sorted({min(slide.extent, edge * stride) for edge in accumulate(parts[:-1], initial=0)} | {slide.extent})
    return tuple(b - a for a, b in pairwise(edges))
