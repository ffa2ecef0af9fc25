"""The command `slidesum`. Data goes to stdout, progress and remarks to stderr.

Exit status: 0 done, 1 refused with a message, 2 wrong usage, 130 stopped by Ctrl-C. Everything heavy is imported inside the command
that needs it, so `--help` costs no more than Typer.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slidesum.errors import SizeError, SlidesumError, UsageError

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


EXTRAS = ("torch", "sklearn", "matplotlib", "PIL")


class Stopped(SystemExit):
    """Ctrl-C ended a training, and it was said where it stands."""

    def __init__(self) -> None:
        super().__init__(130)


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


Model = Annotated[
    str,
    typer.Argument(
        help="A network of the zoo (lenet5, type-1, type-2.1, type-2.2), a file (.slidesum, .json, .pt2, .onnx, .keras), or "
        "package.module:factory for a torch model of your own."
    ),
]
Sizes = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=NUMBER", help="A number for a symbol, such as k1=8; repeatable.")
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="1,3,224,224", help="The shape of a torch model's input, the batch first; one for each input."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse a model that has operations which aren't supported.")]


def main() -> None:
    """Run the command; errors of slidesum become one message and status 1."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a full disk can still be told; not when the interpreter ends
    except SlidesumError as error:
        _tell(str(error), "bold red")
        raise SystemExit(1) from None
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        _tell(f"this command needs {error.name}, which isn't installed\n  Install it: pip install 'slidesum[train]'.", "bold red")
        raise SystemExit(1) from None
    except Stopped:
        raise
    except SystemExit as end:  # Typer makes one of a Ctrl-C, without a word
        if end.code == 130:
            _tell("stopped", "yellow")
        raise
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        _drop_output()
        raise SystemExit(0) from None
    except OSError as error:
        _drop_output()
        _tell(f"{error.filename or 'the output'}: {error.strerror or error}", "bold red")
        raise SystemExit(1) from None


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
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """The table of a network: equation, kind, maps, size, weights, multiply-adds and reach of every layer."""
    table = _network(model, sizes, input, strict).table()
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
    place = _coordinates(at)
    net = _network(model, sizes)
    if not net.has_values:
        _tell(f"{net.name} was never trained: its arrays are drawn at random, with seed 0")
    explanation = net.explain(layer, place, net.run(_image(image, net)))
    if format is Shape.json:
        sys.stdout.write(explanation.to_json() + "\n")
    else:
        from slidesum.show.text import explanation_text

        _print(explanation_text(explanation, all_terms=all))


