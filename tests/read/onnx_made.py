"""Small ONNX models, made by hand, sound and broken."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, EXTERNAL = TensorProto.FLOAT, TensorProto.EXTERNAL


def node(op, inputs, outputs, **attributes):
    """A node; inputs and outputs by name, apart by spaces; `_` is an input that is left out."""
    names = ["" if one == "_" else one for one in inputs.split()]
    return helper.make_node(op, names, outputs.split(), **attributes)


def model(nodes, arrays=None, inputs=None, outputs=("y",), *, opset=21, ir=10, functions=()):
    """A model with the input x (1, 3, 8, 8) and the result y, unless told otherwise."""
    shapes = inputs or {"x": (1, 3, 8, 8)}
    made = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [a if isinstance(a, TensorProto) else numpy_helper.from_array(np.asarray(a), name) for name, a in (arrays or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), *[helper.make_opsetid(d, 1) for d in {f.domain for f in functions}]]
    return helper.make_model(made, ir_version=ir, opset_imports=opsets, functions=list(functions))


def drawn(*shape, seed=0):
    """Random numbers of this shape."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def outside(location, shape=(4, 3, 3, 3), **told):
    """An array that lies in another file."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=shape, data_location=EXTERNAL)
    for key, value in {"location": location, **told}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def conv(**arrays):
    """One convolution with the array w."""
    return model([node("Conv", "x w", "y", name="conv")], {"w": drawn(4, 3, 3, 3), **arrays})


def message(number, contents):
    """A message of protobuf in field `number` of another one."""
    length, size = b"", len(contents)
    while size > 127:
        length, size = length + bytes([128 | size & 127]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + contents
