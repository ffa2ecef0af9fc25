"""A network built again, with numbers in place of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Concat, Distance, Input, Layer
from slidesum.core.sizes import Size, SizeLike, size, substitute
from slidesum.draft.verbs import Draft, Tensor
from slidesum.errors import SizeError


def with_sizes(graph: Graph, numbers: Mapping[str, SizeLike]) -> Graph:
    """The same network with these symbols replaced, every shape solved anew."""
    unknown = [name for name in numbers if name not in graph.symbols]
    if unknown:
        raise SizeError(
            f"{graph.name} has no symbol {unknown[0]!r}",
            usual=f"Its symbols are {', '.join(graph.symbols) or 'none'}.",
            advice="Take it away, or correct its name.",
        )
    given = {name: size(value) for name, value in numbers.items()}
    draft = Draft(graph.name)
    for node in graph:
        replay(draft, _substituted(node, given))
    return draft.graph


def replay(draft: Draft, node: Node) -> Tensor:
    """Put a node with this op and these inputs on the draft; its shape is solved from there."""
    inputs = tuple(Tensor(name, draft.graph[name].shape) for name in node.inputs)
    op = node.op
    if isinstance(op, Concat):
        return draft.concat(inputs, axis=op.axis, name=node.name)
    if isinstance(op, Distance):
        return draft.distance(inputs[0], op.centres, name=node.name)
    shape = node.shape if isinstance(op, Input) else () if isinstance(op, Layer) else inputs[0].shape
    return draft.place(node.name, op, inputs, shape)


def _substituted(node: Node, numbers: Mapping[str, Size]) -> Node:
    op = node.op
    if isinstance(op, Layer):
        sizes = {name: substitute(value, numbers) for name, value in op.sizes.items()}
        extent = {name: substitute(value, numbers) for name, value in op.extent.items()} if op.extent else None
        op = replace(op, sizes=sizes, extent=extent, padding=_padding(op.padding, numbers))
    return replace(node, op=op, shape=tuple(substitute(n, numbers) for n in node.shape), sized=None)


def _padding(padding: Any, numbers: Mapping[str, Size]) -> Any:
    match padding:
        case str():
            return padding
        case Mapping():
            return {name: _padding(rule, numbers) for name, rule in padding.items()}
        case tuple():
            return tuple(substitute(n, numbers) for n in padding)
        case _:
            return substitute(padding, numbers)
