"""Blocks: a part of the result is the result of a smaller equation, on parts of the operands.

A block of the result is a span of cells on each of its axes. The index values that make it form a **box**, a span each, and a box
is an equation again, with other extents. What that equation reads lies together on every axis but for two things: the halo beyond
the array's edge, which the border says, and merged axes of which an outer index takes several values and an inner one not all.

    i+u-1, u -> i        of eight cells of x, by three taps, in two blocks

    x         0 1 2 3 4 5 6 7
    y[0:4]  . 0 1 2 3 4             one cell of border, then five cells of x
    y[4:8]          3 4 5 6 7 .     five cells of x, one of border

Addresses on the result are the same from the other side: a block needs all positions that reach one of its cells, and what these
put beside it is cut off.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from slidesum.core.axis import Address, Axis, indices
from slidesum.core.sized import Border, Connections, Sized, Slide
from slidesum.laws.edge import source

Span = tuple[int, int]
"""The first, and one past the last."""
Box = Mapping[str, Span]


class Run(NamedTuple):
    """`cells` cells of a block from `at` on: they hold the array's cells `cell`, `cell + step`, … (a step is -1, 0 or 1)."""

    at: int
    cell: int
    cells: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What a block of `extent` cells holds along one axis. Cells in no run hold a constant."""

    extent: int
    runs: tuple[Run, ...]

    @property
    def gaps(self) -> tuple[Span, ...]:
        """The cells in no run."""
        edges = [0, *(edge for run in self.runs for edge in (run.at, run.at + run.cells)), self.extent]
        return tuple((low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if low < high)


@dataclass(frozen=True, slots=True)
class Block:
    """How a block of the result is made: `sized` of what `reads` says of the operands, laid down as `writes` says.

    No window of `sized` leaves its arrays, so it has no padding. There is an entry of `reads` for every axis of every operand, and
    one of `writes` for every axis of the result.
    """

    sized: Sized
    reads: tuple[tuple[Reading, ...], ...]
    writes: tuple[Reading, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing reaches it: between the windows of a transposed convolution, or where there are no cells."""
        return not all(reading.runs for reading in self.writes)


def block(sized: Sized, cells: Sequence[Span], part: Box | None = None) -> Block:
    """The block of the result with these cells; `part` narrows indices that are summed.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> found = block(solve(parse("i+u-1, u -> i"), [(8,), (3,)]), [(4, 8)])
    >>> found.reads[0]
    (Reading(extent=6, runs=(Run(at=0, cell=3, cells=5, step=1),)),)
    >>> found.sized.shapes, found.sized.result_shape
    (((6,), (3,)), (4,))
    """
    box = needed(sized, cells) | dict(part or {})
    reads = tuple(
        tuple(_reading(sized, number, place, axis, box) for place, axis in enumerate(operand.axes))
        for number, operand in enumerate(sized.equation.operands)
    )
    writes = tuple(
        _writing(sized, place, axis, box, span)
        for place, (axis, span) in enumerate(zip(sized.equation.result.axes, cells, strict=True))
    )
    return Block(narrowed(sized, box), reads, writes)


def needed(sized: Sized, cells: Sequence[Span]) -> dict[str, Span]:
    """The box of index values that these cells of the result are made of: every index, those not on the result whole.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> needed(solve(parse("i, u -> 2*i+u"), [(8,), (3,)]), [(4, 6)])
    {'i': (1, 3), 'u': (0, 3)}
    """
    whole = {name: (0, sized.extents[name]) for name in sized.equation.indices}
    box = dict(whole)
    for place, (axis, span) in enumerate(zip(sized.equation.result.axes, cells, strict=True)):
        if isinstance(axis, Address):
            slide = sized.slides[-1, place]
            found = _reaching(slide, whole, _preimage(slide, span))
        else:
            found = _parts(indices(axis), sized.extents, span)
        box |= {name: _common(box[name], span) for name, span in found.items()}  # on a diagonal both axes tell
    return box


def narrowed(sized: Sized, box: Box) -> Sized:
    """The equation of these index values alone, without a bias and without padding: its arrays begin where its windows do."""
    lengths = {name: high - low for name, (low, high) in box.items()}
    slides = {key: _narrow(slide, lengths) for key, slide in sized.slides.items()}
    equation = replace(sized.equation, bias=None)
    small = replace(
        sized,
        equation=equation,
        extents={**sized.extents, **lengths},
        slides=slides,
        bias_shape=None,
        connections=_shifted(sized.connections, box),
        notes=(),
    )
    shapes = {
        number: tuple(small.axis_extent(number, place, axis) for place, axis in enumerate(operand.axes))
        for number, operand in equation.arrays()
    }
    return replace(small, shapes=tuple(shapes[number] for number in range(len(equation.operands))), result_shape=shapes[-1])


def hull(slide: Slide, box: Box) -> Span:
    """From the lowest to the highest cell that these values address; it may lie in the padding."""
    if any(low >= high for low, high in (box[name] for name, _ in slide.steps)):
        return 0, 0
    ends = [sorted((step * box[name][0], step * (box[name][1] - 1))) for name, step in slide.steps]
    return slide.start + sum(low for low, _ in ends), slide.start + sum(high for _, high in ends) + 1


# From cells of the result to index values


