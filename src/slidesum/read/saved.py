"""A saved network: `NAME.json`, which tells the network, and `NAME.safetensors` beside it, which holds its arrays.

    {"format": "slidesum/1", "name": "type-2.2", "values": {"sha256": "9f2c…"}, "layers": [ … ]}

The JSON names the checksum of the arrays, so a pair that doesn't belong together is noticed. Both files are written beside their
old selves and renamed, the JSON last. Nothing here executes anything: no pickle, and names, shapes and dtypes of the arrays are
compared with the network before one of them is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from slidesum.core.network import Graph
from slidesum.core.sizes import is_number
from slidesum.errors import FileError
from slidesum.laws.parameters import kept_parameters
from slidesum.read.atomic import unreadable, write_atomically
from slidesum.read.document import document, graph_of, to_json
from slidesum.read.fields import Fields, is_integer

Arrays = dict[str, np.ndarray[Any, Any]]

LARGEST_JSON = 16 * 2**20  # bytes; 10,000 layers take about 2 MB
LARGEST_HEADER = 16 * 2**20
DTYPES = {"F16": 2, "F32": 4, "F64": 8}


def save(path: str | Path, graph: Graph, values: Mapping[str, Any] | None) -> tuple[Path, ...]:
    """Write the network, and its arrays if it has any; returns the files written.

    `path` is NAME or NAME.json. The arrays are keyed by "layer.array", as everywhere. Raises FileError if they don't fit the
    network, or can't be written.
    """
    told, kept = paths(path)
    if values is None:
        write_atomically(told, to_json(graph).encode())
        return (told,)
    arrays = {name: np.ascontiguousarray(_array(name, value)) for name, value in values.items()}
    _check(graph, {name: array.shape for name, array in arrays.items()}, f"{graph.name} can't be saved")
    data = save_arrays(arrays)
    digest = {"sha256": hashlib.sha256(data).hexdigest()}
    text = to_json(graph, values=digest)
    write_atomically(kept, data)
    write_atomically(told, text.encode())
    return told, kept


def load(path: str | Path) -> tuple[Graph, Arrays | None]:
    """The network and its arrays, None if it was saved without.

    `path` is NAME, NAME.json or NAME.safetensors. Raises FileError for whatever isn't as `save` leaves it.
    """
    told, kept = paths(path)
    fields = document(_text(told), str(told))
    digest = fields.maybe("values", None)
    graph = graph_of(fields)
    if digest is None:
        return graph, None
    inner = Fields(f"{told}: the field 'values'", digest)
    checksum = inner.text("sha256", longest=64)
    inner.done()
    return graph, _values(kept, graph, checksum)


def paths(path: str | Path) -> tuple[Path, Path]:
    """The two files of a saved network.

    >>> [str(p) for p in paths("out/type-2.2")]
    ['out/type-2.2.json', 'out/type-2.2.safetensors']
    """
    if not isinstance(path, str | os.PathLike):
        raise FileError(f"{path!r} is no path of a network", advice="Write for example folder/name.")
    folder, path = str(path).endswith(("/", os.sep)), Path(path)
    if folder or path.name in ("", ".", "..") or path.is_dir():
        raise FileError(f"{path} is a folder, not the name of a network", advice="Write for example folder/name.")
    stem = next(
        (path.name[: -len(end)] for end in (".json", ".safetensors") if path.name.endswith(end) and path.name != end), path.name
    )
    return path.with_name(f"{stem}.json"), path.with_name(f"{stem}.safetensors")


def wanted_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of a network. Raises FileError while sizes are symbols."""
    found = {f"{node.name}.{p.name}": p.shape for node in graph for p in kept_parameters(node)}
    if graph.symbols or not all(is_number(n) for shape in found.values() for n in shape):
        raise FileError(
            f"{graph.name} has open sizes: {', '.join(graph.symbols)}",
            usual="Arrays have numbers for sizes, not symbols.",
            advice="Save it without arrays, or give the symbols numbers first.",
        )
    return {name: tuple(int(n) for n in shape) for name, shape in found.items()}


def _check(graph: Graph, shapes: Mapping[str, tuple[int, ...]], where: str) -> None:
    wanted = wanted_shapes(graph)
    advice = "Give the arrays that belong to this network."
    for name, shape in wanted.items():
        if name not in shapes:
            raise FileError(f"{where}: the array {name!r} is missing", usual=f"It needs {len(wanted)} arrays.", advice=advice)
        if tuple(shapes[name]) != shape:
            raise FileError(
                f"{where}: the array {name!r} has the shape {tuple(shapes[name])}, and {shape} is needed", advice=advice
            )
    extra = next((name for name in shapes if name not in wanted), None)
    if extra is not None:
        raise FileError(f"{where}: the array {extra!r} belongs to no layer", advice=advice)


def _array(name: str, value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise FileError(
            f"the array {name!r} holds {array.dtype}, which isn't saved",
            usual="Weights are float16, float32 or float64.",
            advice="Convert it: array.astype('float32').",
        )
    return array


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_JSON + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(data) > LARGEST_JSON:
        raise FileError(
            f"{path} is larger than {LARGEST_JSON // 2**20} MB",
            advice="Name the JSON file of a saved network; arrays stand beside it.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"{path} is no text", advice="Name the JSON file of a saved network.") from None


def _values(path: Path, graph: Graph, checksum: str) -> Arrays:
    """The arrays: header, names and size first, then the bytes, their checksum, and only then the arrays."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            shapes, claimed = _header(file.read(8), file, path)
            _check(graph, shapes, str(path))
            if size != claimed:
                raise FileError(
                    f"{path} has {size:,} bytes, and its header tells of {claimed:,}",
                    usual="It was cut off, or isn't complete yet.",
                    advice="Copy it again, or save the network anew.",
                )
            file.seek(0)
            data = file.read()
    except OSError as error:
        raise unreadable(path, error) from None
    if hashlib.sha256(data).hexdigest() != checksum:
        raise FileError(
            f"{path} isn't the file that was saved with this network",
            usual="A save was interrupted between its two files, or one of them was replaced or damaged.",
            advice="Save the network anew.",
        )
    try:
        return dict(load_arrays(data))
    except SafetensorError as error:
        raise FileError(f"{path} can't be read: {error}", advice="Save the network anew.") from None


def _header(prefix: bytes, file: Any, path: Path) -> tuple[dict[str, tuple[int, ...]], int]:
    """The shapes that a safetensors file tells of, and how many bytes it must have."""
    broken = FileError(
        f"{path} is no safetensors file",
        usual="It was cut off, or holds something else.",
        advice="Copy it again, or save the network anew.",
    )
    length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
    if not 0 < length <= LARGEST_HEADER:
        raise broken
    try:
        told = json.loads(file.read(length))
        shapes, total = {}, 0
        for name, entry in told.items():
            if name == "__metadata__":
                continue
            shapes[name] = tuple(entry["shape"])
            total += prod(shapes[name]) * DTYPES[entry["dtype"]]
        if not all(is_integer(n) and n >= 0 for shape in shapes.values() for n in shape):
            raise broken
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise broken from None
    return shapes, 8 + length + total
