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


@pytest.mark.parametrize("name", made.CHANNELS_FIRST)
def test_channels_first(name):
    found = check(made.CHANNELS_FIRST[name]())
    assert found.graph.inputs[0].op.names == ("b", "c", "i", "j")


def test_operations():
    check(made.operations())
