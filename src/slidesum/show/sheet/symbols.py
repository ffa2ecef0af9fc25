"""The sizes of a network as symbols k1, k2 …, n, m: what its counts are formulas of.

    k1, k2, …   the filters of every layer that can have more or fewer (`laws.width`)
    n, m, l     the extents of the image behind its maps

A network whose shapes can't follow, LeNet-5 with its table of connections, keeps the sizes it has; then its counts are numbers.

    >>> import slidesum as ss
    >>> graph, sizes = with_symbols(ss.load("type-2.2").with_sizes(k1=8, k2=16, n=8, m=8).graph)
    >>> [(one.name, one.value, one.what) for one in sizes]
    [('k1', 8, 'filters of conv1'), ('k2', 16, 'filters of conv2'), ('n', 8, 'extent of the input along i'), \
('m', 8, 'extent of the input along j')]
    >>> graph["conv2"].shape
    (1, k2, n, m)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.core.sizes import is_number, size, substitute
from slidesum.draft.vary import Change, varied
from slidesum.errors import SlidesumError
from slidesum.laws.graph import totals
from slidesum.laws.maps import maps_axes, places_of
from slidesum.laws.width import widened

SIDES = ("n", "m", "l")
MOST_SYMBOLS = 12
"""With more filters that can be chosen, formulas are no longer read by anybody, and take seconds to multiply out."""


@dataclass(frozen=True)
class Symbol:
    """A size that can be chosen: its name, what it is now, and of what."""

    name: str
    value: int
    what: str


def with_symbols(graph: Graph) -> tuple[Graph, tuple[Symbol, ...]]:
    """The network with as many symbols as its shapes can follow; the same network, and none, where they follow nothing."""
    filters, sides = _filters(graph), _sides(graph)
    for named, placed in ((filters, sides), (filters, {}), ({}, sides)):
        symbols = (*(one for one in named.values()), *(one for one in placed.values()))
        if not symbols or len(symbols) > MOST_SYMBOLS:
            continue
        change = Change(
            filters={key: size(one.name) for key, one in named.items()},
            positions={axis: size(one.name) for axis, one in placed.items()},
        )
        try:
            found = varied(graph, change)
            if _same(graph, found, {one.name: one.value for one in symbols}):
                return found, symbols
        except SlidesumError:
            continue
    return graph, ()


def _same(graph: Graph, found: Graph, numbers: Mapping[str, int]) -> bool:
    """Whether the formulas tell the counts that the network has."""

    def told(formula: Any) -> Any:
        return formula if is_number(formula) else substitute(formula, numbers)

    a, b = totals(graph), totals(found)
    return (a.weights, a.biases, a.macs) == (told(b.weights), told(b.biases), told(b.macs))


def _filters(graph: Graph) -> dict[tuple[str, str], Symbol]:
    try:
        wide = widened(graph)
    except SlidesumError:
        return {}
    keys = [(name, index) for name, indices in wide.items() for index in indices if graph[name].owner == name]
    found = {}
    for number, (name, index) in enumerate(keys, start=1):
        sized = graph[name].sized
        assert sized is not None
        found[name, index] = Symbol(f"k{number}", int(sized.extents[index]), f"filters of {name}")
    return found


def _sides(graph: Graph) -> dict[str, Symbol]:
    return dict(_each_side(graph)) if len(graph.inputs) == 1 else {}


def _each_side(graph: Graph) -> Iterator[tuple[str, Symbol]]:
    node = graph.inputs[0]
    assert isinstance(node.op, Input)
    for symbol, axis in zip(SIDES, places_of(node.shape, maps_axes(graph)[node.name]), strict=False):
        name = node.op.names[axis]
        yield name, Symbol(symbol, int(node.shape[axis]), f"extent of the input along {name}")
