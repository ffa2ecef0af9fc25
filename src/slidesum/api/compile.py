"""`ss.compile`: from a name or a file to a program, for those who only want to run a network.

What `ss.load(…).compile(…)` does holds the arrays twice: as the network has them, and as the kernels read them. Here the network is
gone, and an array is freed as soon as its kernel is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slidesum.api.foreign import names_factory, seen
from slidesum.api.load import loaded
from slidesum.errors import UsageError
from slidesum.zoo.catalogue import ZOO

if TYPE_CHECKING:
    from slidesum.run.compiled import Compiled


def compile(
    model: str | PathLike[str],
    batch: int | None = None,
    *,
    threads: int | None = None,
    exact: bool = False,
    tune: bool | float = False,
    weights: str = "float32",
    input: Sequence[int] | Sequence[Sequence[int]] | None = None,
    strict: bool = False,
    **options: Any,
) -> Compiled:
    """The network of the zoo, or in a file, as one native program: see `load` for what is named and `Network.compile` for the rest.

    >>> fast = compile("lenet5", batch=2, threads=1)
    >>> fast([[[[0.0] * 32] * 32]] * 2).shape
    (2, 10)

    It keeps no array beside those of its kernels, so it takes about half the memory of a network and its program. Pickled, it is a
    name: where it is unpickled, the same network is loaded and compiled again.

    Raises UsageError for a model that has no name, and what `load` and `Network.compile` raise.
    """
    if not isinstance(model, str | PathLike):
        raise UsageError(
            f"{seen(model)} isn't a name or a file",
            usual="The arrays of a model that somebody holds can't be let go.",
            advice="Write ss.load(model).compile().",
        )
    return _compiled(model, batch, {"threads": threads, "exact": exact, "tune": tune, "weights": weights}, input, strict, options)


def _compiled(
    model: str | PathLike[str], batch: Any, how: Mapping[str, Any], input: Any, strict: bool, options: Mapping[str, Any]
) -> Compiled:
    from slidesum.run.compiled import Compiled
    from slidesum.run.rebatched import rebatched

    net = loaded(model, options, input=input, strict=strict, mapped=True)
    again = None  # a factory may draw other arrays when it is called again: these are kept
    if not names_factory(model):
        named = model if model in ZOO else str(Path(model).absolute())
        known = {**how, "tune": 0 if how["tune"] is not False else False}  # what was measured by then, and nothing else
        again = (_compiled, (named, batch, known, input, strict, dict(options)))
    return Compiled(rebatched(net.graph, batch), net.values, **how, again=again)
