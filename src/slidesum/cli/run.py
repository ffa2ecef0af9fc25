"""A network on an image, by its plans or compiled."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slidesum.cli.options import Inputs, Model, Sizes, Strict, image_for, network
from slidesum.cli.words import misspelt, tell, tell_untrained

if TYPE_CHECKING:
    from slidesum.api.network import Network


class Engine(StrEnum):
    """Who computes."""

    plans = "plans"
    native = "native"


class Width(StrEnum):
    """In how many bits weights are stored."""

    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


def run(
    model: Model,
    image: Annotated[str, typer.Argument(help="A picture, a .npy array, or digits:N for a test image of the digits.")],
    engine: Annotated[Engine, typer.Option(help="Layer by layer by their plans, or compiled as one program.")] = Engine.plans,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the program.  [default: the processor's]")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Without Winograd's transforms.")] = False,
    tune: Annotated[bool, typer.Option("--tune", help="Measure which kernels are the fastest here; up to a minute, once.")] = False,
    weights: Annotated[
        Width, typer.Option(help="How weights are stored that a layer waits for, as those of fully connected layers.")
    ] = Width.float32,
    table: Annotated[bool, typer.Option("--table", help="Print what the program does: kernel, macs, bytes, milliseconds.")] = False,
    top: Annotated[int, typer.Option(min=1, help="How many values of the result are told, the best first.")] = 5,
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """The result of a network for an image: its largest values, or its smallest where these win, and where they stand."""
    import numpy as np

    from slidesum.laws.answer import smallest_wins

    if engine is Engine.plans and (threads or exact or tune or table or weights is not Width.float32):
        raise misspelt("--threads, --exact, --tune, --weights and --table are of a compiled program", "Add --engine native.")
    net = network(model, sizes, input, strict)
    tell_untrained(net)
    x = image_for(image, net)
    if engine is Engine.plans:
        maps = net.run(x)
        results = {node.name: maps[node.name] for node in net.graph.outputs}
    else:
        results = _compiled(net, x, table, threads=threads, exact=exact, tune=tune, weights=weights.value)
    for name, result in results.items():
        smallest = smallest_wins(net.graph[name])
        told = "  the smallest wins" if smallest else ""
        print(f"{name} {'×'.join(map(str, result.shape))}{told}")
        order = np.argsort(result, axis=None, kind="stable")
        for place in (order if smallest else order[::-1])[:top]:
            at = np.unravel_index(place, result.shape)
            print(f"  {','.join(map(str, at))}: {result[at]:.6g}")


def _compiled(net: Network, x: Any, table: bool, **options: Any) -> dict[str, Any]:
    fast = net.compile(**options)
    y = fast(x)
    if table:
        print(fast.table(x))
    elif not fast.is_native:
        tell("there is no engine here: computed by plans", "yellow")
    return y if isinstance(y, dict) else {net.graph.output.name: y}
