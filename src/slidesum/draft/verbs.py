"""The verbs that build a network: input, conv, pool, linear, activation, norm, concat, add, and those that only move values.

Every verb takes the results of earlier ones and hands on a new one. Shapes are solved at once, so a mistake is told where it
is made.

    >>> net = Draft("two layers")
    >>> x = net.input("b c i j", b=1, c=1, i="n", j="m")
    >>> x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o="k1", u=3, v=3, padding="same", bias="o")
    >>> net.activation(x, "relu")
    relu1 (1, k1, n, m)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from slidesum.core.axis import Name
from slidesum.core.equation import Equation, HasTree, Reduce
from slidesum.core.ops import (
    COMBINATIONS,
    FUNCTIONS,
    OPTIONS,
    Activation,
    Add,
    BatchNorm,
    Combination,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    Function,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Op,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sized import Border, Connections, Padding
from slidesum.core.sizes import SizeLike, is_number, size, surely_less
from slidesum.draft.asked import with_bias, with_reduction
from slidesum.draft.place import Drafting, Tensor, check_tensor
from slidesum.errors import RankError, SizeError, UsageError
from slidesum.laws.given import known_border, known_sizes
from slidesum.laws.padding import known_padding
from slidesum.notation.parse import equation_of
from slidesum.notation.scan import read_axes

__all__ = ["Draft", "Tensor", "Verbs"]

LETTERS = ("c", "i", "j", "k", "l", "m", "n")


class Verbs(Drafting):
    """The builder's vocabulary."""

    def input(self, axes: str, *, name: str = "input", **sizes: SizeLike) -> Tensor:
        """What comes from outside: names its axes and gives each an extent, an integer or a symbol."""
        names = [axis.name for axis in read_axes(axes) if isinstance(axis, Name)]
        if len(names) != len(read_axes(axes)):
            raise UsageError(f"the axes of an input are plain names, not {axes!r}", advice="Write for example 'b c i j'.")
        if len(set(names)) < len(names):
            raise UsageError(f"the axes of an input are named apart, not {axes!r}", advice="Write for example 'b c i j'.")
        if set(names) != set(sizes):
            open_names = [n for n in names if n not in sizes] or [n for n in sizes if n not in names]
            raise SizeError(
                f"the input's axes are {' '.join(names)}, and sizes were given for {', '.join(sizes) or 'none'}",
                advice=f"Give every axis one extent; the odd one is {open_names[0]}.",
            )
        shape = tuple(size(sizes[n]) for n in names)
        negative = next((n for n, extent in zip(names, shape, strict=True) if surely_less(extent, 0)), None)
        if negative:
            raise SizeError(f"the input's axis {negative!r} has the extent {sizes[negative]}", advice="Give at least 0.")
        return self.place(name, Input(tuple(names)), (), shape)

    def conv(
        self,
        x: Tensor | Sequence[Tensor],
        pattern: str | Equation | HasTree,
        *,
        name: str | None = None,
        bias: str | bool | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        connections: Connections | None = None,
        shares: str | None = None,
        **sizes: SizeLike,
    ) -> Tensor:
        """A layer with filters. `bias="o"` adds one along the axes named, `bias=True` along those of the filters.

        Of several results, given as a list, each is one operand, and only the operands behind them are filters: the product of two
        is `net.conv([q, k], "b q d, b k d -> b q k")`. `shares` names an earlier layer whose filters are used again.
        """
        equation = with_bias(equation_of(pattern), bias)
        return self._layer(x, equation, name or self._fresh("conv"), padding, border, extent, connections, sizes, shares)

    def pool(
        self,
        x: Tensor,
        pattern: str | Equation | HasTree,
        reduce: Reduce | None = None,
        *,
        name: str | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        **sizes: SizeLike,
    ) -> Tensor:
        """A layer without weights: max, mean, sum or min over what the result doesn't keep."""
        equation = with_reduction(equation_of(pattern), reduce)
        if not equation.is_pooling:
            raise UsageError(
                f"a pooling has one operand, and the pattern has {len(equation.operands)}", advice="Write net.conv(…)."
            )
        return self._layer(x, equation, name or self._fresh("pool"), padding, border, extent, None, sizes)

    def linear(self, x: Tensor, outputs: SizeLike, *, name: str | None = None, bias: bool = True) -> Tensor:
        """Every output has a weight for every input value: `b c i j, o c i j -> b o`, whatever the rank of x."""
        check_tensor(x)
        if len(x.shape) < 2:
            raise RankError(
                f"a linear layer needs a batch and at least one more axis, and {x} has none", advice="Keep the batch axis."
            )
        letters = LETTERS[: len(x.shape) - 1] if len(x.shape) > 2 else ("f",)
        axes = " ".join(letters)
        return self.conv(x, f"b {axes}, o {axes} -> b o", name=name or self._fresh("linear"), bias="o" if bias else None, o=outputs)

    def flatten(self, x: Tensor, *, name: str | None = None) -> Tensor:
        """All axes but the first become one."""
        check_tensor(x)
        if len(x.shape) < 2:
            raise RankError(f"there is nothing to flatten: {x} has one axis", advice="Pass x on as it is.")
        axes = " ".join(LETTERS[: len(x.shape) - 1])
        return self.pool(x, f"b {axes} -> b ({axes})", name=name or self._fresh("flatten"))

    def activation(self, x: Tensor, function: Function, *, name: str | None = None, **options: float) -> Tensor:
        """A function of every value by itself; `core.ops.OPTIONS` says which numbers it takes."""
        check_tensor(x)
        if function not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise UsageError(f"there is no activation {function!r}", usual=f"There are {known}.", advice="Write one of them.")
        taken = dict(OPTIONS.get(function, ()))
        for option, value in options.items():
            if option not in taken or isinstance(value, bool) or not isinstance(value, int | float):
                known = ", ".join(f"{n}={v:g}" for n, v in taken.items()) or "none"
                raise UsageError(
                    f"{function} takes no {option}={value!r}", usual=f"Its options: {known}.", advice="Give numbers for these."
                )
        numbers = tuple(float(options.get(option, default)) for option, default in taken.items())
        return self.place(name or self._fresh(function), Activation(function, numbers), (x,))

    def norm(self, x: Tensor, kind: str = "batch", *, name: str | None = None, **options: Any) -> Tensor:
        """Normalisation: "batch" (options axis, epsilon, affine), "layer" (axis, epsilon), "group" (groups, epsilon), "instance"
        (epsilon) or "lrn" (size, alpha, beta, k).
        """
        if kind not in _NORMS:
            known = f"{', '.join(list(_NORMS)[:-1])} and {list(_NORMS)[-1]}"
            raise UsageError(f"there is no normalisation {kind!r}", usual=f"There are {known}.", advice="Write one of them.")
        stem, taken = _NORMS[kind]
        if not set(options) <= set(taken):
            raise UsageError(f"{kind} normalisation has the options {', '.join(taken)}", advice="Take the others away.")
        numbers = {f: v for f, v in options.items() if f not in ("axis", "affine", "scale", "shift", "centred")}
        for option, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise UsageError(f"{option}={value!r} can't normalise", advice="Give a number of at least 0.")
            if option in ("groups", "size") and value != int(value):
                raise UsageError(f"{option}={value!r} can't normalise", advice="Give a whole number.")
        return self.place(name or self._fresh(stem), self._norm(x, kind, options), (x,))

    def _norm(self, x: Tensor, kind: str, options: Mapping[str, Any]) -> Op:
        check_tensor(x)
        axis = self._axis(x, options.get("axis", -1 if kind == "layer" else 1))
        rest = {name: value for name, value in options.items() if name != "axis"}
        match kind:
            case "batch":
                return BatchNorm(axis, **rest)
            case "layer":
                return LayerNorm((axis,), **rest)
            case "group":
                return GroupNorm(int(rest.pop("groups", 32)), **rest)
            case "instance":
                if not is_number(x.shape[1]):
                    raise SizeError(f"the maps of {x} are the groups of an instance normalisation", advice="Give them a number.")
                return GroupNorm(int(x.shape[1]), **rest)
        op = LocalResponseNorm(axis=axis, **rest)
        if op.size < 1:
            raise UsageError(f"lrn looks at one map or more, not {op.size}", advice="Write size=5, say.")
        return op

    def softmax(self, x: Tensor, *, axis: int = -1, name: str | None = None) -> Tensor:
        """Numbers that add up to one along an axis."""
        return self.place(name or self._fresh("softmax"), Softmax(self._axis(x, axis)), (x,))

    def dropout(self, x: Tensor, rate: float = 0.5, *, name: str | None = None) -> Tensor:
        """In training, zeroes a share of the values."""
        check_tensor(x)
        if not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise UsageError(f"a dropout rate lies in [0, 1), and {rate} doesn't", advice="Write 0.5, say.")
        return self.place(name or self._fresh("dropout"), Dropout(rate), (x,))

    def concat(self, parts: Sequence[Tensor], *, axis: int = 1, name: str | None = None) -> Tensor:
        """Arrays put behind each other along an axis; the other axes agree."""
        if isinstance(parts, Tensor):
            raise UsageError("concat takes the parts as one list", advice="Write net.concat([x, y]).")
        name = name or self._fresh("concat")
        return self.place(name, Concat(self._axis(parts[0], axis) if parts else 0), parts)

    def add(self, *parts: Tensor, name: str | None = None) -> Tensor:
        """The sum of arrays of one shape."""
        return self.place(name or self._fresh("add"), Add(), parts)

    def combine(self, function: Combination, x: Tensor, y: Tensor, *, name: str | None = None) -> Tensor:
        """Two arrays value by value: add, subtract, multiply, divide, maximum, minimum, power. Axes of extent one are repeated."""
        if function not in COMBINATIONS:
            known = ", ".join(COMBINATIONS)
            raise UsageError(f"there is no combination {function!r}", usual=f"There are {known}.", advice="Write one of them.")
        return self.place(name or self._fresh(function), Elementwise(function), (x, y))

    def stored(self, shape: Sequence[SizeLike], *, trainable: bool = True, name: str | None = None) -> Tensor:
        """An array that the network keeps, under "name.value"."""
        return self.place(name or self._fresh("stored"), Stored(tuple(map(size, shape)), trainable))

    def slice(
        self, x: Tensor, axis: int, start: SizeLike = 0, stop: SizeLike | None = None, step: int = 1, *, name: str | None = None
    ) -> Tensor:
        """Every `step`-th cell of an axis from `start` to before `stop`."""
        place = self._axis(x, axis)
        end = x.shape[place] if stop is None else size(stop)
        return self.place(name or self._fresh("slice"), Slice(place, size(start), end, step), (x,))

    def take(self, x: Tensor, axis: int, cells: Sequence[int], *, name: str | None = None) -> Tensor:
        """These cells of an axis, in this order."""
        return self.place(name or self._fresh("take"), Take(self._axis(x, axis), tuple(map(int, cells))), (x,))

    def pad(self, x: Tensor, *cells: tuple[SizeLike, SizeLike], border: Border = "zero", name: str | None = None) -> Tensor:
        """Cells (before, after) put around each axis; negative numbers crop."""
        check_tensor(x)
        pairs = tuple((size(low), size(high)) for low, high in cells)
        return self.place(name or self._fresh("pad"), Pad(pairs, known_border(border)), (x,))

    def reshape(self, x: Tensor, *shape: SizeLike, name: str | None = None) -> Tensor:
        """The same values in another shape; one extent may be -1."""
        return self.place(name or self._fresh("reshape"), Reshape(tuple(map(size, shape))), (x,))

    def distance(self, x: Tensor, centres: Sequence[Sequence[float]], *, name: str | None = None) -> Tensor:
        """Squared Euclidean distance of every row of x to fixed centres."""
        check_tensor(x)
        rows = tuple(tuple(float(v) for v in row) for row in centres)
        return self.place(name or self._fresh("distance"), Distance(rows), (x,))

    # The deed behind conv and pool

    def _layer(
        self,
        x: Tensor | Sequence[Tensor],
        equation: Equation,
        name: str,
        padding: Padding,
        border: Border,
        extent: Mapping[str, SizeLike] | None,
        connections: Connections | None,
        sizes: Mapping[str, SizeLike],
        shares: str | None = None,
    ) -> Tensor:
        op = Layer(
            equation,
            known_sizes("sizes", sizes),
            known_padding(padding),
            known_border(border),
            known_sizes("extent", extent) if extent else None,
            connections,
        )
        return self.place(name, op, (x,) if not isinstance(x, Sequence) else x, shares=shares)

    def _axis(self, x: Tensor, axis: int) -> int:
        check_tensor(x)
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise UsageError(f"an axis is a whole number, not {axis!r}", advice="Write 1 for the maps, -1 for the last axis.")
        if not -len(x.shape) <= axis < len(x.shape):
            raise RankError(f"{x} has no axis {axis}", advice=f"Its axes are 0 to {len(x.shape) - 1}.")
        return axis % len(x.shape)


_NORMS = {
    "batch": ("batchnorm", ("axis", "epsilon", "affine")),
    "layer": ("layernorm", ("axis", "epsilon", "scale", "shift", "centred")),
    "group": ("groupnorm", ("groups", "epsilon", "affine")),
    "instance": ("instancenorm", ("epsilon", "affine")),
    "lrn": ("lrn", ("size", "alpha", "beta", "k")),
}
"""By kind: what a layer is called, and the options that it has."""


class Draft(Verbs):
    """A network under construction, and nothing more."""
