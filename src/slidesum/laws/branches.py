"""Where branches meet whose windows don't fit on each other.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill, 2019): a result that several paths
lead to has one receptive field only if the paths agree on stride and centre. Along an axis, the window of place 0 has its centre at

    (field - 1)/2 - padding

A network whose branches disagree computes with features of different places side by side; usually a padding is to blame. What has
read a whole axis (a gate, a global pooling) has no place on it, and disagrees with nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Add, Concat, Elementwise
from slidesum.core.sizes import surely_differ, tidy
from slidesum.laws.reach import Reach


def disagreements(graph: Graph, reaches: Mapping[str, Mapping[str, Reach]]) -> Iterator[str]:
    """A sentence for every layer whose inputs' windows don't fit on each other, with the layer's name.

    >>> import slidesum as ss
    >>> net = ss.Network("askew")
    >>> x = net.input("b c i", b=1, c=1, i=8)
    >>> a = net.conv(x, "b c i+u, o c u -> b o i", o=1, u=2, padding={"i": (0, 1)}, name="a")
    >>> b = net.conv(x, "b c i, o c -> b o i", o=1, name="b")
    >>> x = net.add(a, b, name="sum")
    >>> print(*disagreements(net.graph, {name: net.reach(name) for name in ("input", "a", "b", "sum")}))
    sum: branches have different centres along i: place 0 looks around 1/2 in a, 0 in b
    """
    for node in graph:
        if isinstance(node.op, Add | Concat | Elementwise) and len(set(node.inputs)) > 1:
            yield from _at(node, {name: reaches[name] for name in node.inputs})


def _at(node: Node, branches: Mapping[str, Mapping[str, Reach]]) -> Iterator[str]:
    """One sentence for strides and one for centres, each with all axes along which the same holds."""
    beside = node.op.axis % len(node.shape) if isinstance(node.op, Concat) else None
    strides: dict[str, list[str]] = {}
    centres: dict[str, list[str]] = {}
    for axis in dict.fromkeys(axis for reach in branches.values() for axis in reach):
        found = {name: reach[axis] for name, reach in branches.items() if axis in reach and reach[axis].along not in (None, beside)}
        if _differ([reach.stride for reach in found.values()]):
            told = _listed({name: reach.stride for name, reach in found.items()})
            strides.setdefault(told, []).append(axis)
        elif _differ([reach.field - 2 * reach.padding for reach in found.values()]):
            told = _listed({name: _centre(reach) for name, reach in found.items()})
            centres.setdefault(told, []).append(axis)
    for told, axes in strides.items():
        yield f"{node.name}: branches move at different strides along {' and '.join(axes)}: {told}"
    for told, axes in centres.items():
        yield f"{node.name}: branches have different centres along {' and '.join(axes)}: place 0 looks around {told}"


def _centre(reach: Reach) -> Any:
    first: Any = reach.field - 1
    half = Fraction(first, 2) if isinstance(first, int | Fraction) else first / 2
    found = half - reach.padding
    return found if isinstance(found, int | Fraction) else tidy(found)


def _differ(values: list[Any]) -> bool:
    """Whether two of them are surely not the same."""
    return any(surely_differ(value, values[0]) for value in values[1:])


def _listed(values: Mapping[str, Any]) -> str:
    """The values with the branches that have them."""
    having: dict[str, list[str]] = {}
    for name, value in values.items():
        having.setdefault(str(value), []).append(name)
    return ", ".join(f"{value} in {' and '.join(names)}" for value, names in having.items())
