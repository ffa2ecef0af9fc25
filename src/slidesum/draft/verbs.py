"""The verbs that build a network: input, conv, pool, linear, activation, norm, concat, add, and a few more.

Every verb takes the results of earlier ones and hands on a new one. Shapes are solved at once, so a mistake is told where it
is made.

    >>> net = Draft("two layers")
    >>> x = net.input("b c i j", b=1, c=1, i="n", j="m")
    >>> x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o="k1", u=3, v=3, padding="same", bias="o")
    >>> net.activation(x, "relu")
    relu1 (1, k1, n, m)
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from slidesum.core.axis import Name
from slidesum.core.equation import BIAS_NAME, REDUCTIONS, Equation, HasTree, Operand, Reduce
from slidesum.core.network import Graph, Node
from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Function,
    Input,
    Layer,
    LocalResponseNorm,
    Op,
    Softmax,
)
from slidesum.core.sized import Border, Connections, Padding
from slidesum.core.sizes import Size, SizeLike, size, surely_differ, surely_less, tidy
from slidesum.errors import NetworkError, RankError, SizeError, UsageError
from slidesum.laws.given import known_border, known_sizes
from slidesum.laws.padding import known_padding
from slidesum.laws.parameters import check_connections
from slidesum.laws.roles import default_bias
from slidesum.laws.shape import solve
from slidesum.notation.check import check
from slidesum.notation.parse import equation_of
from slidesum.notation.scan import read_axes

_LAYER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*\Z")


@dataclass(frozen=True, slots=True)
class Tensor:
    """The result of a layer under construction: the layer's name and the shape."""

    layer: str
    shape: tuple[Size, ...]

    def __repr__(self) -> str:
        return f"{self.layer} ({', '.join(map(str, self.shape))})"


