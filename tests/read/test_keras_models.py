"""Whole Keras models: nested, shared, subclassed, with several inputs and outputs, and those of `keras.applications`."""

import os
import subprocess
import sys

import keras_models as made
import numpy as np
import pytest

import slidesum as ss
from slidesum.core.ops import BatchNorm, Opaque
from slidesum.errors import ReadError, UsageError
from slidesum.laws.kind import kind
from slidesum.laws.parameters import kept_parameters
from slidesum.read.keras import read_keras
from slidesum.read.model import Unsupported
from slidesum.read.saved import load, save

keras = pytest.importorskip("keras")
L, ops = keras.layers, keras.ops


def same(model, found, *given, tolerance=1e-5):
    """The network's outputs are those of the model."""
    maps = ss.Network.of(found.graph, found.values).run(*given)
    wanted = keras.tree.flatten(model(list(given) if len(given) > 1 else given[0], training=False))
    for node, y in zip(found.graph.outputs, wanted, strict=True):
        known = y.detach().numpy()
        np.testing.assert_allclose(maps[node.name], known, rtol=tolerance, atol=tolerance * max(1, abs(known).max()))


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def names(graph):
    return [node.name for node in graph]


def test_equations_are_in_the_usual_letters():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv"),
            L.SeparableConv2D(6, 3, padding="same", name="both"),
            L.Conv2D(6, 3, groups=2, name="grouped"),
            L.Flatten(name="flat"),
            L.Dense(10, activation="softmax", name="out"),
        ]
    )
    graph = read_keras(model).graph
    told = [
        (node.name, node.sized.equation.text, str(kind(node.op.equation, node.sized))) for node in graph if node.sized is not None
    ]
    assert told == [
        ("conv", "b 2*i+u 2*j+v c, u v c o -> b i j o", "type 2.2, stride 2, padding 0+1"),
        ("both/depthwise", "b i+u j+v c, u v c 1 -> b i j c", "depthwise, padding 1"),
        ("both", "b i j c, 1 1 c o -> b i j o", "1×1"),
        ("grouped", "b i+u j+v (g c), u v c (g o) -> b i j (g o)", "grouped"),
        ("flat", "b i j c -> b (i j c)", "reshape"),
        ("out", "b f, f o -> b o", "linear"),
    ]
    assert names(graph)[1:] == ["conv", "conv/relu", "both/depthwise", "both", "grouped", "flat", "out", "out/softmax"]
    net = ss.Network.of(graph)
    assert net.parameters == model.count_params()
    # by hand: 4·4 places × 27 × 4; 4·4 × 9 × 4 and 4·4 × 4 × 6; 2·2 × 9 × 3·3 × 2; 24 × 10
    assert net.macs == 16 * 27 * 4 + 16 * 9 * 4 + 16 * 24 + 4 * 9 * 9 * 2 + 240


def test_nested_models_and_shared_layers():
    x = keras.Input((6, 6, 3), name="picture")
    inner = keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(3, 3, padding="same", name="conv"), L.BatchNormalization(name="bn")])
    inner.name = "inner"
    shared = L.Conv2D(3, 1, activation="relu", name="shared")
    a = inner(shared(x))
    b = inner(shared(a))
    branch = keras.Model(c := keras.Input((6, 6, 3)), [L.Dense(2, name="d")(c), L.ReLU(name="r")(c)], name="branch")
    d, e = branch(b)
    model = made.randomised(keras.Model(x, {"first": d, "second": [e, a]}))
    found = read_keras(model, strict=True)
    assert names(found.graph) == [
        *("picture", "shared", "shared/relu", "inner/conv", "inner/bn", "shared-2", "shared/relu-2"),
        *("inner-2/conv", "inner-2/bn", "branch/d", "branch/r"),
    ]
    shares = {node.name: node.shares for node in found.graph if node.shares}
    assert shares == {"shared-2": "shared", "inner-2/conv": "inner/conv", "inner-2/bn": "inner/bn"}
    assert found.graph.heads == ("branch/d", "branch/r", "inner/bn")
    assert ss.Network.of(found.graph).parameters + 2 * 3 == model.count_params()
    same(model, found, drawn(2, 6, 6, 3))


