"""What a backward pass multiplies: the gradient equations of every layer that something is learnt by.

A layer has a gradient by each of its filters, and one by each result it reads if anything is learnt from there on back: the first
convolution of a network has none by the image, unless that is asked for (`inputs=True`). Each gradient is counted as the equation
that it is (`laws.gradient`), a pooling's too: it multiplies by who won, or by the share of a mean. A layer that is used twice is
differentiated twice. What multiplies nothing forwards multiplies nothing backwards, distances excepted: their gradient is as many
products as they are.
"""

from __future__ import annotations

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Distance, Input, Layer, Stored
from slidesum.core.sizes import Size, tidy
from slidesum.laws.count import multiplications
from slidesum.laws.gradient import gradient_of
from slidesum.laws.graph import node_macs
from slidesum.laws.parameters import parameters


def backward_macs(graph: Graph, *, inputs: bool = False) -> dict[str, Size]:
    """The multiply-adds of the gradients of every layer, by its name; `inputs=True` adds those by the network's inputs.

    >>> import slidesum as ss
    >>> net = ss.Network("two linear layers")
    >>> x = net.linear(net.input("b f", b=1, f=100), 50, name="first")
    >>> x = net.linear(x, 10, name="second")
    >>> backward_macs(net.graph), backward_macs(net.graph, inputs=True)
    ({'input': 0, 'first': 5000, 'second': 1000}, {'input': 0, 'first': 10000, 'second': 1000})
    """
    learnt = _learnt(graph, inputs)
    return {node.name: _of_node(node, [learnt[name] for name in node.inputs]) for node in graph}


def _learnt(graph: Graph, inputs: bool) -> dict[str, bool]:
    """Whether a result depends on something that is learnt."""
    found: dict[str, bool] = {}
    for node in graph:
        match node.op:
            case Input():
                found[node.name] = inputs
            case Stored(trainable=trainable):
                found[node.name] = trainable
            case _:
                found[node.name] = any(found[name] for name in node.inputs) or any(a.trainable for a in parameters(node))
    return found


def _of_node(node: Node, wanted: list[bool]) -> Size:
    match node.op:
        case Layer(equation):
            assert node.sized is not None
            by = [operand.name for operand, asked in zip(equation.operands, wanted, strict=False) if asked]
            by += [operand.name for operand in equation.operands[len(wanted) :]]
            return tidy(sum(multiplications(gradient_of(node.sized, name)) for name in by))
        case Distance() if any(wanted):
            return node_macs(node)
        case _:
            return 0
