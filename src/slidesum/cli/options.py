"""The arguments that several commands take, and what is made of them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slidesum.cli.words import misspelt, tell
from slidesum.errors import SizeError, UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from slidesum.api.network import Network


class Format(StrEnum):
    """How a table is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class Vary(StrEnum):
    """What of a network is made larger or smaller."""

    width = "width"
    depth = "depth"
    resolution = "resolution"
    batch = "batch"


class Shape(StrEnum):
    """How an explanation is written."""

    table = "table"
    json = "json"


class Kind(StrEnum):
    """The types of the question."""

    type_1 = "1"
    type_2_1 = "2.1"
    type_2_2 = "2.2"


Model = Annotated[
    str,
    typer.Argument(
        help="A network of the zoo (lenet5, alexnet, resnet50, type-2.2 …), a file (.slidesum, .json, .pt2, .onnx, .keras), or "
        "package.module:factory for a torch model of your own."
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="1,3,224,224", help="The shape of a foreign model's input, the batch first; repeatable."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse a model that has operations which aren't supported.")]
Sizes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=NUMBER", help="A number for a symbol or an open size: k1=8, alpha=3/4; repeatable."),
]


def network(model: Any, sizes: list[str] | None, inputs: list[str] | None = None, strict: bool = False) -> Network:
    """The network that was named, with numbers for its symbols, and the shapes of its inputs where it is a foreign model.

    It may be a torch model itself, too, where a command has already made it.
    """
    from slidesum.api.foreign import names_factory, takes_sizes
    from slidesum.api.load import loaded

    if names_factory(model) and not inputs:
        raise misspelt(
            f"{model} is a torch model, and is read with the shape of its input",
            f"Add it, the batch first: {model} --input 1,3,224,224.",
        )
    given, shapes = dict(_pair(text) for text in sizes or ()), [_shape(text) for text in inputs or ()] or None
    if takes_sizes(model):
        return loaded(model, given, input=shapes, strict=strict)
    net = loaded(model, {}, input=shapes, strict=strict)
    return net.with_sizes(**given) if given else net


def ratios(text: str) -> tuple[str, ...]:
    """The numbers of `--at 0.5,3/4,2`."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(re.fullmatch(r"\d+(\.\d+|/[1-9]\d*)?", part) for part in parts):
        raise misspelt(f"--at {text!r} names no sizes", "Write numbers with commas between: --at 0.5,3/4,2.")
    return parts


def coordinates(text: str, option: str = "--at", example: str = "7,12,9") -> tuple[int, ...]:
    """The whole numbers of `--at 7,12,9`, or of another option."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise misspelt(f"{option} {text!r} is no place", f"Write whole numbers with commas between: {option} {example}.")
    return tuple(int(part) for part in parts)


def image_for(image: str, net: Network) -> Any:
    """The picture, array or digit that was named, in the size that the network expects."""
    from slidesum.read.image import read_image

    refuse_open_sizes(net)
    if image.startswith("digits:"):
        return _digit(image, net)
    shape = [int(n) for n in net.graph.inputs[0].shape]
    array, note = read_image(Path(image), shape)
    if note:
        tell(note)
    return array


def _pair(text: str) -> tuple[str, int | Fraction]:
    from slidesum.core.sizes import number

    name, _, value = text.partition("=")
    given = number(value)
    if not name or given is None:
        raise misspelt(f"--set {text!r} names no size", "Write --set k1=8.")
    return name, given


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise misspelt(f"--input {text!r} is no shape", "Write whole numbers with commas between: --input 1,3,224,224.")
    return tuple(int(part) for part in parts)


def refuse_open_sizes(net: Network) -> None:
    """Raise SizeError while sizes are symbols."""
    if net.symbols:
        raise SizeError(
            f"{net.name} has open sizes: {', '.join(net.symbols)}",
            usual="Symbols are enough to count, but not to compute.",
            advice=f"Give them numbers: {' '.join(f'--set {s}=8' for s in net.symbols)}.",
        )


def _digit(image: str, net: Network) -> Any:
    from slidesum.train.data import data_for

    images = data_for(net.graph, "digits").test_images
    number = image.removeprefix("digits:")
    if not number.isdecimal() or int(number) >= len(images):
        raise UsageError(f"there is no image {image}", advice=f"The held-out digits are digits:0 to digits:{len(images) - 1}.")
    return images[int(number)][None]
