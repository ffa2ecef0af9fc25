"""Which axis of a result holds its maps; the batch is the first, and what remains is the size of a map.

    filters                 the axis that an index with weights of its own stands on     b i+u j+v c, u v c o -> b i j o    3
    slides without filters  the axis of what is kept                                     max b 2*i+u 2*j+v c -> b i j c     3
    other equations         the axis that the input's maps go to                         b i j c -> b c i j                 1
    other layers            the input's axis, or the one that a layer names              batch norm, concat

Of several the first counts; where nothing tells it, and for an input whose axes aren't called "c", it is the axis behind the batch.

    >>> import slidesum as ss
    >>> net = ss.Network("channels last")
    >>> x = net.conv(net.input("b i j c", b=1, i=28, j=28, c=1), "b i+u j+v c, u v c o -> b i j o", u=3, v=3, o=8, name="conv")
    >>> x = net.flatten(net.activation(x, "relu", name="relu"), name="flat")
    >>> maps_axes(net.graph)
    {'input': 3, 'conv': 3, 'relu': 3, 'flat': 1}
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from slidesum.core.axis import Address, Axis, indices
from slidesum.core.equation import Equation
from slidesum.core.network import Graph, Node
from slidesum.core.ops import BatchNorm, Input, Layer, LocalResponseNorm, Reshape
from slidesum.core.sizes import Size
from slidesum.laws.roles import batch, roles

USUAL = 1


def maps_axes(graph: Graph) -> dict[str, int]:
    """The number of the axis, by the names of the layers; 0 for a result that has one axis or none."""
    found: dict[str, int | None] = {}
    for node in graph:
        found[node.name] = _axis(node, [(graph[name].shape, found[name]) for name in node.inputs])
    return {node.name: min(_or_usual(found[node.name]), max(len(node.shape) - 1, 0)) for node in graph}


def places_of(shape: Sequence[Size], maps: int) -> tuple[int, ...]:
    """The axes along which a map extends: all but the batch and that of the maps. An only axis is a place.

    >>> places_of((1, 28, 28, 8), 3), places_of((1, 10), 1), places_of((100,), 0)
    ((1, 2), (), (0,))
    """
    return tuple(k for k in range(len(shape)) if k not in (0, maps)) if len(shape) > 1 else tuple(range(len(shape)))


def _axis(node: Node, before: Sequence[tuple[Sequence[Size], int | None]]) -> int | None:
    """None where nothing tells it: with an input that does, a sum then follows the other one."""
    rank = len(node.shape)
    match node.op:
        case Input(names) if "c" in names[USUAL + 1 :]:
            return names.index("c")
        case BatchNorm(axis=axis) | LocalResponseNorm(axis=axis):
            return axis % rank
        case Layer():
            assert node.sized is not None
            return maps_of_equation(node.sized.equation, before[0][1])
        case Reshape():
            shape, known = before[0]
            return _kept(shape, _or_usual(known), node.shape)
        case _:
            return next((known for shape, known in before if len(shape) == rank and known is not None), None)


@lru_cache(maxsize=1024)
def maps_of_equation(equation: Equation, before: int | None = None) -> int | None:
    """The axis of an equation's result that holds its maps, if those of the first operand stand on its axis `before`.

    >>> from slidesum.notation.parse import parse
    >>> maps_of_equation(parse("b t c, o c -> b t o")), maps_of_equation(parse("b c i+u j+v, o u v -> b c o i j"))
    (2, 1)
    """
    role, first = roles(equation), batch(equation)
    wanted = ("filter", "own", "kept") if equation.positions else ("filter", "own")
    told = _place(equation, {name for name, what in role.items() if what in wanted and name != first})
    return told if told is not None else _place(equation, _at(equation.operands[0].axes, _or_usual(before)))


def _or_usual(axis: int | None) -> int:
    return USUAL if axis is None else axis


def _at(axes: Sequence[Axis], place: int) -> set[str]:
    return {name for axis in axes[place : place + 1] for name in indices(axis)}


def _place(equation: Equation, names: set[str]) -> int | None:
    axes = enumerate(equation.result.axes)
    return next((k for k, axis in axes if not isinstance(axis, Address) and names & set(indices(axis))), None)


def _kept(before: Sequence[Size], axis: int, after: Sequence[Size]) -> int | None:
    """Where a reshape leaves the axis, if all before it, or all behind it, stays as it is."""
    behind = len(before) - axis
    if tuple(before[: axis + 1]) == tuple(after[: axis + 1]):
        return axis
    return len(after) - behind if behind < len(after) and tuple(before[axis:]) == tuple(after[-behind:]) else None
