"""Which sizes are a network's width: the sizes of its filters that are no taps.

    o of  b c i+u j+v, o c u v -> b o i j            multiplied: a layer's maps are its filters
    o of  b (g c) i+u, (g o) c u -> b (g o) i        multiplied: the groups stay as many, each becomes wider
    r of  b c i, r c, o r -> b o i                   multiplied: the rank of a factored filter
    m of  b c i+u, c m u -> b (c m) i                stays: a depthwise layer is as wide as what it reads
    u, v, the input's maps, positions                stay

What the network is asked for stays as well: the layers that make its outputs (the classes) keep their filters. Going back from
every output, that is the first layer on each path which has such sizes.
"""

from __future__ import annotations

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Layer
from slidesum.errors import UsageError
from slidesum.laws.roles import batch, roles


def widened(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The indices whose extents are multiplied, by layer; layers with none are left out.

    >>> import slidesum as ss
    >>> widened(ss.load("type-2.2").graph)
    {'conv1': ('o',), 'conv2': ('o',)}

    Raises UsageError where a table says which single maps are connected: such a layer has the maps that it has.
    """
    wired = next((node.name for node in graph if node.sized is not None and node.sized.connections is not None), None)
    if wired:
        raise UsageError(
            f"{graph.name} can't be made wider: {wired} connects single maps by a table",
            usual="The table would have to be another one for every width.",
            advice="Vary the resolution, the batch or the depth.",
        )
    found = {node.name: wide for node in graph if (wide := _width(node))}
    kept = {graph[name].owner for name in _making_outputs(graph, found)}
    return {name: wide for name, wide in found.items() if graph[name].owner not in kept}


def _width(node: Node) -> tuple[str, ...]:
    if not isinstance(node.op, Layer) or node.sized is None or not node.sized.filters:
        return ()
    equation = node.op.equation
    role = roles(equation)
    on_filters = {name for operand in node.sized.filters for name in operand.indices}
    own = any(role[name] == "own" and name != batch(equation) for name in on_filters)
    if own and not any(role[name] in ("summed", "pooled") for name in equation.indices):
        return ()
    return tuple(name for name in equation.indices if role[name] in ("filter", "rank") and name in on_filters)


def _making_outputs(graph: Graph, wide: dict[str, tuple[str, ...]]) -> set[str]:
    """The first wide layer on every path back from the outputs."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [node.name for node in graph.outputs]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in wide:
            found.add(name)
        else:
            waiting += graph[name].inputs
    return found
