"""Which parts of a network can be repeated: blocks whose result has the shape of what they read.

A layer is a joint where nothing jumps over it: all that comes later reads it, or nothing before it. Between two joints lies a
part with one way in and one way out; a residual block is one, an inception module, a single layer of a chain. A block goes from a
joint to the next one behind a layer that mixes maps, with the activations and normalisations that follow it, and can be repeated
if it leaves the shape as it is. What only leads to further outputs (auxiliary heads) is no part of a block.

    conv, relu, pool, conv, relu             the second conv and its relu, if they have as many maps as the pool
    depthwise, norm, relu, 1×1, norm, relu   all six together, or none
"""

from __future__ import annotations

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, BatchNorm, Dropout, GroupNorm, LayerNorm, LocalResponseNorm, Stored
from slidesum.laws.roles import with_role


def repeatable(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """The blocks that can be repeated, each as the names of its layers in order; the last one is its result.

    >>> import slidesum as ss
    >>> net = ss.Network("chain")
    >>> x = net.input("b f", b=1, f=8)
    >>> for outputs in (16, 16, 16, 10):
    ...     x = net.activation(net.linear(x, outputs), "relu")
    >>> repeatable(net.graph)
    (('linear2', 'relu2'), ('linear3', 'relu3'))
    """
    main = _main(graph)
    joints = _joints(main)
    blocks: list[tuple[str, ...]] = []
    first = 0
    while first < len(joints) - 1:
        mixing = next((k for k in range(first, len(joints) - 1) if any(map(_mixes, _between(main, joints, k, k + 1)))), None)
        if mixing is None:
            break
        last = mixing + 1
        while last < len(joints) - 1 and joints[last + 1] == joints[last] + 1 and _follows(main[joints[last + 1]]):
            last += 1
        shape = main[joints[last]].shape
        begin = next((k for k in range(first, mixing + 1) if main[joints[k]].shape == shape), None)
        if begin is not None:
            blocks.append(_with_stored(graph, {node.name for node in _between(main, joints, begin, last)}))
        first = last
    return tuple(blocks)


def _main(graph: Graph) -> list[Node]:
    """What the first output is made of, in order, without stored arrays."""
    wanted: set[str] = {graph.output.name} if graph.nodes else set()
    for node in reversed(graph.nodes):
        if node.name in wanted:
            wanted |= set(node.inputs)
    return [node for node in graph if node.name in wanted and not isinstance(node.op, Stored)]


def _joints(main: list[Node]) -> list[int]:
    """The places of layers that nothing jumps over; every other is read, or reads, across none of them."""
    place = {node.name: k for k, node in enumerate(main)}
    last = list(range(len(main)))
    for k, node in enumerate(main):
        for name in node.inputs:
            if name in place:
                last[place[name]] = k
    found, farthest = [], 0
    for k in range(len(main)):
        if farthest <= k:
            found.append(k)
        farthest = max(farthest, last[k])
    return found


def _with_stored(graph: Graph, block: set[str]) -> tuple[str, ...]:
    """The layers in order, and the stored arrays that they alone read."""
    own = {node.name for node in graph if isinstance(node.op, Stored) and {u.name for u in graph.users(node.name)} <= block}
    return tuple(node.name for node in graph if node.name in block or (node.name in own and graph.users(node.name)))


def _between(main: list[Node], joints: list[int], begin: int, end: int) -> list[Node]:
    return main[joints[begin] + 1 : joints[end] + 1]


def _mixes(node: Node) -> bool:
    return node.sized is not None and bool(node.sized.filters) and bool(with_role(node.sized.equation, "summed", "pooled"))


def _follows(node: Node) -> bool:
    return isinstance(node.op, Activation | BatchNorm | Dropout | GroupNorm | LayerNorm | LocalResponseNorm)
