"""An .onnx file -> a network: opened as data, walked node by node, each translated by the file of its family.

    onnx_open      the file, safely              onnx_windows    Conv, ConvTranspose, pooling
    onnx_scan      how large it is in memory     onnx_products   Gemm, MatMul, Einsum, reductions
    onnx_nodes     the order of its nodes        onnx_values     activations, arithmetic, normalisation
    onnx_arrays    its arrays, checked           onnx_moves      Reshape, Transpose, Concat, Pad …
    onnx_sizes     the extents of its inputs     onnx_cuts       Split, Slice, Gather
    onnx_build     the network that grows        onnx_resize     Resize as matrices
    onnx_names     what its layers are called    onnx_pairs      two nodes that are one layer
    onnx_shapes    types and shapes of results   onnx_fold       what follows from constants alone

Nothing in the file is run. What isn't understood becomes an opaque layer of exact shape, listed with its place.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.ops import Input
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
from slidesum.read.onnx_cuts import CUTS
from slidesum.read.onnx_fold import FOLDED, folded
from slidesum.read.onnx_moves import MOVES
from slidesum.read.onnx_names import Names, clean, is_made_up, path_of, without_turns
from slidesum.read.onnx_nodes import called, in_order, reads
from slidesum.read.onnx_open import Opened, opened
from slidesum.read.onnx_pairs import one_layer
from slidesum.read.onnx_products import PRODUCTS
from slidesum.read.onnx_resize import RESIZES
from slidesum.read.onnx_shapes import exact_shapes, kind_of, note_kinds, told_shapes
from slidesum.read.onnx_sizes import LARGEST_EXTENT, Sizes
from slidesum.read.onnx_values import VALUES
from slidesum.read.onnx_windows import WINDOWS
from slidesum.read.patterns import input_axes
from slidesum.read.told import first_line

OPS: Mapping[str, Translator] = {**WINDOWS, **PRODUCTS, **VALUES, **MOVES, **CUTS, **RESIZES}
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
                build.kinds[name] = kind_of(numbers)
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
        build, shape = self.build, self.sizes.shape(one)
        layer = build.names.fresh(clean(one.name) or "input")
        build.known[one.name] = build.draft.place(layer, Input(input_axes(len(shape))), (), shape)
        build.kinds[one.name] = one.type.tensor_type.elem_type

    # Nodes

    def _nodes(self, nodes: Sequence[Any], prefix: str = "") -> None:
        skipped: set[int] = set()
        for node in nodes:
            if id(node) in skipped or not any(self.build.uses.get(name) for name in node.output):
                continue  # nobody asks for it
            pair = one_layer(self.build, node, self._reader)
            if pair is not None:
                skipped.add(id(pair[0]))
            self._node(node, prefix, *(pair or (None, None)))

    def _node(self, node: Any, prefix: str, follower: Any, both: Translator | None) -> None:
        self.count += 1
        if self.count > MOST_NODES:
            raise FileError(
                f"{self.file.path}: its loops written out are more than {MOST_NODES:,} nodes", advice="Export a part of the model."
            )
        build, call, exact = self.build, self._call(node, prefix), partial(exact_shapes, self.file, self.sizes, self.build)
        if node.op_type in ("If", "Loop", "Scan") and not node.domain and self._inner(call, prefix):
            return
        inputs = [build.known[name] if name else None for name in call.inputs]
        constant = all(isinstance(one, Constant) or one is None for one in inputs)
        shapes = told_shapes(self.file, build, call) if call.op in FOLDED and constant else []
        repeated = call.op in ("Expand", "Tile") and any(build.grows(n) for shape in shapes for n in shape or ())
        if call.op in FOLDED and constant and not repeated and call.op not in ("Shape", "Size"):
            try:
                found = folded(call, [one for one in inputs if not isinstance(one, Tensor)], shapes)
                self.folded += sum(one.numbers.size for one in found)
                if self.folded > MOST_FOLDED:
                    raise Unknown("too much is computed while reading")
                names = [name for name in call.outputs if name]
                build.known |= dict(zip(names, found, strict=False))
                build.kinds |= {name: kind_of(one.numbers) for name, one in zip(names, found, strict=False)}
                return
            except Unknown:
                pass  # then it is a layer of stored arrays
        note_kinds(build, call)
        if follower is not None and both is not None:
            whole = replace(call, outputs=tuple(follower.output))
            note_kinds(build, whole)
            build.attempt(whole, both, lambda why: exact(whole, why))
            return
        translate = OPS.get(call.op)
        if translate is None:
            why = "it has no equation, and is none of the other layers known here"
            build.opaque(call, why, exact(call, why))
        else:
            build.attempt(call, translate, lambda why: exact(call, why))

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
                    f"{self.file.path}: the attribute {one.name!r} of {called(node)} can't be read: {first_line(error)}",
                    advice="Export the model anew.",
                ) from None
            attributes[one.name] = value
        domain = "" if node.domain in ("", "ai.onnx") else node.domain
        path = self.paths.get(id(node), prefix)
        name = node.name or (node.output[0] if node.output else "")
        place = f"{path} ({name})" if path and name else path or name or "the graph"
        op = f"{domain}.{node.op_type}" if domain else node.op_type
        return Call(op, self.file.opsets[""], tuple(node.input), tuple(node.output), attributes, path, place, node)

    @cached_property
    def _reader(self) -> dict[str, Any]:
        """By result: the node that reads it (the last one of several)."""
        return {name: node for node in self.file.nodes for name in node.input if name}

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
            build.kinds[tensor.name] = kind_of(numbers)
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


def _output_call(name: str) -> Call:
    return Call("Output", 0, (), (name,), {}, "", name, None)
