"""Two nodes of ONNX that are one layer: a matrix product and its bias, a gate and what it opens.

MatMul, Add by the last axis           b f, f o -> b o with a bias
Sigmoid, Mul with its own input        silu
HardSigmoid, Mul with its own input    hard_swish
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slidesum.core.ops import Activation
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Constant, Known, Translator, Unknown
from slidesum.read.onnx_products import linear


def one_layer(build: Build, node: Any, readers: Mapping[str, Any]) -> tuple[Any, Translator] | None:
    """The one node that reads this one's result, if both are one layer: a product and its bias, a gate and what it opens."""
    if node.domain or not node.output or not node.input or build.uses.get(node.output[0]) != 1:
        return None
    reader = readers.get(node.output[0])
    if reader is None or reader.domain:
        return None
    others = [name for name in reader.input if name != node.output[0]]
    if len(others) != 1:
        return None
    x, other = (dict.get(build.known, name) for name in (node.input[0], others[0]))
    if node.op_type == "MatMul" and reader.op_type == "Add" and x is not None and len(x.shape) > 1 and len(node.input) == 2:
        w = dict.get(build.known, node.input[1])
        fits = isinstance(w, Constant) and len(w.shape) == 2 and isinstance(other, Constant) and other.shape == w.shape[1:]
        if fits and isinstance(other, Constant) and other.trainable:
            return reader, lambda b, c: _linear_with_bias(b, c, other)
    if reader.op_type == "Mul" and others[0] == node.input[0] and isinstance(x, Tensor) and len(node.input) == 1:
        if node.op_type == "Sigmoid":
            return reader, lambda b, c: b.put(c, Activation("silu"), b.tensor(c, 0))
        told = {a.name: a.f for a in node.attribute}
        sixths = abs(told.get("alpha", 0.2) - 1 / 6) < 1e-6 and told.get("beta", 0.5) == 0.5
        if node.op_type == "HardSigmoid" and sixths:
            return reader, lambda b, c: b.put(c, Activation("hard_swish"), b.tensor(c, 0))
    return None


def _linear_with_bias(build: Build, call: Call, bias: Known | None) -> Tensor:
    """A product with a constant matrix, and the bias that is added to it."""
    w = build.given(call, 1)
    if not isinstance(w, Constant) or not isinstance(bias, Constant):
        raise Unknown("its bias is computed")
    return linear(build, call, build.tensor(call, 0), w, bias)
