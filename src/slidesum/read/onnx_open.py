"""An .onnx file, opened as data from a stranger: nothing runs, and nothing outside its folder is read.

1  the file's size, then its bytes walked (`onnx_scan`), then parsed
2  versions, names, and the order of the nodes
3  the shape of every array against the bytes that are there, and the sum of all against the free memory
4  only then arrays, one by one; what lies in other files is mapped, not copied
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.errors import FileError, MissingPackage, SpaceError
from slidesum.read.atomic import unreadable
from slidesum.read.onnx_scan import scanned

LARGEST_FILE = 2**31
"""Bytes: protobuf takes no larger one. Larger models keep their arrays in other files."""


@dataclass(frozen=True)
class Opened:
    """A model that was opened: its parsed graph, opsets by domain, arrays by name, and its nodes in an order to compute them."""

    path: Path
    model: Any
    opsets: Mapping[str, int]
    arrays: Mapping[str, Any]
    nodes: tuple[Any, ...]

    @property
    def graph(self) -> Any:
        return self.model.graph


def package() -> Any:
    """The `onnx` package. Raises MissingPackage where it isn't installed."""
    try:
        import onnx
    except ImportError:
        raise MissingPackage(
            "ONNX files need the package onnx, which isn't installed", advice="Install it: pip install 'slidesum[onnx]'."
        ) from None
    return onnx


def opened(path: str | os.PathLike[str]) -> Opened:
    """Open a model. Raises FileError for whatever isn't one, SpaceError if its arrays don't fit into the memory."""
    onnx, file = package(), Path(path)
    model = _parsed(onnx, file)
    opsets = _versions(onnx, model, file)
    model = _inlined(onnx, model, file)
    _check_arrays(onnx, model, file)
    nodes = in_order(model.graph.node, {*_outside(model.graph)}, str(file))
    arrays = {one.name: _array(onnx, one, file) for one in model.graph.initializer}
    return Opened(file, model, opsets, arrays, nodes)


def _parsed(onnx: Any, path: Path) -> Any:
    from google.protobuf.message import DecodeError

    try:
        if path.is_dir():
            raise FileError(f"{path} is a folder, not a model", advice="Name the .onnx file in it.")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise FileError(
                f"{path} has {size:,} bytes, and an ONNX file has {LARGEST_FILE:,} at most",
                advice="Export the model with its arrays in another file.",
            )
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    extent = scanned(data, onnx.ModelProto.DESCRIPTOR, str(path))
    _refuse_space(path, extent.bytes)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RuntimeError, ValueError):
        raise FileError(
            f"{path} is no ONNX model",
            usual="It was cut off, or holds something else.",
            advice="Copy it again, or export the model anew.",
        ) from None
    if not model.HasField("graph") or not model.graph.output or model.ir_version < 1:
        raise FileError(
            f"{path} is no ONNX model: it has no graph with a result",
            usual="It was cut off, or holds something else.",
            advice="Copy it again, or export the model anew.",
        )
    return model


def _versions(onnx: Any, model: Any, path: Path) -> dict[str, int]:
    if model.ir_version > onnx.IR_VERSION:
        raise FileError(
            f"{path} is of version {model.ir_version} of the ONNX format, and the installed onnx knows {onnx.IR_VERSION}",
            advice="Install a newer onnx, or export the model for an older one.",
        )
    opsets: dict[str, int] = {}
    for one in model.opset_import:
        domain = "" if one.domain == "ai.onnx" else one.domain
        opsets[domain] = max(one.version, opsets.get(domain, 0))
    newest = onnx.defs.onnx_opset_version()
    version = opsets.get("", 1 if model.ir_version < 3 else 0)
    if not opsets and version == 0:
        raise FileError(f"{path} doesn't say which opset it uses", usual="It is damaged.", advice="Export the model anew.")
    if "" in opsets and not 1 <= version <= newest:
        raise FileError(
            f"{path} uses opset {version}, and the installed onnx knows 1 to {newest}",
            advice="Install a newer onnx, or export the model for an older opset.",
        )
    return {"": version or newest, **{domain: n for domain, n in opsets.items() if domain}}


