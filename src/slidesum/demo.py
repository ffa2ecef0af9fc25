"""The tour: the question, answered on real digits.

Every line it prints comes from the calls that a user would make; this file only puts them in order.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from slidesum.api.equation import Equation
from slidesum.api.network import Network
from slidesum.read.atomic import make_folder
from slidesum.show.bars import bars
from slidesum.show.columns import Column, grid
from slidesum.show.formula import pretty
from slidesum.show.layout import table_text
from slidesum.show.picture import drawn
from slidesum.train.compare import Comparison, compare
from slidesum.train.data import Data, load_data
from slidesum.train.loop import Settings, Trained
from slidesum.train.results import save_results
from slidesum.zoo.question import TYPES, question

GIST = {
    "1": "every filter on every map separately",
    "2.1": "one flat filter over the sum of all maps",
    "2.2": "a filter spans all maps: what everybody uses",
}


def demo(folder: Path, *, k1: int, k2: int, settings: Settings, console: Console) -> bool:
    """The whole tour; what it makes is left in `folder`. False if Ctrl-C ended the training."""
    make_folder(folder)
    console.print(_opening(k1, k2))
    for kind in TYPES:
        console.print(_heading(f"type {kind}: {GIST[kind]}"))
        symbolic = Network.of(question(kind))
        console.print(symbolic.table())
        console.print()
        console.print(table_text(symbolic.with_sizes(n=8, m=8, k1=k1, k2=k2).table(), equations=False))
    console.print(_heading("side by side: the two convolutions"))
    console.print(_side_by_side(k1, k2, console.width))
    console.print(_answer())
    many = f"{settings.epochs} epoch{'s' * (settings.epochs > 1)} each, seed {settings.seed}"
    console.print(_heading(f"trained on real handwritten digits: {many}"))
    result = compare(k1=k1, k2=k2, settings=settings)
    files = save_results(result, folder)
    console.print(results_text(result, console.width))
    if result.interrupted:
        return False
    console.print(_heading("one number of type 2.2, seen through to the last product"))
    at, picture = _one_pixel(result.trained["2.2"], load_data(result.data))
    console.print(picture)
    console.print(_heading("what is left, and what to try next"))
    console.print(_saved(files))
    console.print("\n  Next:")
    for command in _next_commands(folder, files["type 2.2"], at):
        console.print(Text(f"    {command}", style="cyan"), soft_wrap=True)
    return True


def _heading(text: str) -> Any:
    return Group(Text(), Rule(Text(text, style="bold"), align="left", style="cyan"))


def _opening(k1: int, k2: int) -> Any:
    return Group(
        Text("How do subsequent convolution layers work?", style="bold"),
        Text(
            "A 3×3 layer with k1 filters, then a 5×5 layer with k2 filters: does that give k1·k2 maps, or k2? Is a filter shared "
            "over the maps? The equation of a layer says it. Here are three layers that one can mean, as formulas in n, m, k1, k2 "
            f"and for 8×8 images with k1={k1} and k2={k2}. `reads` are the input values that one output value depends on."
        ),
    )


def _side_by_side(k1: int, k2: int, width: int) -> Any:
    titles = ("type", "second layer", "maps out", "reads", "weights", "biases")
    rows = []
    for kind in TYPES:
        for net in (Network.of(question(kind)), Network.of(question(kind, k1=k1, k2=k2, n=8, m=8))):
            first, second = (next(row for row in net.table() if row["name"] == name) for name in ("conv1", "conv2"))
            counted = [pretty(first[key] + second[key]) for key in ("weights", "biases")]
            shown = [kind, second["equation"]] if net.symbols else ["", ""]
            rows.append([*shown, pretty(second["maps"]), pretty(second["inputs_per_output"]), *counted])
    columns = [
        Column(title, cells, words=k < 2) for k, (title, cells) in enumerate(zip(titles, zip(*rows, strict=True), strict=True))
    ]
    table = grid(columns, width - 2)
    table.row_styles = ["", "dim"]  # the formulas, then their numbers
    return Padding(table, (0, 0, 0, 2))


def _answer() -> Any:
    """The question answered in words, from the equations."""
    lines = [Text("So either can be meant, and the equation tells which:", style="bold")]
    for kind, pattern in TYPES.items():
        lines.append(Text(f"type {kind}: {Equation.read(pattern).kind.sentence}"))
    lines.append(
        Text("`Conv2d` of every library is type 2.2: k2 maps, and each filter has weights of its own for every map it reads.")
    )
    return Padding(Group(*lines), (1, 0, 0, 2))


def results_text(result: Comparison, width: int) -> Any:
    """The accuracies beside what they cost, and what to make of them."""
    most = {name: max(getattr(row, name) for row in result.rows) for name in ("parameters", "macs")}
    rows = [
        (
            f"type {row.type}",
            [
                (row.accuracy or 0.0, 1.0, "—" if row.accuracy is None else f"{row.accuracy:.2%}"),
                *((getattr(row, name), full, pretty(getattr(row, name))) for name, full in most.items()),
            ],
        )
        for row in result.rows
    ]
    remarks = [
        f"Accuracy on the {result.test_images} images held out; one image is {1 / result.test_images:.2%}, so differences of a few "
        "are chance. Parameters and multiply-adds are of the whole network.",
        *_remark_on_weights(result),
        f"Trained in {sum(row.seconds for row in result.rows):.0f} s.",
    ]
    lines = [Text(" ".join(remarks), style="dim")]
    if result.interrupted:
        lines.append(Text(_stopped(result), style="yellow"))
    return Padding(Group(bars(("accuracy", "parameters", "multiply-adds"), rows, width - 2), *lines), (0, 0, 0, 2))


def _remark_on_weights(result: Comparison) -> Iterator[str]:
    """Type 1 hands k1·k2 maps on, and the linear layer behind them pays for it."""
    row = next((row for row in result.rows if row.type == "1"), None)
    if row is not None:
        linear = row.weights - row.conv_weights
        yield f"Of type 1's {row.weights:,} weights, {linear:,} stand in the linear layer, because it reads {row.maps} maps."


def _stopped(result: Comparison) -> str:
    last = result.rows[-1]
    missing = [kind for kind in TYPES if kind not in result.trained]
    rest = f"; not trained: {', '.join(missing)}" if missing else ""
    return f"Stopped: type {last.type} after {last.epochs} of {result.settings.epochs} epochs{rest}."


def _one_pixel(trained: Trained, data: Data) -> tuple[tuple[int, ...], Any]:
    """Where the largest value of the second layer stands, for the first held-out image, and its explanation."""
    net, image, label = Network.of(trained.graph, trained.values), data.test_images[0], int(data.test_labels[0])
    maps = net.run(image[None])
    answer = int(np.argmax(maps["linear"][0]))
    at = tuple(int(n) for n in np.unravel_index(int(maps["conv2"].argmax()), maps["conv2"].shape))
    text = f"A held-out image of a {label}; the network says {answer}. Explained: the largest value of conv2, in map {at[1]} at []."
    return at, Padding(
        Group(
            Text(text),
            Padding(Text(drawn(image[0], mark=(at[2], at[3])), style="green"), (1, 0, 1, 2)),
            net.explain("conv2", at, maps),
            Text("The ReLU is applied once, to the whole sum with its bias, and not to the sum of each map.", style="italic"),
        ),
        (0, 0, 0, 2),
    )


def _saved(files: Mapping[str, Path]) -> Any:
    saved = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for what, path in files.items():
        told = {"comparison": "all figures", "plot": "accuracy against cost"}.get(
            what, f"{what}, its arrays beside it as .safetensors"
        )
        saved.add_row(Text(str(path)), Text(told, style="dim"))
    return Padding(saved, (0, 0, 0, 2))


def _next_commands(folder: Path, network: Path, at: tuple[int, ...]) -> list[str]:
    """Lines that can be copied and run as they stand, also where the command isn't on the path."""
    command = "slidesum" if shutil.which("slidesum") else sys.argv[0]
    place = ",".join(map(str, at[1:]))
    calls = [
        ["show", str(network)],
        ["explain", str(network), "digits:0", "--layer", "conv2", "--at", place, "--all"],
        ["train", "--type", "2.2", "--k1", "16", "--k2", "32", "--out", str(folder / "larger")],
        ["compare", "--k1", "4", "--k2", "8", "--seed", "1"],
        ["show", "lenet5"],
    ]
    return [shlex.join([command, *call]) for call in calls]
