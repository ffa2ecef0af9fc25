"""An .onnx file, opened as data from a stranger: nothing runs, and nothing outside its folder is read.

1  the file's size, then its bytes walked (`onnx_scan`), then parsed
2  versions, names, and the order of the nodes
3  the shape of every array against the bytes that are there, and the sum of all against the free memory
4  only then arrays, one by one; what lies in other files is mapped, not copied
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from slidesum.errors import FileError, needed
from slidesum.read.atomic import unreadable
from slidesum.read.onnx_arrays import array_of, check_arrays, refuse_space
from slidesum.read.onnx_nodes import all_nodes, in_order, outer_names
from slidesum.read.onnx_scan import scanned
from slidesum.read.told import first_line

LARGEST_FILE = 2**31
"""Bytes: protobuf takes no larger one. Larger models keep their arrays in other files."""
MOST_NODES = 1_000_000
"""Nodes, with the model's own functions written out."""


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
    return needed("onnx", "ONNX files need the package onnx", "onnx")


def opened(path: str | os.PathLike[str]) -> Opened:
    """Open a model. Raises FileError for whatever isn't one, SpaceError if its arrays don't fit into the memory."""
    onnx, file = package(), Path(path)
    model = _parsed(onnx, file)
    opsets = _versions(onnx, model, file)
    model = _inlined(onnx, model, file)
    check_arrays(onnx, model, file)
    nodes = in_order(model.graph.node, {*outer_names(model.graph)}, str(file))
    arrays = {one.name: array_of(onnx, one, file) for one in model.graph.initializer}
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
    refuse_space(path, extent.bytes)
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
    bodies = {(f.domain, f.name): list(all_nodes(f.node)) for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    order = TopologicalSorter({key: [(n.domain, n.op_type) for n in nodes] for key, nodes in bodies.items()})
    try:
        for key in order.static_order():
            sizes[key] = sum(sizes.get((n.domain, n.op_type), 1) for n in bodies[key]) if key in bodies else 1
    except CycleError as error:
        raise FileError(
            f"{path}: the function {error.args[1][0][1]!r} calls itself", advice="Export the model without functions."
        ) from None
    total = sum(sizes.get((n.domain, n.op_type), 1) for n in all_nodes(model.graph.node))
    if total > MOST_NODES:
        raise FileError(
            f"{path}: its functions written out are {total:,} nodes, and {MOST_NODES:,} are read at most",
            advice="Export a part of the model.",
        )
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # whatever the package's own code raises
        raise FileError(
            f"{path}: its functions can't be written out: {first_line(error)}", advice="Export it without functions."
        ) from None
