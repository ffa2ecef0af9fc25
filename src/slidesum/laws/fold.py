"""Which batch norms can be folded into the layer before them.

What a batch norm computes once it is trained, a·x + b for every map, can be put into the weights and biases of the convolution
whose maps it scales (Jacob et al. 2018, section 3.2), if nobody else reads these maps.
"""

from __future__ import annotations

from slidesum.core.network import Graph, Node
from slidesum.core.ops import BatchNorm, Layer


def folds_into(graph: Graph, node: Node) -> Node | None:
    """The layer that could take this batch norm over, or None."""
    if not isinstance(node.op, BatchNorm):
        return None
    before = graph[node.inputs[0]]
    if not isinstance(before.op, Layer) or before.sized is None or not before.sized.filters:
        return None
    shared = before.shares is not None or before.name in graph.lenders
    return None if shared or len(graph.users(before.name)) != 1 else before
