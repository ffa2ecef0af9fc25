"""How a count grows: a polynomial in what is varied, and its exponents.

leading exponent   of the variable in the term that wins in the end
local exponent     the slope on logarithmic paper at the declared size: v·f'(v)/f(v) at v = 1

>>> from slidesum.core.sizes import size
>>> macs = Growth(size("9*a**2 + 3*a"), ("a",))
>>> macs.degree("a"), macs.local("a"), macs.at({"a": 2})
(2, Fraction(7, 4), 42)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.core.sizes import Size, is_number, prod, tidy
from slidesum.laws.backward import backward_macs
from slidesum.laws.count import ITEM_BYTES
from slidesum.laws.graph import node_macs
from slidesum.laws.parameters import kept_parameters

QUANTITIES = ("parameters", "macs", "backward_macs", "activation_bytes")

Number = int | Fraction


@dataclass(frozen=True, slots=True)
class Growth:
    """A count as a formula in the variables, 1 each at the declared size."""

    formula: Any
    variables: tuple[str, ...]

    @property
    def is_polynomial(self) -> bool:
        return is_number(self.formula) or bool(self.formula.is_polynomial(*self.formula.free_symbols))

    def degree(self, variable: str) -> int:
        """The leading exponent; 0 for what doesn't grow, and for nothing at all."""
        return 0 if self._constant(variable) else int(self._poly(variable).degree())

    def coefficients(self, variable: str) -> tuple[Any, ...]:
        """From the highest power to the constant."""
        return (self.formula,) if self._constant(variable) else tuple(map(_simple, self._poly(variable).all_coeffs()))

    def local(self, variable: str) -> Number:
        """The exponent at the declared size, where every variable is 1."""
        value = self.at({})
        if self._constant(variable) or not value:
            return 0
        slope = self.formula.diff(self._symbol(variable)).subs(dict.fromkeys(self.formula.free_symbols, 1))
        return _exact(slope) / Fraction(value)

    def at(self, values: Mapping[str, Number]) -> Number:
        """The count where the variables have these values, 1 where none is given."""
        if is_number(self.formula):
            return _whole(Fraction(self.formula))
        import sympy

        found = {s: sympy.Rational(*Fraction(values.get(str(s), 1)).as_integer_ratio()) for s in self.formula.free_symbols}
        return _whole(_exact(self.formula.subs(found, simultaneous=True)))

    def _constant(self, variable: str) -> bool:
        return is_number(self.formula) or variable not in map(str, self.formula.free_symbols)

    def _symbol(self, variable: str) -> Any:
        return next(s for s in self.formula.free_symbols if str(s) == variable)

    def _poly(self, variable: str) -> Any:
        import sympy

        return sympy.Poly(self.formula, self._symbol(variable))


def quantities(graph: Graph) -> dict[str, dict[str, Size]]:
    """What is told of every layer, by its name."""
    back = backward_macs(graph)
    return {
        node.name: {
            "parameters": tidy(sum(prod(array.shape) for array in kept_parameters(node) if array.trainable)),
            "macs": node_macs(node),
            "backward_macs": back[node.name],
            "activation_bytes": tidy(prod(node.shape) * ITEM_BYTES["float32"]),
        }
        for node in graph
        if not isinstance(node.op, Input)
    }


def _exact(value: Any) -> Fraction:
    return Fraction(int(value.p), int(value.q)) if hasattr(value, "q") else Fraction(value)


def _whole(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else value


def _simple(value: Any) -> Any:
    return _whole(_exact(value)) if value.is_Rational else value
