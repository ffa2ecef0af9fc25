"""`...` becomes as many fresh names as the arrays have axes to spare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slidesum.core.axis import Name, Rest
from slidesum.core.equation import Equation, Operand
from slidesum.core.sizes import Size
from slidesum.errors import RankError

Shape = Sequence[Size]


def expand_rest(equation: Equation, shapes: Sequence[Shape | None]) -> Equation:
    """`...` becomes as many fresh names as the arrays have axes to spare."""
    arrays = (*equation.operands, equation.result, *((equation.bias,) if equation.bias else ()))
    if not any(isinstance(axis, Rest) for operand in arrays for axis in operand.axes):
        return equation
    counts: dict[str, int] = {}
    for operand, shape in zip(equation.operands, shapes, strict=True):
        rest = next((axis for axis in operand.axes if isinstance(axis, Rest)), None)
        if rest is None or shape is None:
            continue
        spare = len(shape) - (len(operand.axes) - 1)
        if spare < 0:
            raise RankError(
                f"{operand.name} has {len(shape)} axes, and the pattern names {len(operand.axes) - 1} beside '...'",
                equation.text,
                operand_span(operand),
                usual=f"The shape of {operand.name} is {shown(shape)}.",
                advice="Name fewer axes.",
            )
        counts[operand.name] = spare
    if not counts:
        raise RankError(
            "how many axes '...' stands for can't be told",
            equation.text,
            (0, len(equation.text)),
            advice="Give the shape of an operand that has it.",
        )
    if len(set(counts.values())) > 1:
        told = " and ".join(f"{count} on {name}" for name, count in counts.items())
        raise RankError(
            f"'...' stands for {told}",
            equation.text,
            (0, len(equation.text)),
            usual="It is the same axes everywhere.",
            advice="Name the axes in which the arrays differ.",
        )
    fresh = (f"_{k}" for k in range(1, 1000))
    names = tuple(
        Name(name)
        for name, _ in zip((n for n in fresh if n not in equation.indices), range(next(iter(counts.values()))), strict=False)
    )

    def expand(operand: Operand) -> Operand:
        axes = tuple(new for axis in operand.axes for new in (names if isinstance(axis, Rest) else (axis,)))
        return replace(operand, axes=axes)

    return replace(
        equation,
        operands=tuple(map(expand, equation.operands)),
        result=expand(equation.result),
        bias=expand(equation.bias) if equation.bias else None,
    )


def operand_span(operand: Operand) -> tuple[int, int]:
    """Where the operand stands in the text."""
    spans = [axis.span for axis in operand.axes]
    return (spans[0][0], spans[-1][1]) if spans else (0, 1)


def operands_span(equation: Equation) -> tuple[int, int]:
    """Where the operands stand in the text, from the first to the last."""
    spans = [operand_span(operand) for operand in equation.operands if operand.axes] or [(0, 1)]
    return spans[0][0], spans[-1][1]


def shown(shape: Shape) -> str:
    """The shape as Python writes a tuple."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
