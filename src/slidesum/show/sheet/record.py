"""The hidden sheet "slidesum": what is needed to read an edited file back.

    A               B
    slidesum sheet  1
    network         the network as `read.document` writes it, in pieces that a cell can hold
    array           {"array": "conv1.w", "name": "conv1_w", "shape": […], "steps": [[rows, columns], …], "columns": axis, "line": 0}
    part            only where layers are missing

An array is found by its defined name, which moves with its cells; how it lies there, the steps say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slidesum.core.ops import Input
from slidesum.errors import SlidesumError
from slidesum.read.document import to_json
from slidesum.show.sheet.layout import Layout, kept_areas
from slidesum.show.sheet.part import Part

SHEET, MARK, VERSION = "slidesum", "slidesum sheet", "1"
PIECE = 30_000
"""A cell holds 32,767 characters."""


def write_record(book: Any, layout: Layout, part: Part, names: Mapping[str, str]) -> None:
    """Write the sheet, and hide it."""
    page = book.add_worksheet(SHEET)
    rows = [(MARK, VERSION)]
    if not part.whole:
        rows.append(("part", f"{part.live[0]}..{part.live[-1]}"))
    try:
        text = to_json(layout.graph)
    except SlidesumError as error:  # what no file can tell can't be read back; the sheet is none the worse
        text, rows = "", [*rows, ("unread", error.headline[:PIECE])]
    rows += [("network", text[k : k + PIECE]) for k in range(0, len(text), PIECE)]
    for sheet in layout.sheets:
        for key, one in kept_areas(sheet).items():
            told = {
                "array": key,
                "name": names[key],
                "input": isinstance(sheet.node.op, Input),
                "shape": list(one.shape),
                "steps": [list(step) for step in one.steps],
                "columns": one.columns,
                "line": one.line,
            }
            rows.append(("array", json.dumps(told)))
    for row, (kind, text) in enumerate(rows):
        page.write_string(row, 0, kind)
        page.write_string(row, 1, text)
    page.hide()
