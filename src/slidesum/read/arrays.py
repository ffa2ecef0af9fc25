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

Arrays = dict[str, np.ndarray[Any, Any]]

LARGEST_HEADER = 16 * 2**20
DTYPES = {"F16": 2, "F32": 4, "F64": 8}


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
    return 8 + LARGEST_HEADER + max(DTYPES.values()) * sum(prod(shape) for shape in wanted_shapes(graph).values())


def arrays_in(file: BinaryIO, where: str, graph: Graph, wanted: str) -> Arrays:
    """The arrays: header, names and size first, then the bytes, their checksum, and only then the arrays."""
    size = file.seek(0, 2)
    file.seek(0)
    shapes, claimed = _header(file.read(8), file, where)
    _check(graph, shapes, where)
    if size != claimed:
        raise FileError(
            f"{where} has {size:,} bytes, and its header tells of {claimed:,}",
            usual="It was cut off, or isn't complete yet.",
            advice="Copy it again, or save the network anew.",
        )
    file.seek(0)
    data = file.read()
    if hashlib.sha256(data).hexdigest() != wanted:
        raise FileError(
            f"{where} isn't the file that was saved with this network",
            usual="A save was interrupted between its two files, or one of them was replaced or damaged.",
            advice="Save the network anew.",
        )
    try:
        return dict(load_arrays(data))
    except SafetensorError as error:
        raise FileError(f"{where} can't be read: {error}", advice="Save the network anew.") from None


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


def _header(prefix: bytes, file: BinaryIO, where: str) -> tuple[dict[str, tuple[int, ...]], int]:
    """The shapes that a safetensors file tells of, and how many bytes it must have."""
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
