"""What a caller gave with an equation, checked before anything is solved: ranks, border, sizes, names of positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any, cast

from slidesum.core.axis import One, factors, indices
from slidesum.core.equation import Equation
from slidesum.core.sized import BORDERS, Border
from slidesum.core.sizes import Size, SizeLike, size, surely_differ, surely_less
from slidesum.errors import RankError, SizeError, Span, UsageError
from slidesum.laws.rest import Shape, operand_span, shown


def check_ranks(equation: Equation, shapes: Sequence[Shape | None]) -> None:
    """Every array has as many axes as the pattern names."""
    for operand, shape in zip(equation.operands, shapes, strict=True):
        if shape is not None and len(shape) != len(operand.axes):
            unbatched = operand is equation.operands[0] and len(shape) == len(operand.axes) - 1
            raise RankError(
                f"{operand.name} has {len(shape)} axes, and the pattern names {len(operand.axes)}",
                equation.text,
                operand_span(operand),
                usual=f"The shape of {operand.name} is {shown(shape)}{'; a batch axis is easily forgotten' * unbatched}.",
                advice="Name one axis for each axis of the array"
                + f", or add an axis to the array ({operand.name}[None] makes a batch of one)." * unbatched
                + "." * (not unbatched),
            )


def known_border(border: Any) -> Border:
    """One of the words, or a number as Python's own. Raises UsageError for anything else."""
    if isinstance(border, str) and border in BORDERS:
        return cast(Border, border)
    if isinstance(border, Number) and not isinstance(border, bool):
        return cast(Border, border.item() if hasattr(border, "item") else border)
    raise UsageError(f"{border!r} is no border", advice=f"Write one of {', '.join(BORDERS)}, or a number.")


def known_sizes(what: str, given: Any) -> dict[str, Size]:
    """Sizes by name, each an integer or a formula. Raises UsageError for what is no mapping, SizeError for what is no size."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{what}= is no dict: {given!r}", advice=f'Write {what}={{"i": 8}}, say.')
    return {name: size(value) for name, value in given.items()}


def taken_sizes(equation: Equation, sizes: Mapping[str, SizeLike]) -> dict[str, Size]:
    """The sizes that were given beside the pattern, each of an index or a coefficient; no coefficient is without one."""
    taken: dict[str, Size] = {}
    known = (*equation.indices, *equation.factors)
    for name, value in sizes.items():
        if name not in known:
            raise SizeError(
                f"the size {name}={value!r} belongs to no index",
                equation.text,
                (0, len(equation.text)),
                usual=f"The names of this pattern are {', '.join(known)}.",
                advice="Take the size away, or correct its name.",
            )
        given = size(value)
        lowest = 1 if name in equation.factors else 0
        if surely_less(given, lowest):
            raise SizeError(
                f"the size {name}={given} is too small",
                equation.text,
                index_span(equation, name),
                advice=f"Give at least {lowest}.",
            )
        taken[name] = given
    for name in equation.factors:
        if name not in taken:
            raise SizeError(
                f"the coefficient {name!r} has no value",
                equation.text,
                index_span(equation, name),
                usual="A stride or dilation that is written as a name is given as a size.",
                advice=f"Give {name}=2, say.",
            )
    return taken


def check_extent(equation: Equation, extent: Mapping[str, Size]) -> None:
    """An extent is given for positions of the result's addresses: those of an operand follow from its shape."""
    check_positions(equation, "extent", extent)
    scattered = {equation.position(number, address) for number, _, address in equation.addresses() if number < 0}
    for name in extent:
        if name not in scattered:
            raise UsageError(
                f"extent= names {name!r}, whose address stands on an operand",
                usual="It sets the extent of a result axis that holds an address, as in '… -> b o 2*i+u'.",
                advice=f"Give {name}=8 as a size to have fewer positions, or pad.",
            )


def check_positions(equation: Equation, what: str, named: Mapping[str, Any]) -> None:
    """What is given by position names positions only."""
    for name in named:
        if name not in equation.positions:
            positions = ", ".join(equation.positions) or "none"
            raise UsageError(
                f"{what}= names {name!r}, which is no position",
                usual=f"The positions of this pattern are: {positions}.",
                advice="Name one of them.",
            )


def check_ones(equation: Equation, shapes: Sequence[Shape | None]) -> None:
    """An axis 1 has the extent 1."""
    for operand, shape in zip(equation.operands, shapes, strict=True):
        for axis, found in zip(operand.axes, shape or (), strict=False):
            if isinstance(axis, One) and surely_differ(found, 1):
                raise SizeError(
                    f"the axis 1 of {operand.name} has the extent {found}",
                    equation.text,
                    axis.span,
                    advice="Give the axis a name.",
                )


def index_span(equation: Equation, name: str) -> Span:
    """Where the index or coefficient first stands in the text."""
    axes = (axis for _, operand in equation.arrays() for axis in operand.axes)
    return next(axis.span for axis in axes if name in (*indices(axis), *factors(axis)))
