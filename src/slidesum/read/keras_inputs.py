"""What comes into a Keras model: what its axes are called, and its extents, told by the file, by an example, or open."""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.core.ops import Input
from slidesum.core.sizes import size
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.keras_call import Network
from slidesum.read.keras_config import Told

LETTERS = {1: "b", 2: "b f", 3: "b i c", 4: "b i j c", 5: "b i j k c"}
OPEN = {"i": "n", "j": "m", "k": "l"}
"""The symbols of open extents."""


def input_of(network: Network, where: str, name: str, told: Told, number: int) -> Tensor:
    """An input of the network. What is open is told by the example, or stays a symbol; a batch is one."""
    letters = LETTERS.get(len(told), " ".join(["b", *(f"a{k}" for k in range(1, len(told)))])).split() if told else []
    if network.maps_first and len(letters) > 2:
        letters = ["b", "c", *letters[1:-1]]
    example = network.examples[number] if number < len(network.examples) else None
    if example is not None and (
        len(example) != len(told) or any(n not in (None, m) for n, m in zip(told[1:], example[1:], strict=True))
    ):
        raise ReadError(
            f"{where}: the example has the shape {example}, and the input {name!r} takes {_shown(told)}",
            advice="Give an example that the model takes.",
        )
    shape = [
        size(example[k]) if example is not None else n if n is not None else 1 if k == 0 else size(_symbol(letters[k], number))
        for k, n in enumerate(told)
    ]
    return network.draft.place(network.fresh(name), Input(tuple(letters)), shape=tuple(shape))


def _symbol(letter: str, number: int) -> str:
    return OPEN.get(letter, f"n_{letter}") + (str(number + 1) if number else "")


def _shown(told: Sequence[int | None]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in told)})"
