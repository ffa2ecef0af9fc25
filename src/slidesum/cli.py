"""The command `slidesum`. Data goes to stdout, progress and remarks to stderr.

Exit status: 0 done, 1 refused with a message, 2 wrong usage, 130 stopped by Ctrl-C. Everything heavy is imported inside the command
that needs it, so `--help` costs no more than Typer.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slidesum.errors import SlidesumError, UsageError

if TYPE_CHECKING:
    from slidesum.api.network import Network

app = typer.Typer(
    name="slidesum",
    help="einsum for convolutions, and everything that follows from it.",
    epilog="Begin with: slidesum demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How a table is written."""

    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class Shape(StrEnum):
    """How an explanation is written."""

    table = "table"
    json = "json"


class Kind(StrEnum):
    """The types of the question."""

    type_1 = "1"
    type_2_1 = "2.1"
    type_2_2 = "2.2"


Model = Annotated[str, typer.Argument(help="A network of the zoo (lenet5, type-1, type-2.1, type-2.2) or a saved .json file.")]
Sizes = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=NUMBER", help="A number for a symbol, such as k1=8; repeatable.")
]


def main() -> None:
    """Run the command; errors of slidesum become one message and status 1."""
    try:
        app()
    except SlidesumError as error:
        _tell(str(error), "bold red")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        _tell("stopped", "yellow")
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        raise SystemExit(0) from None


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """einsum for convolutions, and everything that follows from it."""
    if version:
        from importlib.metadata import version as installed

        print(f"slidesum {installed('slidesum')}")
        raise typer.Exit


@app.command()
def show(
    model: Model,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.table,
    sizes: Sizes = None,
) -> None:
    """The table of a network: equation, kind, maps, size, weights, multiply-adds and reach of every layer."""
    table = _network(model, sizes).table()
    if format is Format.table:
        _print(table)
    else:
        sys.stdout.write(table.format(format.value))


@app.command()
def explain(
    model: Model,
    image: Annotated[str, typer.Argument(help="A picture, a .npy array, or digits:N for a test image of the digits.")],
    layer: Annotated[str, typer.Option(help="The layer whose value is explained.")],
    at: Annotated[str, typer.Option(help="Where in its result: map,row,column (the batch may be left out).")],
    all: Annotated[bool, typer.Option("--all", help="Show every term of long sums.")] = False,
    format: Annotated[Shape, typer.Option(help="How to write the explanation.")] = Shape.table,
    sizes: Sizes = None,
) -> None:
    """Every term that made one number of a layer."""
    net = _network(model, sizes)
    explanation = net.explain(layer, _coordinates(at), net.run(_image(image, net)))
    if format is Shape.json:
        sys.stdout.write(explanation.to_json() + "\n")
    else:
        from slidesum.show.text import explanation_text

        _print(explanation_text(explanation, all_terms=all))


def _network(model: str, sizes: list[str] | None) -> Network:
    from slidesum.api.load import load

    net = load(model)
    given = dict(_pair(text) for text in sizes or ())
    return net.with_sizes(**given) if given else net


def _pair(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise UsageError(f"--set {text!r} names no size", advice="Write --set k1=8.")
    return name, int(number)


def _coordinates(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"--at {text!r} is no place", advice="Write whole numbers with commas between: --at 7,12,9.")
    return tuple(int(part) for part in parts)


def _image(image: str, net: Network) -> Any:
    from slidesum.read.image import read_image

    shape = [int(n) for n in net.graph.inputs[0].shape]
    array, note = read_image(Path(image), shape)
    if note:
        _tell(note)
    return array


def _print(thing: Any) -> None:
    from rich.console import Console

    Console(highlight=False).print(thing)


def _tell(text: str, style: str = "dim") -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False).print(Text(text, style=style))