@app.command()
def train(
    model: Annotated[
        str | None, typer.Argument(help="A network of the zoo or a saved one; without it, the network of --type.")
    ] = None,
    type: Annotated[Kind | None, typer.Option(help="The type of the question's network.  [default: 2.2]")] = None,
    k1: Annotated[int | None, typer.Option(min=1, help="Filters of the first layer.  [default: 8]")] = None,
    k2: Annotated[int | None, typer.Option(min=1, help="Filters of the second layer.  [default: 16]")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often every image is seen.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same network.")] = 0,
    data: Annotated[str, typer.Option(help="The data set.")] = "digits",
    out: Annotated[Path, typer.Option(help="The folder for the network, its arrays and the checkpoint.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    sizes: Sizes = None,
) -> None:
    """Train a network; Ctrl-C stops cleanly, --resume goes on from there."""
    from slidesum.api.network import Network
    from slidesum.read.atomic import make_folder
    from slidesum.train.data import data_for
    from slidesum.train.loop import train as run
    from slidesum.zoo.question import question

    if model and (type or k1 or k2):
        raise typer.BadParameter("--type, --k1 and --k2 make the question's network; MODEL is another one. Give one or the other.")
    if sizes and not model:
        raise typer.BadParameter("--set gives sizes to MODEL, and there is none. Write --k1 and --k2.")
    wanted = type or Kind.type_2_2
    graph = _network(model, sizes).graph if model else question(wanted.value, k1=k1 or 8, k2=k2 or 16, n=8, m=8)
    make_folder(out)
    checkpoint = out / f"{graph.name}.ckpt"
    images = data_for(graph, data)
    trained = run(graph, images, epochs=epochs, seed=seed, checkpoint=checkpoint, resume=resume)
    path = out / f"{graph.name}.json"
    Network.of(graph, trained.values).save(path)
    if trained.accuracy is not None:
        told = f"loss {trained.loss:.4f}, {len(trained.history)} epochs, {trained.seconds:.1f} s"
        print(f"{graph.name}: test accuracy {trained.accuracy:.2%}, {told}")
    print(f"saved {path}")
    if trained.interrupted:
        _tell(f"stopped after {len(trained.history)} of {epochs} epochs; the same command with --resume goes on", "yellow")
        raise Stopped


@app.command()
def compare(
    type: Annotated[list[Kind] | None, typer.Option(help="A type to compare; repeatable. All three without it.")] = None,
    k1: Annotated[int, typer.Option(min=1, help="Filters of the first layer.")] = 8,
    k2: Annotated[int, typer.Option(min=1, help="Filters of the second layer.")] = 16,
    epochs: Annotated[int, typer.Option(min=1, help="How often every image is seen.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same networks.")] = 0,
    data: Annotated[str, typer.Option(help="The data set.")] = "digits",
    out: Annotated[Path | None, typer.Option(help="A folder for the networks, the figures, the plot and the checkpoints.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoints in the folder.")] = False,
    format: Annotated[Format, typer.Option(help="How to write the comparison.")] = Format.table,
) -> None:
    """Train the types with the same seed and budget, and compare accuracy, parameters and cost."""
    from slidesum.read.atomic import make_folder
    from slidesum.train.compare import compare as run
    from slidesum.train.loop import Settings
    from slidesum.train.results import formatted, save_results

    kinds = [one.value for one in type or Kind]
    if resume and out is None:
        raise UsageError("--resume needs the folder to resume from", advice="Write --out FOLDER.")
    if out is not None:
        make_folder(out)
    settings = Settings(epochs=epochs, seed=seed)
    result = run(kinds, k1=k1, k2=k2, data=data, settings=settings, checkpoint=out, resume=resume)
    if format is Format.table:
        from rich.console import Console

        from slidesum.demo import results_text

        _print(results_text(result, Console().width))
    else:
        sys.stdout.write(formatted(result, format.value))
    for path in (save_results(result, out) if out else {}).values():
        _tell(f"saved {path}")
    if result.interrupted:
        _tell(
            "stopped; the same command with --out FOLDER and --resume goes on" if out is None else "stopped; --resume goes on",
            "yellow",
        )
        raise Stopped


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The folder for what the tour makes.")] = Path("slidesum-demo"),
    k1: Annotated[int, typer.Option(min=1, help="Filters of the first layer.")] = 8,
    k2: Annotated[int, typer.Option(min=1, help="Filters of the second layer.")] = 16,
    epochs: Annotated[int, typer.Option(min=1, help="How often every image is seen.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same networks.")] = 0,
) -> None:
    """The whole tour: three types of layer counted, trained on real digits, compared, explained."""
    from slidesum.demo import demo as tour
    from slidesum.show.text import console
    from slidesum.train.loop import Settings

    settings = Settings(epochs=epochs, seed=seed)
    if not tour(out, k1=k1, k2=k2, settings=settings, console=console()):
        _tell("stopped", "yellow")
        raise Stopped


@app.command()
def bench(
    case: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A case or a group of cases; repeatable.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures to this file, too.")] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="Runs of each side; without it, what a second or so allows.")] = None,
    list: Annotated[bool, typer.Option("--list", help="Name the cases and stop.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for both sides.")] = 2,
) -> None:
    """Time slidesum beside what one would write otherwise, by turns in one process."""
    from slidesum.bench.machine import use_threads

    use_threads(threads)  # before NumPy is imported
    from slidesum.bench.cases.catalogue import chosen
    from slidesum.bench.run import run
    from slidesum.bench.table import ResultsText, list_text

    cases = chosen(case or ())
    if list:
        _print(list_text(cases))
        return
    results = run(cases, runs=runs, threads=threads)
    _print(ResultsText(results))
    if json:
        results.save(json)
        _tell(f"saved {json}")
    for name, why in results.refused.items():
        _tell(f"{name}: {why}", "bold red")
    if results.stopped:
        _tell("stopped before everything was measured", "yellow")
        raise Stopped
    if results.refused:
        raise typer.Exit(1)


def _network(model: str, sizes: list[str] | None, inputs: list[str] | None = None, strict: bool = False) -> Network:
    from slidesum.api.load import load

    given = dict(_pair(text) for text in sizes or ())
    net = load(model, input=[_shape(text) for text in inputs] if inputs else None, strict=strict)
    return net.with_sizes(**given) if given else net


def _pair(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not name or not number.isdecimal():
        raise _misspelt(f"--set {text!r} names no size", "Write --set k1=8.")
    return name, int(number)


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in parts):
        raise _misspelt(f"--input {text!r} is no shape", "Write whole numbers with commas between: --input 1,3,224,224.")
    return tuple(int(part) for part in parts)


def _coordinates(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise _misspelt(f"--at {text!r} is no place", "Write whole numbers with commas between: --at 7,12,9.")
    return tuple(int(part) for part in parts)


def _misspelt(headline: str, advice: str) -> typer.BadParameter:
    """Wrong usage, told with status 2 in the words of every other error."""
    return typer.BadParameter(str(UsageError(headline, advice=advice)))


def _image(image: str, net: Network) -> Any:
    from slidesum.read.image import read_image

    if net.symbols:
        raise SizeError(
            f"{net.name} has open sizes: {', '.join(net.symbols)}",
            usual="Symbols are enough to count, but not to compute.",
            advice=f"Give them numbers: {' '.join(f'--set {s}=8' for s in net.symbols)}.",
        )
    if image.startswith("digits:"):
        return _digit(image, net)
    shape = [int(n) for n in net.graph.inputs[0].shape]
    array, note = read_image(Path(image), shape)
    if note:
        _tell(note)
    return array


def _digit(image: str, net: Network) -> Any:
    from slidesum.train.data import data_for

    images = data_for(net.graph, "digits").test_images
    number = image.removeprefix("digits:")
    if not number.isdecimal() or int(number) >= len(images):
        raise UsageError(f"there is no image {image}", advice=f"The held-out digits are digits:0 to digits:{len(images) - 1}.")
    return images[int(number)][None]


def _print(thing: Any) -> None:
    from slidesum.show.text import console

    console().print(thing)


def _drop_output() -> None:
    """What couldn't be written is not tried again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(text: str, style: str = "dim") -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False).print(Text(text, style=style))


if __name__ == "__main__":
    main()
