"""A Keras 3 model as equations: a `.keras` file, or the model itself.

    read_keras("net.keras")                     a file is data: nothing of it is executed, and Keras needn't be installed
    read_keras(model)                           Keras writes the model to a file, and the file is read
    read_keras(model, example=x)                the same with open sizes told by the shape of x; a subclassed model is traced on it

The axes stay in the model's order, channels last, and the arrays as Keras keeps them: an equation says any of that. What isn't in
the table of `keras_layers` stays in the network as an opaque layer with its shape and arrays, and is listed as unsupported.

A subclassed model has no layers in its file, only the name of its class. The object can be read where its `call` runs on Keras'
symbolic tensors: that makes a Functional model of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, ReadError, SlidesumError, UsageError
from slidesum.read.atomic import unwritable
from slidesum.read.fields import Fields
from slidesum.read.keras_call import Network, tensors, text
from slidesum.read.keras_file import Weights, open_keras
from slidesum.read.keras_graph import Place, is_model, read_model
from slidesum.read.model import Model
from slidesum.read.told import brief


def read_keras(model: Any, *, strict: bool = False, example: Any = None) -> Model:
    """The network of a `.keras` file or of a Keras 3 model, with its arrays.

    `example` is an input, or a list of several; only shapes are looked at. Without one a batch is 1, and other sizes that the model
    leaves open are symbols. With `strict`, a layer that can't be told by equations is an error. Raises FileError (ReadError) for
    what is no such model.
    """
    shapes = _shapes(example)
    if isinstance(model, str | os.PathLike):
        fields, weights = open_keras(Path(model))
        found = _read(fields, weights, str(model), shapes, ())
    else:
        found = _of_object(model, shapes)
    return found.understood() if strict else found


def is_keras_model(model: Any) -> bool:
    """Whether this is a Keras model; Keras isn't imported for the question."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(model, keras.Model)


def _read(
    fields: Fields, weights: Weights, origin: str, shapes: tuple[tuple[int, ...], ...], told: Sequence[tuple[int | None, ...]]
) -> Model:
    kind, options = text(fields.take("class_name"), fields.where), fields.take("config")
    if not is_model(options):
        raise ReadError(
            f"{origin} holds a model of class {kind!r}, and no layers",
            usual="What a subclassed model does stands in its code, which isn't in the file.",
            advice="Pass the model itself: ss.load(model, example=x).",
        )
    kind = "Sequential" if "output_layers" not in options else "Functional"
    network = Network(Draft(str(options.get("name") or "model")[:200]), shapes, _maps_first(options))
    try:
        heads = tensors(read_model(Place(network, origin, weights), kind, options, None, told))
    except RecursionError:
        raise ReadError(f"{origin}: the description is nested too deeply", advice="Save the model anew.") from None
    except FileError:
        raise
    except SlidesumError as error:
        raise ReadError(f"{origin}: {error.headline}", usual=error.usual, advice=error.advice) from None
    if not heads:
        raise ReadError(f"{origin}: the model has no outputs", advice="Save the model anew.")
    return Model(network.graph(heads), network.values, "keras", tuple(network.unsupported))


def _of_object(model: Any, shapes: tuple[tuple[int, ...], ...]) -> Model:
    """Keras writes the file; what it says of results at the end, which no other layer reads, the model tells."""
    if not is_keras_model(model):
        raise UsageError(f"{type(model).__name__} is no Keras model", advice="Pass a keras.Model, or the path of a .keras file.")
    import keras

    told = _functional(keras, model, shapes)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # that lambdas are unsafe to load, and such: nothing is loaded
        path = Path(folder) / "model.keras"
        try:
            told.save(path)
        except OSError as error:
            raise unwritable(path, error) from None
        except Exception as error:  # the layers' own code runs here, which may raise anything
            raise ReadError(
                f"{model.name} can't be written by Keras: {brief(error)}",
                usual="A layer of its own doesn't say its options.",
                advice="Give the layer a get_config.",
            ) from None
        fields, weights = open_keras(path)
        return _read(fields, weights, model.name, shapes, [tuple(output.shape) for output in keras.tree.flatten(told.outputs)])


def _functional(keras: Any, model: Any, shapes: tuple[tuple[int, ...], ...]) -> Any:
    """The model with layers that Keras knows of: built, and traced where it is subclassed."""
    if isinstance(model, keras.Sequential) and not model.built and shapes:
        model.build(shapes[0])
    if getattr(model, "inputs", None):
        return model
    if not shapes:
        raise ReadError(
            f"{model.name} has never been built",
            usual="A subclassed model, and a Sequential one without an Input, learns its sizes from its input.",
            advice="Give an example: ss.load(model, example=x).",
        )
    given = [keras.Input(batch_shape=(None, *shape[1:])) for shape in shapes]
    try:
        return keras.Model(given, model.call(given[0] if len(given) == 1 else given), name=model.name)
    except Exception as error:  # the model's own code runs here, which may raise anything
        raise ReadError(
            f"{model.name} can't be traced: {brief(error)}",
            usual="Its call looks at values, or isn't made of Keras' layers and operations.",
            advice="Make it a Functional model.",
        ) from None


def _shapes(example: Any) -> tuple[tuple[int, ...], ...]:
    if example is None:
        return ()
    given = list(example.values()) if isinstance(example, Mapping) else example
    several = list(given) if isinstance(given, list | tuple) else [given]
    if not all(hasattr(part, "shape") for part in several):
        raise UsageError(f"{type(example).__name__} is no example", advice="Give an array, or a list of arrays, one an input.")
    return tuple(tuple(int(n) for n in part.shape) for part in several)


def _maps_first(options: Any) -> bool:
    """Whether the first layer that says anything of it has channels first: how the axes of the inputs are called."""
    waiting = [options]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            if isinstance(told := value.get("data_format"), str):
                return told == "channels_first"
            layers = value.get("layers")
            waiting[:0] = layers if isinstance(layers, list) else [value["config"]] if "config" in value else []
    return False
