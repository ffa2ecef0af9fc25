"""Networks that learn: one, three beside each other, and the whole tour."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slidesum.cli.options import Format, Inputs, Kind, Sizes, network
from slidesum.cli.words import Stopped, file_name, show_thing, tell
from slidesum.errors import UsageError


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
    input: Inputs = None,
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
    graph = network(model, sizes, input).graph if model else question(wanted.value, k1=k1 or 8, k2=k2 or 16, n=8, m=8)
    make_folder(out)
    checkpoint = out / file_name(graph.name, ".ckpt")
    images = data_for(graph, data)
    trained = run(graph, images, epochs=epochs, seed=seed, checkpoint=checkpoint, resume=resume)
    path = out / file_name(graph.name, ".json")
    Network.of(graph, trained.values).save(path)
    if trained.accuracy is not None:
        told = f"loss {trained.loss:.4f}, {len(trained.history)} epochs, {trained.seconds:.1f} s"
        print(f"{graph.name}: test accuracy {trained.accuracy:.2%}, {told}")
    print(f"saved {path}")
    if trained.interrupted:
        tell(f"stopped after {len(trained.history)} of {epochs} epochs; the same command with --resume goes on", "yellow")
        raise Stopped


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

        show_thing(results_text(result, Console().width))
    else:
        sys.stdout.write(formatted(result, format.value))
    for path in (save_results(result, out) if out else {}).values():
        tell(f"saved {path}")
    if result.interrupted:
        tell(
            "stopped; the same command with --out FOLDER and --resume goes on" if out is None else "stopped; --resume goes on",
            "yellow",
        )
        raise Stopped


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
        tell("stopped", "yellow")
        raise Stopped
