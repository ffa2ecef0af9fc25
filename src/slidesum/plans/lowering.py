"""An equation that is shaped like a convolution of a library, laid onto it.

Each index falls into one group by where it stands; the groups become the library's axes:

    x (batch, group·channel, cells…)  *  w (group·filter, channel, taps…)  ->  y (batch, group·filter, positions…)

    batch     on x and y: the batch, and the maps that type 1 keeps apart
    group     on x, w and y: grouped, depthwise, a filter per sample
    channel   on x and w
    filter    on w and y

x is the operand with the addresses (or, where the result has them, the one with the positions). What doesn't fit (several taps in
an address, weights that differ by position, three operands) is computed otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.core.axis import Address, Name, indices
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized, Slide
from slidesum.plans.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Line:
    """One slid axis: its position, its tap (None for a bare stride) and their numbers."""

    position: str
    tap: str | None
    stride: int
    dilation: int
    slide: Slide


@dataclass(frozen=True, slots=True)
class Laid:
    """How the axes of one array (of the shape `given`) become the library's: put in this order, then merged into this shape."""

    given: tuple[int, ...]
    order: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def keeps_order(self) -> bool:
        return self.order == tuple(range(len(self.order)))


@dataclass(frozen=True, slots=True)
class Lowering:
    """An equation as one convolution.

    x, w       the numbers of the operands; w is None for a pooling
    scatters   whether the addresses stand on the result: a transposed convolution
    lines      the slid axes
    groups     the indices by group: batch, group, channel, filter
    x_laid, w_laid   operands to the library's axes; `flipped` axes of w (in the library's order) run backwards
    geometry   strides, dilations, groups, and the padding that the library does itself
    padded     the lines that are padded beforehand, on axis 2 + k of x; of a transposed one, cropped afterwards
    y_given    the shape that the library gives
    y_shape    the extents by which the library's axes are opened again, y_order their order on the result
    """

    x: int
    w: int | None
    scatters: bool
    lines: tuple[Line, ...]
    batch: tuple[str, ...]
    group: tuple[str, ...]
    channel: tuple[str, ...]
    filter: tuple[str, ...]
    x_laid: Laid
    w_laid: Laid | None
    flipped: tuple[int, ...]
    geometry: Geometry
    padded: tuple[int, ...]
    y_given: tuple[int, ...]
    y_shape: tuple[int, ...]
    y_order: tuple[int, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        return self.y_shape[len(self.y_shape) - len(self.lines) :]


def lowered(sized: Sized) -> Lowering | None:
    """The lowering of a normal equation of one or two operands, or None where it isn't shaped like a convolution.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> low = lowered(solve(parse("b c i+u-1, o u -> b c o i"), [(2, 3, 8), (4, 3)]))
    >>> low.batch, low.filter, low.x_laid.shape, low.w_laid.shape, low.geometry.padding
    (('b', 'c'), ('o',), (6, 1, 8), (4, 1, 3), (1,))
    """
    equation = sized.equation
    owners = {number for number, _, _ in equation.addresses()}
    if len(owners) > 1 or len(equation.operands) > 2 or 0 in sized.extents.values():
        return None
    side = next(iter(owners), 0)
    lines = _lines(sized, side) if owners else _still(sized)
    if not lines:
        return None
    x = side if side >= 0 else _holder(sized, [line.position for line in lines])
    if x is None:
        return None
    w = 1 - x if len(equation.operands) == 2 else None
    grouped = _groups(sized, lines, x, w, scatters=side < 0)
    return _laid_out(sized, lines, x, w, grouped, scatters=side < 0) if grouped else None


def _lines(sized: Sized, side: int) -> list[Line] | None:
    """The slid axes of one array, if each has a position and at most one tap."""
    lines = []
    for slide in sized.slides_of(side):
        taps = slide.taps
        if slide.position is None or len(taps) > 1 or slide.stride < 0:
            return None
        tap, dilation = taps[0] if taps else (None, 1)
        lines.append(Line(slide.position, tap, slide.stride, dilation, slide))
    return lines


def _still(sized: Sized) -> list[Line]:
    """The last two axes of x and of the result, if they are the same and no filter's: what a 1×1 convolution slides over."""
    x, y = sized.equation.operands[0].axes, sized.equation.result.axes
    elsewhere = {name for operand in sized.equation.operands[1:] for name in operand.indices}
    last = [axis.name for axis in x[-2:] if isinstance(axis, Name) and axis.name not in elsewhere]
    if len(sized.equation.operands) != 2 or len(last) < 2 or x[-2:] != y[-2:] or len(x) < 3:
        return []
    return [Line(n, None, 1, 1, Slide(((n, 1),), 0, sized.extents[n], (0, 0), n)) for n in last]


def _holder(sized: Sized, positions: Sequence[str]) -> int | None:
    """The one operand that has all positions of the result's addresses."""
    holders = [k for k, operand in enumerate(sized.equation.operands) if set(positions) <= set(operand.bare)]
    return holders[0] if len(holders) == 1 else None


def _groups(sized: Sized, lines: list[Line], x: int, w: int | None, *, scatters: bool) -> tuple[list[str], ...] | None:
    """batch, group, channel, filter: if every index stands where the library expects it."""
    equation = sized.equation
    of_x, of_w = equation.operands[x], equation.operands[w] if w is not None else Operand("", ())
    if any(_repeats(operand) for operand in (of_x, of_w, equation.result)):
        return None
    positions, taps = {line.position for line in lines}, {line.tap for line in lines if line.tap}
    if len(positions) + len(taps) < len(lines) + sum(line.tap is not None for line in lines):
        return None
    on_x, on_w, on_y = set(of_x.indices), set(of_w.indices), set(equation.result.indices)
    bare = set(of_x.bare) if scatters else set(equation.result.bare)
    if not positions <= bare or positions & on_w or taps & bare or (w is not None and not taps <= on_w):
        return None
    if w is None and scatters:
        return None
    slid = positions | taps
    names_x = [n for n in of_x.indices if n not in slid]
    names_w = [n for n in of_w.indices if n not in slid]
    if any(n not in on_y and (n not in on_w) for n in names_x) or any(n not in on_y and n not in on_x for n in names_w):
        return None
    return (
        [n for n in names_x if n in on_y and n not in on_w],
        [n for n in names_x if n in on_y and n in on_w],
        [n for n in names_x if n not in on_y],
        [n for n in names_w if n not in on_x],
    )


def _repeats(operand: Operand) -> bool:
    names = [name for axis in operand.axes for name in indices(axis)]
    return len(set(names)) < len(names)


def _laid_out(
    sized: Sized, lines: list[Line], x: int, w: int | None, grouped: tuple[list[str], ...], *, scatters: bool
) -> Lowering:
    batch, group, channel, filters = grouped
    equation = sized.equation
    positions = [[line.position] for line in lines]
    taps = [[line.tap] if line.tap else [] for line in lines]
    x_laid = _laid(sized, x, [batch, [*group, *channel], *positions])
    outer, inner = (channel, filters) if scatters else (filters, channel)
    w_laid = None if w is None else _laid(sized, w, [[*group, *outer], inner, *taps])
    own, padded = [], []
    for k, line in enumerate(lines):
        low, high = line.slide.padding
        by_itself = not scatters and w is not None and line.slide.border == "zero" and low == high and low >= 0
        own.append(int(low) if by_itself else 0)
        if (low, high) != (0, 0) and not by_itself:
            padded.append(k)
    geometry = Geometry(
        tuple(line.stride for line in lines),
        tuple(own),
        tuple(abs(line.dilation) for line in lines),
        _all(sized, group),
    )
    names = [*batch, *group, *filters]
    cells = [line.slide.extent if scatters else sized.extents[line.position] for line in lines]
    now = [*names, *(line.position for line in lines)]
    slides = {place: slide for (number, place), slide in sized.slides.items() if number < 0}
    wanted = [
        str(slides[place].position) if isinstance(axis, Address) else indices(axis)[0]
        for place, axis in enumerate(equation.result.axes)
    ]
    return Lowering(
        x,
        w,
        scatters,
        tuple(lines),
        tuple(batch),
        tuple(group),
        tuple(channel),
        tuple(filters),
        x_laid,
        w_laid,
        tuple(2 + k for k, line in enumerate(lines) if line.tap and line.dilation < 0),
        geometry,
        tuple(padded),
        tuple(int(n) for n in (_all(sized, batch), _all(sized, [*group, *filters]), *cells)),
        tuple(int(n) for n in (*(sized.extents[n] for n in names), *cells)),
        tuple(now.index(n) for n in wanted),
    )


def _all(sized: Sized, names: Sequence[str]) -> int:
    return math.prod(int(sized.extents[name]) for name in names)


def _laid(sized: Sized, number: int, blocks: list[list[str]]) -> Laid:
    """The axes of an operand in the order of the blocks, every block merged; an address goes by its position."""
    operand = sized.equation.operands[number]
    names, extents = [], []
    for place, axis in enumerate(operand.axes):
        address = sized.slides.get((number, place))
        names.append(str(address.position) if address else axis.name if isinstance(axis, Name) else "")
        extents.append(int(sized.axis_extent(number, place, axis)))
    order = tuple(names.index(n) for block in blocks for n in block)
    return Laid(tuple(extents), order, tuple(math.prod(extents[names.index(n)] for n in block) for block in blocks))