def test_several_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    model = made.randomised(keras.Model([b, a], L.Concatenate()([L.Dense(2)(a), b])))
    found = read_keras(model, strict=True)
    assert [node.name for node in found.graph.inputs] == ["b", "a"]
    same(model, found, drawn(2, 3), drawn(2, 4))


class Residual(keras.layers.Layer):
    """A layer of a user's own, with layers inside."""

    def __init__(self, **more):
        super().__init__(**more)
        self.dense = L.Dense(4)

    def call(self, x):
        return x + self.dense(x)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="subclassed")
        self.conv, self.blocks, self.head = L.Conv2D(4, 3), [L.Dense(4, activation="gelu"), L.LayerNormalization()], L.Dense(2)

    def call(self, x, training=None):
        x = self.conv(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(ops.mean(x, axis=(1, 2)))


def test_a_subclassed_model():
    model, x = Subclassed(), drawn(2, 6, 5, 3)
    model(x)
    made.randomised(model)
    found = read_keras(model, example=x, strict=True)
    assert found.graph.name == "subclassed"
    assert found.graph.inputs[0].shape == (2, 6, 5, 3)
    same(model, found, x)


def test_a_model_that_was_never_built():
    model, x = keras.Sequential([L.Conv1D(3, 2), L.Dense(2)]), drawn(2, 6, 5)
    with pytest.raises(ReadError, match=r"^sequential(_[0-9]+)? has never been built\n  A subclassed model, and a Sequential one"):
        read_keras(model)
    found = read_keras(model, example=x)
    same(model, found, x)


def test_open_sizes_are_symbols_unless_an_example_tells_them():
    model = keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(4, 3, strides=2, padding="same"), L.GlobalAveragePooling2D()])
    net = ss.Network.of(read_keras(model).graph)
    assert net.symbols == ("m", "n")
    assert net.with_sizes(n=8, m=6).macs == 4 * 3 * 27 * 4
    found = read_keras(model, example=drawn(2, 9, 7, 3))
    assert found.graph.inputs[0].shape == (2, 9, 7, 3)
    same(model, found, drawn(2, 9, 7, 3))
    with pytest.raises(ReadError, match=r"the example has the shape \(2, 9, 7, 4\), and the input .* takes \(any, any, any, 3\)\n"):
        read_keras(model, example=drawn(2, 9, 7, 4))
    with pytest.raises(UsageError, match=r"^str is no example\n  Give an array, or a list of arrays, one an input\.$"):
        read_keras(model, example="x")


def test_what_is_no_equation_stays_with_its_shape_and_arrays():
    x = keras.Input((7,), dtype="int32", name="words")
    y = L.Embedding(11, 5, name="embedding")(x)
    y = L.Bidirectional(L.LSTM(4, return_sequences=True), name="both")(y)
    y = L.GRU(3, name="gru")(y)
    y = Residual(name="own")(L.Dense(4, activation=lambda z: z * 2, name="dense")(y))
    y = L.UnitNormalization(name="unit")(y)
    model = keras.Model(x, L.Lambda(lambda z: z + 1, name="lambda")(y))
    found = read_keras(model)
    told = {node.name: (node.op.kind, node.shape, dict(node.op.arrays)) for node in found.graph if isinstance(node.op, Opaque)}
    cell = {"0": (5, 16), "1": (4, 16), "2": (16,)}
    assert told == {
        "embedding": ("Embedding", (1, 7, 5), {"0": (11, 5)}),
        "both": (
            "Bidirectional",
            (1, 7, 8),
            {f"{way}_layer_cell_{k}": shape for way in ("backward", "forward") for k, shape in cell.items()},
        ),
        "gru": ("GRU", (1, 3), {"cell_0": (8, 9), "cell_1": (3, 9), "cell_2": (2, 9)}),
        "dense/activation": ("activation", (1, 4), {}),
        "own": ("Residual", (1, 4), {"dense_0": (4, 4), "dense_1": (4,)}),
        "unit": ("UnitNormalization", (1, 4), {}),
        "lambda": ("Lambda", (1, 4), {}),
    }
    assert ss.Network.of(found.graph).parameters == model.count_params()
    assert found.unsupported[-1] == Unsupported("Lambda", "lambda", "no layer of this network does what it does")
    assert str(found.unsupported[4]).startswith("Residual at own: its class is of ")
    with pytest.raises(
        ReadError, match="7 operations are not supported\n    Embedding at embedding: no layer of this network does"
    ):
        read_keras(model, strict=True)


