"""Sizes that a file of another library leaves open: told by name, by an example, by a shape, and by the command."""

import json
import sys

import numpy as np
import pytest

import slidesum as ss
from slidesum.cli import main
from slidesum.errors import FileError, UsageError

onnx = pytest.importorskip("onnx")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A convolution for any batch and picture, and a second input of which an axis has no name."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype("float32")
    inputs = {"x": ("batch", 3, "height", "width"), "scale": (None, 4, 1, 1)}
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Mul", ["c", "scale"], ["y"])],
        "open",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(weights, "w")],
    )
    monkeypatch.chdir(tmp_path)
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)]), "net.onnx")
    return "net.onnx"


def test_by_name_by_example_and_by_shape(file):
    shapes = [(2, 3, 9, 7), (1, 4, 1, 1)]
    named = ss.load(file, height=9, width=7, batch=2)
    assert [node.shape for node in named.graph.inputs] == shapes
    assert named.graph.output.shape == (2, 4, 7, 5)
    assert ss.load(file, input=shapes).graph == named.graph
    assert ss.load(file, example=[np.zeros(shape) for shape in shapes]).graph == named.graph
    assert ss.load(file, height=9, width=7).graph.output.shape == (1, 4, 7, 5)
    assert ss.load(file, height=9, width=7, **{"scale.0": 1}).graph.output.shape == (1, 4, 7, 5)


REFUSED = {
    "an unknown name": (
        UsageError,
        {"high": 9},
        "net.onnx has no open size 'high'\n  Its open sizes are batch, height, width, scale.0.\n  Name one of them.",
    ),
    "a symbol": (
        FileError,
        {"height": "n", "width": 7},
        "net.onnx: axis 2 of the input 'x' has the extent 'n'\n  Extents are whole numbers from 1 to 2,147,483,647.\n"
        "  Give another one, or export the model anew.",
    ),
    "too few inputs": (
        UsageError,
        {"input": (2, 3, 9, 7)},
        "net.onnx takes batch×3×height×width, scale.0×4×1×1, and not 2×3×9×7\n  Give an example, or a shape, that fits.",
    ),
    "another extent": (
        UsageError,
        {"input": [(2, 1, 9, 7), (1, 4, 1, 1)]},
        "net.onnx takes batch×3×height×width, scale.0×4×1×1, and not 2×1×9×7, 1×4×1×1\n  Give an example, or a shape, that fits.",
    ),
    "no array": (
        UsageError,
        {"example": {"x": 1}},
        "a dict is no example\n  Give an array, or a list of arrays, one an input.",
    ),
    "two of them": (
        UsageError,
        {"example": np.zeros(3), "input": (3,)},
        "two examples of the input were given\n  example= and input= both tell its shape.\n  Take one away.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, file):
    kind, options, text = REFUSED[name]
    with pytest.raises(kind) as error:
        ss.load(file, **options)
    assert str(error.value) == text


def test_what_is_missing_is_told_as_a_call(file):
    with pytest.raises(FileError) as error:
        ss.load(file)
    assert str(error.value) == (
        "net.onnx: c (Conv) isn't understood, and the shape of its result can't be told: the window of i spans 3 cells, and x with "
        "its padding has 1\n  Sizes that the file leaves open are taken as one: height, width, scale.0.\n"
        "  Give them: ss.load('net.onnx', **{'height': 224, 'width': 224, 'scale.0': 224})."
    )


def test_a_file_without_open_sizes(file):
    ss.load("lenet5").to_onnx("closed.onnx")
    ss.load("closed.onnx", batch=3)
    with pytest.raises(UsageError) as error:
        ss.load("closed.onnx", side=3)
    assert str(error.value) == "closed.onnx has no open size 'side'\n  Its open sizes are batch.\n  Name one of them."


@pytest.mark.parametrize(
    "options", [("--set", "height=9", "--set", "width=7"), ("--input", "1,3,9,7", "--input", "1,4,1,1")], ids=["set", "input"]
)
def test_the_command(file, monkeypatch, capsys, options):
    monkeypatch.setattr(sys, "argv", ["slidesum", "show", file, "--format", "json", *options])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert json.loads(capsys.readouterr().out)["layers"][0]["shape"] == [1, 4, 7, 5]
