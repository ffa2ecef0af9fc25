"""Which axes of a result are places (rows, columns, slices), and which one holds the maps.

    a layer slides over an axis           what slides is a place, before and behind it
    an index goes from x to y unchanged   the axis of y is what the axis of x was
    an input that nothing slides over     the first axis is the batch, the second the maps, the others are places

So it is read off the equations, whether maps come first or last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slidesum.core.axis import Address, Axis, Name, indices
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Concat, Distance, Input, Layer, Opaque, Reshape, Stored


@dataclass(frozen=True, slots=True)
class Places:
    """The axes of a result: how many there are, which of them are places, and which holds the maps (None: a single map)."""

    rank: int
    axes: tuple[int, ...]
    map_axis: int | None


def places(graph: Graph) -> Mapping[str, Places]:
    """By layer.

    >>> from slidesum.zoo.question import question
    >>> places(question("2.2", k1=4, k2=6, n=8, m=8))["pool"]
    Places(rank=4, axes=(2, 3), map_axis=1)
    """
    found: dict[str, Places] = {}
    for node in graph:
        found[node.name] = _of(graph, node, found)
    return found


def _of(graph: Graph, node: Node, found: Mapping[str, Places]) -> Places:
    before = [found[name] for name in node.inputs]
    rank = len(node.shape)
    match node.op:
        case Input():
            slid = _slid_over(graph, node.name, rank)
            return _told(rank, slid or tuple(range(2, rank)))
        case Layer(equation):
            first = before[0].axes if before else ()
            on_places = {name for place in first for name in _single(equation.operands[0].axes, place)}
            kept = tuple(
                place
                for place, axis in enumerate(equation.result.axes)
                if isinstance(axis, Address)
                or (isinstance(axis, Name) and (axis.name in on_places or axis.name in equation.positions))
            )
            return _told(rank, kept)
        case Reshape() | Opaque() | Stored() | Distance():
            return _told(rank, tuple(range(2, rank)))
        case Concat():
            return before[0]
        case _:
            return next((one for one in before if one.rank == rank), _told(rank, tuple(range(2, rank))))


def _told(rank: int, axes: tuple[int, ...]) -> Places:
    return Places(rank, axes, next((k for k in range(1, rank) if k not in axes), None))


def _single(axes: tuple[Axis, ...], place: int) -> tuple[str, ...]:
    return indices(axes[place]) if place < len(axes) and isinstance(axes[place], Name) else ()


def _slid_over(graph: Graph, name: str, rank: int) -> tuple[int, ...]:
    """The axes of a result that the first sliding layer behind it slides over, with the layers between keeping its rank."""
    waiting = [name]
    for node in graph:
        reads = [k for k, one in enumerate(node.inputs) if one in waiting]
        if not reads:
            continue
        if isinstance(node.op, Layer):
            axes = node.op.equation.operands[reads[0]].axes
            slid = tuple(place for place, axis in enumerate(axes) if isinstance(axis, Address))
            if slid and len(axes) == rank:
                return slid
        elif len(node.shape) == rank:
            waiting.append(node.name)
    return ()
