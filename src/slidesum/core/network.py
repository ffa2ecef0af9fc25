"""A network: a graph of named layers, in the order in which they are computed.

A node keeps what was asked (`op`, symbols and all; the vocabulary stands in `core.ops`) and what follows from it (`shape`, and the
sized equation).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from slidesum.core.ops import Input, Op
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size, symbols
from slidesum.errors import NetworkError


@dataclass(frozen=True, slots=True)
class Node:
    """One layer of a network: its name, what it does, where its inputs come from, and the shape of its result.

    `shares` names an earlier layer whose arrays this one uses: a layer that a model calls twice has its weights once.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: tuple[Size, ...]
    sized: Sized | None = None
    shares: str | None = None

    @property
    def owner(self) -> str:
        """The layer by whose name the arrays are kept: this one, or the one it shares them with."""
        return self.shares or self.name


@dataclass(frozen=True)
class Graph:
    """A network as data. Nodes stand in the order of computation; `heads` are its outputs, the last node where none are named."""

    name: str
    nodes: tuple[Node, ...] = ()
    heads: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @cached_property
    def _by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    def __getitem__(self, name: str) -> Node:
        if name in self._by_name:
            return self._by_name[name]
        known = ", ".join(node.name for node in self.nodes) or "none"
        raise NetworkError(f"{self.name} has no layer {name!r}", usual=f"Its layers are {known}.", advice="Name one of them.")

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def inputs(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if isinstance(node.op, Input))

    @property
    def outputs(self) -> tuple[Node, ...]:
        """The results that the network is asked for."""
        return tuple(self[name] for name in self.heads) if self.heads else (self.output,)

    @property
    def output(self) -> Node:
        """The first of its outputs."""
        if not self.nodes:
            raise NetworkError(f"{self.name} has no layers", advice="Begin with net.input(…).")
        return self[self.heads[0]] if self.heads else self.nodes[-1]

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in its sizes, sorted."""
        return tuple(sorted({name for node in self.nodes for value in node.shape for name in symbols(value)} | _hidden(self)))

    @cached_property
    def _users(self) -> Mapping[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def lenders(self) -> frozenset[str]:
        """The layers whose arrays others use, too."""
        return frozenset(node.shares for node in self.nodes if node.shares is not None)

    def users(self, name: str) -> tuple[Node, ...]:
        """The layers that read this one."""
        return self._users.get(name, ())


def _hidden(graph: Graph) -> set[str]:
    """Symbols that no result shows, such as the size of a filter under padding."""
    sized = [node.sized for node in graph.nodes if node.sized is not None]
    return {name for s in sized for value in s.extents.values() for name in symbols(value)}
