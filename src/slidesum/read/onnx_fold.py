"""What follows from constants alone is computed while reading: shapes that are taken apart and put together, masks, index tables.

The `onnx` package brings a reference for every operator; it computes here, in NumPy, what is small and only what is listed. How
large a result will be is asked before it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod

import numpy as np

from slidesum.read.onnx_build import Call, Constant, Unknown
from slidesum.read.told import first_line

LARGEST = 2**26
"""Values of one result."""

FOLDED = frozenset({
    "Abs", "Add", "And", "ArgMax", "ArgMin", "BitShift", "BitwiseAnd", "BitwiseOr", "Cast", "CastLike", "Ceil", "Clip",
    "Concat", "Constant", "Cos", "CumSum", "DequantizeLinear", "Div", "Equal", "Erf", "Exp", "Expand", "EyeLike", "Flatten",
    "Floor", "Gather", "GatherElements", "GatherND", "Gemm", "Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "Less",
    "LessOrEqual", "Log", "MatMul", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "OneHot", "Or", "Pad", "Pow",
    "Range", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Round",
    "ScatterElements", "ScatterND", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Softmax", "Split", "Sqrt", "Squeeze",
    "Sub", "Sum", "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
})  # fmt: skip
"""Operators whose result follows from their inputs, once and for all."""
KEEPING = frozenset({"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Identity", "Flatten", "DequantizeLinear"})
"""Operators after which an array is still the same weights."""


def folded(call: Call, inputs: Sequence[Constant | None], shapes: Sequence[tuple[int, ...] | None]) -> list[Constant]:
    """The results of a node of constant inputs. Raises Unknown where they would be large, or can't be computed."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    growth = [prod(shape) for shape in shapes if shape is not None]
    if call.op == "Range":
        start, limit, step = (float(np.ravel(one.numbers)[0]) for one in inputs if one is not None)
        growth = [max(0, ceil((limit - start) / step))]
    elif call.op == "NonZero":
        growth = [one.numbers.size * max(1, one.numbers.ndim) for one in inputs if one is not None]
    if len(growth) < len(shapes) and call.op in ("Expand", "Tile", "Pad", "OneHot", "EyeLike"):
        raise Unknown("how large its result is can't be told")
    if max(growth, default=0) > LARGEST:
        raise Unknown(f"its result has {max(growth):,} values, and at most {LARGEST:,} are computed while reading")
    if len(growth) < len(shapes) and sum(one.numbers.size for one in inputs if one is not None) > LARGEST:
        raise Unknown("how large its result is can't be told")
    names = [name for name in call.inputs if name]
    held = {name: np.asarray(one.numbers) for name, one in zip(call.inputs, inputs, strict=True) if one is not None}
    node = type(call.node)()
    node.CopyFrom(call.node)
    kinds = {name: helper.np_dtype_to_tensor_dtype(a.dtype) for name, a in held.items()}
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(name, kinds[name], None) for name in dict.fromkeys(names)],
        [helper.make_empty_tensor_value_info(name) for name in call.outputs if name],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", call.opset)], ir_version=10)
    try:
        with np.errstate(all="ignore"):
            found = ReferenceEvaluator(model).run(None, held)
    except Exception as error:  # whatever the package's own code raises
        raise Unknown(f"it can't be computed: {first_line(error)}") from None
    results = [np.asarray(one) for one in found]
    source = next((one for one in inputs if one is not None), None) if call.op in KEEPING else None
    name, trainable = (source.name, source.trainable) if source else ("", False)
    return [Constant(one, name, trainable) for one in results]
