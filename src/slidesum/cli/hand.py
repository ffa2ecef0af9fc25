"""What a network becomes elsewhere: an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slidesum.cli.options import Inputs, Model, Sizes, Strict, network
from slidesum.cli.words import misspelt, tell, tell_untrained


def export(
    model: Model,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The file to write: NAME.onnx.")],
    sizes: Sizes = None,
    input: Inputs = None,
    strict: Strict = False,
) -> None:
    """Write a network as an ONNX file, which other programs run; any batch may be put in."""
    if out.suffix != ".onnx":
        raise misspelt(f"{out} is no ONNX file", "Write -o NAME.onnx.")
    net = network(model, sizes, input, strict)
    tell_untrained(net)
    net.to_onnx(out)
    tell(f"wrote {out}: {net.parameters:,} parameters")
