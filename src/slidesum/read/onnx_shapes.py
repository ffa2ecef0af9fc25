"""The element types and shapes of what a node makes, told by ONNX's own rules from those of what it reads, or by the file.

What isn't understood needs them: an opaque layer has the exact shape of its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slidesum.errors import FileError
from slidesum.read.onnx_build import Build, Call, Constant
from slidesum.read.onnx_open import Opened
from slidesum.read.onnx_sizes import Sizes


def kind_of(numbers: Any) -> int:
    """The element type of an array, as ONNX numbers them; 0 for one that it doesn't have."""
    from onnx.helper import np_dtype_to_tensor_dtype

    try:
        return int(np_dtype_to_tensor_dtype(numbers.dtype))
    except (KeyError, ValueError):
        return 0


def note_kinds(build: Build, call: Call) -> None:
    """The element types of a node's results: as its inputs', with the exceptions that matter here."""
    kind = build.kinds.get(call.inputs[0], 1) if call.inputs and call.inputs[0] else 1
    if call.op == "Cast":
        kind = int(call.get("to", 1))
    elif call.op == "CastLike":
        kind = build.kinds.get(call.inputs[1], 1)
    elif call.op in ("Shape", "Size", "ArgMax", "ArgMin", "NonZero"):
        kind = 7
    elif call.op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf"):
        kind = 9
    elif call.op == "Where":
        kind = build.kinds.get(call.inputs[1], 1)
    build.kinds |= {name: kind for name in call.outputs if name}


def told_shapes(file: Opened, build: Build, call: Call) -> list[tuple[int, ...] | None]:
    """The shapes of a node's results as ONNX's own rules tell them from those of its inputs; None where they don't."""
    from onnx import TypeProto, defs, helper, numpy_helper, shape_inference

    domain = call.node.domain
    types: dict[str, TypeProto] = {}
    data = {}
    for name in dict.fromkeys(filter(None, call.inputs)):
        one = build.known[name]
        shape = [int(n) for n in one.shape]
        types[name] = helper.make_tensor_type_proto(build.kinds.get(name, 1), shape)
        if isinstance(one, Constant) and one.numbers.size <= 1024 and one.numbers.dtype.kind in "iufb":
            data[name] = numpy_helper.from_array(np.ascontiguousarray(one.numbers), name)
    try:
        schema = defs.get_schema(call.node.op_type, file.opsets.get(domain, call.opset), domain)
        opsets = [helper.make_opsetid(d, n) for d, n in file.opsets.items()]
        found = shape_inference.infer_node_outputs(schema, call.node, types, data, opset_imports=opsets, ir_version=10)
    except Exception:  # whatever the package's own code raises: then the rules don't tell
        found = {}
    shapes = []
    for name in call.outputs:
        dims = found[name].tensor_type.shape.dim if name in found and found[name].tensor_type.HasField("shape") else None
        known = dims is not None and all(d.HasField("dim_value") and d.dim_value >= 0 for d in dims)
        shapes.append(tuple(int(d.dim_value) for d in dims) if known and dims is not None else None)
    return shapes


def exact_shapes(file: Opened, sizes: Sizes, build: Build, call: Call, why: str) -> list[tuple[int, ...]]:
    """The shapes of a node's results, also as the file says them. Raises FileError where they can't be told."""
    shapes = told_shapes(file, build, call)
    told = {one.name: one.type for one in (*file.graph.value_info, *file.graph.output)}
    found = []
    for name, shape in zip(call.outputs, shapes, strict=True):
        if shape is None and name in told and told[name].tensor_type.HasField("shape"):
            dims = [sizes.extent(d) for d in told[name].tensor_type.shape.dim]
            shape = tuple(n for n in dims if n is not None) if None not in dims else None
        if shape is None and name and build.uses.get(name):
            left = sizes.untold
            raise FileError(
                f"{file.path}: {call.place} ({call.op}) isn't understood, and the shape of its result can't be told: {why}",
                usual=f"Sizes that the file leaves open are taken as one: {', '.join(left)}."
                if left
                else "Its shape depends on values, or its operator is none of ONNX.",
                advice=f"Give them: ss.load({file.path.name!r}, {_arguments(left)})."
                if left
                else "Export the model with the shapes of its results (value_info), or without this operator.",
            )
        found.append(shape or ())
    return found


def _arguments(names: Sequence[str]) -> str:
    """Sizes as one writes them in a call: names that are none of Python go in by a dict."""
    plain = all(name.isidentifier() for name in names)
    return ", ".join(f"{name}=224" for name in names) if plain else f"**{dict.fromkeys(names, 224)}"
