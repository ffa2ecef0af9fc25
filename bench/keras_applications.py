"""Every architecture of `keras.applications` that the reader is held to, built with random arrays, read, counted and compared.

    python bench/keras_applications.py [NAME …]

A line each: parameters as Keras and as slidesum count them, multiply-adds at the resolution, the largest difference of the outputs
relative to the largest output, and the seconds that reading took. Keras counts the statistics of a `Normalization` layer among its
parameters, which are constants here. It runs on JAX, where every one of them runs.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import applications

import slidesum as ss
from slidesum.core.ops import BatchNorm
from slidesum.laws.parameters import kept_parameters
from slidesum.read.keras import read_keras

SIDES = {
    "MobileNet": 64,
    "MobileNetV2": 64,
    "EfficientNetB0": 64,
    "ResNet50": 64,
    "DenseNet121": 64,
    "Xception": 96,
    "InceptionV3": 128,
    "InceptionResNetV2": 128,
    "VGG16": 64,
    "NASNetMobile": 64,
    "ConvNeXtTiny": 64,
}


def drawn(model: keras.Model) -> keras.Model:
    """The model with arrays under which values keep their size."""
    random = np.random.default_rng(0)
    for variable in model.variables:
        if str(variable.dtype).startswith("float"):
            around = 1 if any(word in variable.path for word in ("gamma", "variance")) else 0
            terms = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 1
            bound = np.sqrt(6 / terms) if terms > 1 else 0.3
            variable.assign(around + random.uniform(-bound, bound, variable.shape).astype("float32"))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return model


def main(names: list[str]) -> None:
    """Print the table."""
    print(f"{'':<18}{'Keras':>12}{'slidesum':>12}{'multiply-adds':>16}{'difference':>12}{'read':>8}")
    for name in names or SIDES:
        side = SIDES[name]
        model = drawn(getattr(applications, name)(weights=None, input_shape=(side, side, 3), classes=10))
        given = sum(layer.count_params() for layer in model.layers if isinstance(layer, keras.layers.Normalization))
        start = time.perf_counter()
        found = read_keras(model, strict=True)
        seconds = time.perf_counter() - start
        net = ss.Network.of(found.graph, found.values)
        statistics = sum(
            2 * node.shape[node.op.axis] for node in found.graph if isinstance(node.op, BatchNorm) and kept_parameters(node)
        )
        x = np.random.default_rng(1).uniform(size=(1, side, side, 3)).astype("float32")
        wanted = np.asarray(model(x, training=False))
        difference = np.abs(net.run(x)[found.graph.output.name] - wanted).max() / np.abs(wanted).max()
        counts = f"{model.count_params() - given:>12,}{net.parameters + statistics:>12,}{net.macs:>16,}"
        print(f"{name:<18}{counts}{difference:>12.1e}{seconds:>7.1f}s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
