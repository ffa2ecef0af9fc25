"""What any layer is called, in words."""

from __future__ import annotations

from slidesum.core import ops
from slidesum.core.network import Node
from slidesum.laws.kind import kind


def op_kind(node: Node) -> str:
    """The kind of any layer, in words."""
    match node.op:
        case ops.Layer(equation):
            return kind(equation, node.sized).name
        case ops.Activation(function):
            return f"activation {function}"
        case ops.Elementwise(function):
            return f"elementwise {function}"
        case ops.BatchNorm():
            return "batch norm"
        case ops.LayerNorm(centred=centred):
            return "layer norm" if centred else "root mean square norm"
        case ops.GroupNorm(groups):
            return "instance norm" if groups == node.shape[1] else "layer norm" if groups == 1 else f"group norm, {groups} groups"
        case ops.LocalResponseNorm():
            return "local response norm"
        case ops.Softmax():
            return "softmax"
        case ops.Dropout(rate):
            return f"dropout {rate:g}"
        case ops.Concat():
            return "concat"
        case ops.Add():
            return "add"
        case ops.Slice() | ops.Take():
            return "slice"
        case ops.Pad():
            return "padding"
        case ops.Reshape():
            return "reshape"
        case ops.Stored(trainable=trainable):
            return "stored weights" if trainable else "stored numbers"
        case ops.Distance():
            return "Euclidean distance"
        case ops.Opaque(name):
            return f"{name} (not an equation)"
        case ops.Input():
            return "input"
