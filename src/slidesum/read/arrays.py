"""The arrays of a network as safetensors, and back.

Names, shapes and dtypes stand in the header of such a file; they are compared with the network, and their bytes with those that are
there, before an array is made. Nothing here executes anything: no pickle.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from slidesum.core.network import Graph
from slidesum.core.sizes import is_number
from slidesum.errors import FileError
from slidesum.laws.parameters import kept_parameters
from slidesum.read.fields import Fields, is_integer
from slidesum.read.mapped import Place, arrays_at

Arrays = dict[str, np.ndarray[Any, Any]]

LARGEST_HEADER = 16 * 2**20
DTYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
CHUNK = 2**20  # bytes that are read at once where a file isn't read whole


def arrays_out(graph: Graph, values: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The arrays as bytes, and what the document says of them. Raises FileError if they don't fit the network."""
    arrays = {name: np.asarray(_array(name, value), order="C") for name, value in values.items()}
    _check(graph, {name: array.shape for name, array in arrays.items()}, f"{graph.name} can't be saved")
    data = save_arrays(arrays)
    return data, {"sha256": hashlib.sha256(data).hexdigest()}


def checksum(where: str, digest: Any) -> str:
    """The checksum that a document names."""
    inner = Fields(f"{where}: the field 'values'", digest)
    told = inner.text("sha256", longest=64)
    inner.done()
    return told


def most_bytes(graph: Graph) -> int:
    """No file with the arrays of this network is larger."""
    widest = max(dtype.itemsize for dtype in DTYPES.values())
    return 8 + LARGEST_HEADER + widest * sum(prod(shape) for shape in wanted_shapes(graph).values())


def arrays_in(
    file: BinaryIO, where: str, graph: Graph, wanted: str, *, part: tuple[int, int] | None = None, mapped: bool = False
) -> Arrays:
    """The arrays: header, names and size first, then the bytes, their checksum, and only then the arrays.

    `part` says where they begin in the file, and their bytes, if it isn't all of it. Mapped, large ones stay in the file (see
    `read.mapped`); otherwise they are read.
    """
    begin, size = part or (0, file.seek(0, 2))
    file.seek(begin)
    places, claimed = _header(file.read(8), file, where, begin)
    _check(graph, {name: place.shape for name, place in places.items()}, where)
    if size != claimed:
        raise FileError(
            f"{where} has {size:,} bytes, and its header tells of {claimed:,}",
            usual="It was cut off, or isn't complete yet.",
            advice="Copy it again, or save the network anew.",
        )
    file.seek(begin)
    data = None if mapped else file.read(size)
    if (_digest(file, size) if data is None else hashlib.sha256(data).hexdigest()) != wanted:
        raise FileError(
            f"{where} isn't the file that was saved with this network",
            usual="A save was interrupted between its two files, or one of them was replaced or damaged.",
            advice="Save the network anew.",
        )
    try:
        return arrays_at(file, places) if data is None else dict(load_arrays(data))
    except SafetensorError as error:
        raise FileError(f"{where} can't be read: {error}", advice="Save the network anew.") from None


def _digest(file: BinaryIO, size: int) -> str:
    """The checksum of so many bytes of the file from here on."""
    found = hashlib.sha256()
    while size and (chunk := file.read(min(size, CHUNK))):
        found.update(chunk)
        size -= len(chunk)
    return found.hexdigest()


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


def _header(prefix: bytes, file: BinaryIO, where: str, begin: int) -> tuple[dict[str, Place], int]:
    """The arrays that safetensors at `begin` of a file tell of, and how many bytes they must have."""
    broken = FileError(
        f"{where} is no safetensors file",
        usual="It was cut off, or holds something else.",
        advice="Copy it again, or save the network anew.",
    )
    length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
    if not 0 < length <= LARGEST_HEADER:
        raise broken
    try:
        told = json.loads(file.read(length))
        places: dict[str, Place] = {}
        for name, entry in told.items():
            if name == "__metadata__":
                continue
            first, behind = entry["data_offsets"]
            places[name] = place = Place(begin + 8 + length + first, tuple(entry["shape"]), DTYPES[entry["dtype"]])
            if not all(is_integer(n) and n >= 0 for n in (first, *place.shape)) or behind - first != place.bytes:
                raise broken
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise broken from None
    total = 8 + length + sum(place.bytes for place in places.values())
    if any(place.begin + place.bytes > begin + total for place in places.values()):
        raise broken
    return places, total
