"""Models of other libraries: who reads them, and what of the input each is told.

    torch module, "package.module:factory"    an example of each input, or its shape
    Keras model, .keras                       the same; without, open sizes are symbols
    .onnx                                     the same, or the open sizes by their names; without, they are one
    .pt2                                      nothing: the file says it all

The readers are imported when they are met.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from slidesum.errors import UsageError
from slidesum.read.model import Model
from slidesum.zoo.catalogue import ZOO

_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller says of the model's input."""

    example: Any
    input: Any
    sizes: Mapping[str, Any]

    @property
    def nothing(self) -> bool:
        return self.example is None and self.input is None

    def examples(self) -> list[Any]:
        """An array for each input; for readers that look at shapes only, zeros that take no memory stand for a shape."""
        if self.example is not None and self.input is not None:
            raise UsageError(
                "two examples of the input were given", usual="example= and input= both tell its shape.", advice="Take one away."
            )
        if self.input is None:
            return list(self.example) if isinstance(self.example, list | tuple) else [] if self.nothing else [self.example]
        import numpy as np

        return [np.broadcast_to(np.float32(0), shape) for shape in shapes(self.input)]


def read_foreign(model: Any, told: Told) -> Model | None:
    """The model of another library, or None where it is none."""
    read = _reader(model)
    return read(model, told) if read is not None else None


def takes_sizes(model: Any) -> bool:
    """Whether its open sizes are told to the reader."""
    return _reader(model) is _onnx


def names_factory(model: Any) -> bool:
    """Whether this is "package.module:factory"."""
    return isinstance(model, str) and model not in ZOO and bool(_FACTORY.match(model)) and not Path(model).exists()


def seen(thing: Any) -> str:
    """What was given instead, in a message."""
    return repr(thing) if isinstance(thing, int | float | type(None)) else f"a {type(thing).__name__}"


def shapes(input: Any) -> list[tuple[int, ...]]:
    """One shape, or one for each input."""
    given: list[Any] = list(input) if isinstance(input, list | tuple) else [None]
    found: list[list[Any]] = given if given and all(isinstance(one, list | tuple) for one in given) else [given]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for shape in found for n in shape):
        raise UsageError(f"input={input!r} is no shape", advice="Write input=(1, 3, 224, 224), or a list of such shapes.")
    return [tuple(shape) for shape in found]


# Who reads what

Reader = Callable[[Any, Told], Model]


def _reader(model: Any) -> Reader | None:
    """On torch a Keras model is an `nn.Module` too, so Keras is asked first."""
    if _is(model, "keras", "Model"):
        return _keras
    if _is(model, "torch.nn", "Module"):
        return _torch
    if not isinstance(model, str | PathLike):
        return None
    return _factory if names_factory(model) else FILES.get(Path(model).suffix)


def _is(model: Any, home: str, name: str) -> bool:
    """Where the module isn't imported, there is no object of its classes."""
    return home in sys.modules and isinstance(model, getattr(sys.modules[home], name))


def _keras(model: Any, told: Told) -> Model:
    from slidesum.read.keras import read_keras

    return read_keras(model, example=told.example if told.input is None else told.examples())


def _onnx(path: Any, told: Told) -> Model:
    from slidesum.read.onnx import read_onnx

    given = told.examples()
    if not all(hasattr(one, "shape") for one in given):
        raise UsageError(f"{seen(told.example)} is no example", advice="Give an array, or a list of arrays, one an input.")
    return read_onnx(Path(path), sizes=told.sizes, shapes=[tuple(map(int, one.shape)) for one in given])


def _pt2(path: Any, told: Told) -> Model:
    from slidesum.read.torch_model import read_pt2

    if not told.nothing:
        raise UsageError(
            f"{str(path)!r} is read without an example",
            usual="An exported program has the shapes of its input.",
            advice="Take example= or input= away.",
        )
    return read_pt2(Path(path))


def _factory(text: Any, told: Told) -> Model:
    return _torch(made(text), told)


def _torch(module: Any, told: Told) -> Model:
    from slidesum.read.torch_model import read_module

    if (told.example is None) == (told.input is None):
        raise UsageError(
            "a torch model is read with an example of its input, and " + ("none was given" if told.nothing else "two were given"),
            usual="Shapes follow from the input's.",
            advice="Write example=tensor, or input=(1, 3, 224, 224).",
        )
    if told.example is None:
        import torch

        return read_module(module, [torch.zeros(shape) for shape in shapes(told.input)])
    return read_module(module, told.examples())


FILES: Mapping[str, Reader] = {".pt2": _pt2, ".onnx": _onnx, ".keras": _keras}
"""Who reads a file, by its ending."""


def made(text: str) -> Any:
    """What the user's own factory makes, or the model itself where one is named. Modules of the current folder are found, too."""
    home, _, name = text.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        module = import_module(home)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"there is no module {error.name!r}",
            usual=f"{text!r} names the module {home!r}.",
            advice="Check the spelling, and where it is installed.",
        ) from None
    finally:
        if added:
            sys.path.remove(here)
    made = getattr(module, name, None)
    if made is None:
        raise UsageError(f"the module {home!r} has no {name!r}", advice="Name a function that returns the model, or the model.")
    if _is(made, "torch.nn", "Module"):
        return made
    if not callable(made):
        raise UsageError(f"{text!r} is {seen(made)}", advice="Name a function that returns the model, or the model.")
    return made()
