"""The laws of a layer, asked of every node of a network: counts and reach. One walk over the one graph."""

from __future__ import annotations

from collections.abc import Mapping

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Add, BatchNorm, Concat, Distance, Input, Layer, LocalResponseNorm, Softmax
from slidesum.core.sizes import Size, prod, tidy
from slidesum.laws.count import Counts, count, inputs_per_output
from slidesum.laws.parameters import parameters
from slidesum.laws.reach import Reach, absorbed, follow, origin, union


def node_counts(node: Node) -> Counts:
    """The counts of one node; what isn't an equation multiplies nothing that is counted, distances excepted."""
    outputs = prod(node.shape)
    match node.op:
        case Layer():
            assert node.sized is not None
            return count(node.sized)
        case BatchNorm():
            kept = {role: prod(p.shape) for p in parameters(node) for role in (p.role,) if p.trainable}
            return Counts(weights=kept["weights"], biases=kept["biases"], outputs=outputs)
        case Distance(centres):
            products = tidy(outputs * len(centres[0]))
            return Counts(macs=products, macs_inside=products, connections=products, outputs=outputs)
        case _:
            return Counts(outputs=outputs)


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
        case Add():
            return len(node.inputs)
        case _:
            return 1


def reaches(graph: Graph) -> dict[str, Mapping[str, Reach]]:
    """The reach of every node along the axes of the input; an upper bound where branches meet that don't move alike."""
    found: dict[str, Mapping[str, Reach]] = {}
    for node in graph:
        if isinstance(node.op, Input):
            found[node.name] = origin(node.op.names, node.shape)
            continue
        found[node.name] = _through(node, union(_side_by_side(node, [found[name] for name in node.inputs])))
    return found


def _side_by_side(node: Node, branches: list[Mapping[str, Reach]]) -> list[Mapping[str, Reach]]:
    """Along the axis on which a concat lays its branches, a place no longer tells the cell: there the whole is read."""
    if not isinstance(node.op, Concat) or len(branches) == 1:
        return branches
    side = node.op.axis % len(node.shape)
    return [{name: absorbed(r) if r.along == side else r for name, r in branch.items()} for branch in branches]


def _through(node: Node, before: Mapping[str, Reach]) -> Mapping[str, Reach]:
    match node.op:
        case Layer():
            assert node.sized is not None
            return follow(node.sized, before)
        case Distance():
            return {name: absorbed(reach) if reach.along == 1 else reach for name, reach in before.items()}
        case Softmax(axis):
            place = axis % len(node.shape)
            return {name: absorbed(reach) if reach.along == place else reach for name, reach in before.items()}
        case _:
            return before