def test_a_layer_with_several_results():
    x = keras.Input((4, 3))
    words, state, _ = L.LSTM(5, return_sequences=True, return_state=True, name="lstm")(x)
    found = read_keras(keras.Model(x, L.Add()([L.GlobalMaxPooling1D()(words), state])))
    assert [(node.name, node.shape) for node in found.graph if isinstance(node.op, Opaque)] == [
        ("lstm", (1, 4, 5)),
        ("lstm/1", (1, 5)),
    ]
    assert ss.Network.of(found.graph).parameters == 4 * 5 * (3 + 5 + 1)


def test_names_are_made_ours():
    x = keras.Input((4,), name="in put")
    y = L.Dense(3, name="a b:0")(x)
    z = L.Dense(3, name="a b 0")(x)
    found = read_keras(keras.Model(x, [y, z]))
    assert names(found.graph) == ["in_put", "a_b_0", "a_b_0-2"]


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras on torch, asked for NumPy arrays
def test_a_file_without_keras(tmp_path):
    """A process that can't import Keras or torch reads the file, and computes the same."""
    model = made.randomised(
        keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(4, 3, padding="same"), L.MaxPooling2D(), L.Flatten()])
    )
    model.save(tmp_path / "m.keras")
    x = drawn(1, 6, 6, 3)
    np.save(tmp_path / "x.npy", x)
    code = f"""
import sys
sys.modules |= dict.fromkeys(("keras", "torch", "tensorflow", "jax"))
import numpy as np, slidesum as ss
from slidesum.read.keras import read_keras
found = read_keras({str(tmp_path / "m.keras")!r}, strict=True)
maps = ss.Network.of(found.graph, found.values).run(np.load({str(tmp_path / "x.npy")!r}))
np.save({str(tmp_path / "y.npy")!r}, maps[found.graph.output.name])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(ops.convert_to_tensor(x)).detach().numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_the_same_file_gives_the_same_network_saved_and_read(tmp_path):
    model = made.randomised(made.operations())
    model.save(tmp_path / "m.keras")
    found, again = read_keras(tmp_path / "m.keras"), read_keras(str(tmp_path / "m.keras"))
    assert found.graph == again.graph
    save(tmp_path / "m.slidesum", found.graph, found.values)
    graph, values = load(tmp_path / "m.slidesum")
    assert graph == found.graph
    assert all(np.array_equal(values[name], array) for name, array in found.values.items())


APPLICATIONS = {"MobileNetV2": 64, "EfficientNetB0": 32, "ConvNeXtTiny": 32, "InceptionV3": 75}
"""A few at their least resolutions; `bench/keras_applications.py` reads them all."""


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application(name):
    side = APPLICATIONS[name]
    make = getattr(keras.applications, name)
    model = made.randomised(make(weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None))
    found = read_keras(model, strict=True)
    statistics = sum(
        int(np.prod(p.shape))
        for node in found.graph
        if isinstance(node.op, BatchNorm)
        for p in kept_parameters(node)
        if not p.trainable
    )
    given = sum(layer.count_params() for layer in model.layers if isinstance(layer, L.Normalization))
    assert ss.Network.of(found.graph).parameters + statistics == model.count_params() - given
    same(model, found, np.random.default_rng(1).uniform(size=(1, side, side, 3)).astype("float32"))
