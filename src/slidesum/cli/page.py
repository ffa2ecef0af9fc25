"""The page: a network walked through in a browser, as a file or from this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slidesum.cli.options import Inputs, Model, Sizes, image_for, network
from slidesum.cli.words import at_work, file_name, misspelt, tell, tell_untrained

if TYPE_CHECKING:
    from slidesum.api.network import Network


def page(
    model: Model,
    image: Annotated[
        str | None, typer.Argument(help="A picture, a .npy array, or digits:N for a test image of the digits; needed for a file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The file to write.  [default: NAME.html, or NAME-LAYER.png]")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show it from this machine; image and weights can be changed.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="With --serve: the port.  [default: a free one]")] = None,
    open: Annotated[bool, typer.Option("--open", help="With --serve: open the browser.")] = False,
    png: Annotated[str | None, typer.Option(metavar="LAYER", help="Only the maps and filters of this layer, as a picture.")] = None,
    sizes: Sizes = None,
    input: Inputs = None,
) -> None:
    """A page to walk through the network, from the picture to the prediction, down to every product."""
    if serve and (out or png):
        raise misspelt("--serve writes no file", "Leave out -o and --png, or --serve.")
    if not serve and (port or open):
        raise misspelt("--port and --open belong to --serve", "Write --serve too.")
    net = network(model, sizes, input)
    given = _given(image, net, needed=not serve)
    if png is not None:
        picture = out or Path(file_name(f"{net.name}-{png}", ".png"))
        net.plot(png, given, path=picture)
        tell(f"wrote {picture}")
        return
    tell_untrained(net)
    from slidesum.show.page.session import Session

    session = Session(net.graph, net.values, given)
    if serve:
        from slidesum.show.page.serve import serve as run

        run(session, port=port, open_browser=open, remarks=net.remarks)
        return
    from slidesum.show.page.html import estimate, write_page

    target = out or Path(file_name(net.name, ".html"))
    if target.suffix not in (".html", ".htm"):
        raise misspelt(f"{target} is no page", "Write -o NAME.html.")
    tell(f"{net.name}: {estimate(session)}")
    with at_work(f"writing {target}"):
        size = write_page(target, session, remarks=net.remarks)
    tell(f"wrote {target}: {size / 1e6:.2f} MB")


def _given(image: str | None, net: Network, *, needed: bool) -> Any:
    if image is not None:
        return image_for(image, net)
    if needed:
        raise misspelt("a page needs an image", "Write slidesum page MODEL IMAGE, or --serve to begin with an empty one.")
    import numpy as np

    from slidesum.run.network import refuse_symbols

    refuse_symbols(net.graph)
    return np.zeros([int(n) for n in net.graph.inputs[0].shape], dtype=np.float32)