class Verbs(ABC):
    """The builder's vocabulary over one abstract deed, `_append`."""

    @property
    @abstractmethod
    def graph(self) -> Graph:
        """What has been built so far."""

    @abstractmethod
    def _append(self, node: Node) -> None:
        """Put one more node behind the others."""

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
        x: Tensor,
        pattern: str | Equation | HasTree,
        *,
        name: str | None = None,
        bias: str | bool | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        connections: Connections | None = None,
        **sizes: SizeLike,
    ) -> Tensor:
        """A layer with filters. `bias="o"` adds one along the axes named, `bias=True` along those of the filters."""
        equation = with_bias(equation_of(pattern), bias)
        return self._layer(x, equation, name or self._fresh("conv"), padding, border, extent, connections, sizes)

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
        _check_tensor(x)
        if len(x.shape) < 2:
            raise RankError(
                f"a linear layer needs a batch and at least one more axis, and {x} has none", advice="Keep the batch axis."
            )
        letters = ["c", "i", "j", "k", "l", "m", "n"][: len(x.shape) - 1] if len(x.shape) > 2 else ["f"]
        axes = " ".join(letters)
        return self.conv(x, f"b {axes}, o {axes} -> b o", name=name or self._fresh("linear"), bias="o" if bias else None, o=outputs)

    def flatten(self, x: Tensor, *, name: str | None = None) -> Tensor:
        """All axes but the first become one."""
        _check_tensor(x)
        if len(x.shape) < 2:
            raise RankError(f"there is nothing to flatten: {x} has one axis", advice="Pass x on as it is.")
        letters = ["c", "i", "j", "k", "l", "m", "n"][: len(x.shape) - 1]
        pattern = f"b {' '.join(letters)} -> b ({' '.join(letters)})"
        return self.pool(x, pattern, name=name or self._fresh("flatten"))

    def activation(self, x: Tensor, function: Function, *, name: str | None = None) -> Tensor:
        """A function of every value by itself."""
        _check_tensor(x)
        if function not in get_args(Function):
            known = ", ".join(get_args(Function))
            raise UsageError(f"there is no activation {function!r}", usual=f"There are {known}.", advice="Write one of them.")
        return self.place(name or self._fresh(function), Activation(function), (x,), x.shape)

    def norm(self, x: Tensor, kind: str = "batch", *, name: str | None = None, **options: float) -> Tensor:
        """Normalisation: "batch" (option epsilon) or "lrn" (options size, alpha, beta, k)."""
        kinds: dict[str, type[BatchNorm] | type[LocalResponseNorm]] = {"batch": BatchNorm, "lrn": LocalResponseNorm}
        if kind not in kinds:
            raise UsageError(f"there is no normalisation {kind!r}", usual="There are batch and lrn.", advice="Write one of them.")
        try:
            op = kinds[kind](**options)  # type: ignore[arg-type]
        except TypeError:
            known = [f for f in kinds[kind].__dataclass_fields__ if f != "axis"]
            raise UsageError(f"{kind} normalisation has the options {', '.join(known)}", advice="Take the others away.") from None
        numbers = {f: v for f, v in options.items() if f != "axis"}
        wrong = next((f for f, v in numbers.items() if isinstance(v, bool) or not isinstance(v, int | float) or v < 0), None)
        if wrong:
            raise UsageError(f"{wrong}={options[wrong]!r} can't normalise", advice="Give a number of at least 0.")
        op = replace(op, axis=self._axis(x, op.axis))
        if isinstance(op, LocalResponseNorm) and (op.size < 1 or op.size != int(op.size)):
            raise UsageError(f"lrn looks at one map or more, not {op.size}", advice="Write size=5, say.")
        return self.place(name or self._fresh(f"{kind}norm" if kind == "batch" else kind), op, (x,), x.shape)

    def softmax(self, x: Tensor, *, axis: int = -1, name: str | None = None) -> Tensor:
        """Numbers that add up to one along an axis."""
        return self.place(name or self._fresh("softmax"), Softmax(self._axis(x, axis)), (x,), x.shape)

    def dropout(self, x: Tensor, rate: float = 0.5, *, name: str | None = None) -> Tensor:
        """In training, zeroes a share of the values."""
        _check_tensor(x)
        if not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise UsageError(f"a dropout rate lies in [0, 1), and {rate} doesn't", advice="Write 0.5, say.")
        return self.place(name or self._fresh("dropout"), Dropout(rate), (x,), x.shape)

    def concat(self, parts: Sequence[Tensor], *, axis: int = 1, name: str | None = None) -> Tensor:
        """Arrays put behind each other along an axis; the other axes agree."""
        if isinstance(parts, Tensor):
            raise UsageError("concat takes the parts as one list", advice="Write net.concat([x, y]).")
        self._same_shape("concat", parts, beside=self._axis(parts[0], axis) if parts else 0)
        place = self._axis(parts[0], axis)
        joined = tidy(sum(part.shape[place] for part in parts))
        shape = tuple(joined if k == place else n for k, n in enumerate(parts[0].shape))
        return self.place(name or self._fresh("concat"), Concat(place), tuple(parts), shape)

    def add(self, *parts: Tensor, name: str | None = None) -> Tensor:
        """The sum of arrays of one shape."""
        self._same_shape("add", parts, beside=None)
        return self.place(name or self._fresh("add"), Add(), parts, parts[0].shape)

    def distance(self, x: Tensor, centres: Sequence[Sequence[float]], *, name: str | None = None) -> Tensor:
        """Squared Euclidean distance of every row of x to fixed centres."""
        _check_tensor(x)
        rows = tuple(tuple(float(v) for v in row) for row in centres)
        if len(x.shape) != 2 or not rows or any(surely_differ(len(row), x.shape[1]) for row in rows):
            raise SizeError(
                f"{len(rows)} centres don't fit {x}",
                usual="x has a batch axis and one more, as long as each centre.",
                advice="Flatten x first.",
            )
        return self.place(name or self._fresh("distance"), Distance(rows), (x,), (x.shape[0], len(rows)))

    # The deeds behind the verbs

    def _layer(
        self,
        x: Tensor,
        equation: Equation,
        name: str,
        padding: Padding,
        border: Border,
        extent: Mapping[str, SizeLike] | None,
        connections: Connections | None,
        sizes: Mapping[str, SizeLike],
    ) -> Tensor:
        op = Layer(
            equation,
            known_sizes("sizes", sizes),
            known_padding(padding),
            known_border(border),
            known_sizes("extent", extent) if extent else None,
            connections,
        )
        return self.place(name, op, (x,), ())

    def place(self, name: str, op: Op, inputs: tuple[Tensor, ...], shape: tuple[Size, ...]) -> Tensor:
        """Put a layer behind the others under a name of its own; an equation's shape is solved here."""
        if not isinstance(name, str) or not _LAYER_NAME.match(name):
            raise NetworkError(f"{name!r} can't be a layer's name", advice="Use letters, digits, '_', '-' and '/'.")
        if name in self.graph:
            raise NetworkError(f"{self.graph.name} has a layer {name!r} already", advice="Give every layer a name of its own.")
        for tensor in inputs:
            _check_tensor(tensor)
            if tensor.layer not in self.graph or self.graph[tensor.layer].shape != tensor.shape:
                raise NetworkError(
                    f"{tensor} isn't a result of this network", advice=f"Pass what a verb of {self.graph.name} returned."
                )
        node = Node(name, op, tuple(tensor.layer for tensor in inputs), shape)
        if isinstance(op, Layer):
            filters = [None] * (len(op.equation.operands) - 1)
            sized = solve(
                op.equation,
                [inputs[0].shape, *filters],
                op.sizes,
                padding=op.padding,
                border=op.border,
                extent=op.extent,
                connections=op.connections,
            )
            check_connections(sized)
            node = replace(node, shape=sized.result_shape, sized=sized)
        self._append(node)
        return Tensor(name, node.shape)

    def _fresh(self, stem: str) -> str:
        return next(f"{stem}{k}" for k in range(1, 10**6) if f"{stem}{k}" not in self.graph)

    def _axis(self, x: Tensor, axis: int) -> int:
        _check_tensor(x)
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise UsageError(f"an axis is a whole number, not {axis!r}", advice="Write 1 for the maps, -1 for the last axis.")
        if not -len(x.shape) <= axis < len(x.shape):
            raise RankError(f"{x} has no axis {axis}", advice=f"Its axes are 0 to {len(x.shape) - 1}.")
        return axis % len(x.shape)

    def _same_shape(self, verb: str, parts: Sequence[Tensor], beside: int | None) -> None:
        if not parts:
            raise UsageError(f"{verb} needs at least one array", advice="Pass the results of earlier layers.")
        for part in parts:
            _check_tensor(part)
        for part in parts[1:]:
            agree = len(part.shape) == len(parts[0].shape) and not any(
                surely_differ(a, b) for k, (a, b) in enumerate(zip(part.shape, parts[0].shape, strict=True)) if k != beside
            )
            if not agree:
                raise SizeError(
                    f"{verb} of {parts[0]} and {part}",
                    usual="Their shapes differ.",
                    advice="Pad, pool or project one of them first.",
                )


def _check_tensor(x: object) -> None:
    if not isinstance(x, Tensor):
        raise UsageError(
            f"{x!r} is no result of a layer",
            usual="Layers are put together by what the verbs return.",
            advice="Write x = net.input(…) first, and pass x.",
        )


class Draft(Verbs):
    """A network under construction, and nothing more."""

    def __init__(self, name: str) -> None:
        self._graph = Graph(name)

    @property
    def graph(self) -> Graph:
        return self._graph

    def _append(self, node: Node) -> None:
        self._graph = replace(self._graph, nodes=(*self._graph.nodes, node))


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
