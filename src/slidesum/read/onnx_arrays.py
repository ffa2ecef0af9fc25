"""The arrays of an ONNX file: checked before memory is spent on them, then made, one by one.

What lies in other files stands in the model's folder or below, and is mapped, not copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.errors import FileError, SpaceError
from slidesum.read.atomic import unreadable
from slidesum.read.onnx_nodes import inner_graphs
from slidesum.read.told import first_line


def check_arrays(onnx: Any, model: Any, path: Path) -> None:
    """Every array's shape against its bytes, and all of them against the memory, before one is made."""
    total = 0
    for tensor in tensors(model.graph):
        size = _size(onnx, tensor, path)
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            file, offset, length = outside(tensor, path)
            try:
                there = file.stat().st_size
            except OSError:
                raise FileError(
                    f"{path}: the array {tensor.name!r} lies in {file.name}, which is missing",
                    usual="A model with external data is several files, which stay together.",
                    advice=f"Put {file.name} beside the model.",
                ) from None
            if length not in (None, size) or offset + size > there:
                raise FileError(
                    f"{path}: the array {tensor.name!r} takes {size:,} bytes from byte {offset:,} of {file.name}, "
                    f"which has {there:,}",
                    usual="One of the files was cut off, or belongs to another model.",
                    advice="Copy both again.",
                )
        else:
            _check_length(onnx, tensor, size, path)
        total += size
    for sparse in (*model.graph.sparse_initializer,):
        raise FileError(
            f"{path}: the array {sparse.values.name!r} is kept sparse, which isn't read",
            advice="Export the model with dense arrays.",
        )
    refuse_space(path, total)


def tensors(graph: Any) -> Iterator[Any]:
    """Every array in a graph, those in attributes and inner graphs included."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from [attribute.t] if attribute.HasField("t") else []
            yield from attribute.tensors
        for inner in inner_graphs(node):
            yield from tensors(inner)


def _size(onnx: Any, tensor: Any, path: Path) -> int:
    """The bytes that an array takes, by its shape and type."""
    if any(n < 0 for n in tensor.dims):
        raise FileError(f"{path}: the array {tensor.name!r} has the shape {tuple(tensor.dims)}", advice="Export the model anew.")
    if tensor.data_type == onnx.TensorProto.STRING:
        return 0
    bits = _BITS.get(onnx.TensorProto.DataType.Name(tensor.data_type) if tensor.data_type in _known_types(onnx) else "")
    if bits is None:
        raise FileError(
            f"{path}: the array {tensor.name!r} is of the type {tensor.data_type}, which there is none of",
            usual="The file is damaged.",
            advice="Export the model anew.",
        )
    return (prod(map(int, tensor.dims)) * bits + 7) // 8


def _known_types(onnx: Any) -> frozenset[int]:
    return frozenset(onnx.TensorProto.DataType.values())


_BITS = {
    **dict.fromkeys(("FLOAT", "INT32", "UINT32"), 32),
    **dict.fromkeys(("DOUBLE", "INT64", "UINT64", "COMPLEX64"), 64),
    **dict.fromkeys(("FLOAT16", "BFLOAT16", "INT16", "UINT16"), 16),
    **dict.fromkeys(("INT8", "UINT8", "BOOL"), 8),
    **dict.fromkeys(("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0"), 8),
    **dict.fromkeys(("INT4", "UINT4", "FLOAT4E2M1"), 4),
    **dict.fromkeys(("INT2", "UINT2"), 2),
    "COMPLEX128": 128,
}


def _check_length(onnx: Any, tensor: Any, size: int, path: Path) -> None:
    values = prod(tensor.dims)
    if tensor.HasField("raw_data"):
        there, wanted, what = len(tensor.raw_data), size, "bytes"
    else:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        lists = {
            "FLOAT": tensor.float_data, "COMPLEX64": tensor.float_data, "DOUBLE": tensor.double_data,
            "COMPLEX128": tensor.double_data, "INT64": tensor.int64_data, "UINT32": tensor.uint64_data,
            "UINT64": tensor.uint64_data, "STRING": tensor.string_data,
        }  # fmt: skip
        there, what = len(lists.get(kind, tensor.int32_data)), "numbers"
        wanted = 2 * values if kind.startswith("COMPLEX") else values
        bits = _BITS.get(kind, 8)
        if bits < 8:
            wanted = (values * bits + 7) // 8
    if there != wanted:
        raise FileError(
            f"{path}: the array {tensor.name!r} of the shape {tuple(tensor.dims)} needs {wanted:,} {what}, and has {there:,}",
            usual="The file was cut off, or is damaged.",
            advice="Copy it again, or export the model anew.",
        )


def outside(tensor: Any, path: Path) -> tuple[Path, int, int | None]:
    """The file in which an array lies, the byte where it begins, and its length; the file stands in the model's folder or below.

    Raises FileError for an absolute path, one with "..", and a link that leads out of the folder.
    """
    told = {entry.key: entry.value for entry in tensor.external_data}
    name = told.get("location", "")
    folder = path.parent.resolve()
    parts = name.replace("\\", "/").split("/")
    file = path.parent / name
    inside = bool(name) and "\0" not in name and not Path(name).is_absolute() and ":" not in name and ".." not in parts
    if not inside or not file.resolve().is_relative_to(folder):
        raise FileError(
            f"{path}: the array {tensor.name!r} lies in {name!r}, outside the model's folder",
            usual="A model reads files in its own folder only.",
            advice="Put the file beside the model, and name it without a path.",
        )
    numbers = {key: told[key] for key in ("offset", "length") if told.get(key)}
    if not all(value.isdecimal() and len(value) < 20 for value in numbers.values()):
        raise FileError(
            f"{path}: where the array {tensor.name!r} lies in {name!r} is told by {numbers}",
            usual="Offset and length are whole numbers of bytes.",
            advice="Export the model anew.",
        )
    return file, int(numbers.get("offset", 0)), int(numbers["length"]) if "length" in numbers else None


def array_of(onnx: Any, tensor: Any, path: Path) -> Any:
    """The numbers of an array; from another file they are mapped, and read when they are used."""
    try:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            numbers = np.array(onnx.numpy_helper.to_array(tensor))  # of its own, so that the bytes of the file can go
            tensor.ClearField("raw_data")
            return numbers
        file, offset, _ = outside(tensor, path)
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        shape = tuple(tensor.dims)
        if 0 in shape or _BITS[onnx.TensorProto.DataType.Name(tensor.data_type)] < 8:
            inner = onnx.TensorProto(data_type=tensor.data_type, dims=shape)
            with file.open("rb") as held:
                held.seek(offset)
                inner.raw_data = held.read(_size(onnx, tensor, path))
            return onnx.numpy_helper.to_array(inner)
        return np.memmap(file, dtype=dtype, mode="c", offset=offset, shape=shape)
    except FileError:
        raise
    except OSError as error:
        raise unreadable(path, error) from None
    except Exception as error:  # whatever the package's own code raises
        raise FileError(
            f"{path}: the array {tensor.name!r} can't be read: {first_line(error)}", advice="Export the model anew."
        ) from None


def refuse_space(path: Path, wanted: int) -> None:
    """Raise SpaceError where so many bytes aren't free."""
    free = free_bytes()
    if wanted > free:
        raise SpaceError(
            f"{path} takes {wanted:,} bytes in memory, and {free:,} are free",
            advice="Close other programs, or read it on a larger machine.",
        )


def free_bytes() -> int:
    """The bytes of memory that can be had now, as far as the system tells."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 2**33
