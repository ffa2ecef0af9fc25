"""What `ss.equation(…)` returns: an equation that can be asked everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slidesum.core import equation as core
from slidesum.core.sized import Border, Padding, Sized
from slidesum.core.sizes import Size, SizeLike, size
from slidesum.draft.verbs import with_bias
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

    def sized(
        self,
        *,
        bias: str | bool | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        **told: Any,
    ) -> SizedEquation:
        """The equation with sizes: extents of indices (o=64), and shapes of operands by their name (x=(1, 3, 224, 224)).

        An array in place of a shape stands for its shape; the other options are those of `conv`.

        >>> layer = Equation.read("b c 4*i+u 4*j+v, o c u v -> b o i j").sized(x=(1, 3, 227, 227), o=96, u=11, v=11)
        >>> layer.shape, layer.weights, layer.macs
        ((1, 96, 55, 55), 34848, 105415200)
        """
        tree = with_bias(self.tree, bias)
        names = [operand.name for operand in tree.operands]
        given = {name: getattr(told[name], "shape", told[name]) for name in names if name in told}
        shapes = {name: tuple(size(n) for n in shape) for name, shape in given.items() if isinstance(shape, tuple | list)}
        sizes = {name: value for name, value in told.items() if name not in shapes}
        known = [shapes.get(name) for name in names]
        return SizedEquation(solve(tree, known, sizes, padding=padding, border=border, extent=extent))

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
        """What kind of layer it is, with its strides and padding."""
        return kind(self.tree.equation, self.tree)

    @property
    def weights(self) -> Size:
        """The numbers that the filters hold."""
        return count(self.tree).weights

    @property
    def biases(self) -> Size:
        """The numbers added after the sum."""
        return count(self.tree).biases

    @property
    def macs(self) -> Size:
        """Multiply-adds: one per multiplication that the equation asks for, taps in the padding counted, bias not."""
        return count(self.tree).macs

    @property
    def macs_inside(self) -> Size:
        """Multiply-adds without the taps that fall into the padding."""
        return count(self.tree).macs_inside

    @property
    def inputs_per_output(self) -> Size:
        """Different values of x that one output value reads, at most."""
        return inputs_per_output(self.tree)

    @property
    def reach(self) -> dict[str, Reach]:
        """Field, stride and padding along every position."""
        return layer_reach(self.tree)

    def gradient(self, name: str) -> Equation:
        """The equation of the gradient."""
        return Equation(gradient(self.tree.equation, name))
