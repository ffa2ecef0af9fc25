"""The laws of a layer, asked of every node of a network: counts and reach. One walk over the one graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from slidesum.core.network import Graph, Node
from slidesum.core.ops import (
    Add,
    Distance,
    Elementwise,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Opaque,
    Softmax,
    Stored,
)
from slidesum.core.sizes import Size, floor_div, prod, tidy
from slidesum.laws.count import Counts, count, inputs_per_output, multiplications
from slidesum.laws.parameters import parameters
from slidesum.laws.reach import Reach, origin, union
from slidesum.laws.through import through


def node_counts(node: Node) -> Counts:
    """The counts of one node; what isn't an equation multiplies nothing that is counted, distances excepted.

    Arrays that a layer shares with an earlier one are that one's: here they count nothing.
    """
    outputs = prod(node.shape)
    match node.op:
        case Layer():
            assert node.sized is not None
            counts = count(node.sized)
        case Distance():
            products = node_macs(node)
            counts = Counts(macs=products, macs_inside=products, connections=products, outputs=outputs)
        case _:
            kept: dict[str, Size] = dict.fromkeys(("weights", "biases"), 0)
            for array in parameters(node):
                if array.trainable:
                    kept[array.role] += prod(array.shape)
            counts = Counts(**{role: tidy(n) for role, n in kept.items()}, outputs=outputs)
    return replace(counts, weights=0, biases=0) if node.shares else counts


def node_macs(node: Node) -> Size:
    """The multiply-adds of one node alone, where its other counts aren't asked for."""
    match node.op:
        case Layer():
            assert node.sized is not None
            return multiplications(node.sized)
        case Distance(centres):
            return tidy(prod(node.shape) * len(centres[0]))
        case _:
            return 0


def totals(graph: Graph) -> Counts:
    """The sum over all layers; the input itself is no layer."""
    total = Counts()
    for node in graph:
        if not isinstance(node.op, Input):
            total = total + node_counts(node)
    return total


def node_inputs_per_output(graph: Graph, node: Node) -> Size:
    """Different input values that one output value reads, at most."""
    match node.op:
        case Input():
            return 0
        case Layer():
            assert node.sized is not None
            return inputs_per_output(node.sized)
        case Distance(centres):
            return len(centres[0])
        case Softmax(axis):
            return node.shape[axis]
        case LocalResponseNorm(size=size):
            return size
        case LayerNorm(axes=axes):
            return prod(node.shape[axis] for axis in axes)
        case GroupNorm(groups=groups):
            return floor_div(prod(node.shape[1:]), groups)
        case Opaque():
            return tidy(sum(prod(graph[name].shape) for name in node.inputs))
        case _:
            return len(node.inputs) if isinstance(node.op, Add | Elementwise | Stored) else 1


def reaches(graph: Graph) -> dict[str, Mapping[str, Reach]]:
    """The reach of every node along the axes of the input; an upper bound where branches meet that don't move alike."""
    found: dict[str, Mapping[str, Reach]] = {}
    for node in graph:
        if isinstance(node.op, Input):
            found[node.name] = origin(node.op.names, node.shape)
            continue
        before = [(graph[name].shape, found[name]) for name in node.inputs]
        branches = [branch for branch in through(node, before) if branch]
        found[node.name] = union(branches) if len(branches) > 1 else branches[0] if branches else {}
    return found
