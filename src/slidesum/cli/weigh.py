"""What a network costs: how that grows, and what other layers would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slidesum.cli.options import Format, Inputs, Model, Sizes, Strict, Vary, network, ratios
from slidesum.cli.words import tell, written


def cost(
    model: Model,
    vary: Annotated[list[Vary] | None, typer.Option(help="What grows; repeatable.  [default: width]")] = None,
    at: Annotated[str | None, typer.Option(metavar="SIZES", help="Multiples of the declared size, such as 0.5,3/4,2.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it, as .png or .svg.")] = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """How parameters, multiply-adds and memory grow with width, depth, resolution or batch: polynomials, exponents, points."""
    found = network(model, sizes, input, strict).cost([one.value for one in vary or [Vary.width]], ratios(at) if at else None)
    written(found, format)
    if plot:
        tell(f"saved {found.plot(plot)}")


def compare_layers(
    model: Model,
    groups: Annotated[int, typer.Option(min=1, help="The groups of the grouped form.")] = 2,
    squeeze: Annotated[int, typer.Option(min=1, help="The bottleneck's middle has a so-many-th of the filters.")] = 4,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """What every standard layer would cost as a depthwise separable one, in groups, as a bottleneck, and in types 2.1 and 1."""
    written(network(model, sizes, input, strict).compare_layers(groups=groups, squeeze=squeeze), format)