def _inlined(onnx: Any, model: Any, path: Path) -> Any:
    """The model with its own functions written out, if that stays within bounds."""
    if not model.functions:
        return model
    bodies = {(f.domain, f.name): list(_all_nodes(f.node)) for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    order = TopologicalSorter({key: [(n.domain, n.op_type) for n in nodes] for key, nodes in bodies.items()})
    try:
        for key in order.static_order():
            sizes[key] = sum(sizes.get((n.domain, n.op_type), 1) for n in bodies[key]) if key in bodies else 1
    except CycleError as error:
        raise FileError(
            f"{path}: the function {error.args[1][0][1]!r} calls itself", advice="Export the model without functions."
        ) from None
    total = sum(sizes.get((n.domain, n.op_type), 1) for n in _all_nodes(model.graph.node))
    if total > MOST_NODES:
        raise FileError(
            f"{path}: its functions written out are {total:,} nodes, and {MOST_NODES:,} are read at most",
            advice="Export a part of the model.",
        )
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # whatever the package's own code raises
        raise FileError(
            f"{path}: its functions can't be written out: {_line(error)}", advice="Export it without functions."
        ) from None


MOST_NODES = 1_000_000


def _all_nodes(nodes: Any) -> Iterator[Any]:
    """The nodes, and those of their inner graphs."""
    for node in nodes:
        yield node
        for graph in inner_graphs(node):
            yield from _all_nodes(graph.node)


def inner_graphs(node: Any) -> Iterator[Any]:
    """The graphs that a node has as attributes: branches, the body of a loop."""
    for attribute in node.attribute:
        yield from [attribute.g] if attribute.HasField("g") else []
        yield from attribute.graphs


def in_order(nodes: Any, known: set[str], where: str) -> tuple[Any, ...]:
    """The nodes, each after those whose results it reads. Raises FileError for a cycle, or a name that nothing makes."""
    maker: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in maker or name in known:
                raise FileError(
                    f"{where}: {name!r} is the result of two nodes",
                    usual="Every result has one name, once.",
                    advice="Export the model anew.",
                )
            maker[name] = number
    needed: dict[int, list[int]] = {}
    for number, node in enumerate(nodes):
        for name in reads(node):
            if name not in maker and name not in known:
                raise FileError(
                    f"{where}: {called(node)} reads {name!r}, which nothing makes",
                    usual="The file is damaged, or a part of a model.",
                    advice="Export the model anew.",
                )
        needed[number] = [maker[name] for name in reads(node) if name in maker]
    try:
        return tuple(nodes[number] for number in TopologicalSorter(needed).static_order())
    except CycleError as error:
        ring = " -> ".join(called(nodes[number]) for number in error.args[1][:5])
        raise FileError(
            f"{where}: the graph is cyclic: {ring}",
            usual="A network is computed from its input on.",
            advice="Export the model anew.",
        ) from None


def called(node: Any) -> str:
    """A node in a message: its operator and its name, or the name of its result."""
    return f"{node.op_type} {node.name or next(iter(node.output), '')!r}"


def reads(node: Any) -> Iterator[str]:
    """The names that a node reads, those of its inner graphs that come from outside included."""
    yield from filter(None, node.input)
    for graph in inner_graphs(node):
        inner = {*_outside(graph), *(name for one in graph.node for name in one.output)}
        yield from (name for one in graph.node for name in reads(one) if name not in inner)
        yield from (one.name for one in graph.output if one.name not in inner)


def _outside(graph: Any) -> Iterator[str]:
    """The names that no node makes: inputs and arrays."""
    yield from (one.name for one in graph.input)
    yield from (one.name for one in graph.initializer)
    yield from (one.values.name for one in graph.sparse_initializer)


# Arrays


def _check_arrays(onnx: Any, model: Any, path: Path) -> None:
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
    _refuse_space(path, total)


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


def _array(onnx: Any, tensor: Any, path: Path) -> Any:
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
            f"{path}: the array {tensor.name!r} can't be read: {_line(error)}", advice="Export the model anew."
        ) from None


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _refuse_space(path: Path, wanted: int) -> None:
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
