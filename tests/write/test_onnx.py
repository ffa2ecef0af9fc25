"""Networks as ONNX files: checked, run by onnxruntime, and read back."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from write.test_onnx_equations import by_onnxruntime

import slidesum as ss
from slidesum.core.ops import (
    COMBINATIONS,
    FUNCTIONS,
    OPTIONS,
    Activation,
    BatchNorm,
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
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, MissingPackage, NetworkError, SizeError
from slidesum.notation.parse import parse
from slidesum.read.onnx import read_onnx
from slidesum.run.network import initial_values, run
from slidesum.write.onnx import write_onnx


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def numbered(name):
    net = ss.load(name)
    return net.with_sizes(**{symbol: {"k1": 4, "k2": 6}.get(symbol, 12) for symbol in net.symbols})


def agrees(graph, values, *inputs):
    found, wanted = by_onnxruntime(graph, values, *inputs), run(graph, values, *inputs)
    for node, y in zip(graph.outputs, found, strict=True):
        right = wanted[node.name]
        np.testing.assert_allclose(y, right, rtol=1e-5, atol=1e-5 * max(1, abs(right[np.isfinite(right)]).max(initial=0)))


def of_one(op, shape, *more, arrays=None):
    """A network of one layer, its graph and random arrays; further inputs have the shapes `more`."""
    draft = Draft("one")
    inputs = [draft.place(f"x{k}", Input(tuple(f"a{n}" for n in range(len(s)))), (), s) for k, s in enumerate((shape, *more))]
    draft.place("y", op, inputs)
    values = {name: abs(drawn(*array.shape, seed=3)) + 0.5 for name, array in initial_values(draft.graph).items()}
    return draft.graph, values | (arrays or {})


def operators(graph, values):
    return [node.op_type for node in write_onnx(graph, values).graph.node]


@pytest.mark.parametrize("name", ["lenet5", "type-1", "type-2.1", "type-2.2"])
def test_the_networks_of_the_demo(name):
    net = numbered(name)
    for batch in (1, 3):  # the batch stays open
        agrees(net.graph, net.values, drawn(batch, *net.graph.inputs[0].shape[1:]))


def test_a_plain_network_is_what_one_would_write():
    net = numbered("type-2.2")
    model = net.to_onnx()
    assert [node.op_type for node in model.graph.node] == ["Conv", "Relu", "Conv", "Relu", "MaxPool", "Reshape", "Gemm"]
    assert [node.name for node in model.graph.node][:2] == ["/conv1/Conv", "/relu1/Relu"]
    assert sorted(one.name for one in model.graph.initializer)[:4] == ["conv1.bias", "conv1.w", "conv2.bias", "conv2.w"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_read_back(tmp_path):
    net = numbered("type-2.2")
    net.to_onnx(tmp_path / "net.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "net.onnx"), full_check=True)
    again = read_onnx(tmp_path / "net.onnx", strict=True)
    back = ss.Network.of(again.graph, again.values)
    assert (back.weights, back.biases, back.macs, back.macs_inside) == (net.weights, net.biases, net.macs, net.macs_inside)
    x = drawn(2, *net.graph.inputs[0].shape[1:])
    last, first = back.run(x), net.run(x)
    np.testing.assert_allclose(last[back.graph.output.name], first[net.graph.output.name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function(function):
    options = tuple(usual for _, usual in OPTIONS.get(function, ()))
    x = abs(drawn(2, 5)) + 0.1 if function in ("log", "sqrt", "reciprocal", "power") else drawn(2, 5) * 3
    agrees(*of_one(Activation(function, options), (2, 5)), x)


@pytest.mark.parametrize("function", COMBINATIONS)
def test_every_combination(function):
    agrees(*of_one(Elementwise(function), (2, 3, 4), (2, 1, 4)), abs(drawn(2, 3, 4)) + 0.5, abs(drawn(2, 1, 4, seed=1)) + 0.5)


LAYERS = [
    (BatchNorm(1, 0.01), (2, 6, 4, 4), ["BatchNormalization"]),
    (BatchNorm(1, 0.01, affine=False), (2, 6, 4, 4), ["BatchNormalization"]),
    (BatchNorm(2, 0.01), (2, 6, 4, 4), None),
    (LayerNorm((-1,), 0.01), (2, 6, 4), ["LayerNormalization"]),
    (LayerNorm((-2, -1), 0.01, shift=False), (2, 6, 4), ["LayerNormalization"]),
    (LayerNorm((1,), 0.01, centred=False), (2, 6, 4), None),
    (GroupNorm(3, 0.01), (2, 6, 4, 4), ["GroupNormalization"]),
    (GroupNorm(6, 0.01), (2, 6, 4, 4), ["InstanceNormalization"]),
    (LocalResponseNorm(5, 0.1), (2, 6, 4, 4), ["LRN"]),
    (LocalResponseNorm(4, 0.1), (2, 6, 4, 4), None),
    (LocalResponseNorm(5, 0.1), (2, 6, 4), None),
    (Softmax(1), (2, 6, 4), ["Softmax"]),
    (Slice(1, 1, 6, 2), (2, 6, 4), ["Slice"]),
    (Take(1, (5, 0, 0)), (2, 6, 4), ["Gather"]),
    (Reshape((-1, 4)), (2, 6, 4), ["Reshape"]),
    (Pad(((0, 0), (1, 2), (0, 0)), 1.5), (2, 6, 4), ["Pad"]),
    (Pad(((0, 0), (1, 2), (-1, 1))), (2, 6, 4), ["Slice", "Pad"]),
    (Pad(((0, 0), (1, 2), (1, 1)), "reflect"), (2, 6, 4), ["Pad"]),
    (Pad(((0, 0), (1, 2), (1, 1)), "replicate"), (2, 6, 4), ["Pad"]),
    (Pad(((0, 0), (1, 2), (1, 1)), "circular"), (2, 6, 4), ["Pad"]),
]


@pytest.mark.parametrize(("op", "shape", "written"), LAYERS)
def test_every_other_layer(op, shape, written):
    graph, values = of_one(op, shape)
    agrees(graph, values, drawn(*shape))
    agrees(graph, values, drawn(3, *shape[1:]))  # another batch
    assert written is None or operators(graph, values) == written


EQUATIONS = [
    ("b c 2*i+u-1 2*j+v-1, o c u v -> b o i j", {"o": 4, "u": 3, "v": 3}, "valid", ["Conv"]),
    ("b c i+u j+v, o c u v -> b o i j", {"o": 4, "u": 3, "v": 3}, {"i": (0, 2), "j": 1}, ["Conv"]),
    ("b c i+u j+v, c u v -> b c i j", {"u": 3, "v": 3}, "valid", ["Conv"]),
    ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", {"g": 2, "o": 2, "u": 3, "v": 3}, "valid", ["Conv"]),
    ("b c i j, o c -> b o i j", {"o": 4}, "valid", ["Reshape", "MatMul", "Reshape"]),
    ("b c i j, c o u v -> b o 2*i+u 2*j+v", {"o": 4, "u": 3, "v": 3}, "valid", ["ConvTranspose"]),
    ("b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", {"o": 4, "u": 3, "v": 3}, "valid", ["ConvTranspose"]),
    ("b c i j, o c i j -> b o", {"o": 5}, "valid", ["Reshape", "MatMul"]),
    ("b c i j -> b i j c", {}, "valid", ["Transpose"]),
    ("b c i j -> b (c i j)", {}, "valid", ["Reshape"]),
]


@pytest.mark.parametrize(("text", "sizes", "padding", "written"), EQUATIONS)
def test_equations_that_have_an_operator(text, sizes, padding, written):
    graph, values = of_one(Layer(parse(text), sizes, padding), (2, 6, 7, 7))
    agrees(graph, values, drawn(2, 6, 7, 7))
    assert [op for op in operators(graph, values) if op != "Transpose" or written == ["Transpose"]] == written


@pytest.mark.parametrize("reduce", ["max", "mean", "min", "sum"])
def test_poolings(reduce):
    equation = ss.equation("b c 2*i+u-1 2*j+v-1 -> b c i j").tree
    pooled = Layer(parse(f"{'' if reduce == 'sum' else reduce + ' '}{equation.text}"), {"u": 3, "v": 3})
    graph, values = of_one(pooled, (2, 6, 7, 7))
    agrees(graph, values, drawn(2, 6, 7, 7))
    kernels = {"max": ["MaxPool"], "mean": ["AveragePool"], "min": ["Neg", "MaxPool", "Neg"], "sum": ["AveragePool", "Mul"]}
    assert [op for op in operators(graph, values) if op in ("MaxPool", "AveragePool", "Neg", "Mul")] == kernels[reduce]


def test_weights_used_twice_are_in_the_file_once():
    draft = Draft("twice")
    x = draft.place("x", Input(("b", "c", "i")), (), (1, 3, 9))
    op = Layer(parse("b c i+u-1, o c u -> b o i"), {"o": 3, "u": 3})
    y = draft.place("first", op, [x])
    draft.place("second", op, [y], shares="first")
    values = initial_values(draft.graph)
    assert [one.name for one in write_onnx(draft.graph, values).graph.initializer] == ["first.w"]
    agrees(draft.graph, values, drawn(2, 3, 9))


def test_several_inputs_and_outputs():
    draft = Draft("several")
    x, y = (draft.place(name, Input(("b", "f")), (), (2, 4)) for name in "xy")
    total = draft.place("total", Elementwise("add"), [x, y])
    scale = draft.place("scale", Stored((4,)))
    product = draft.place("product", Elementwise("multiply"), [total, scale])
    draft.output(product, total, x)
    agrees(draft.graph, {"scale.value": drawn(4)}, drawn(3, 4), drawn(3, 4, seed=1))
    model = write_onnx(draft.graph, {"scale.value": drawn(4)})
    assert [one.name for one in model.graph.output] == ["product", "total", "x/Identity"]


def test_a_batch_that_an_equation_names_stays_as_it_is():
    """A filter for every sample: the file has the declared batch."""
    graph, values = of_one(Layer(parse("b c i+u, b o c u -> b o i"), {"o": 2, "u": 3}), (2, 3, 8))
    agrees(graph, values, drawn(2, 3, 8))
    assert write_onnx(graph, values).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2


def test_refusals(tmp_path, monkeypatch):
    graph, values = of_one(Opaque("Hardmax", (2, 3)), (2, 3))
    with pytest.raises(NetworkError) as caught:
        write_onnx(graph, values)
    assert (
        str(caught.value)
        == """'y' is Hardmax, which slidesum can count and not write
  The model it was read from has an operation that is no equation, and none of the other layers known here.
  Export the original model, or take a part of the network without it."""
    )
    symbolic = ss.load("type-2.2").graph
    with pytest.raises(SizeError, match=r"type-2\.2 has open sizes: "):
        write_onnx(symbolic, {})
    graph, values = of_one(Softmax(1), (2, 3))
    monkeypatch.setattr("slidesum.write.onnx.LARGEST", -1)
    with pytest.raises(FileError) as caught:
        write_onnx(graph, values)
    assert (
        str(caught.value)
        == """one has 0 bytes of arrays, and an ONNX file holds 2 GiB
  Save it with net.save(…), or export it in parts."""
    )
    monkeypatch.undo()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match=r"net\.onnx can't be written"):
        write_onnx(graph, values, tmp_path / "file" / "net.onnx")


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackage) as caught:
        write_onnx(ss.load("lenet5").graph, {})
    assert (
        str(caught.value) == "ONNX files need the package onnx, which isn't installed\n  Install it: pip install 'slidesum[onnx]'."
    )
