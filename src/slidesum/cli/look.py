"""What a network is: its table, and how one of its numbers came about."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from slidesum.cli.options import Format, Inputs, Model, Shape, Sizes, Strict, coordinates, image_for, network
from slidesum.cli.words import show_thing, tell, tell_untrained, written


def show(
    model: Model,
    depth: Annotated[int | None, typer.Option(min=1, help="One row for layers whose names begin alike: a/b/c at 1 is a.")] = None,
    sort: Annotated[str | None, typer.Option(metavar="COLUMN", help="Sort by macs, parameters, activation_bytes, name …")] = None,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.table,
    verify: Annotated[bool, typer.Option("--verify", help="Run the network, and check every shape and number.")] = False,
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """The table of a network: equation, kind, maps, size, weights, multiply-adds and reach of every layer."""
    net = network(model, sizes, input, strict)
    written(net.table(depth=depth, sort=sort), format)
    if verify:
        found = net.verify()
        tell(str(found), "dim" if found.agrees else "bold red")
        if not found.agrees:
            raise typer.Exit(1)


def explain(
    model: Model,
    image: Annotated[str, typer.Argument(help="A picture, a .npy array, or digits:N for a test image of the digits.")],
    layer: Annotated[str, typer.Option(help="The layer whose value is explained.")],
    at: Annotated[str, typer.Option(help="Where in its result: map,row,column (the batch may be left out).")],
    all: Annotated[bool, typer.Option("--all", help="Show every term of long sums.")] = False,
    format: Annotated[Shape, typer.Option(help="How to write the explanation.")] = Shape.table,
    sizes: Sizes = None,
    input: Inputs = None,
) -> None:
    """Every term that made one number of a layer."""
    place = coordinates(at)
    net = network(model, sizes, input)
    tell_untrained(net)
    explanation = net.explain(layer, place, net.run(image_for(image, net)))
    if format is Shape.json:
        sys.stdout.write(explanation.to_json() + "\n")
    else:
        from slidesum.show.text import explanation_text

        show_thing(explanation_text(explanation, all_terms=all))
