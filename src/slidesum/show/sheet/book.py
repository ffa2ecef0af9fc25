"""The whole workbook as one file."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.errors import FileError, SizeError, UsageError, needed
from slidesum.read.atomic import write_atomically
from slidesum.run.network import fitted_inputs, initial_values, refuse_symbols, run
from slidesum.show.sheet.explain import write_explain
from slidesum.show.sheet.layers import LayerWriter
from slidesum.show.sheet.layout import Layout, kept_areas, laid_out
from slidesum.show.sheet.limits import MOST_FORMULAS, Estimate, estimate, refuse_large
from slidesum.show.sheet.names import DefinedNames, fixed_span, quoted
from slidesum.show.sheet.network import write_network
from slidesum.show.sheet.panels import Panels, panels_of
from slidesum.show.sheet.part import Part, part_of
from slidesum.show.sheet.prediction import write_prediction
from slidesum.show.sheet.record import write_record
from slidesum.show.sheet.style import Styles

Told = Callable[[str], None]


@dataclass(frozen=True)
class Drawn:
    """A network with one input, computed and laid out, and what writing it would take."""

    graph: Graph
    values: Mapping[str, Any]
    maps: Mapping[str, Any]
    part: Part
    layout: Layout
    panels: Panels
    estimate: Estimate
    remarks: tuple[str, ...]


def drawn(
    graph: Graph,
    values: Mapping[str, Any] | None,
    image: Any,
    *,
    layers: str | None = None,
    crop: Sequence[int] | None = None,
    formulas: bool = True,
    remarks: Sequence[str] = (),
) -> Drawn:
    """The sheets to be written: which, where everything stands, and how much it is.

    `layers` names a part, "conv1..pool2"; `crop` is (top, left, rows, columns) of the image, for which there are formulas; without
    `formulas` there are numbers only. Raises SizeError while sizes are symbols, or for more than one image.
    """
    refuse_symbols(graph)
    held = {name: np.asarray(array) for name, array in (values if values else initial_values(graph)).items()}
    inputs = list(image) if len(graph.inputs) > 1 and isinstance(image, list | tuple) else [image]
    fitted = fitted_inputs(graph, [np.asarray(one, dtype=np.float64) for one in inputs])
    for node in graph.inputs:
        array = np.asarray(fitted[node.name])
        if array.shape != tuple(node.shape):
            raise SizeError(
                f"the sheet is for an input of {tuple(node.shape)}, and {tuple(array.shape)} was given",
                usual="Its formulas are those of one image, or of the declared batch.",
                advice="Give one image.",
            )
    _refuse_infinite({**held, **fitted})
    maps = {name: np.asarray(array, dtype=float) for name, array in run(graph, held, *fitted.values()).items()}
    part = part_of(graph, layers, crop, formulas)
    layout = laid_out(graph, part.shown, part.live, part.formulas)
    told = estimate(layout, part)
    panels = panels_of(layout, part, maps, MOST_FORMULAS - told.formulas)
    return Drawn(graph, held, maps, part, layout, panels, told.with_panels(panels), tuple(remarks))


def write_sheet(path: Path, given: Drawn, told: Told | None = None) -> Estimate:
    """Write the file, atomically; what it came to.

    Raises UsageError for what is beyond the limits, MissingPackage without XlsxWriter, FileError where it can't be written.
    """
    refuse_large(given.graph.name, given.estimate)
    data, formulas = workbook(given, told)
    write_atomically(path, data)
    return Estimate(formulas, given.estimate.cells, len(data), given.estimate.seconds)


def workbook(given: Drawn, told: Told | None = None) -> tuple[bytes, int]:
    """The bytes of the file, the same for the same network, and how many formulas are in it."""
    writer = needed("xlsxwriter", "the sheet is written by XlsxWriter", "sheet")
    tell = told or (lambda _: None)
    layout, buffer = given.layout, io.BytesIO()
    book = writer.Workbook(buffer, {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    book.set_properties({"title": given.graph.name, "created": datetime.datetime(2000, 1, 1), "comments": "written by slidesum"})
    styles = Styles(book)
    network = book.add_worksheet("Network")
    pages = {sheet.name: book.add_worksheet(sheet.name) for sheet in layout.sheets}
    layers = LayerWriter(layout, given.values, given.maps, styles, given.part)
    for number, sheet in enumerate(layout.sheets):
        tell(f"{sheet.name}: sheet {number + 1} of {len(layout.sheets)}")
        layers.write(pages[sheet.name], sheet)
    names = DefinedNames()
    defined = {}
    for sheet in layout.sheets:
        for key, one in kept_areas(sheet).items():
            defined[key] = names.named(key)
            book.define_name(defined[key], f"={quoted(sheet.name)}{fixed_span(one.top, one.left, *one.end)}")
    extra = write_prediction(book, styles, layout, given.part, given.maps)
    tell("Explain")
    extra += write_explain(book, styles, layout, given.panels, given.values, given.maps)
    extra += write_network(network, styles, layout, given.part, layers.kept, given.remarks)
    write_record(book, layout, given.part, defined)
    network.activate()
    tell("packing")
    book.close()
    return buffer.getvalue(), layers.formulas + extra


def _refuse_infinite(arrays: Mapping[str, Any]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise UsageError(
                f"{name} has numbers that are infinite or none at all",
                usual="A cell of a spreadsheet holds finite numbers only.",
                advice="Give others.",
            )


def checked_path(path: str | Path) -> Path:
    """Where to write. Raises FileError for another kind of file."""
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise FileError(f"a sheet is an .xlsx file, not {target.name!r}", advice="Name the file net.xlsx, say.")
    return target
