"""What any layer is called, in words."""

from __future__ import annotations

from slidesum.core.network import Node
from slidesum.core.ops import Activation, Add, BatchNorm, Concat, Distance, Dropout, Input, Layer, LocalResponseNorm, Softmax
from slidesum.laws.kind import kind


def op_kind(node: Node) -> str:
    """The kind of any layer, in words."""
    match node.op:
        case Layer(equation):
            return kind(equation, node.sized).name
        case Activation(function):
            return f"activation {function}"
        case BatchNorm():
            return "batch norm"
        case LocalResponseNorm():
            return "local response norm"
        case Softmax():
            return "softmax"
        case Dropout(rate):
            return f"dropout {rate:g}"
        case Concat():
            return "concat"
        case Add():
            return "add"
        case Distance():
            return "Euclidean distance"
        case Input():
            return "input"
