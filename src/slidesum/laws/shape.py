"""Equation + what is known of the arrays -> every extent (rule 3).

Extents come in rounds: axes that stand bare, merged axes with one part open, then each position as large as can be without leaving
the padded array,

    positions = (N + p_lo + p_hi - sum(|step|·(taps - 1)) - 1) // |stride| + 1

and again until nothing changes. What stays open is an error that names the axis and the size to give. Dumoulin and Visin, "A guide
to convolution arithmetic for deep learning" (2016), relationships 6 and 13, are the one-axis cases of this rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.equation import Equation, Operand
from slidesum.core.sized import Border, Connections, Padding, Sized, Slide
from slidesum.core.sizes import (
    Size,
    SizeLike,
    ceil_div,
    floor_div,
    is_number,
    prod,
    size,
    smallest,
    surely_differ,
    surely_less,
    tidy,
)
from slidesum.errors import RankError, SizeError
from slidesum.laws.given import (
    check_extent,
    check_ones,
    check_positions,
    check_ranks,
    index_span,
    known_border,
    known_sizes,
    taken_sizes,
)
from slidesum.laws.notes import unread
from slidesum.laws.padding import keeps_all, known_padding, resolve_padding, transposed_padding, window_span
from slidesum.laws.rest import Shape, expand_rest, operands_span


def solve(
    equation: Equation,
    shapes: Sequence[Shape | None],
    sizes: Mapping[str, SizeLike] | None = None,
    *,
    padding: Padding = "valid",
    border: Border = "zero",
    extent: Mapping[str, SizeLike] | None = None,
    connections: Connections | None = None,
) -> Sized:
    """Give every index its extent and every address its numbers.

    `shapes` has one entry an operand, None where it isn't known (a filter that is yet to be made). `sizes` gives extents of indices
    and values of strides and dilations that are written as names. `extent` sets the extent of a result axis that holds an address,
    keyed by its position. Raises RankError, SizeError or UsageError.

    >>> from slidesum.notation.parse import parse
    >>> solve(parse("b c 2*i+u-3, o c u -> b o i"), [(1, 3, 224), (64, 3, 7)]).result_shape
    (1, 64, 112)
    """
    if len(shapes) != len(equation.operands):
        raise RankError(
            f"the pattern has {len(equation.operands)} operands, and {len(shapes)} arrays were given",
            equation.text,
            operands_span(equation),
            usual="Operands are separated by commas; the bias is no operand.",
            advice="Give one array for each operand, and the bias as bias=.",
        )
    return _Solver(equation, shapes, sizes or {}, padding, border, extent or {}, connections).run()


class _Solver:
    """One solution in the making; `run` is the table of contents."""

    def __init__(
        self,
        equation: Equation,
        shapes: Sequence[Shape | None],
        sizes: Mapping[str, SizeLike],
        padding: Padding,
        border: Border,
        extent: Mapping[str, SizeLike],
        connections: Connections | None,
    ) -> None:
        self.text = equation.text
        self.equation = expand_rest(equation, shapes)
        self.shapes = [None if shape is None else tuple(map(size, shape)) for shape in shapes]
        self.extents: dict[str, Size] = {}
        self.slides: dict[tuple[int, int], Slide] = {}
        self.padding = known_padding(padding)
        self.border = known_border(border)
        self.connections = connections
        self.wanted = known_sizes("extent", extent)
        check_ranks(self.equation, self.shapes)
        check_positions(self.equation, "padding", padding if isinstance(padding, Mapping) else {})
        check_extent(self.equation, self.wanted)
        self.extents |= taken_sizes(self.equation, sizes)
        check_ones(self.equation, self.shapes)

    def run(self) -> Sized:
        while self._bare_round() or self._merged_round() or self._position_round():
            pass
        self._refuse_open()
        for number, place, address in self.equation.addresses():
            if number >= 0:
                self._resolve(number, place, address)
        for number, place, address in self.equation.addresses():
            if number < 0:
                self._resolve_result(place, address)
        equation = self.equation
        sized = Sized(equation, self.extents, (), (), None, self.slides, self.border, self.connections)
        sized = replace(
            sized,
            shapes=tuple(_shape(sized, number, operand) for number, operand in enumerate(equation.operands)),
            result_shape=_shape(sized, -1, equation.result),
            bias_shape=_shape(sized, -2, equation.bias) if equation.bias else None,
        )
        return replace(sized, notes=tuple(unread(sized)))

    # The rounds

    def _bare_round(self) -> bool:
        found = False
        for _, operand, axis, known in self._known_axes():
            if isinstance(axis, Name):
                found |= self._learn(axis.name, known, operand.name, axis)
        return found

    def _merged_round(self) -> bool:
        for _, operand, axis, known in self._known_axes():
            if not isinstance(axis, Merged):
                continue
            open_names = [name for name in axis.names if name not in self.extents]
            product = prod(self.extents[name] for name in axis.names if name in self.extents)
            if not open_names:
                if surely_differ(product, known):
                    parts = "·".join(str(self.extents[n]) for n in axis.names)
                    raise SizeError(
                        f"{_text(axis)} is {known} on {operand.name}, but {parts} = {product}",
                        self.text,
                        axis.span,
                        advice="Make the parts multiply to the extent of the axis.",
                    )
            elif len(open_names) == 1:
                if is_number(known) and is_number(product) and (product == 0 or known % product):
                    raise SizeError(
                        f"{_text(axis)} is {known} on {operand.name}, which can't be divided by {product}",
                        self.text,
                        axis.span,
                        usual="All groups have the same number of maps.",
                        advice=f"Give sizes whose product is {known}.",
                    )
                return self._learn(
                    open_names[0],
                    tidy(known / product) if not is_number(known) or not is_number(product) else known // product,
                    operand.name,
                    axis,
                )
        return False

    def _position_round(self) -> bool:
        found: dict[str, Size] = {}  # a position with several addresses stays in every array
        for number, operand, axis, known in self._known_axes():
            if not isinstance(axis, Address):
                continue
            position = self.equation.position(number, axis)
            missing = [name for name in indices(axis) if name not in self.extents]
            if position is None or missing != [position]:
                continue
            stride, span = self._step(axis, position), self._taps_span(axis, position)
            low, high = resolve_padding(self.padding, position, axis, known, stride, span, self.text)
            room = tidy(known + low + high)
            if surely_less(room, span):
                raise SizeError(
                    f"the window of {position} spans {span} cells, and {operand.name} with its padding has {room}",
                    self.text,
                    axis.span,
                    usual=f"The axis has {known} cells, padded by {low} before and {high} after.",
                    advice='Make the filter smaller, or pad: padding="same".',
                )
            fitting = tidy(floor_div(tidy(room - span), abs(stride)) + 1)
            if keeps_all(self.padding, position):  # the same number, and the simpler formula
                fitting = ceil_div(known, abs(stride))
            found[position] = smallest(found.get(position, fitting), fitting)
        self.extents |= found
        return bool(found)

    def _known_axes(self) -> list[tuple[int, Operand, Axis, Size]]:
        return [
            (number, operand, axis, known)
            for number, (operand, shape) in enumerate(zip(self.equation.operands, self.shapes, strict=True))
            if shape is not None
            for axis, known in zip(operand.axes, shape, strict=True)
        ]

    def _learn(self, name: str, value: Size, where: str, axis: Axis) -> bool:
        before = self.extents.get(name)
        if before is None:
            self.extents[name] = value
            return True
        if surely_differ(before, value):
            raise SizeError(
                f"{name!r} is {value} on {where}, but {before} elsewhere",
                self.text,
                axis.span,
                usual="An index has one extent, wherever it stands.",
                advice="Check the shapes, or the size given beside the pattern.",
            )
        return False

    def _refuse_open(self) -> None:
        open_names = [name for name in self.equation.indices if name not in self.extents]
        if not open_names:
            return
        taps = [name for name in open_names if name not in self.equation.positions] or open_names
        name = taps[0]
        if not any(name in operand.indices for operand in self.equation.operands):
            raise SizeError(
                f"{name!r} stands on the result but on no operand, and its extent is open",
                self.text,
                index_span(self.equation, name),
                usual="An index that only the result has repeats the values along a new axis.",
                advice=f"Put {name!r} on an operand, or give {name}=3 to repeat.",
            )
        for _, _, axis, known in self._known_axes():
            if isinstance(axis, Merged) and name in axis.names:
                raise SizeError(
                    f"the extent of {name!r} is open",
                    self.text,
                    axis.span,
                    usual=f"{_text(axis)} is {known} in all, and which part is {name!r} can't be told.",
                    advice="Give the extents of all of them but one beside the pattern.",
                )
        raise SizeError(
            f"the extent of {name!r} is open",
            self.text,
            index_span(self.equation, name),
            usual="Nothing that was given has an axis of that name alone.",
            advice=f"Give it beside the pattern: {', '.join(f'{n}=3' for n in taps)}.",
        )

    # Addresses

    def _step(self, address: Address, name: str) -> Size:
        term = next(t for t in address.terms if t.index == name)
        return tidy(term.number * self.extents[term.factor]) if term.factor else term.number

    def _taps_span(self, address: Address, position: str | None) -> Size:
        return window_span([(abs(self._step(address, n)), self.extents[n]) for n in indices(address) if n != position])

    def _resolve(self, number: int, place: int, address: Address) -> None:
        shape = self.shapes[number]
        operand = self.equation.operands[number]
        position = self.equation.position(number, address)
        span = self._taps_span(address, position)
        stride = self._step(address, position) if position else 1
        positions = self.extents[position] if position else 1
        reach = window_span([(1, span), (abs(stride), positions)])
        if shape is None:  # as few cells as give these positions; only "same" looks at their number, and takes stride·positions
            low, high = resolve_padding(self.padding, position, address, tidy(positions * abs(stride)), stride, span, self.text)
            known = tidy(reach - low - high)
            if surely_less(known, 1):
                raise SizeError(
                    f"the extent of {operand.name} at this axis can't be told",
                    self.text,
                    address.span,
                    advice=f"Give the shape of {operand.name}.",
                )
        else:
            known = shape[place]
        low, high = resolve_padding(self.padding, position, address, known, stride, span, self.text)
        room = tidy(known + low + high)
        if surely_less(room, reach):
            raise SizeError(
                f"the address reaches {reach} cells, and {operand.name} with its padding has {room}",
                self.text,
                address.span,
                usual=f"The extents of {', '.join(indices(address))} were given, and they lead beyond the array.",
                advice="Give smaller extents, or pad.",
            )
        self.slides[number, place] = replace(self._slide(address, known, (low, high), position), border=self.border)

    def _resolve_result(self, place: int, address: Address) -> None:
        position = self.equation.position(-1, address)
        assert position is not None
        stride, span = self._step(address, position), self._taps_span(address, position)
        whole = window_span([(1, span), (abs(stride), self.extents[position])])
        low, high, known = transposed_padding(
            self.padding, position, address, whole, self.extents[position], stride, self.wanted.get(position), self.text
        )
        self.slides[-1, place] = self._slide(address, known, (low, high), position)

    def _slide(self, address: Address, known: Size, padding: tuple[Size, Size], position: str | None) -> Slide:
        steps = tuple((name, self._step(address, name)) for name in indices(address))
        back = [step * (self.extents[name] - 1) for name, step in steps if is_number(step) and step < 0]
        return Slide(steps, tidy(-padding[0] - sum(back)), known, padding, position)


def _shape(sized: Sized, number: int, operand: Operand) -> tuple[Size, ...]:
    return tuple(sized.axis_extent(number, place, axis) for place, axis in enumerate(operand.axes))


def _text(axis: Merged) -> str:
    return f"({' '.join(axis.names)})"
