"""A network as an ONNX model.

The network is written three times, for three batches: whatever differs, in proportion, is the batch, and stays open in the file.
Where more differs than the target of a reshape, the file has the declared batch.

    onnx_record     nodes, recorded while symbols are computed with      onnx_functions   functions and combinations as operators
    onnx_backend    the verbs of a backend as nodes                      onnx_layers      every layer of the vocabulary
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.ops import Dropout, Input
from slidesum.errors import FileError, SlidesumError
from slidesum.laws.parameters import parameters
from slidesum.read.atomic import write_atomically
from slidesum.read.onnx_open import package
from slidesum.run.network import checked_values, refuse_symbols
from slidesum.write.onnx_layers import written
from slidesum.write.onnx_record import Record, Recorded, Symbol, same_but

OPSET, IR_VERSION = 21, 10
LARGEST = 2**31 - 2**20
"""Bytes of arrays in one file: protobuf takes 2 GiB, and the graph needs room."""
BATCHES = (2, 3, 7)


def write_onnx(graph: Graph, values: Mapping[str, Any], path: str | Path | None = None) -> Any:
    """The network as an `onnx.ModelProto`, checked, and written to `path` if one is given.

    Inputs, outputs and arrays have the names of their layers; a result that is merely passed on has "/Identity" behind it.

    Raises SizeError while sizes are symbols, NetworkError for an opaque layer, and FileError where the arrays take more than the
    2 GiB that an ONNX file holds, or it can't be written.
    """
    onnx = package()
    refuse_symbols(graph)
    held = checked_values(graph, values)
    total = sum(array.nbytes for array in held.values())
    if total > LARGEST:
        raise FileError(
            f"{graph.name} has {total:,} bytes of arrays, and an ONNX file holds 2 GiB",
            advice="Save it with net.save(…), or export it in parts.",
        )
    model = _model(onnx, graph, held)
    onnx.checker.check_model(model)
    if path is not None:
        write_atomically(Path(path), model.SerializeToString())
    return model


def _model(onnx: Any, graph: Graph, values: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """The model with the batch open, or with the declared one where that can't be."""
    record, heads = _drawn_open(graph, values) or _drawn(graph, values, None)
    kind = onnx.helper.np_dtype_to_tensor_dtype(record.dtype)
    extents = ("batch",) if record.batch else ()
    inputs = [
        onnx.helper.make_tensor_value_info(node.name, kind, [*extents, *map(int, node.shape[len(extents) :])])
        for node in graph.inputs
    ]
    outputs = [onnx.helper.make_tensor_value_info(head.name, kind, record.results[head.name]) for head in heads]
    used = {one.name: one.value for node in record.nodes for one in node.inputs if one is not None and one.value is not None}
    arrays = [onnx.numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in used.items()]
    nodes, shapes, labels = [], dict[tuple[int, ...], str](), Counter[str]()
    for node in record.nodes:
        given = [one.name if one is not None else "" for one in node.inputs]
        if node.shape is not None:
            if node.shape not in shapes:
                shapes[node.shape] = f"shape_{len(shapes)}"
                arrays.append(onnx.numpy_helper.from_array(np.asarray(node.shape, np.int64), shapes[node.shape]))
            given.append(shapes[node.shape])
        told = {k: v for k, v in node.attributes.items() if k not in ("sides", "value")}
        label = f"/{node.scope}/{node.op}"
        labels[label] += 1
        label = f"{label}_{labels[label]}" if labels[label] > 1 else label
        nodes.append(onnx.helper.make_node(node.op, given, [node.output], name=label, **told))
    body = onnx.helper.make_graph(nodes, graph.name, inputs, outputs, arrays)
    return onnx.helper.make_model(
        body, producer_name="slidesum", ir_version=IR_VERSION, opset_imports=[onnx.helper.make_opsetid("", OPSET)]
    )


Drawn = tuple[Record, list[Symbol]]


def _drawn_open(graph: Graph, values: Mapping[str, Any]) -> Drawn | None:
    """The graph for any batch, or None where it can't be told which extents are the batch's."""
    extents = {node.shape[0] if node.shape else None for node in graph.inputs}
    if len(extents) != 1 or None in extents:
        return None
    try:
        (one, heads), *others = (_drawn(graph, values, batch) for batch in BATCHES)
    except SlidesumError:  # the batch is a size of an equation
        return None
    for k, (other, ends) in enumerate(others, start=1):
        if len(one.nodes) != len(other.nodes) or len(heads) != len(ends):
            return None
        if not all(_opened(a, b) for a, b in zip(one.nodes, other.nodes, strict=True)):
            return None
        if not all(_grows(x.shape, y.shape, BATCHES[k]) for x, y in zip(heads, ends, strict=True)):
            return None
        one.results = {x.name: _told(x.shape, y.shape) for x, y in zip(heads, ends, strict=True)}
    return one, heads


