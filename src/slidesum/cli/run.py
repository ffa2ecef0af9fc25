"""A network on an image, by its plans or compiled."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slidesum.cli.options import Inputs, Model, Sizes, Strict, image_for, network
from slidesum.cli.words import misspelt, tell

if TYPE_CHECKING:
    from slidesum.api.network import Network


class Engine(StrEnum):
    """Who computes."""

    plans = "plans"
    native = "native"


def run(
    model: Model,
    image: Annotated[str, typer.Argument(help="A picture, a .npy array, or digits:N for a test image of the digits.")],
    engine: Annotated[Engine, typer.Option(help="Layer by layer by their plans, or compiled as one program.")] = Engine.plans,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the program.  [default: the processor's]")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Without Winograd's transforms.")] = False,
    table: Annotated[bool, typer.Option("--table", help="Print what the program does: kernel, macs, bytes, milliseconds.")] = False,
    top: Annotated[int, typer.Option(min=1, help="How many of the largest values of the result are told.")] = 5,
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """The result of a network for an image: its largest values, and where they stand."""
    if engine is Engine.plans and (threads or exact or table):
        raise misspelt("--threads, --exact and --table are of a compiled program", "Add --engine native.")
    net = network(model, sizes, input, strict)
    if not net.has_values:
        tell(f"{net.name} was never trained: its arrays are drawn at random, with seed 0")
    x = image_for(image, net)
    if engine is Engine.plans:
        maps = net.run(x)
        results = {node.name: maps[node.name] for node in net.graph.outputs}
    else:
        results = _compiled(net, x, threads, exact, table)
    import numpy as np

    for name, result in results.items():
        print(f"{name} {'×'.join(map(str, result.shape))}")
        flat = result.reshape(-1)
        for place in flat.argsort()[::-1][:top]:
            print(f"  {','.join(map(str, np.unravel_index(place, result.shape)))}: {flat[place]:.6g}")


def _compiled(net: Network, x: Any, threads: int | None, exact: bool, table: bool) -> dict[str, Any]:
    fast = net.compile(threads=threads, exact=exact)
    y = fast(x)
    if table:
        print(fast.table(x))
    elif not fast.is_native:
        tell("there is no engine here: computed by plans", "yellow")
    return y if isinstance(y, dict) else {net.graph.output.name: y}
