"""`ss.load`: a network by its name in the zoo, or from a file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from slidesum.api.network import Network
from slidesum.errors import FileError, UsageError
from slidesum.read.saved import load as load_saved
from slidesum.zoo.catalogue import ZOO, build


def load(model: str | Path, **options: Any) -> Network:
    """A network of the zoo ("lenet5"), or one that `net.save` wrote ("folder/name.slidesum", "folder/name.json").

    >>> load("lenet5").parameters
    60000

    `options` are those of a family of the zoo, such as width, side, classes and batch: numbers, exact fractions or symbols.

    >>> load("googlenet", width="a").parameters
    5956864*a**2 + 1040688*a + 1000

    Raises FileError if it is neither, or if the file is damaged, and UsageError for an unknown option.
    """
    if not isinstance(model, str | PathLike):
        raise UsageError(f"{model!r} names no network", advice='Write ss.load("lenet5"), or the path of a saved network.')
    if str(model) in ZOO:
        return Network.of(build(str(model), **options))
    if options:
        raise UsageError(
            f"{str(model)!r} isn't of the zoo, and takes no {next(iter(options))!r}",
            usual=f"The zoo has {', '.join(ZOO)}.",
            advice="Take it away; a saved network is as it was saved.",
        )
    path = Path(model)
    if path.suffix not in (".json", ".slidesum") and not path.exists():
        raise FileError(
            f"there is no network {str(model)!r}",
            usual=f"The zoo has {', '.join(ZOO)}; saved networks are .slidesum or .json files.",
            advice="Write one of those names, or the path of a saved network.",
        )
    return Network.of(*load_saved(path))
