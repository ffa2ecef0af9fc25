"""The numbers of an edited workbook, back into a network.

Read are the arrays that the network keeps and its input, by their defined names, and nothing else: no formula is computed, no macro
run, no link followed. A file may come from a stranger, so its zip is checked before it is inflated (`read.archive`), its XML before
it is parsed, and every range before its cells are looked at.

    >>> import slidesum as ss, tempfile, pathlib
    >>> net = ss.Network("one")
    >>> x = net.linear(net.input("b f", b=1, f=2), 3, name="out")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.xlsx"
    >>> net.sheet([[1.0, 2.0]], path)
    >>> graph, values, images = read_sheet(path)
    >>> graph == net.graph, bool((values["out.w"] == net.values["out.w"]).all()), images["input"]
    (True, True, array([[1., 2.]], dtype=float32))
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.errors import FileError, needed
from slidesum.laws.parameters import kept_parameters
from slidesum.read.archive import Archive
from slidesum.read.document import from_json
from slidesum.show.sheet.area import Area, Cell
from slidesum.show.sheet.layers import stored_cells
from slidesum.show.sheet.limits import MOST_CELLS, MOST_COLUMNS, MOST_ROWS
from slidesum.show.sheet.names import cell
from slidesum.show.sheet.record import MARK, SHEET, VERSION

Arrays = dict[str, np.ndarray[Any, Any]]

LARGEST_ENTRY = 2**28
LARGEST_FILE = 2**28
MOST_RECORDS = 100_000
LONGEST_RECORD = 40_000
OURS = "It wasn't written by slidesum sheet, or its hidden sheet was taken away."


@dataclass(frozen=True)
class Found:
    """An array in the file: on which sheet, its first cell there, and how it lies."""

    key: str
    sheet: str
    corner: Cell
    area: Area


def read_sheet(path: Path) -> tuple[Graph, Arrays, Arrays]:
    """The network of a workbook, its arrays, and its inputs by their layers' names, as they stand there now.

    Raises FileError for a file that isn't one of ours, misses layers, or has text where a number belongs; MissingPackage without
    openpyxl.
    """
    openpyxl = needed("openpyxl", "the sheet is read by openpyxl", "sheet")
    data = _checked(path)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl meets whatever a damaged workbook holds with whatever Python raises
        raise _damaged(path, error) from None
    try:
        if SHEET not in book.sheetnames:
            raise _not_ours(path)
        graph, records = _records(path, book[SHEET])
        found = [_found(path, book, record) for record in records]
        return graph, *_arrays(path, book, graph, found)
    except FileError:
        raise
    except Exception as error:
        raise _damaged(path, error) from None
    finally:
        book.close()


def _records(path: Path, page: Any) -> tuple[Graph, list[Mapping[str, Any]]]:
    """What the hidden sheet tells: the network, and where its arrays lie."""
    rows = page.iter_rows(max_col=2, max_row=MOST_RECORDS, values_only=True)
    told = [
        (kind, text) for kind, text, *_ in rows if isinstance(kind, str) and isinstance(text, str) and len(text) < LONGEST_RECORD
    ]
    if not told or told[0] != (MARK, VERSION):
        raise _not_ours(path)
    parts = {kind: text for kind, text in told if kind in ("part", "unread")}
    if "part" in parts:
        raise FileError(
            f"{path} holds only the layers {parts['part'][:200]}",
            usual="A network is read back whole.",
            advice="Write the sheet without --layers.",
        )
    if "unread" in parts:
        raise FileError(
            f"{path} doesn't tell its network",
            usual=f"It couldn't be written down: {parts['unread'][:200]}.",
            advice="Keep the model.",
        )
    graph = from_json("".join(text for kind, text in told if kind == "network"), str(path))
    records: list[Mapping[str, Any]] = []
    for kind, text in told:
        if kind == "array":
            record = json.loads(text)
            if not isinstance(record, dict):
                raise _not_ours(path)
            records.append(record)
    return graph, records


def _found(path: Path, book: Any, record: Mapping[str, Any]) -> Found:
    """Where an array lies now: its defined name has moved with its cells."""
    key, name = str(record["array"]), str(record["name"])
    defined = book.defined_names.get(name)
    places = list(defined.destinations) if defined is not None else []
    if len(places) != 1:
        raise FileError(
            f"{path} has no cells for {key}",
            usual=f"The name {name} is missing, or its sheet was taken away.",
            advice="Edit numbers only, and leave sheets and names as they are.",
        )
    sheet, where = places[0]
    corners = re.fullmatch(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?", where)
    area = _area(sheet, record)
    if corners is None or sheet not in book.sheetnames:
        raise FileError(f"{path}: {name} names no cells", advice="Edit numbers only, and leave sheets and names as they are.")
    first = int(corners[2]) - 1, _column(corners[1])
    last = (int(corners[4]) - 1, _column(corners[3])) if corners[3] else first
    size = last[0] - first[0], last[1] - first[1]
    if size != area.end:
        raise FileError(
            f"{path}: {name} has {_times(size)} cells, and {key} takes {_times(area.end)}",
            usual="Rows or columns were put in or taken out within it.",
            advice="Edit numbers only.",
        )
    return Found(key, sheet, first, area)


def _area(sheet: str, record: Mapping[str, Any]) -> Area:
    """The array as it lies from its first cell on; what can't be is noticed by its size."""
    shape, steps = [int(n) for n in record["shape"]], [(int(a), int(b)) for a, b in record["steps"]]
    if len(shape) != len(steps) or any(n < 0 for n in shape) or any(n < 0 for step in steps for n in step):
        raise ValueError("steps")
    columns = None if record["columns"] is None else int(record["columns"])
    others = tuple(axis for axis in range(len(shape)) if axis != columns)
    line = int(record["line"])
    area = Area(sheet, "", 0, 0, tuple(shape), tuple(steps), None, columns, others, (), line)
    if area.size > MOST_CELLS or area.end[0] >= MOST_ROWS or area.end[1] >= MOST_COLUMNS or line < 0:
        raise ValueError("size")
    return area


