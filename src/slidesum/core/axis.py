"""An axis: what may stand between two spaces of a pattern.

    name      b            an index of its own
    one       1            an axis of extent one
    rest      ...          all axes that are not written
    merged    (g c)        several indices in one axis, the last one running fastest
    address   2*i+u-3      an integer combination of indices: this is what slides

Every axis knows its `span`, the characters it was read from. Spans serve error messages only: they take no part in comparison,
so two spellings of one equation are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from slidesum.errors import Span

NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Name:
    """An index that has the axis for itself."""

    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class One:
    """An axis of extent one that no index runs over."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rest:
    """`...`: as many axes as the array has beyond those written, the same ones wherever `...` stands."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Merged:
    """Several indices that share one axis, as in einops: `(g c)` is cell g·C + c."""

    names: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of an address: `number * factor * index`, where `factor` names a stride or dilation (or is '')."""

    index: str
    number: int = 1
    factor: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where in the axis: the sum of the terms plus a constant."""

    terms: tuple[Term, ...]
    constant: int = 0
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Axis = Name | One | Rest | Merged | Address


def indices(axis: Axis) -> tuple[str, ...]:
    """The indices of an axis in the order written.

    >>> indices(Address((Term("i", 2), Term("u")), -3))
    ('i', 'u')
    """
    match axis:
        case Name(name):
            return (name,)
        case Merged(names):
            return names
        case Address(terms):
            return tuple(term.index for term in terms)
        case One() | Rest():
            return ()


def bare(axis: Axis) -> tuple[str, ...]:
    """The indices that stand outside an address, so that the array's shape tells their extent."""
    return () if isinstance(axis, Address) else indices(axis)


def factors(axis: Axis) -> Iterator[str]:
    """The strides and dilations that are written as names."""
    if isinstance(axis, Address):
        yield from (term.factor for term in axis.terms if term.factor)
