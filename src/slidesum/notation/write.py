"""Equation -> text, in both spellings.

    pattern   b c 2*i+u 2*j+v, o c u v -> b o i j
    named     y[b,o,i,j] = x[b,c,2*i+u,2*j+v] * w[o,c,u,v] + a[o]

A pattern leaves out the names of the arrays and the bias; the named spelling tells everything.
"""

from __future__ import annotations

from functools import lru_cache

from slidesum.core.axis import Address, Axis, Merged, Name, One, Rest, Term
from slidesum.core.equation import Equation, Operand
from slidesum.notation.pattern import reduction_meant


@lru_cache(maxsize=4096)
def pattern(equation: Equation) -> str:
    """What people type; reads like einops."""
    operands = ", ".join(axes(operand, " ") for operand in equation.operands)
    first = equation.operands[0].axes[:1]
    taken = [a for a in first if isinstance(a, Name) and reduction_meant(a.name) is not None]  # would be read as the reduction
    prefix = "sum " if taken and equation.reduce == "sum" else _prefix(equation)
    return f"{prefix}{operands} -> {axes(equation.result, ' ')}".rstrip()


def named(equation: Equation) -> str:
    """What explanations print; with the bias."""
    product = " * ".join(f"{operand.name}[{axes(operand, ',')}]" for operand in equation.operands)
    bias = f" + {equation.bias.name}[{axes(equation.bias, ',')}]" if equation.bias else ""
    return f"{equation.result.name}[{axes(equation.result, ',')}] = {_prefix(equation)}{product}{bias}"


def axes(operand: Operand, between: str) -> str:
    """The axes of one array."""
    return between.join(axis(a) for a in operand.axes)


def axis(a: Axis) -> str:
    """One axis, as it stands in either spelling."""
    match a:
        case Name(name):
            return name
        case One():
            return "1"
        case Rest():
            return "..."
        case Merged(names):
            return f"({' '.join(names)})"
        case Address(terms, constant):
            text = "".join(_term(t, first=k == 0) for k, t in enumerate(terms))
            return text + (f"{constant:+d}" if constant else "")


def _term(term: Term, *, first: bool) -> str:
    sign = "-" if term.number < 0 else "" if first else "+"
    number = "" if abs(term.number) == 1 else f"{abs(term.number)}*"
    factor = f"{term.factor}*" if term.factor else ""
    return f"{sign}{number}{factor}{term.index}"


def _prefix(equation: Equation) -> str:
    return "" if equation.reduce == "sum" else f"{equation.reduce} "
