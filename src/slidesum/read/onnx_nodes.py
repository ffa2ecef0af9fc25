"""The nodes of an ONNX graph: what each reads, those of inner graphs, and an order in which they can be computed.

A branch and the body of a loop are graphs that a node has as an attribute; they may read names of the graph around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from slidesum.errors import FileError


def all_nodes(nodes: Any) -> Iterator[Any]:
    """The nodes, and those of their inner graphs."""
    for node in nodes:
        yield node
        for graph in inner_graphs(node):
            yield from all_nodes(graph.node)


def inner_graphs(node: Any) -> Iterator[Any]:
    """The graphs that a node has as attributes: branches, the body of a loop."""
    for attribute in node.attribute:
        yield from [attribute.g] if attribute.HasField("g") else []
        yield from attribute.graphs


def in_order(nodes: Any, known: set[str], where: str) -> tuple[Any, ...]:
    """The nodes, each after those whose results it reads. Raises FileError for a cycle, or a name that nothing makes."""
    maker: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in maker or name in known:
                raise FileError(
                    f"{where}: {name!r} is the result of two nodes",
                    usual="Every result has one name, once.",
                    advice="Export the model anew.",
                )
            maker[name] = number
    needed: dict[int, list[int]] = {}
    for number, node in enumerate(nodes):
        for name in reads(node):
            if name not in maker and name not in known:
                raise FileError(
                    f"{where}: {called(node)} reads {name!r}, which nothing makes",
                    usual="The file is damaged, or a part of a model.",
                    advice="Export the model anew.",
                )
        needed[number] = [maker[name] for name in reads(node) if name in maker]
    try:
        return tuple(nodes[number] for number in TopologicalSorter(needed).static_order())
    except CycleError as error:
        ring = " -> ".join(called(nodes[number]) for number in error.args[1][:5])
        raise FileError(
            f"{where}: the graph is cyclic: {ring}",
            usual="A network is computed from its input on.",
            advice="Export the model anew.",
        ) from None


def called(node: Any) -> str:
    """A node in a message: its operator and its name, or the name of its result."""
    return f"{node.op_type} {node.name or next(iter(node.output), '')!r}"


def reads(node: Any) -> Iterator[str]:
    """The names that a node reads, those of its inner graphs that come from outside included."""
    yield from filter(None, node.input)
    for graph in inner_graphs(node):
        inner = {*outer_names(graph), *(name for one in graph.node for name in one.output)}
        yield from (name for one in graph.node for name in reads(one) if name not in inner)
        yield from (one.name for one in graph.output if one.name not in inner)


def outer_names(graph: Any) -> Iterator[str]:
    """The names that no node makes: inputs and arrays."""
    yield from (one.name for one in graph.input)
    yield from (one.name for one in graph.initializer)
    yield from (one.values.name for one in graph.sparse_initializer)
