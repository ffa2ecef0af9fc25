"""An equation: operands, how they are reduced, and the result. The one source of truth about a layer.

    y[b,o,i,j] = sum over c,u,v of x[b,c,2*i+u,2*j+v] * w[o,c,u,v] + a[o]

Two words are used everywhere. An index is **summed** when it stands on an operand but not on the result (for a pooling: when the
maximum, the mean … runs over it). In an address the **position** is the index that says which output is being made; the other
indices of the address are **taps**.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, get_args, runtime_checkable

from slidesum.core.axis import Address, Axis, bare, factors, indices

Reduce = Literal["sum", "max", "mean", "min"]
REDUCTIONS: tuple[Reduce, ...] = get_args(Reduce)


def operand_name(number: int) -> str:
    """What an operand is called unless its equation says otherwise: x, w, w2, w3, …"""
    return ("x", "w")[number] if number < 2 else f"w{number}"


RESULT_NAME = "y"
BIAS_NAME = "a"


@dataclass(frozen=True)
class Operand:
    """An array of the equation: its name and one entry an axis."""

    name: str
    axes: tuple[Axis, ...]

    @cached_property
    def indices(self) -> tuple[str, ...]:
        return unique(name for axis in self.axes for name in indices(axis))

    @cached_property
    def bare(self) -> tuple[str, ...]:
        return unique(name for axis in self.axes for name in bare(axis))


@dataclass(frozen=True)
class Equation:
    """`result = reduce(product of operands) + bias`. Immutable and hashable; compares by meaning, not by spelling."""

    operands: tuple[Operand, ...]
    result: Operand
    reduce: Reduce = "sum"
    bias: Operand | None = None
    text: str = field(default="", compare=False, repr=False)

    @cached_property
    def _hash(self) -> int:
        return hash((self.operands, self.result, self.reduce, self.bias))

    def __hash__(self) -> int:
        """Worked out once: laws remember their answers by equation."""
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        """Without the hash, which holds in this process only."""
        return {name: value for name, value in vars(self).items() if name != "_hash"}

    @cached_property
    def indices(self) -> tuple[str, ...]:
        """All indices: first those of the result, then the others as they come."""
        return unique(name for operand in (self.result, *self.operands) for name in operand.indices)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """Strides and dilations that are written as names."""
        return unique(f for operand in (*self.operands, self.result) for axis in operand.axes for f in factors(axis))

    @cached_property
    def summed(self) -> tuple[str, ...]:
        """The indices that the reduction runs over."""
        kept = set(self.result.indices)
        return tuple(name for name in self.indices if name not in kept)

    @property
    def is_pooling(self) -> bool:
        """One operand, nothing to multiply with."""
        return len(self.operands) == 1

    def arrays(self) -> Iterator[tuple[int, Operand]]:
        """The operands with their numbers, then the result as number -1."""
        yield from enumerate(self.operands)
        yield -1, self.result

    def addresses(self) -> Iterator[tuple[int, int, Address]]:
        """Every address as (number of its array, number of its axis, address); the result has number -1."""
        for number, operand in self.arrays():
            for place, axis in enumerate(operand.axes):
                if isinstance(axis, Address):
                    yield number, place, axis

    def position(self, number: int, address: Address) -> str | None:
        """The position of an address of array `number`: the index that also stands on the result (rule 2).

        Where two do (`b c i+u j+v -> b c u v i j`), it is the one that no operand carries bare, else the one written first.
        For an address of the result, it is the index that stands on the first operand.
        """
        names = indices(address)
        if number < 0:
            first = set(self.operands[0].indices)
            return next((name for name in names if name in first), names[0])
        kept = set(self.result.indices)
        candidates = [name for name in names if name in kept]
        open_ones = [name for name in candidates if not any(name in operand.bare for operand in self.operands)]
        return next(iter(open_ones or candidates), None)

    @cached_property
    def positions(self) -> tuple[str, ...]:
        """The indices that the layer slides over, in the order of the addresses."""
        return unique(p for number, _, address in self.addresses() if (p := self.position(number, address)) is not None)


@runtime_checkable
class HasTree(Protocol):
    """Whatever carries an equation, such as what `ss.equation(…)` returns."""

    @property
    def tree(self) -> Equation: ...


def unique(items: Iterator[str]) -> tuple[str, ...]:
    """Each item once, in the order of first appearance."""
    return tuple(dict.fromkeys(items))
