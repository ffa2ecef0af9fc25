"""`ss.load`: a network by its name in the zoo, from a file, or from a model of another library.

What is given says who reads it; the readers are imported when they are met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from slidesum.api.foreign import Told, read_foreign, seen, takes_sizes
from slidesum.api.network import Network
from slidesum.errors import FileError, UsageError
from slidesum.read.saved import load as load_saved
from slidesum.zoo.catalogue import ZOO, build

LOADABLE = (
    "A network of the zoo by its name, a file (.slidesum, .json, .pt2, .onnx, .keras), 'package.module:factory', an nn.Module, "
    "or a Keras model."
)


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

    A Keras model and a `.keras` file take the same; without it, sizes that they leave open are symbols. An `.onnx` file takes it
    too, or its open sizes by their names, as in `load("net.onnx", height=224, width=224)`; without, they are one.

    "package.module:factory" imports the module and calls the factory: your own code runs, as you asked for. A file is data and runs
    nothing. What can't be understood stays an opaque layer and is listed in `net.remarks`; `strict` makes an error of it.

    Raises FileError for a file that is missing, damaged or refused, ReadError for a model that can't be read, UsageError for
    anything else.
    """
    return loaded(model, options, example=example, input=input, strict=strict)


def loaded(
    model: Any,
    options: Mapping[str, Any],
    *,
    example: Any = None,
    input: Any = None,
    strict: bool = False,
    mapped: bool = False,
) -> Network:
    """As `load`, for options whose names may be any; mapped, for who soon lets the arrays go (see `read.saved`)."""
    named = isinstance(model, str | PathLike)
    if options and not (takes_sizes(model) or (isinstance(model, str) and model in ZOO)):
        raise UsageError(
            f"{repr(str(model)) if named else seen(model)} isn't of the zoo, and takes no {next(iter(options))!r}",
            usual=f"The zoo has {', '.join(ZOO)}.",
            advice="Take it away; only networks of the zoo have options, and .onnx files open sizes.",
        )
    foreign = read_foreign(model, Told(example, input, options))
    if foreign is not None:
        read = foreign.understood() if strict else foreign
        return Network.of(read.graph, read.values, remarks=read.remarks)
    if example is not None or input is not None:
        raise UsageError(
            f"{repr(str(model)) if named else seen(model)} is read without an example",
            usual="Models of torch and Keras need the shape of their input; other networks say it themselves.",
            advice="Take example= or input= away; sizes of the zoo are options, such as side=64.",
        )
    if not named:
        raise UsageError(f"{seen(model)} names no network", usual=LOADABLE, advice='Write ss.load("lenet5"), say.')
    if str(model) in ZOO:
        return Network.of(build(str(model), **options))
    path = Path(model)
    if path.suffix not in (".json", ".slidesum") and not path.exists():
        raise FileError(
            f"there is no network {str(model)!r}", usual=f"The zoo has {', '.join(ZOO)}.", advice=f"What can be loaded: {LOADABLE}"
        )
    return Network.of(*load_saved(path, mapped=mapped))
