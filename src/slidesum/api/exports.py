"""What a network becomes elsewhere: a page, a sheet, a picture, a module, a file. Each is written where its format is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slidesum.core.network import Graph
from slidesum.errors import needed

if TYPE_CHECKING:
    from pathlib import Path

    from slidesum.show.page.widget import View
    from slidesum.torch import NetworkModule


class Exports(ABC):
    """For `ss.Network`, which has the layers and the numbers."""

    @property
    @abstractmethod
    def graph(self) -> Graph:
        """The layers as data."""

    @property
    @abstractmethod
    def symbols(self) -> tuple[str, ...]:
        """The symbols that stand for sizes."""

    @property
    @abstractmethod
    def remarks(self) -> tuple[str, ...]:
        """How it was read."""

    @property
    @abstractmethod
    def values(self) -> dict[str, Any]:
        """The arrays by "layer.array"."""

    @abstractmethod
    def run(self, *inputs: Any) -> dict[str, Any]:
        """Every activation by the name of its layer."""

    def view(self, image: Any) -> View:
        """A widget for notebooks: the network and this input, to walk through from the picture to the prediction.

        Needs the package anywidget. Raises SizeError while sizes are symbols, or for several images at once.

        >>> import slidesum as ss
        >>> net = ss.Network("one")
        >>> x = net.conv(net.input("b c i j", b=1, c=1, i=4, j=4), "b c i+u j+v, o c u v -> b o i j", o=2, u=3, v=3, name="conv")
        >>> net.view([[[0.0] * 4] * 4]).document["layers"][1]["named"]
        'y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v]'
        """
        needed("anywidget", "the widget needs anywidget", "page")
        from slidesum.show.page.session import Session
        from slidesum.show.page.widget import View

        return View(Session(self.graph, self.values, image), self.remarks)

    def sheet(
        self,
        image: Any,
        path: str | Path,
        *,
        layers: str | None = None,
        crop: Sequence[int] | None = None,
        formulas: bool = True,
    ) -> None:
        """Write the network and this input as a workbook (.xlsx), every computed number a live formula.

        `layers="conv1..pool2"` writes a part of it, `crop=(top, left, rows, columns)` has formulas for a part of the image only,
        and without `formulas` there are numbers only. Needs the package xlsxwriter.

        >>> import tempfile, pathlib
        >>> import slidesum as ss
        >>> net = ss.Network("one")
        >>> x = net.conv(net.input("b c i j", b=1, c=1, i=4, j=4), "b c i+u j+v, o c u v -> b o i j", o=2, u=3, v=3, name="conv")
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.xlsx"
        >>> net.sheet([[[0.0] * 4] * 4], path)
        >>> path.exists()
        True

        Raises SizeError while sizes are symbols or for several images, UsageError for more than 200,000 formulas, FileError where
        it can't be written.
        """
        from slidesum.show.sheet.book import checked_path, drawn, write_sheet

        target = checked_path(path)
        part: dict[str, Any] = {"layers": layers, "crop": crop, "formulas": formulas}
        write_sheet(target, drawn(self.graph, self.values, image, **part, remarks=self.remarks))

    def plot(self, layer: str, given: Any = None, *, path: str | Path | None = None) -> Any:
        """A matplotlib Figure of a layer's filters, and of its feature maps where `given` is an input, or the activations of a run.

        Blue is negative, red positive, on one scale for all maps. Written to `path` (.png, .svg, .pdf) if one is given.
        """
        from slidesum.show.map_plot import map_plot, save_figure

        maps = given if given is None or isinstance(given, Mapping) else self.run(given)
        figure = map_plot(self.graph, self.values, maps, layer)
        if path is not None:
            save_figure(figure, path)
        return figure

    def to_torch(self) -> NetworkModule:
        """A trainable `nn.Module` with these arrays; `net.values = module.values()` takes them back."""
        from slidesum.torch import NetworkModule

        return NetworkModule(self.graph, self.values)

    def to_onnx(self, path: str | Path | None = None) -> Any:
        """An `onnx.ModelProto` with these arrays, written to `path` if one is given; any batch may be put in.

        Needs the package onnx. Raises SizeError while sizes are symbols, NetworkError for layers that only their name is known of,
        and FileError where it can't be written, or the arrays take more than 2 GiB.

        >>> import slidesum as ss
        >>> net = ss.Network("one")
        >>> x = net.conv(net.input("b c i j", b=1, c=3, i=8, j=8), "b c i+u-1 j+v-1, o c u v -> b o i j", o=4, u=3, v=3, bias="o")
        >>> [node.op_type for node in net.to_onnx().graph.node]
        ['Conv']
        """
        from slidesum.write.onnx import write_onnx

        return write_onnx(self.graph, self.values, path)

    def to_pytorch_source(self) -> str:
        """Readable Python that builds the same `nn.Module` of torch's own layers, with `load_values(module, net.values)` beside it.

        >>> import slidesum as ss
        >>> net = ss.Network("one layer")
        >>> x = net.linear(net.input("b f", b=1, f=4), 2, name="out")
        >>> print(net.to_pytorch_source().splitlines()[9])
                self.out = nn.Linear(4, 2)

        Raises SizeError while sizes are symbols, NetworkError for a layer of which only the name is known.
        """
        from slidesum.show.source import pytorch_source

        return pytorch_source(self.graph)

    def save(self, path: str | Path) -> None:
        """Write the network and its arrays, atomically: NAME.slidesum is one file, NAME.json has NAME.safetensors beside it.

        While sizes are symbols there are no arrays, and the network is saved without.
        """
        from slidesum.read.saved import save

        save(path, self.graph, None if self.symbols else self.values)