def _reaching(slide: Slide, box: Box, span: Span) -> dict[str, Span]:
    """The positions whose windows touch the span; the taps stay whole."""
    assert slide.position is not None
    low, high = hull(slide, {**box, slide.position: (0, 1)})
    stride, positions = slide.stride, box[slide.position][1]
    first, last = span[0] - (high - 1), span[1] - 1 - low  # first <= stride·position <= last
    if stride < 0:
        first, last, stride = -last, -first, -stride
    begin, end = max(0, -(-first // stride)), min(positions, last // stride + 1)
    return {slide.position: (begin, max(begin, end)) if span[0] < span[1] else (0, 0)}


def _parts(names: Sequence[str], extents: Mapping[str, Any], span: Span) -> dict[str, Span]:
    """The values of merged indices from the first cell to the last: the outer ones as narrow as can be, the inner ones whole."""
    if not names:
        return {}
    low, high = span
    inner = math.prod(extents[name] for name in names[1:])
    if low >= high or not inner:
        return dict.fromkeys(names, (0, 0))
    first, beyond = low // inner, (high - 1) // inner + 1
    if beyond - first == 1:
        return {names[0]: (first, beyond)} | _parts(names[1:], extents, (low - first * inner, high - first * inner))
    return {names[0]: (first, beyond)} | {name: (0, extents[name]) for name in names[1:]}


# From index values to cells


def _reading(sized: Sized, number: int, place: int, axis: Axis, box: Box) -> Reading:
    if isinstance(axis, Address):
        slide = sized.slides[number, place]
        return _with_border(hull(slide, box), slide.extent, slide.border)
    cells = _merged_cells(indices(axis), sized.extents, box)
    return Reading(sum(run.cells for run in cells), tuple(cells))


def _with_border(span: Span, extent: int, border: Border) -> Reading:
    """The cells inside as they lie, and around them the cells that a border repeats."""
    low, high = span
    inside = min(max(low, 0), high), max(min(high, extent), low)
    if inside[0] >= inside[1]:
        return Reading(high - low, tuple(_runs(low, range(low, high), extent, border)))
    middle = Run(inside[0] - low, inside[0], inside[1] - inside[0])
    before, after = range(low, inside[0]), range(inside[1], high)
    return Reading(high - low, (*_runs(low, before, extent, border), middle, *_runs(low, after, extent, border)))


def _runs(base: int, cells: Iterable[int], extent: int, border: Border) -> Iterator[Run]:
    """Cells that lie in the padding, as runs of the cells whose values stand there."""
    run: Run | None = None
    for cell in cells:
        found = source(cell, extent, border)
        if found is None:
            continue
        step = found - (run.cell + run.step * (run.cells - 1)) if run else 0
        if run and abs(step) <= 1 and (run.cells == 1 or step == run.step):
            run = Run(run.at, run.cell, run.cells + 1, step)
            continue
        if run:
            yield run
        run = Run(cell - base, found, 1)
    if run:
        yield run


def _merged_cells(names: Sequence[str], extents: Mapping[str, Any], box: Box) -> list[Run]:
    """The cells of merged indices; one run, unless an outer index takes several values and an inner one not all."""
    begin, count = 0, 1
    outer: list[tuple[range, int]] = []  # the values that begin a run, and how many cells lie between them
    size = 1
    for name in reversed(names):
        low, high = box[name]
        if count == size:  # all inner indices are whole
            begin, count = low * size, (high - low) * size
        else:
            outer.insert(0, (range(low, high), size))
        size *= extents[name]
    if not count or any(not values for values, _ in outer):
        return []
    starts = [
        begin + sum(value * between for value, (_, between) in zip(at, outer, strict=True))
        for at in itertools.product(*(values for values, _ in outer))
    ]
    return [Run(k * count, start, count) for k, start in enumerate(starts)]


# From the smaller result to the block


def _writing(sized: Sized, place: int, axis: Axis, box: Box, span: Span) -> Reading:
    """Which cells of the smaller result the block holds: of several at one place the sum, 0 where there is none."""
    if not isinstance(axis, Address):
        return _overlap(span, _merged_cells(indices(axis), sized.extents, box))
    slide = sized.slides[-1, place]
    low, high = hull(slide, box)
    inside = _overlap(span, [Run(0, low, high - low)])
    folded = (
        Run(found - span[0], cell - low, 1) for cell, found in _beyond(slide) if low <= cell < high and span[0] <= found < span[1]
    )
    return replace(inside, runs=(*inside.runs, *folded))


def _overlap(span: Span, laid: Iterable[Run]) -> Reading:
    """The part of the span on which the cells `run.cell, …` of the result lie."""
    low, high = span
    met = ((run, max(low, run.cell), min(high, run.cell + run.cells)) for run in laid)
    runs = (Run(first - low, run.at + first - run.cell, beyond - first) for run, first, beyond in met if first < beyond)
    return Reading(high - low, tuple(runs))


def _beyond(slide: Slide) -> Iterator[tuple[int, int]]:
    """The cells in the padding of a result, each with the cell that its border adds it to."""
    low, high = slide.padding
    for cell in (*range(-low, 0), *range(slide.extent, slide.extent + high)):
        found = source(cell, slide.extent, slide.border)
        if found is not None:
            yield cell, found


def _preimage(slide: Slide, span: Span) -> Span:
    """The span, and all cells beyond the edge that are added to it."""
    folded = [cell for cell, found in _beyond(slide) if span[0] <= found < span[1]]
    return (min(span[0], *folded), max(span[1], *(cell + 1 for cell in folded))) if folded else span


def _common(a: Span, b: Span) -> Span:
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low < high else (0, 0)


def _narrow(slide: Slide, lengths: Mapping[str, int]) -> Slide:
    begin, end = hull(replace(slide, start=0), {name: (0, lengths[name]) for name, _ in slide.steps})
    return replace(slide, start=-begin, extent=end - begin, padding=(0, 0), border="zero")


def _shifted(wired: Connections | None, box: Box) -> Connections | None:
    if wired is None:
        return None
    (low, high), (low2, high2) = (box[name] for name in wired.indices)
    return replace(wired, pairs=tuple((a - low, b - low2) for a, b in wired.pairs if low <= a < high and low2 <= b < high2))