def _arrays(path: Path, book: Any, graph: Graph, found: list[Found]) -> tuple[Arrays, Arrays]:
    wanted = {f"{node.name}.{p.name}": (node, tuple(int(n) for n in p.shape)) for node in graph for p in kept_parameters(node)}
    wanted |= {node.name: (node, tuple(int(n) for n in node.shape)) for node in graph.inputs}
    missing = [key for key in wanted if key not in {one.key for one in found}]
    if missing or len(found) != len(wanted):
        raise FileError(
            f"{path} has no cells for {missing[0] if missing else found[-1].key}", usual=OURS, advice="Write the sheet anew."
        )
    arrays: Arrays = {}
    for sheet in dict.fromkeys(one.sheet for one in found):
        there = [one for one in found if one.sheet == sheet]
        rows = _rows(book[sheet], there)
        for one in there:
            node, shape = wanted[one.key]
            array = np.zeros(shape, dtype=np.float32)
            for index, stored in stored_cells(node.sized, one.key, one.area):
                row, column = one.area.cell(index)
                array[stored] = _number(path, one, rows, one.corner[0] + row, one.corner[1] + column)
            arrays[one.key] = array
    inputs = {node.name: arrays.pop(node.name) for node in graph if isinstance(node.op, Input)}
    return arrays, inputs


def _rows(page: Any, there: list[Found]) -> list[tuple[Any, ...]]:
    """The rows of a sheet down to the last array on it, read in one go."""
    rows = max(one.corner[0] + one.area.end[0] for one in there) + 1
    columns = max(one.corner[1] + one.area.end[1] for one in there) + 1
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > 10 * MOST_CELLS:
        raise ValueError("size")
    page.reset_dimensions()
    return list(page.iter_rows(max_row=rows, max_col=columns, values_only=True))


def _number(path: Path, one: Found, rows: list[tuple[Any, ...]], row: int, column: int) -> float:
    value = rows[row][column] if row < len(rows) and column < len(rows[row]) else None
    if value is None:  # an empty cell counts as 0 in every formula
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 3e38:
        raise FileError(
            f"{path}: {cell(row, column)} of the sheet {one.sheet!r} holds {str(value)[:40]!r}, which is no number",
            usual=f"It belongs to {one.key}.",
            advice="Type a number there.",
        )
    return float(value)


def _checked(path: Path) -> bytes:
    """The bytes of the file, if it is a zip of XML that grows to no more than it may."""
    with Archive(path, lambda name: True) as archive:
        if "xl/workbook.xml" not in archive:
            raise _not_ours(path)
        if archive.inflated > LARGEST_FILE * 4 or path.stat().st_size > LARGEST_FILE:
            raise FileError(
                f"{path} would grow to {archive.inflated:,} bytes",
                usual=f"At most {LARGEST_FILE * 4:,} are read.",
                advice="No sheet of ours is so large; don't trust the file.",
            )
        for name in _xml(archive):
            text = archive.read(name, LARGEST_ENTRY)
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\x00" in text:
                raise FileError(
                    f"{path}: {name[:80]} declares entities",
                    usual="No spreadsheet program writes them.",
                    advice="Don't trust the file.",
                )
    return path.read_bytes()


def _xml(archive: Archive) -> Iterator[str]:
    return (name for name in archive.names if name.endswith((".xml", ".rels")))


def _times(end: Cell) -> str:
    return f"{end[0] + 1}×{end[1] + 1}"


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1


def _not_ours(path: Path) -> FileError:
    return FileError(f"{path} is no sheet of a network", usual=OURS, advice="Name a file that slidesum sheet wrote.")


def _damaged(path: Path, error: Exception) -> FileError:
    return FileError(
        f"{path} can't be read as a workbook: {type(error).__name__}",
        usual="It is damaged, or holds what no spreadsheet program writes.",
        advice="Save it anew as .xlsx, or write the sheet anew.",
    )
