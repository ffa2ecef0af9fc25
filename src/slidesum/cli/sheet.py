"""The sheet: a network as a workbook with live formulas, and an edited one back into a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slidesum.cli.options import Inputs, Sizes, coordinates, image_for, network
from slidesum.cli.words import file_name, misspelt, tell, tell_untrained


def sheet(
    model: Annotated[str | None, typer.Argument(help="A network: as for slidesum show; none with --read.")] = None,
    image: Annotated[
        str | None, typer.Argument(help="A picture, a .npy array, or digits:N for a test image of the digits.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The workbook to write.  [default: NAME.xlsx]")
    ] = None,
    layers: Annotated[str | None, typer.Option(metavar="A..B", help="Only the layers from A to B, and what they read.")] = None,
    crop: Annotated[
        str | None,
        typer.Option(metavar="TOP,LEFT,ROWS,COLUMNS", help="Formulas for this part of the image only, numbers elsewhere."),
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="Numbers without formulas.")] = False,
    read: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An edited workbook: its network goes to -o NAME.slidesum, its input to NAME.npy."),
    ] = None,
    sizes: Sizes = None,
    input: Inputs = None,
) -> None:
    """The network as a spreadsheet: change a pixel or a weight, and the prediction follows."""
    if read is not None:
        if model or image or layers or crop or values or sizes or input:
            raise misspelt("--read takes a workbook and -o only", "Write slidesum sheet --read net.xlsx -o net.slidesum.")
        _read(read, out)
        return
    if model is None or image is None:
        raise misspelt("a sheet needs a network and an image", "Write slidesum sheet MODEL IMAGE, or --read FILE.")
    place = coordinates(crop, "--crop", "2,2,8,8") if crop is not None else None
    if place is not None and len(place) != 4:
        raise misspelt(f"--crop {crop!r} is no part of an image", "Write its top, left, rows and columns: --crop 2,2,8,8.")
    net = network(model, sizes, input)
    target = out or Path(file_name(net.name, ".xlsx"))
    if target.suffix.lower() != ".xlsx":
        raise misspelt(f"{target} is no workbook", "Write -o NAME.xlsx.")
    given = image_for(image, net)
    tell_untrained(net)
    from slidesum.show.sheet.book import drawn, write_sheet

    plan = drawn(net.graph, net.values, given, layers=layers, crop=place, formulas=not values, remarks=net.remarks)
    tell(f"{net.name}: {plan.estimate}")
    done = write_sheet(target, plan, tell)
    tell(f"wrote {target}: {done.formulas:,} formulas, {done.bytes / 1e6:.2f} MB")


def _read(path: Path, out: Path | None) -> None:
    target = out or path.with_suffix(".slidesum")
    if target.suffix != ".slidesum":
        raise misspelt(f"{target} is no saved network", "Write -o NAME.slidesum.")
    import io

    import numpy as np

    from slidesum.api.network import Network
    from slidesum.read.atomic import write_atomically

    net, given = Network.from_sheet(path)
    net.save(target)
    tell(f"wrote {target}: {net.parameters:,} parameters")
    images = given if isinstance(given, tuple) else (given,)
    for node, array in zip(net.graph.inputs, images, strict=True):
        one = target.with_suffix(".npy")
        name = one if len(images) == 1 else one.with_name(f"{target.stem}-{file_name(node.name, '.npy')}")
        buffer = io.BytesIO()
        np.save(buffer, array)
        write_atomically(name, buffer.getvalue())
        tell(f"wrote {name}: the input, {'×'.join(map(str, array.shape))}")
