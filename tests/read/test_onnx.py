"""ONNX models as networks: the equations that their nodes become, the batch, weights used twice, inner graphs, other files."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import helper
from read.onnx_made import FLOAT, drawn, model, node, outside

from slidesum.core.ops import Activation, BatchNorm, Layer, Reshape, Stored
from slidesum.notation.write import pattern
from slidesum.read.onnx import read_onnx
from slidesum.run.network import run


@pytest.fixture
def read(tmp_path):
    """Write a model, and read it."""

    def reading(made, **options):
        (tmp_path / "made.onnx").write_bytes(made.SerializeToString())
        return read_onnx(tmp_path / "made.onnx", **options)

    return reading


def agrees(made, found, *inputs):
    """The network computes what onnxruntime computes from the file."""
    for one in made.graph.output:
        one.type.tensor_type.elem_type = FLOAT
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = session.run(None, {one.name: x for one, x in zip(session.get_inputs(), inputs, strict=True)})
    results = run(found.graph, found.values, *inputs)
    for head, right in zip(found.graph.outputs, wanted, strict=True):
        np.testing.assert_allclose(results[head.name], right, rtol=1e-4, atol=1e-5)


EQUATIONS = [
    ("Conv", (4, 3, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, "b c 2*i+u-1 2*j+v-1, o c u v -> b o i j"),
    ("Conv", (4, 3, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}, "b c i+2*u-2 j+v-1, o c u v -> b o i j"),
    ("Conv", (4, 3, 2, 3), {"auto_pad": "SAME_LOWER"}, "b c i+u j+v, o c u v -> b o i j"),
    ("Conv", (3, 1, 3, 3), {"group": 3}, "b c i+u j+v, c u v -> b c i j"),
    ("Conv", (6, 1, 3, 3), {"group": 3}, "b (g c) i+u j+v, (g o) c u v -> b (g o) i j"),
    ("ConvTranspose", (3, 4, 3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1"),
    ("ConvTranspose", (3, 4, 3, 3), {"strides": [2, 2], "output_padding": [1, 1]}, "b c i j, c o u v -> b o 2*i+u 2*j+v"),
    ("ConvTranspose", (3, 1, 2, 2), {"group": 3, "strides": [2, 2]}, "b c i j, c u v -> b c 2*i+u 2*j+v"),
]


@pytest.mark.parametrize(("op", "shape", "attributes", "equation"), EQUATIONS)
def test_convolutions(op, shape, attributes, equation, read):
    bias = drawn(shape[0] if op == "Conv" else shape[1] * attributes.get("group", 1))
    made = model([node(op, "x w a", "y", **attributes)], {"w": drawn(*shape), "a": bias})
    found = read(made)
    (layer,) = (n for n in found.graph if isinstance(n.op, Layer))
    assert pattern(layer.op.equation) == equation
    agrees(made, found, drawn(1, 3, 8, 8, seed=1))


POOLINGS = [
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, ["max b c 2*i+u-1 2*j+v-1 -> b c i j"]),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, ["max b c 2*i+u 2*j+v -> b c i j"]),
    ("AveragePool", {"kernel_shape": [3, 2], "strides": [2, 2]}, ["mean b c 2*i+u 2*j+v -> b c i j"]),
    (
        "AveragePool",
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
        ["mean b c i+u-1 j+v-1 -> b c i j"],
    ),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, ["b c i+u-1 j+v-1 -> b c i j", "divide"]),
    ("GlobalAveragePool", {}, ["mean b c i j -> b c 1 1"]),
    ("GlobalMaxPool", {}, ["max b c i j -> b c 1 1"]),
]


@pytest.mark.parametrize(("op", "attributes", "layers"), POOLINGS)
def test_poolings(op, attributes, layers, read):
    made = model([node(op, "x", "y", **attributes)])
    found = read(made)
    told = [pattern(n.op.equation) if isinstance(n.op, Layer) else n.op.function for n in found.graph if n.inputs]
    assert told == layers
    agrees(made, found, drawn(1, 3, 8, 8))


def test_a_table_of_counts_is_no_weight(read):
    found = read(model([node("AveragePool", "x", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])]))
    (stored,) = (n.op for n in found.graph if isinstance(n.op, Stored))
    assert stored == Stored((8, 8), trainable=False)


def test_any_batch_at_run_time(read):
    """The file leaves the batch open and computes with it: shape, take apart, put together, reshape."""
    made = model(
        [
            node("Conv", "x w", "c"),
            node("Shape", "c", "s"),
            node("Gather", "s first", "n", axis=0),
            node("Unsqueeze", "n zero", "m"),
            node("Concat", "m rest", "t", axis=0),
            node("Reshape", "c t", "r"),
            node("Transpose", "r", "y", perm=[0, 2, 1]),
        ],
        {"w": drawn(4, 3, 3, 3), "first": np.asarray(0), "zero": np.asarray([0]), "rest": np.asarray([4, -1])},
        {"x": ("N", 3, 8, 8)},
    )
    found = read(made)
    assert [n.op.shape for n in found.graph if isinstance(n.op, Reshape)] == [(-1, 4, 36)]
    assert found.graph.inputs[0].shape == (1, 3, 8, 8)
    for batch in (1, 5):
        agrees(made, found, drawn(batch, 3, 8, 8))
    assert read(made, sizes={"N": 7}).graph.output.shape == (7, 36, 4)


def test_a_token_for_every_sample(read):
    """What is expanded to the batch is repeated by the batch at run time."""
    made = model(
        [
            node("Shape", "x", "s", end=1),
            node("Concat", "s rest", "t", axis=0),
            node("Expand", "token t", "e"),
            node("Concat", "e x", "y", axis=1),
        ],
        {"rest": np.asarray([1, 4]), "token": drawn(1, 1, 4)},
        {"x": ("N", 3, 4)},
    )
    found = read(made)
    assert list(found.values) == ["token.value"]
    for batch in (1, 3):
        agrees(made, found, drawn(batch, 3, 4))


def test_weights_used_twice_are_kept_once(read):
    made = model([node("Conv", "x w a", "c"), node("Conv", "c w a", "y")], {"w": drawn(3, 3, 3, 3), "a": drawn(3)})
    found = read(made)
    assert [n.shares for n in found.graph if isinstance(n.op, Layer)] == [None, "conv"]
    assert sorted(found.values) == ["conv.bias", "conv.w"]
    agrees(made, found, drawn(1, 3, 8, 8))


def test_several_inputs_and_outputs(read):
    made = model(
        [node("Add", "a b", "c"), node("MatMul", "c b", "d"), node("Relu", "c", "e")],
        inputs={"a": (2, 4, 4), "b": (2, 4, 4)},
        outputs=("d", "e"),
    )
    found = read(made)
    assert [n.name for n in (*found.graph.inputs, *found.graph.outputs)] == ["a", "b", "matmul", "relu"]
    agrees(made, found, drawn(2, 4, 4), drawn(2, 4, 4, seed=1))


def test_one_layer_of_two_nodes(read):
    """A product and its bias are a linear layer, a value times its own sigmoid is silu."""
    made = model(
        [
            node("MatMul", "x layer.weight", "m"),
            node("Add", "m layer.bias", "a"),
            node("Sigmoid", "a", "s"),
            node("Mul", "a s", "y"),
        ],
        {"layer.weight": drawn(8, 5), "layer.bias": drawn(5)},
    )
    found = read(made)
    linear, silu = list(found.graph)[1:]
    assert (linear.name, pattern(linear.op.equation)) == ("layer", "b i j c, o c -> b i j o")
    assert silu.op == Activation("silu")
    agrees(made, found, drawn(1, 3, 8, 8))


def test_a_batch_norm_stays_one(read):
    arrays = {f"bn.{name}": abs(drawn(3, seed=k)) for k, name in enumerate(("weight", "bias", "running_mean", "running_var"))}
    made = model([node("BatchNormalization", f"x {' '.join(arrays)}", "y", epsilon=0.001)], arrays)
    found = read(made)
    assert [(n.name, n.op) for n in found.graph][1] == ("bn", BatchNorm(1, 0.001))
    agrees(made, found, drawn(1, 3, 8, 8))


def test_names_follow_the_modules(read):
    made = model(
        [
            node("Conv", "x onnx::Conv_1", "c", name="/features/features.0/features.0.2/Conv"),
            node("Relu", "c", "r", name="/features/features.0/act/Relu"),
            node("Abs", "r", "s", name="/features/features.0/act_1/Abs"),
            node("Add", "s r", "y", name="/features/features.0/Add"),
        ],
        {"onnx::Conv_1": drawn(3, 3, 1, 1)},
    )
    names = [n.name for n in read(made).graph]
    assert names == ["x", "features/0/2", "features/0/act", "features/0/act-2", "features/0/add"]


def test_branches_and_loops_of_constant_length(read):
    def branch(op):
        return helper.make_graph([node(op, "x", op)], op, [], [helper.make_tensor_value_info(op, FLOAT, (1, 3, 8, 8))])

    body = helper.make_graph(
        [node("Mul", "s /two", "t"), node("Identity", "going", "on")],
        "body",
        [helper.make_tensor_value_info(n, k, s) for n, k, s in (("i", 7, ()), ("going", 9, ()), ("s", FLOAT, (1, 3, 8, 8)))],
        [helper.make_tensor_value_info("on", 9, ()), helper.make_tensor_value_info("t", FLOAT, (1, 3, 8, 8))],
    )
    made = model(
        [node("If", "yes", "r", then_branch=branch("Relu"), else_branch=branch("Abs")), node("Loop", "n _ r", "y", body=body)],
        {"yes": np.asarray(False), "n": np.asarray(3), "/two": np.asarray(2, np.float32)},
    )
    found = read(made)
    assert [n.op for n in found.graph][1:] == [Activation("abs"), *[Activation("affine", (2.0, 0.0))] * 3]
    agrees(made, found, drawn(1, 3, 8, 8))


def test_external_data(tmp_path):
    w = drawn(4, 3, 3, 3)
    (tmp_path / "w.bin").write_bytes(b"x" * 64 + w.tobytes())
    made = model([node("Conv", "x w", "y")], {"w": outside("w.bin", offset=64, length=w.nbytes)})
    (tmp_path / "made.onnx").write_bytes(made.SerializeToString())
    found = read_onnx(tmp_path / "made.onnx", strict=True)
    assert np.array_equal(found.values["conv.w"], w)


RESIZED = [
    ({"mode": "nearest"}, [1, 1, 2, 3]),
    ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, [1, 1, 1.5, 2]),
    ({"mode": "linear", "coordinate_transformation_mode": "align_corners"}, [1, 1, 2, 2]),
    ({"mode": "cubic"}, [1, 1, 2, 0.5]),
]


@pytest.mark.parametrize(("attributes", "scales"), RESIZED)
def test_resizing(attributes, scales, read):
    made = model([node("Resize", "x _ s", "y", **attributes)], {"s": np.asarray(scales, np.float32)})
    agrees(made, read(made, strict=True), drawn(1, 3, 8, 8))


def test_nearest_upsampling_is_an_equation(read):
    found = read(model([node("Resize", "x _ s", "y", mode="nearest")], {"s": np.asarray([1, 1, 2, 2], np.float32)}))
    assert pattern(found.graph.output.op.equation) == "b c i j -> b c (i u) (j v)"


def test_logarithms_of_shares_lose_nothing(read):
    """The logarithm of a softmax would be -inf here."""
    found = read(model([node("LogSoftmax", "x", "y", axis=1)], inputs={"x": (1, 3)}))
    y = run(found.graph, found.values, np.asarray([[0.0, 500.0, 1000.0]], np.float32))[found.graph.output.name]
    np.testing.assert_allclose(y, [[-1000.0, -500.0, 0.0]])
