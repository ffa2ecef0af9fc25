"""An equation with what was asked for beside its pattern: a bias, a reduction."""

from __future__ import annotations

from dataclasses import replace

from slidesum.core.equation import BIAS_NAME, REDUCTIONS, Equation, Operand, Reduce
from slidesum.errors import UsageError
from slidesum.laws.roles import default_bias
from slidesum.notation.check import check
from slidesum.notation.scan import read_axes


def with_bias(equation: Equation, bias: str | bool | None) -> Equation:
    """The equation with a bias along the axes named: "o", "(g o)", or True for those of the filters."""
    if any(operand.name == "bias" for operand in equation.operands):
        raise UsageError("a filter can't be called 'bias', as the layer's bias is", advice="Give it another name, such as w.")
    if bias is None or bias is False or bias == "":
        return equation
    text = " ".join(default_bias(equation)) if bias is True else bias
    if not isinstance(text, str):
        raise UsageError(f"a layer's bias is named by its axes, not {bias!r}", advice='Write bias="o", or bias=True.')
    biased = replace(equation, bias=Operand(BIAS_NAME, read_axes(text)))
    check(biased)
    return biased


def with_reduction(equation: Equation, reduce: Reduce | None) -> Equation:
    """The equation with this reduction; the pattern may have said it already."""
    if reduce is None or reduce == equation.reduce:
        return equation
    if equation.reduce != "sum":
        raise UsageError(f"the pattern says {equation.reduce!r}, and the call {reduce!r}", advice="Say it once.")
    if reduce not in REDUCTIONS:
        known = ", ".join(REDUCTIONS)
        raise UsageError(f"there is no reduction {reduce!r}", usual=f"There are {known}.", advice="Write one of them.")
    changed = replace(equation, reduce=reduce)
    check(changed)
    return changed
