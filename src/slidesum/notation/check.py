"""What a parsed equation may not say: the rules of meaning, one function each.

They look at the structure alone. What depends on sizes is refused by `laws.shape`.
"""

from __future__ import annotations

from collections import Counter

from slidesum.core.axis import Address, Rest, indices
from slidesum.core.equation import Equation, Operand
from slidesum.errors import MeaningError, Span

_FACTORS = ("s", "d", "t", *(f"s{k}" for k in range(1000)))


def check(equation: Equation) -> None:
    """Raise MeaningError if the equation breaks a rule of meaning."""
    for rule in (
        _one_rest_each,
        _rest_comes_from_an_operand,
        _index_or_factor,
        _no_axes_run_together,
        _result_names_an_index_once,
        _poolings_have_one_operand,
        _only_sums_are_scattered,
        _bias_lies_along_the_result,
    ):
        rule(equation)


def _arrays(equation: Equation) -> tuple[Operand, ...]:
    return (*equation.operands, equation.result, *((equation.bias,) if equation.bias else ()))


def _one_rest_each(equation: Equation) -> None:
    for operand in _arrays(equation):
        rests = [axis for axis in operand.axes if isinstance(axis, Rest)]
        if len(rests) > 1:
            raise MeaningError(
                "'...' stands twice on one array",
                equation.text,
                rests[1].span,
                usual="Where the first ends and the second begins can't be told.",
                advice="Name the axes of one of them.",
            )


def _rest_comes_from_an_operand(equation: Equation) -> None:
    rest = next((axis for axis in equation.result.axes if isinstance(axis, Rest)), None)
    if rest and not any(isinstance(axis, Rest) for operand in equation.operands for axis in operand.axes):
        raise MeaningError(
            "'...' stands on the result only",
            equation.text,
            rest.span,
            usual="It repeats the axes that '...' stands for on an operand.",
            advice="Write '...' on an operand too, or name the axes.",
        )


def _index_or_factor(equation: Equation) -> None:
    names = set(equation.factors)
    used = names.union(*(operand.indices for operand in _arrays(equation)))
    for operand in _arrays(equation):
        for axis in operand.axes:
            both = next((name for name in indices(axis) if name in names), None)
            if both:
                raise MeaningError(
                    f"{both!r} is an index here and a coefficient elsewhere",
                    equation.text,
                    axis.span,
                    usual="A name is either an index or a stride or dilation, never both.",
                    advice=f"Give the stride another name, such as {next(n for n in _FACTORS if n not in used)}.",
                )


def _no_axes_run_together(equation: Equation) -> None:
    known = {name for operand in equation.operands for name in operand.indices}
    for axis in equation.result.axes:
        stranger = next((name for name in indices(axis) if name not in known), None)
        if stranger and len(stranger) > 1 and set(stranger) <= known:
            raise MeaningError(
                f"{stranger!r} stands on the result but on no operand",
                equation.text,
                axis.span,
                usual="Names may be longer than a letter, so axes are separated by spaces.",
                advice=f"Write {' '.join(stranger)!r}.",
            )


def _result_names_an_index_once(equation: Equation) -> None:
    seen = Counter(name for axis in equation.result.axes for name in indices(axis))
    for axis in reversed(equation.result.axes):
        twice = next((name for name in indices(axis) if seen[name] > 1), None)
        if twice:
            raise MeaningError(
                f"{twice!r} stands twice on the result",
                equation.text,
                axis.span,
                usual="The values would lie on a diagonal, with zeros beside it.",
                advice="Name it once, or give the second axis an index of its own.",
            )


def _poolings_have_one_operand(equation: Equation) -> None:
    if equation.reduce != "sum" and len(equation.operands) > 1:
        raise MeaningError(
            f"{equation.reduce!r} pools one operand, and here are {len(equation.operands)}",
            equation.text,
            _whole(equation, equation.operands[1]),
            usual="Products are summed; only the values of one array have a maximum, mean or minimum.",
            advice="Multiply in one equation and pool in the next.",
        )
    if equation.reduce != "sum" and equation.bias:
        raise MeaningError(
            f"{equation.reduce!r} has no bias",
            equation.text,
            _whole(equation, equation.bias),
            advice="Add it in an equation of its own, after the pooling.",
        )


def _only_sums_are_scattered(equation: Equation) -> None:
    address = next((axis for axis in equation.result.axes if isinstance(axis, Address)), None)
    if address and equation.reduce != "sum":
        raise MeaningError(
            f"{equation.reduce!r} can't have an address on the result",
            equation.text,
            address.span,
            usual="Several values may fall on one cell there; they are summed.",
            advice="Leave the reduction out, or put the address on the operand.",
        )


def _bias_lies_along_the_result(equation: Equation) -> None:
    if not equation.bias:
        return
    standing = [name for axis in equation.result.axes if not isinstance(axis, Address) for name in indices(axis)]
    for axis in equation.bias.axes:
        if isinstance(axis, Address | Rest):
            raise MeaningError(
                "an axis of the bias is no plain index",
                equation.text,
                axis.span,
                usual="A bias is added to whole maps.",
                advice="Name the index of the filters, as in a[o].",
            )
        stranger = next((name for name in indices(axis) if name not in standing), None)
        if stranger:
            raise MeaningError(
                f"the bias runs over {stranger!r}, which doesn't stand on the result",
                equation.text,
                axis.span,
                usual="The bias is added after the sum, to what is left.",
                advice="Give it an index of the result, usually that of the filters: a[o].",
            )
    used = [name for axis in equation.bias.axes for name in indices(axis)]
    twice = next((name for name in used if used.count(name) > 1), None)
    if twice:
        raise MeaningError(
            f"the bias runs over {twice!r} twice", equation.text, equation.bias.axes[-1].span, advice="Name it once."
        )


def _whole(equation: Equation, operand: Operand) -> Span:
    """From the operand's first axis to its last; the whole text if it has none."""
    return (operand.axes[0].span[0], operand.axes[-1].span[1]) if operand.axes else (0, len(equation.text))
