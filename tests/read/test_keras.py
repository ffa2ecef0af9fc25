"""Keras' layers, each as Keras computes it."""

import keras_models as made
import numpy as np
import pytest

import slidesum as ss
from slidesum.read.keras import read_keras

keras = pytest.importorskip("keras")


def inputs_of(model, batch=2, seed=3):
    random = np.random.default_rng(seed)
    return [random.normal(size=(batch, *x.shape[1:])).astype("float32") for x in model.inputs]


def outputs_of(model, given):
    found = model(given if len(given) > 1 else given[0], training=False)
    return [y.detach().numpy() for y in keras.tree.flatten(found)]


def network(found):
    return ss.Network.of(found.graph, found.values)


def check(model, tolerance=1e-5):
    """The same outputs, from the object; nothing unsupported."""
    found = read_keras(made.randomised(model), strict=True)
    given = inputs_of(model)
    maps = network(found).run(*given)
    wanted = outputs_of(model, given)
    for node, y in zip(found.graph.outputs, wanted, strict=True):
        assert maps[node.name].shape == y.shape
        np.testing.assert_allclose(maps[node.name], y, rtol=tolerance, atol=tolerance)
    return found


@pytest.mark.parametrize("name", made.LAYERS)
def test_a_layer(name):
    check(made.LAYERS[name]())


def test_logarithms_of_shares_lose_nothing():
    """The logarithm of a softmax would be -inf here."""
    found = read_keras(keras.Sequential([keras.Input((3,)), keras.layers.Activation("log_softmax")]), strict=True)
    maps = network(found).run(np.asarray([[0.0, 500.0, 1000.0]], np.float32))
    np.testing.assert_allclose(maps[found.graph.output.name], [[-1000.0, -500.0, 0.0]])


@pytest.mark.parametrize("name", made.CHANNELS_FIRST)
def test_channels_first(name):
    found = check(made.CHANNELS_FIRST[name]())
    assert found.graph.inputs[0].op.names == ("b", "c", "i", "j")


@pytest.mark.parametrize("form", ["channels_last", "channels_first"])
def test_the_table_tells_maps_from_places(form):
    model = keras.Sequential(
        [
            keras.Input((28, 28, 3) if form == "channels_last" else (3, 28, 28)),
            keras.layers.ZeroPadding2D(1, data_format=form, name="pad"),
            keras.layers.Conv2D(8, 5, activation="relu", data_format=form, name="conv"),
            keras.layers.BatchNormalization(axis=-1 if form == "channels_last" else 1, name="norm"),
            keras.layers.AveragePooling2D(2, data_format=form, name="pool"),
            keras.layers.DepthwiseConv2D(3, depth_multiplier=2, data_format=form, name="depthwise"),
            keras.layers.GlobalAveragePooling2D(data_format=form, name="mean"),
            keras.layers.Dense(10, name="dense"),
        ]
    )
    assert {row["name"]: (row["maps"], row["size"], *row["reach"]) for row in ss.load(model).table()} == {
        "pad": (3, (30, 30), "i", "j"),
        "conv": (8, (26, 26), "i", "j"),
        "conv/relu": (8, (26, 26), "i", "j"),
        "norm": (8, (26, 26), "i", "j"),
        "pool": (8, (13, 13), "i", "j"),
        "depthwise": (16, (11, 11), "i", "j"),
        "mean": (16, (), "i", "j"),
        "dense": (10, (), "i", "j"),
    }


def test_operations():
    check(made.operations())


@pytest.mark.parametrize(("cells", "window", "stride"), [(8, 3, 2), (7, 3, 2), (5, 4, 3), (3, 2, 2), (4, 5, 1)])
@pytest.mark.parametrize("form", ["channels_last", "channels_first"])
def test_an_average_leaves_out_what_lies_beyond_the_edge(form, cells, window, stride):
    last = form == "channels_last"
    layer = keras.layers.AveragePooling1D(window, strides=stride, padding="same", data_format=form)
    found = read_keras(made.of(layer, *((cells, 2) if last else (2, cells))), strict=True)
    x = np.random.default_rng(1).normal(size=(3, cells, 2))
    outputs = -(-cells // stride)
    start = -(max(0, (outputs - 1) * stride + window - cells) // 2)
    windows = [range(start + k * stride, start + k * stride + window) for k in range(outputs)]
    wanted = np.stack([x[:, [n for n in cells_read if 0 <= n < cells]].mean(axis=1) for cells_read in windows], axis=1)
    ((name, y),) = list(network(found).run(x if last else x.swapaxes(1, 2)).items())[-1:]
    assert found.graph.output.name == name
    np.testing.assert_allclose(y if last else y.swapaxes(1, 2), wanted, atol=1e-6)
