"""A network built again, with numbers in place of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Layer, Op, Opaque, Pad, Reshape, Slice, Stored
from slidesum.core.sizes import Ratio, RatioLike, Size, ratio, substitute
from slidesum.draft.place import Drafting, Tensor
from slidesum.draft.verbs import Draft
from slidesum.errors import SizeError


def with_sizes(graph: Graph, numbers: Mapping[str, RatioLike]) -> Graph:
    """The same network with these symbols replaced, every shape solved anew.

    A symbol that only multiplies may be given a fraction, such as "3/4" or 0.75, if every size becomes whole.
    """
    unknown = [name for name in numbers if name not in graph.symbols]
    if unknown:
        raise SizeError(
            f"{graph.name} has no symbol {unknown[0]!r}",
            usual=f"Its symbols are {', '.join(graph.symbols) or 'none'}.",
            advice="Take it away, or correct its name.",
        )
    given = {name: ratio(value) for name, value in numbers.items()}
    draft = Draft(graph.name)
    for node in graph:
        replay(draft, replace(node, op=substituted(node.op, given), shape=_each(node.shape, given)))
    draft.output(*map(draft.tensor, graph.heads))
    return draft.graph


def replay(draft: Drafting, node: Node) -> Tensor:
    """Put a node with this op and these inputs on the draft; its shape is solved from there."""
    return draft.place(node.name, node.op, [draft.tensor(name) for name in node.inputs], node.shape, shares=node.shares)


def substituted(op: Op, numbers: Mapping[str, Ratio]) -> Op:
    """The op with symbols replaced in all of its sizes."""
    match op:
        case Layer():
            sizes = {name: substitute(value, numbers) for name, value in op.sizes.items()}
            extent = {name: substitute(value, numbers) for name, value in op.extent.items()} if op.extent else None
            return replace(op, sizes=sizes, extent=extent, padding=_padding(op.padding, numbers))
        case Stored() | Reshape():
            return replace(op, shape=_each(op.shape, numbers))
        case Slice():
            return replace(op, start=substitute(op.start, numbers), stop=substitute(op.stop, numbers))
        case Pad():
            return replace(op, cells=tuple((substitute(a, numbers), substitute(b, numbers)) for a, b in op.cells))
        case Opaque():
            arrays = tuple((name, _each(shape, numbers)) for name, shape in op.arrays)
            return replace(op, shape=_each(op.shape, numbers), arrays=arrays)
        case _:
            return op


def _each(shape: tuple[Size, ...], numbers: Mapping[str, Ratio]) -> tuple[Size, ...]:
    return tuple(substitute(n, numbers) for n in shape)


def _padding(padding: Any, numbers: Mapping[str, Ratio]) -> Any:
    match padding:
        case str():
            return padding
        case Mapping():
            return {name: _padding(rule, numbers) for name, rule in padding.items()}
        case tuple():
            return tuple(substitute(n, numbers) for n in padding)
        case _:
            return substitute(padding, numbers)
