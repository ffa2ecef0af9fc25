"""What any layer is called, in words."""

from __future__ import annotations

from slidesum.core.network import Node
from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Opaque,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.laws.kind import kind


def op_kind(node: Node) -> str:
    """The kind of any layer, in words."""
    match node.op:
        case Layer(equation):
            return kind(equation, node.sized).name
        case Activation(function):
            return f"activation {function}"
        case Elementwise(function):
            return f"elementwise {function}"
        case BatchNorm():
            return "batch norm"
        case LayerNorm(centred=centred):
            return "layer norm" if centred else "root mean square norm"
        case GroupNorm(groups):
            return "instance norm" if groups == node.shape[1] else "layer norm" if groups == 1 else f"group norm, {groups} groups"
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
        case Slice() | Take():
            return "slice"
        case Pad():
            return "padding"
        case Reshape():
            return "reshape"
        case Stored(trainable=trainable):
            return "stored weights" if trainable else "stored numbers"
        case Distance():
            return "Euclidean distance"
        case Opaque(name):
            return f"{name} (not an equation)"
        case Input():
            return "input"
