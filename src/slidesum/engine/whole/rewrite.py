"""A network written otherwise before it is compiled: what computes the same, and leaves less to do.

    wanted          what no output needs is left out
    pads_folded     zeros put around maps go into the windows of the layer behind them
    pooled_first    a function that never falls is applied to the largest value of a window, instead of to all of them

Arrays are left as they are. What works do together is said in `pairs.py`; batch norms are folded and tails taken over in `work.py`.
"""

from __future__ import annotations

from dataclasses import replace

from slidesum.core.axis import Address
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Input, Layer, Op, Pad
from slidesum.core.sized import Border, PositionPadding
from slidesum.engine.whole.meaning import Convolution, Pooling, meaning
from slidesum.engine.whole.tables import all_exist
from slidesum.laws.edge import constant
from slidesum.laws.shape import solve

RISING = ("relu", "relu6", "clip", "sigmoid", "tanh", "scaled_tanh", "hard_sigmoid")
"""Functions that never fall."""
POSITIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid")
"""Functions that are nowhere below zero."""


def rewritten(graph: Graph) -> Graph:
    """All rewrites of graphs. Outputs and arrays keep their names."""
    return wanted(pooled_first(pads_folded(wanted(graph))))


def wanted(graph: Graph) -> Graph:
    """Without the layers that no output needs. What shares arrays with one of them goes on to call them by its name."""
    needed = {node.name for node in graph.outputs}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return replace(graph, nodes=tuple(node for node in graph if node.name in needed or isinstance(node.op, Input)))


def pads_folded(graph: Graph) -> Graph:
    """Layers whose windows reach over what a layer before them pads with read what that one reads."""
    nodes = []
    for node in graph:
        while (folded := _folded(graph, node)) is not None:
            node = folded
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _folded(graph: Graph, node: Node) -> Node | None:
    pad = graph[node.inputs[0]] if len(node.inputs) == 1 else None
    if pad is None or not isinstance(pad.op, Pad) or not isinstance(node.op, Layer) or node.sized is None:
        return None
    sized, found = node.sized, meaning(node.sized)
    padded = {place: pair for place, pair in enumerate(pad.op.cells) if pair != (0, 0)}
    fits = all(low >= 0 and high >= 0 and (0, place) in sized.slides for place, (low, high) in padded.items())
    if found is None or not fits or not _means_nothing(graph, pad, pad.op.border, found):
        return None
    source, (x, *filters) = graph[pad.inputs[0]], sized.equation.operands
    around: dict[str, PositionPadding] = {}
    for (_, place), slide in sized.slides.items():
        low, high = padded.get(place, (0, 0))
        around[str(slide.position)] = (slide.padding[0] + low, slide.padding[1] + high)
    x = replace(x, axes=tuple(replace(axis, constant=0) if isinstance(axis, Address) else axis for axis in x.axes))
    op = replace(node.op, equation=replace(sized.equation, operands=(x, *filters)), padding=around, border="zero")
    shapes = [source.shape, *[None] * len(filters)]
    now = replace(solve(op.equation, shapes, op.sizes, padding=around, extent=op.extent), inputs=1)
    means = meaning(now)
    if means is None or now.result_shape != node.shape or (isinstance(means, Pooling) and not all_exist(means.window)):
        return None
    return replace(node, op=op, inputs=(source.name,), sized=now)


def _means_nothing(graph: Graph, pad: Node, border: Border, found: Convolution | Pooling) -> bool:
    """Whether a layer takes these cells as it takes those beyond an edge: as nothing."""
    if isinstance(border, str) and border != "zero":
        return False
    value = constant(border)
    if isinstance(found, Convolution) or found.reduce in ("sum", "mean"):
        return value == 0
    if found.reduce == "max":
        before = graph[pad.inputs[0]].op
        return value == float("-inf") or (value == 0 and isinstance(before, Activation) and before.function in POSITIVE)
    return value == float("inf")


def _rises(op: Op) -> bool:
    is_leaky = isinstance(op, Activation) and op.function == "leaky_relu" and min((0.0, *op.options)) >= 0
    return is_leaky or (isinstance(op, Activation) and op.function in RISING)


def pooled_first(graph: Graph) -> Graph:
    """Where a pooling by the largest or the smallest value alone reads a function that never falls, the two change places."""
    asked = {node.name for node in graph.outputs}
    changed: dict[str, Node] = {}
    for node in graph:
        users = graph.users(node.name)
        if not _rises(node.op) or node.name in asked or node.name in changed or len(users) != 1 or users[0].sized is None:
            continue
        (pool,) = users
        assert pool.sized is not None
        found = meaning(pool.sized)
        if isinstance(found, Pooling) and found.reduce in ("max", "min") and all_exist(found.window):
            changed[node.name] = replace(pool, name=node.name, inputs=node.inputs)
            changed[pool.name] = replace(node, name=pool.name, inputs=(node.name,), shape=pool.shape)
    return replace(graph, nodes=tuple(changed.get(node.name, node) for node in graph))
