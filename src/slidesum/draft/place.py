"""A network under construction: layers put behind each other, every shape solved at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Input, Layer, Op
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size
from slidesum.errors import NetworkError, UsageError
from slidesum.laws.layer import arrays_read, result_shape
from slidesum.laws.parameters import check_connections, parameters
from slidesum.laws.shape import solve

_LAYER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*\Z")


@dataclass(frozen=True, slots=True)
class Tensor:
    """The result of a layer under construction: the layer's name and the shape."""

    layer: str
    shape: tuple[Size, ...]

    def __repr__(self) -> str:
        return f"{self.layer} ({', '.join(map(str, self.shape))})"


class Drafting:
    """What has been built so far, and the one deed that builds: `place`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: dict[str, Node] = {}
        self._heads: tuple[str, ...] = ()
        self._drawn: Graph | None = None

    @property
    def name(self) -> str:
        """What the network is called, in tables and messages."""
        return self._name

    @property
    def graph(self) -> Graph:
        """The layers as data."""
        if self._drawn is None:
            self._drawn = Graph(self._name, tuple(self._nodes.values()), self._heads)
        return self._drawn

    def node(self, layer: str) -> Node:
        """A layer that was placed before. Raises NetworkError for any other."""
        return self._nodes.get(layer) or self.graph[layer]

    def tensor(self, layer: str) -> Tensor:
        """The result of a layer that was placed before."""
        return Tensor(layer, self.node(layer).shape)

    def output(self, *results: Tensor) -> None:
        """Say what the network is asked for, the most important result first; by default it is the last layer's."""
        for tensor in results:
            self._check_own(tensor)
        self._heads = tuple(tensor.layer for tensor in results)
        self._drawn = None

    def place(
        self, name: str, op: Op, inputs: Sequence[Tensor] = (), shape: tuple[Size, ...] = (), *, shares: str | None = None
    ) -> Tensor:
        """Put a layer behind the others under a name of its own; its shape is solved here, that of an input is `shape`.

        `shares` names an earlier layer whose arrays this one uses.
        """
        if not isinstance(name, str) or not _LAYER_NAME.match(name):
            raise NetworkError(f"{name!r} can't be a layer's name", advice="Use letters, digits, '_', '-' and '/'.")
        if name in self._nodes:
            raise NetworkError(f"{self._name} has a layer {name!r} already", advice="Give every layer a name of its own.")
        for tensor in inputs:
            self._check_own(tensor)
        before = [tensor.shape for tensor in inputs]
        sized = _solved(name, op, before) if isinstance(op, Layer) else None
        found = sized.result_shape if sized else shape if isinstance(op, Input) else result_shape(name, op, before)
        node = Node(name, op, tuple(tensor.layer for tensor in inputs), found, sized)
        if shares is not None:
            node = replace(node, shares=self._sharing(node, shares))
        self._nodes[name] = node
        self._drawn = None
        return Tensor(name, found)

    def adopt(self, graph: Graph) -> None:
        """Begin with the layers of this graph, as they are."""
        self._nodes = {node.name: node for node in graph}
        self._heads, self._drawn = graph.heads, graph

    def _check_own(self, tensor: Tensor) -> None:
        check_tensor(tensor)
        if tensor.layer not in self._nodes or self._nodes[tensor.layer].shape != tensor.shape:
            raise NetworkError(f"{tensor} isn't a result of this network", advice=f"Pass what a verb of {self._name} returned.")

    def _sharing(self, node: Node, other: str) -> str:
        """The owner of the arrays that a layer shares. Raises NetworkError where they aren't those that it needs."""
        lender = self.node(other)
        owner = self._nodes[lender.owner]
        mine, theirs = ([(p.name, p.shape, p.role) for p in parameters(n)] for n in (node, owner))
        if mine != theirs or not mine:
            raise NetworkError(
                f"{node.name!r} can't share the arrays of {other!r}",
                usual="They share when both keep arrays of the same names and shapes.",
                advice="Name a layer of the same kind and sizes.",
            )
        return owner.name

    def _fresh(self, stem: str) -> str:
        return next(f"{stem}{k}" for k in range(1, 10**6) if f"{stem}{k}" not in self._nodes)


def check_tensor(x: object) -> None:
    """Raise UsageError for what no verb returned."""
    if not isinstance(x, Tensor):
        raise UsageError(
            f"{x!r} is no result of a layer",
            usual="Layers are put together by what the verbs return.",
            advice="Write x = net.input(…) first, and pass x.",
        )


_SOLVED: dict[Any, Sized] = {}
MOST_SOLVED = 4096
"""Networks repeat their layers; so many different ones are remembered, and share what is known of them."""


def _solved(name: str, op: Layer, before: Sequence[tuple[Size, ...]]) -> Sized:
    least, most = arrays_read(op)
    if len(before) < least or (most is not None and len(before) > most):
        raise UsageError(
            f"{name} has the equation {op.equation.text!r}, and {len(before)} arrays were given for its {most} operands",
            advice="Pass one result an operand; operands without one are filters.",
        )
    key = (
        op.equation,
        op.equation.text,
        tuple(before),
        tuple(op.sizes.items()),
        tuple(op.padding.items()) if isinstance(op.padding, Mapping) else op.padding,
        (type(op.border), op.border),
        tuple(op.extent.items()) if op.extent else None,
        op.connections,
    )
    if (known := _SOLVED.get(key)) is not None:
        return known
    sized = solve(
        op.equation,
        [*before, *[None] * (len(op.equation.operands) - len(before))],
        op.sizes,
        padding=op.padding,
        border=op.border,
        extent=op.extent,
        connections=op.connections,
    )
    check_connections(sized)
    if len(_SOLVED) >= MOST_SOLVED:
        _SOLVED.clear()
    found = _SOLVED[key] = replace(sized, inputs=len(before))
    return found
