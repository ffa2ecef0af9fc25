"""The network in double precision: what all engines are compared with.

Every layer is computed by its plan, as `net.run` does, so that no code of the engine takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from slidesum.core.ops import Input
from slidesum.run.network import result_of

if TYPE_CHECKING:
    from slidesum.bench.engines.question import Question
    from slidesum.core.network import Graph

Array = Any


def in_double(graph: Graph, values: dict[str, Array], inputs: list[Array]) -> list[Array]:
    """The outputs; a result is forgotten after its last reader, since the maps of a large batch would fill the memory."""
    given = dict(zip((node.name for node in graph.inputs), inputs, strict=True))
    like = np.empty(0, np.float64)
    found: dict[str, Array] = {}
    last = {name: node.name for node in graph for name in node.inputs} | {node.name: "" for node in graph.outputs}
    for node in graph:
        if isinstance(node.op, Input):
            found[node.name] = np.asarray(given[node.name], np.float64)
        else:
            found[node.name] = result_of(node, values, [found[name] for name in node.inputs], like)
        for name in set(node.inputs):
            if last[name] == node.name:
                del found[name]
    return [found[node.name] for node in graph.outputs]


def reference(question: Question) -> Callable[[], list[Array]]:
    """For a process of its own."""
    net = question.network()
    return lambda: in_double(net.graph, net.values, question.inputs())
