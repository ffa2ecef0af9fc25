"""`ss.load`: a network by its name in the zoo, from a file, or from a model of another library.

What is given says who reads it; the readers are imported when they are met.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from slidesum.api.network import Network
from slidesum.errors import FileError, UsageError
from slidesum.read.model import Model
from slidesum.read.saved import load as load_saved
from slidesum.zoo.catalogue import ZOO, build

READERS = {
    ".pt2": ("slidesum.read.torch_model", "read_pt2"),
    ".onnx": ("slidesum.read.onnx", "read_onnx"),
    ".keras": ("slidesum.read.keras", "read_keras"),
}
"""Who reads a file of a foreign model, by its ending."""

OBJECTS = {"keras": ("Model", "slidesum.read.keras"), "torch.nn": ("Module", "slidesum.read.torch_model")}
"""Classes of foreign models, by the module that has them; where it isn't imported, there is no object of them.

On torch a Keras model is an `nn.Module` too, so Keras is asked first.
"""

LOADABLE = (
    "A network of the zoo by its name, a file (.slidesum, .json, .pt2, .onnx, .keras), 'package.module:factory', an nn.Module, "
    "or a Keras model."
)
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")


def load(
    model: Any,
    *,
    example: Any = None,
    input: Sequence[int] | Sequence[Sequence[int]] | None = None,
    strict: bool = False,
    **options: Any,
) -> Network:
    """The network that is named, stands in a file, or is a model of another library.

    >>> load("lenet5").parameters
    60000

    `options` are those of a family of the zoo, such as width, side, classes and batch: numbers, exact fractions or symbols.

    >>> load("googlenet", width="a").parameters
    5956864*a**2 + 1040688*a + 1000

    A torch module is read with an example of each input, or the shape of one; the first axis is the batch, and may differ later:

    >>> import torch
    >>> net = load(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU()), example=torch.zeros(1, 3, 8, 8))
    >>> net.parameters, net.macs, net.remarks
    (224, 7776, ('read by recorded run',))

    "package.module:factory" imports the module and calls the factory: your own code runs, as you asked for. A file is data and runs
    nothing. What can't be understood stays an opaque layer and is listed in `net.remarks`; `strict` makes an error of it.

    Raises FileError for a file that is missing, damaged or refused, ReadError for a model that can't be read, UsageError for
    anything else.
    """
    if options and (not isinstance(model, str) or model not in ZOO):
        raise UsageError(
            f"{str(model)!r} isn't of the zoo, and takes no {next(iter(options))!r}",
            usual=f"The zoo has {', '.join(ZOO)}.",
            advice="Take it away; only networks of the zoo have options.",
        )
    foreign = _foreign(model, example, input)
    if foreign is not None:
        read = foreign.understood() if strict else foreign
        return Network.of(read.graph, read.values, remarks=read.remarks)
    if example is not None or input is not None:
        raise UsageError(
            f"{_seen(model) if not isinstance(model, str | PathLike) else repr(str(model))} is read without an example",
            usual="Models of torch and Keras need the shape of their input; other networks say it themselves.",
            advice="Take example= or input= away; sizes of the zoo are options, such as side=64.",
        )
    if not isinstance(model, str | PathLike):
        raise UsageError(f"{_seen(model)} names no network", usual=LOADABLE, advice='Write ss.load("lenet5"), say.')
    if str(model) in ZOO:
        return Network.of(build(str(model), **options))
    path = Path(model)
    if path.suffix not in (".json", ".slidesum") and not path.exists():
        raise FileError(
            f"there is no network {str(model)!r}", usual=f"The zoo has {', '.join(ZOO)}.", advice=f"What can be loaded: {LOADABLE}"
        )
    return Network.of(*load_saved(path))


def _foreign(model: Any, example: Any, input: Any) -> Model | None:
    """The model of another library, or None."""
    for home, (name, reader) in OBJECTS.items():
        if home in sys.modules and isinstance(model, getattr(sys.modules[home], name)):
            if home == "torch.nn":
                return _torch(model, example, input)
            return _reader(reader, "read_keras")(model, example=_example(example, input))  # type: ignore[no-any-return]
    if not isinstance(model, str | PathLike):
        return None
    text = str(model)
    if text not in ZOO and _FACTORY.match(text) and not Path(text).exists():
        return _torch(_made(text), example, input)
    if Path(text).suffix in READERS:
        return _reader(*READERS[Path(text).suffix])(Path(text))  # type: ignore[no-any-return]
    return None


def _example(example: Any, input: Any) -> Any:
    """An example for readers that look at shapes only: zeros that take no memory stand for a shape."""
    if input is None:
        return example
    import numpy as np

    return [np.broadcast_to(np.float32(0), shape) for shape in _shapes(input)]


def _reader(home: str, name: str) -> Callable[..., Any]:
    return getattr(import_module(home), name)  # type: ignore[no-any-return]


def _torch(module: Any, example: Any, input: Any) -> Model:
    from slidesum.read.torch_model import read_module

    if (example is None) == (input is None):
        raise UsageError(
            "a torch model is read with an example of its input, and "
            + ("none was given" if example is None else "two were given"),
            usual="Shapes follow from the input's.",
            advice="Write example=tensor, or input=(1, 3, 224, 224).",
        )
    if example is None:
        import torch

        return read_module(module, [torch.zeros(shape) for shape in _shapes(input)])
    return read_module(module, list(example) if isinstance(example, list | tuple) else [example])


def _shapes(input: Any) -> list[tuple[int, ...]]:
    """One shape, or one for each input."""
    given: list[Any] = list(input) if isinstance(input, list | tuple) else [None]
    shapes: list[list[Any]] = given if given and all(isinstance(one, list | tuple) for one in given) else [given]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for shape in shapes for n in shape):
        raise UsageError(f"input={input!r} is no shape", advice="Write input=(1, 3, 224, 224), or a list of such shapes.")
    return [tuple(shape) for shape in shapes]


def _made(text: str) -> Any:
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
    if "torch.nn" in sys.modules and isinstance(made, sys.modules["torch.nn"].Module):
        return made
    if not callable(made):
        raise UsageError(f"{text!r} is {_seen(made)}", advice="Name a function that returns the model, or the model.")
    return made()


def _seen(thing: Any) -> str:
    return repr(thing) if isinstance(thing, int | float | type(None)) else f"a {type(thing).__name__}"
