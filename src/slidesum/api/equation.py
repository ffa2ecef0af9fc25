"""What `ss.equation(…)` returns: an equation that can be asked everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slidesum.core import equation as core
from slidesum.core.sized import Border, Padding, Sized
from slidesum.core.sizes import Size, SizeLike, size
from slidesum.draft.asked import with_bias
from slidesum.laws.count import backward_macs, count, inputs_per_output
from slidesum.laws.gradient import gradient, gradient_of
from slidesum.laws.kind import Kind, kind
from slidesum.laws.reach import Reach, layer_reach
from slidesum.laws.rest import shown
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import axis, named, pattern


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
        """The equation of the gradient by the operand of this name: "x", "w", … or the bias "a".

        A pooling's has one operand more: the share of a mean, the winner of a maximum or minimum.

        >>> print(Equation.read("mean b c 2*i+u -> b c i").gradient("x").named())
        dx[b,c,2*i+u] = dy[b,c,i] * share[u]
        """
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
    def backward_macs(self) -> Size:
        """Multiply-adds of the gradients by every operand."""
        return backward_macs(self.tree)

    @property
    def inputs_per_output(self) -> Size:
        """Different values of x that one output value reads, at most."""
        return inputs_per_output(self.tree)

    @property
    def reach(self) -> dict[str, Reach]:
        """Field, stride and padding along every position."""
        return layer_reach(self.tree)

    def gradient(self, name: str) -> SizedEquation:
        """The equation of the gradient by the operand of this name, with its sizes, padding and border.

        >>> layer = Equation.read("b c 2*i+u-1, o c u -> b o i").sized(x=(1, 3, 8), o=4, u=3)
        >>> print(layer.gradient("x"))
        dx[b,c,2*i+u-1] = dy[b,o,i] * w[o,c,u]
          dx (1, 3, 8), dy (1, 4, 4), w (4, 3, 3)
          b=1, c=3, i=4, u=3, o=4
          padding (1, 0) at 2*i+u-1 of dx
        >>> layer.gradient("w").shape, layer.macs, layer.backward_macs
        ((4, 3, 3), 144, 288)
        """
        return SizedEquation(gradient_of(self.tree, name))

    def named(self) -> str:
        """The named spelling, without the sizes."""
        return named(self.tree.equation)

    def __str__(self) -> str:
        """The equation, the shapes of its arrays, the sizes, and every edge that is padded or cropped."""
        equation, sized = self.tree.equation, self.tree
        shapes = zip((equation.result, *equation.operands), (sized.result_shape, *sized.shapes), strict=True)
        lines = [
            self.named(),
            ", ".join(f"{operand.name} {shown(shape)}" for operand, shape in shapes),
            ", ".join(f"{name}={sized.extents[name]}" for name in (*equation.indices, *equation.factors)),
        ]
        for (number, place), slide in sorted(sized.slides.items()):
            if slide.is_padded:
                operand = equation.operands[number] if number >= 0 else equation.result
                border = "" if slide.border == "zero" else f", border {slide.border}"
                lines.append(f"padding {shown(slide.padding)} at {axis(operand.axes[place])} of {operand.name}{border}")
        return "\n  ".join(line for line in lines if line)
