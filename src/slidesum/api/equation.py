"""What `ss.equation(…)` returns: an equation that can be asked everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slidesum.core import equation as core
from slidesum.core.sized import Border, Padding, Sized
from slidesum.core.sizes import Size, size
from slidesum.errors import UsageError
from slidesum.laws.count import count, inputs_per_output
from slidesum.laws.gradient import gradient
from slidesum.laws.kind import Kind, kind
from slidesum.laws.reach import Reach, layer_reach
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import named, pattern


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation, from either spelling.

    >>> eq = Equation.read("b c i+u j+v, o u v -> b o i j")
    >>> print(eq.kind)
    type 2.1
    >>> print(eq.gradient("w").named())
    dw[o,u,v] = x[b,c,i+u,j+v] * dy[b,o,i,j]
    """

    tree: core.Equation

    @classmethod
    def read(cls, text: str) -> Equation:
        """The equation that a pattern or a named spelling writes."""
        return cls(parse(text))

    @property
    def kind(self) -> Kind:
        """What kind of layer it is; `kind.sentence` tells what its indices do."""
        return kind(self.tree)

    def gradient(self, name: str) -> Equation:
        """The equation of the gradient by the operand of this name: "x", "w", … or the bias "a"."""
        return Equation(gradient(self.tree, name))

    def named(self) -> str:
        """The named spelling: y[b,o,i] = x[b,c,i+u] * w[o,c,u]."""
        return named(self.tree)

    def sized(self, *, padding: Padding = "valid", border: Border = "zero", **told: Any) -> SizedEquation:
        """The equation with sizes: extents of indices (o=64), and shapes of operands by their name (x=(1, 3, 224, 224)).

        >>> layer = Equation.read("b c 4*i+u 4*j+v, o c u v -> b o i j").sized(x=(1, 3, 227, 227), o=96, u=11, v=11)
        >>> layer.shape, layer.weights, layer.macs
        ((1, 96, 55, 55), 34848, 105415200)
        """
        names = [operand.name for operand in self.tree.operands]
        shapes = [tuple(size(n) for n in told.pop(name)) if isinstance(told.get(name), tuple | list) else None for name in names]
        return SizedEquation(solve(self.tree, shapes, told, padding=padding, border=border))

    def __str__(self) -> str:
        return pattern(self.tree)

    def __repr__(self) -> str:
        return f"equation({pattern(self.tree)!r})"


@dataclass(frozen=True, slots=True)
class SizedEquation:
    """An equation whose sizes are known, and what follows: shapes, counts, reach."""

    tree: Sized

    @property
    def shape(self) -> tuple[Size, ...]:
        """The shape of the result."""
        return self.tree.result_shape

    @property
    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shapes of the operands by name."""
        return {operand.name: shape for operand, shape in zip(self.tree.equation.operands, self.tree.shapes, strict=True)}

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks, such as rows that no window reads."""
        return self.tree.notes

    @property
    def kind(self) -> Kind:
        return kind(self.tree.equation, self.tree)

    @property
    def weights(self) -> Size:
        return count(self.tree).weights

    @property
    def biases(self) -> Size:
        return count(self.tree).biases

    @property
    def macs(self) -> Size:
        return count(self.tree).macs

    @property
    def macs_inside(self) -> Size:
        return count(self.tree).macs_inside

    @property
    def inputs_per_output(self) -> Size:
        return inputs_per_output(self.tree)

    @property
    def reach(self) -> dict[str, Reach]:
        """Field, stride and padding along every position."""
        return layer_reach(self.tree)

    def gradient(self, name: str) -> Equation:
        """The equation of the gradient."""
        return Equation(gradient(self.tree.equation, name))


def as_tree(equation: str | Equation | core.Equation) -> core.Equation:
    """The tree of whatever a user writes for an equation."""
    if isinstance(equation, Equation):
        return equation.tree
    if isinstance(equation, core.Equation):
        return equation
    if not isinstance(equation, str):
        raise UsageError(
            f"an equation is text, not {type(equation).__name__}", advice="Write for example 'b c i+u j+v, o c u v -> b o i j'."
        )
    return parse(equation)
