"""The gradient of an equation is an equation: the array asked for and the result change places.

    y[b,o,i]     = x[b,c,2*i+u] * w[o,c,u]
    dx[b,c,2*i+u] = dy[b,o,i] * w[o,c,u]        a strided convolution's is a transposed one
    dw[o,c,u]     = x[b,c,2*i+u] * dy[b,o,i]    positions and taps change roles: a dilated one

It holds because every term is linear in each operand: the derivative of the sum by `x[…]` gathers, for that cell, the other factors
of all terms in which it stands. A convolution's padding becomes the transposed one's cropping, number for number.
"""

from __future__ import annotations

from slidesum.core.equation import Equation, Operand
from slidesum.errors import MeaningError, UsageError


def gradient(equation: Equation, name: str) -> Equation:
    """The equation of the gradient by the array called `name`, or by the bias.

    >>> from slidesum.notation.parse import parse
    >>> from slidesum.notation.write import named
    >>> named(gradient(parse("b c 2*i+u, o c u -> b o i"), "x"))
    'dx[b,c,2*i+u] = dy[b,o,i] * w[o,c,u]'
    """
    seed = Operand(f"d{equation.result.name}", equation.result.axes)
    if equation.bias is not None and name == equation.bias.name:
        return Equation((seed,), Operand(f"d{name}", equation.bias.axes))
    names = [operand.name for operand in equation.operands]
    if name not in names:
        known = [*names, *([equation.bias.name] if equation.bias else [])]
        raise UsageError(
            f"the equation has no operand {name!r}",
            usual=f"Its arrays are {', '.join(known)}.",
            advice="Name one of them.",
        )
    if equation.reduce != "sum":
        raise MeaningError(
            f"the gradient of a {equation.reduce} is no sum of products",
            usual="A maximum or minimum sends the gradient to the winner alone, a mean divides it by the size of the window.",
            advice="Let torch differentiate it: run the pooling on a tensor that requires a gradient.",
        )
    at = names.index(name)
    others = [operand for operand in equation.operands if operand.name != name]
    operands = [seed, *others] if at == 0 else [*others[:at], seed, *others[at:]]
    return Equation(tuple(operands), Operand(f"d{name}", equation.operands[at].axes))
