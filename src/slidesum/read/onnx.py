"""An .onnx file -> a network: opened as data, walked node by node, each translated by the file of its family.

    onnx_open      the file, safely              onnx_products   Gemm, MatMul, Einsum, reductions
    onnx_scan      how large it is in memory     onnx_values     activations, arithmetic, normalisation
    onnx_sizes     the extents of its inputs     onnx_moves      Reshape, Transpose, Slice, Concat, Pad …
    onnx_build     the network that grows        onnx_resize     Resize as matrices
    onnx_names     what its layers are called    onnx_fold       what follows from constants alone
    onnx_windows   Conv, ConvTranspose, pooling

Nothing in the file is run. What isn't understood becomes an opaque layer of exact shape, listed with its place.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.ops import Activation, Input
from slidesum.core.sizes import is_number
from slidesum.draft.place import Tensor
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SlidesumError, SpaceError
from slidesum.read.model import Model
from slidesum.read.onnx_build import (
    DAMAGE,
    STAND_IN,
    Build,
    Call,
    Constant,
    Known,
    Translator,
    Unknown,
    declared,
    plain_number,
)
from slidesum.read.onnx_fold import FOLDED, folded
from slidesum.read.onnx_moves import MOVES
from slidesum.read.onnx_names import Names, clean, is_made_up, path_of, without_turns
from slidesum.read.onnx_open import Opened, called, in_order, opened, reads
from slidesum.read.onnx_products import PRODUCTS, linear
from slidesum.read.onnx_sizes import LARGEST_EXTENT, Sizes
from slidesum.read.onnx_values import VALUES
from slidesum.read.onnx_windows import WINDOWS

INPUT_AXES = ("", "b", "b f", "b c i", "b c i j", "b c i j k")
OPS: Mapping[str, Translator] = {**WINDOWS, **PRODUCTS, **VALUES, **MOVES}
"""By the operator's name. What isn't here becomes an opaque layer."""
MOST_NODES = 200_000
"""Nodes that are translated, those of loops as often as they turn."""
MOST_FOLDED = 2**28
"""Values that are computed while reading, in all."""
MOST_TURNS = 1000
"""Turns of a loop that are unrolled."""


def read_onnx(
    path: str | os.PathLike[str],
    *,
    strict: bool = False,
    sizes: Mapping[str, int] | None = None,
    shapes: Sequence[Sequence[int]] = (),
) -> Model:
    """The network of an ONNX file, its arrays, and the list of what wasn't understood.

    `sizes` gives extents to the dimensions that the file names and leaves open ("batch", "height"; an unnamed one is called after
    its input and axis, "x.2"), or `shapes` gives a shape for each input; without, they are one. The batch may differ at run time.
    Raises FileError for whatever isn't a sound ONNX model, UsageError for sizes that it doesn't have, SpaceError if it doesn't fit
    into the memory, and with `strict` ReadError where something isn't understood.
    """
    file = opened(path)
    model = _Reading(file, dict(sizes or {}), shapes).model()
    return model.understood() if strict else model


class _Reading:
    """One file on its way to a network."""

    def __init__(self, file: Opened, sizes: Mapping[str, int], shapes: Sequence[Sequence[int]]) -> None:
        self.file = file
        arrays = set(file.arrays)
        self.count = self.folded = 0
        self.sizes = Sizes(str(file.path), [one for one in file.graph.input if one.name not in arrays], sizes, shapes)
        paths = without_turns({id(node): path_of(node, arrays) for node in file.nodes})
        self.paths = paths
        parents = {path.rpartition("/")[0] for path in paths.values() if path}
        uses = Counter(name for node in file.nodes for name in reads(node)) + Counter(one.name for one in file.graph.output)
        title = clean(file.graph.name) if file.graph.name not in ("", "main_graph", "torch_jit") else clean(file.path.stem)
        self.build = Build(title or "model", Names(parents), uses, batch=self.sizes.batch is not None)

    def model(self) -> Model:
        """The network, all nodes translated."""
        build = self.build
        try:
            for one in self.sizes.inputs:
                self._input(one)
            for name, numbers in self.file.arrays.items():
                build.known[name] = Constant(numbers, name, numbers.dtype.kind == "f" and not is_made_up(name))
                build.kinds[name] = _kind(numbers)
            self._nodes(self.file.nodes)
            heads = [build.as_tensor(self._result(one.name), _output_call(one.name)) for one in self.file.graph.output]
            build.draft.output(*dict.fromkeys(heads))
            graph, values = build.draft.graph, build.values
            if build.batch:
                graph = self._declared(graph)
            self._refuse_large(graph)
        except DAMAGE as error:
            raise FileError(
                f"{self.file.path} is damaged: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}",
                usual="An attribute or an array isn't what its operator takes.",
                advice="Export the model anew.",
            ) from None
        except (Unknown, SlidesumError) as error:
            if isinstance(error, FileError | SpaceError):
                raise
            raise FileError(
                f"{self.file.path}: {str(error).splitlines()[0]}",
                usual="A result of the model is none of a network.",
                advice="Export the model anew, or a part of it.",
            ) from None
        return Model(graph, values, "onnx", tuple(build.unsupported), notes=tuple(build.notes))

    def _refuse_large(self, graph: Graph) -> None:
        """Raise FileError where a result is longer than any array is."""
        for node in graph:
            if any(is_number(n) and n > LARGEST_EXTENT for n in node.shape):
                raise FileError(
                    f"{self.file.path}: {node.name} has the shape {'×'.join(map(str, node.shape))}",
                    usual=f"Extents are at most {LARGEST_EXTENT:,}.",
                    advice="Give other sizes, or export the model anew.",
                )

    def _result(self, name: str) -> Known:
        found = self.build.known.get(name)
        if found is None:
            raise FileError(
                f"{self.file.path}: nothing makes the result {name!r}",
                usual="The file is damaged, or a part of a model.",
                advice="Export the model anew.",
            )
        return found

    # What comes from outside

    def _input(self, one: Any) -> None:
        shape = self.sizes.shape(one)
        build = self.build
        axes = tuple(INPUT_AXES[len(shape)].split()) if len(shape) < len(INPUT_AXES) else tuple(f"a{k}" for k in range(len(shape)))
        layer = build.names.fresh(clean(one.name) or "input")
        build.known[one.name] = build.draft.place(layer, Input(axes), (), shape)
        build.kinds[one.name] = one.type.tensor_type.elem_type

    # Nodes

    def _nodes(self, nodes: Sequence[Any], prefix: str = "") -> None:
        skipped: set[int] = set()
        for node in nodes:
            if id(node) in skipped or not any(self.build.uses.get(name) for name in node.output):
                continue  # nobody asks for it
            pair = self._follower(node)
            if pair is not None:
                skipped.add(id(pair[0]))
            self._node(node, prefix, *(pair or (None, None)))

    def _node(self, node: Any, prefix: str, follower: Any, both: Translator | None) -> None:
        self.count += 1
        if self.count > MOST_NODES:
            raise FileError(
                f"{self.file.path}: its loops written out are more than {MOST_NODES:,} nodes", advice="Export a part of the model."
            )
        build, call = self.build, self._call(node, prefix)
        if node.op_type in ("If", "Loop", "Scan") and not node.domain and self._inner(call, prefix):
            return
        inputs = [build.known[name] if name else None for name in call.inputs]
        constant = all(isinstance(one, Constant) or one is None for one in inputs)
        shapes = self._shapes(call) if call.op in FOLDED and constant else []
        repeated = call.op in ("Expand", "Tile") and any(build.grows(n) for shape in shapes for n in shape or ())
        if call.op in FOLDED and constant and not repeated and call.op not in ("Shape", "Size"):
            try:
                found = folded(call, [one for one in inputs if not isinstance(one, Tensor)], shapes)
                self.folded += sum(one.numbers.size for one in found)
                if self.folded > MOST_FOLDED:
                    raise Unknown("too much is computed while reading")
                names = [name for name in call.outputs if name]
                build.known |= dict(zip(names, found, strict=False))
                build.kinds |= {name: _kind(one.numbers) for name, one in zip(names, found, strict=False)}
                return
            except Unknown:
                pass  # then it is a layer of stored arrays
        self._kinds(call)
        if follower is not None and both is not None:
            whole = replace(call, outputs=tuple(follower.output))
            self._kinds(whole)
            build.attempt(whole, both, lambda why: self._exact(whole, why))
            return
        translate = OPS.get(call.op)
        if translate is None:
            why = "it has no equation, and is none of the other layers known here"
            build.opaque(call, why, self._exact(call, why))
        else:
            build.attempt(call, translate, lambda why: self._exact(call, why))

    def _call(self, node: Any, prefix: str = "") -> Call:
        from onnx.helper import get_attribute_value
        from onnx.numpy_helper import to_array

        attributes: dict[str, Any] = {}
        for one in node.attribute:
            try:
                value = get_attribute_value(one)
                if isinstance(value, bytes):
                    value = value.decode("utf-8", "replace")
                if isinstance(value, float):
                    value = plain_number(value)
                if one.HasField("t"):
                    value = to_array(value)
            except (ValueError, TypeError) as error:
                raise FileError(
                    f"{self.file.path}: the attribute {one.name!r} of {called(node)} can't be read: {str(error).splitlines()[0]}",
                    advice="Export the model anew.",
                ) from None
            attributes[one.name] = value
        domain = "" if node.domain in ("", "ai.onnx") else node.domain
        path = self.paths.get(id(node), prefix)
        name = node.name or (node.output[0] if node.output else "")
        place = f"{path} ({name})" if path and name else path or name or "the graph"
        op = f"{domain}.{node.op_type}" if domain else node.op_type
        return Call(op, self.file.opsets[""], tuple(node.input), tuple(node.output), attributes, path, place, node)

    def _follower(self, node: Any) -> tuple[Any, Translator] | None:
        """The one node that reads this one's result, if both are one layer: a product and its bias, a gate and what it opens."""
        build = self.build
        if node.domain or not node.output or not node.input or build.uses.get(node.output[0]) != 1:
            return None
        reader = self._reader.get(node.output[0])
        if reader is None or reader.domain:
            return None
        others = [name for name in reader.input if name != node.output[0]]
        if len(others) != 1:
            return None
        x, other = (dict.get(build.known, name) for name in (node.input[0], others[0]))
        if node.op_type == "MatMul" and reader.op_type == "Add" and x is not None and len(x.shape) > 1 and len(node.input) == 2:
            w = dict.get(build.known, node.input[1])
            fits = isinstance(w, Constant) and len(w.shape) == 2 and isinstance(other, Constant) and other.shape == w.shape[1:]
            if fits and isinstance(other, Constant) and other.trainable:
                return reader, lambda b, c: _linear_with_bias(b, c, other)
        if reader.op_type == "Mul" and others[0] == node.input[0] and isinstance(x, Tensor) and len(node.input) == 1:
            if node.op_type == "Sigmoid":
                return reader, lambda b, c: b.put(c, Activation("silu"), b.tensor(c, 0))
            told = {a.name: a.f for a in node.attribute}
            sixths = abs(told.get("alpha", 0.2) - 1 / 6) < 1e-6 and told.get("beta", 0.5) == 0.5
            if node.op_type == "HardSigmoid" and sixths:
                return reader, lambda b, c: b.put(c, Activation("hard_swish"), b.tensor(c, 0))
        return None

    @cached_property
    def _reader(self) -> dict[str, Any]:
        """By result: the node that reads it (the last one of several)."""
        return {name: node for node in self.file.nodes for name in node.input if name}

    # Types and shapes

    def _kinds(self, call: Call) -> None:
        """The element types of a node's results: as its inputs', with the exceptions that matter here."""
        kind = self.build.kinds.get(call.inputs[0], 1) if call.inputs and call.inputs[0] else 1
        if call.op == "Cast":
            kind = int(call.get("to", 1))
        elif call.op == "CastLike":
            kind = self.build.kinds.get(call.inputs[1], 1)
        elif call.op in ("Shape", "Size", "ArgMax", "ArgMin", "NonZero"):
            kind = 7
        elif call.op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf"):
            kind = 9
        elif call.op == "Where":
            kind = self.build.kinds.get(call.inputs[1], 1)
        self.build.kinds |= {name: kind for name in call.outputs if name}

    def _shapes(self, call: Call) -> list[tuple[int, ...] | None]:
        """The shapes of a node's results as ONNX's own rules tell them from those of its inputs; None where they don't."""
        from onnx import TypeProto, defs, helper, numpy_helper, shape_inference

        build = self.build
        domain = call.node.domain
        types: dict[str, TypeProto] = {}
        data = {}
        for name in dict.fromkeys(filter(None, call.inputs)):
            one = build.known[name]
            shape = [int(n) for n in one.shape]
            types[name] = helper.make_tensor_type_proto(build.kinds.get(name, 1), shape)
            if isinstance(one, Constant) and one.numbers.size <= 1024 and one.numbers.dtype.kind in "iufb":
                data[name] = numpy_helper.from_array(np.ascontiguousarray(one.numbers), name)
        try:
            schema = defs.get_schema(call.node.op_type, self.file.opsets.get(domain, call.opset), domain)
            opsets = [helper.make_opsetid(d, n) for d, n in self.file.opsets.items()]
            found = shape_inference.infer_node_outputs(schema, call.node, types, data, opset_imports=opsets, ir_version=10)
        except Exception:  # whatever the package's own code raises: then the rules don't tell
            found = {}
        shapes = []
        for name in call.outputs:
            dims = found[name].tensor_type.shape.dim if name in found and found[name].tensor_type.HasField("shape") else None
            known = dims is not None and all(d.HasField("dim_value") and d.dim_value >= 0 for d in dims)
            shapes.append(tuple(int(d.dim_value) for d in dims) if known and dims is not None else None)
        return shapes

    def _exact(self, call: Call, why: str) -> list[tuple[int, ...]]:
        """The shapes of a node's results, also as the file says them. Raises FileError where they can't be told."""
        shapes = self._shapes(call)
        told = {one.name: one.type for one in (*self.file.graph.value_info, *self.file.graph.output)}
        found = []
        for name, shape in zip(call.outputs, shapes, strict=True):
            if shape is None and name in told and told[name].tensor_type.HasField("shape"):
                dims = [self.sizes.extent(d) for d in told[name].tensor_type.shape.dim]
                shape = tuple(n for n in dims if n is not None) if None not in dims else None
            if shape is None and name and self.build.uses.get(name):
                left = self.sizes.untold
                raise FileError(
                    f"{self.file.path}: {call.place} ({call.op}) isn't understood, "
                    f"and the shape of its result can't be told: {why}",
                    usual=f"Sizes that the file leaves open are taken as one: {', '.join(left)}."
                    if left
                    else "Its shape depends on values, or its operator is none of ONNX.",
                    advice=f"Give them: ss.load({self.file.path.name!r}, {_arguments(left)})."
                    if left
                    else "Export the model with the shapes of its results (value_info), or without this operator.",
                )
            found.append(shape or ())
        return found

    # Inner graphs

    def _inner(self, call: Call, prefix: str) -> bool:
        """A branch whose condition is constant, or a loop of constant length, written out. False where it isn't constant."""
        build = self.build
        if call.op == "If":
            condition = build.known[call.inputs[0]]
            if isinstance(condition, Tensor):
                return False
            taken = call.get("then_branch" if bool(np.ravel(condition.numbers)[0]) else "else_branch")
            results = self._written_out(taken, {}, call, "")
            build.known |= dict(zip(call.outputs, results, strict=False))
            return True
        if call.op != "Loop":
            return False
        turns, going_on = (build.known[name] if name else None for name in call.inputs[:2])
        body = call.get("body")
        if isinstance(turns, Tensor) or isinstance(going_on, Tensor) or len(body.output) != len(call.inputs) - 1:
            return False
        count = int(np.ravel(turns.numbers)[0]) if turns is not None else MOST_TURNS + 1
        state = [build.known[name] for name in call.inputs[2:]]
        going = going_on is None or bool(np.ravel(going_on.numbers)[0])
        turn = 0
        while going and turn < count:
            if turn >= MOST_TURNS:
                return False
            first = [Constant(np.asarray(turn, np.int64)), Constant(np.asarray(True))]
            held = dict(zip([one.name for one in body.input], [*first, *state], strict=True))
            go_on, *state = self._written_out(body, held, call, f"{turn}")
            if isinstance(go_on, Tensor):
                return False
            going, turn = bool(np.ravel(go_on.numbers)[0]), turn + 1
        build.known |= dict(zip(call.outputs, state, strict=False))
        return True

    def _written_out(self, graph: Any, given: Mapping[str, Known], call: Call, part: str) -> list[Known]:
        """The results of an inner graph; its names hold inside only."""
        build = self.build
        outside, uses = dict(build.known), Counter(build.uses)
        build.known |= given
        for tensor in graph.initializer:
            from onnx.numpy_helper import to_array

            numbers = to_array(tensor)
            build.known[tensor.name] = Constant(numbers, tensor.name)
            build.kinds[tensor.name] = _kind(numbers)
        nodes = in_order(graph.node, {*build.known}, str(self.file.path))
        build.uses = uses + Counter(n for node in nodes for n in reads(node)) + Counter(one.name for one in graph.output)
        self._nodes(nodes, "/".join(filter(None, (call.path, part))))
        found = [self._result(one.name) for one in graph.output]
        build.known, build.uses = outside, uses
        return found

    # The batch

    def _declared(self, graph: Graph) -> Graph:
        """The same layers, drawn for the batch that was asked for."""
        batch = self.sizes.drawn
        draft = Draft(graph.name)

        def size(n: Any) -> Any:
            return n // STAND_IN * batch if is_number(n) and n > 0 and n % STAND_IN == 0 else n

        placed: dict[str, Tensor] = {}
        for node in graph:
            before = [placed[name] for name in node.inputs]
            shape = tuple(map(size, node.shape)) if isinstance(node.op, Input) else ()
            placed[node.name] = draft.place(node.name, declared(node.op, batch), before, shape, shares=node.shares)
        draft.output(*(placed[name] for name in graph.heads))
        return draft.graph


def _linear_with_bias(build: Build, call: Call, bias: Known | None) -> Tensor:
    """A product with a constant matrix, and the bias that is added to it."""
    w = build.given(call, 1)
    if not isinstance(w, Constant) or not isinstance(bias, Constant):
        raise Unknown("its bias is computed")
    return linear(build, call, build.tensor(call, 0), w, bias)


def _arguments(names: Sequence[str]) -> str:
    """Sizes as one writes them in a call: names that are none of Python go in by a dict."""
    plain = all(name.isidentifier() for name in names)
    return ", ".join(f"{name}=224" for name in names) if plain else f"**{dict.fromkeys(names, 224)}"


def _output_call(name: str) -> Call:
    return Call("Output", 0, (), (name,), {}, "", name, None)


def _kind(numbers: Any) -> int:
    from onnx.helper import np_dtype_to_tensor_dtype

    try:
        return int(np_dtype_to_tensor_dtype(numbers.dtype))
    except (KeyError, ValueError):
        return 0