def _grows(a: tuple[int, ...], b: tuple[int, ...], batch: int) -> bool:
    """Whether one axis grows with the batch, in proportion, and no other."""
    differing = [(m, n) for m, n in zip(a, b, strict=False) if m != n]
    return len(a) == len(b) and len(differing) == 1 and differing[0][0] * batch == differing[0][1] * BATCHES[0]


def _told(a: tuple[int, ...], b: tuple[int, ...]) -> list[int | str | None]:
    """The extents of a result: the batch by its name, and what otherwise grows with it left open."""
    return [m if m == n else "batch" if m == BATCHES[0] else None for m, n in zip(a, b, strict=True)]


def _opened(a: Recorded, b: Recorded) -> bool:
    """Whether two nodes are the same but for the batch; then the target of the first is left open there."""
    if a.op != b.op or a.output != b.output or not same_but(a.attributes, b.attributes) or len(a.inputs) != len(b.inputs):
        return False
    if not all(_alike(x, y) for x, y in zip(a.inputs, b.inputs, strict=True)):
        return False
    if a.shape is None or b.shape is None or a.shape == b.shape:
        return (a.shape is None) == (b.shape is None)
    mark = -1 if a.op == "Reshape" else 1
    places = [k for k, (m, n) in enumerate(zip(a.shape, b.shape, strict=False)) if m != n]
    if len(a.shape) != len(b.shape) or len(places) != 1 or 0 in a.shape or (a.op == "Expand" and places[0] != 0):
        return False
    if -1 in a.shape and a.shape[places[0]] != -1:
        return False
    a.shape = tuple(mark if k in places else n for k, n in enumerate(a.shape))
    return True


def _alike(x: Symbol | None, y: Symbol | None) -> bool:
    """Whether a node reads the same, and where it is a constant, the same numbers; or nothing, both times."""
    if x is None or y is None:
        return x is y
    return x.name == y.name and _equal(x.value, y.value)


def _equal(a: Any, b: Any) -> bool:
    """Whether two constants are the same, or neither is one."""
    if a is None or b is None:
        return a is b
    told = [(x.shape, x.strides, x.dtype, x.ctypes.data) for x in (a, b)]  # filters aren't copied, so few numbers are compared
    same = told[0] == told[1]
    return bool(same or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def _drawn(graph: Graph, values: Mapping[str, Any], batch: int | None) -> Drawn:
    """The nodes for one batch, and the results that the network is asked for."""
    dtype = np.result_type(*values.values()) if values else np.dtype(np.float32)
    record = Record(np.dtype(dtype), batch=batch)
    found: dict[str, Symbol] = {}
    for node in graph:
        record.scope = node.name
        if isinstance(node.op, Input):
            shape = tuple(int(n) for n in node.shape)
            found[node.name] = Symbol(record, record.fresh(node.name), (batch, *shape[1:]) if batch else shape)
            continue
        kept = {p.name: f"{node.owner}.{p.name}" for p in parameters(node)}
        arrays = {short: record.constant(values[name], name) for short, name in kept.items()}
        made = len(record.nodes)
        result = written(record, node, arrays, [found[name] for name in node.inputs])
        if len(record.nodes) > made and not isinstance(node.op, Dropout):
            result = _named(record, result, node.name)
        found[node.name] = result
    heads = []
    for node in graph.outputs:
        record.scope = node.name
        result = found[node.name]
        heads.append(result if result.name == node.name and result.value is None and not isinstance(node.op, Input) else
                     record.node("Identity", [result], result.shape))  # fmt: skip
    record.results = {head.name: list(head.shape) for head in heads}
    return record, heads


def _named(record: Record, result: Symbol, name: str) -> Symbol:
    """The result under the name of its layer."""
    maker = record.makers.get(result.name)
    if maker is None or maker.scope != record.scope:
        return result
    maker.output = name
    record.makers[name] = maker
    return Symbol(record, name, result.shape)
