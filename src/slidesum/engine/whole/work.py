"""A network as the work that is left when small layers have gone into large ones: one entry a kernel, in the order of the graph.

batch norm behind filters        goes into them (`laws/fold.py`)
dropout, identity                nothing
a sum behind filters             is added to their result, where the other summand is there by then
an activation behind any         is its tail
a flattening before filters      the filters read the maps as they are
an equation without a kernel     several works that have one (`lower.py`); a tail behind it goes to the last that computes
what moves values                is a move
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Add, BatchNorm, Concat, Dropout, Elementwise, Input, Layer, LocalResponseNorm
from slidesum.engine.whole.gather import PLACE
from slidesum.engine.whole.lower import Lowered, lowered, rearranged
from slidesum.engine.whole.maps import Three
from slidesum.engine.whole.meaning import ONES, Convolution, Pooling, Window, is_biased_by_map, is_flattening, meaning
from slidesum.engine.whole.opened import places
from slidesum.engine.whole.response import has_code
from slidesum.engine.whole.tables import all_exist
from slidesum.engine.whole.tail import PLAIN, tail_of
from slidesum.engine.whole.units import Combines, Filters, Joins, Moves, Planned, Pools, Responds, Single, Works
from slidesum.laws.count import count

Array = Any
Values = Mapping[str, Array]


def works(graph: Graph, values: Values, lanes: int) -> Works:
    """The work of a network."""
    walk = _Walk(graph, values, lanes)
    return Works(tuple(walk.works), walk.shapes, walk.lowered, walk.macs)


class _Walk:
    """Layer by layer; `known` are the results that there are by now, by the name of a layer, under the name that they have."""

    def __init__(self, graph: Graph, values: Values, lanes: int) -> None:
        self.graph, self.values, self.lanes = graph, values, lanes
        self.works: list[Single] = []
        self.known: dict[str, str] = {}
        self.flat: dict[str, Node] = {}
        self.swallowed: set[str] = set()
        self.shapes = {node.name: node.shape for node in graph}
        self.moves: Mapping[str, Moves] = {}
        self.lowered: dict[str, str] = {}
        self.macs: dict[str, int] = {}
        self.asked = {node.name for node in graph.outputs}
        for node in graph:
            if isinstance(node.op, Input):
                self.known[node.name] = node.name
            elif node.name not in self.swallowed:
                self._node(node)

    def _node(self, node: Node) -> None:
        if isinstance(node.op, Dropout) or (isinstance(node.op, Activation) and node.op.function == "identity"):
            if node.inputs[0] in self.flat:
                self.flat[node.name] = self.flat[node.inputs[0]]
                return
            if node.name not in self.asked:
                self.known[node.name] = self.known[node.inputs[0]]
                return
        if isinstance(node.op, Layer) and node.sized is not None and self._flattens(node):
            self.flat[node.name] = self.graph[node.inputs[0]]
            return
        made = self._made(node)
        if isinstance(made, Planned) and (found := self._lowered(node, made.inputs)):
            self._take(node, found)
            return
        end = node
        if not isinstance(made, Planned | Joins | Responds | Moves):
            made, end = self._followed(made, node)
        made = replace(made, name=end.name)
        self.known[end.name] = end.name
        self.works.append(made)

    def _lowered(self, node: Node, inputs: tuple[str, ...]) -> Lowered | None:
        if isinstance(node.op, Layer):
            return lowered(node, inputs, self.values, self.lanes, self.shapes, self.moves)
        return rearranged(node, inputs, self.lanes, self.shapes, self.moves)

    def _take(self, node: Node, found: Lowered) -> None:
        """The works of a layer; the last one has its name, or that of what it takes over."""
        self.shapes, self.moves = found.shapes, found.moves
        made = {work.name: work for work in found.works}
        if found.result not in made and node.name not in self.asked:
            self.known[node.name] = found.result
            return
        last: Single = made.pop(found.result, None) or Moves("", found.result, places(node.shape).astype(PLACE))
        end = node
        if isinstance(last, Filters | Pools):
            last, end = self._followed(last, node)
        elif isinstance(last, Moves) and isinstance(source := made.get(last.x), Filters | Pools) and last.table.min(initial=0) >= 0:
            made[last.x], end = self._followed(source, node, tails=True)
        last = replace(last, name=end.name)
        if isinstance(last, Moves):
            self.moves = {**self.moves, end.name: last}
        self.known[end.name] = end.name
        self.works += [*made.values(), last]
        self.lowered.update(dict.fromkeys(made, end.name))
        if node.sized is not None:
            self.macs[end.name] = int(count(node.sized).macs)

    def _flattens(self, node: Node) -> bool:
        """A flattening that only linear layers read, of maps that can lie in blocks."""
        assert node.sized is not None
        if not is_flattening(node.sized) or node.inputs[0] not in self.known or node.name in self.asked:
            return False
        waiting = list(self.graph.users(node.name))
        while waiting:
            user = waiting.pop()
            if isinstance(user.op, Dropout) and user.name not in self.asked:
                waiting.extend(self.graph.users(user.name))
            elif not (isinstance(user.op, Layer) and user.sized is not None and _is_linear(user)):
                return False
        return can_lie_in_blocks(self.graph[node.inputs[0]].shape)

    def _made(self, node: Node) -> Single:
        """The work of this layer alone."""
        planned = Planned(node.name, tuple(self.known[name] for name in node.inputs if name in self.known), node)
        if not all(can_lie_in_blocks(self.graph[name].shape) for name in (node.name, *node.inputs)):
            return planned
        match node.op:
            case Layer() if node.sized is not None and len(node.inputs) == 1:
                found = meaning(node.sized)
                if isinstance(found, Convolution) and is_biased_by_map(node.sized):
                    return self._filters(node, found)
                if isinstance(found, Pooling) and all_exist(found.window):
                    return Pools(node.name, self.known[node.inputs[0]], found)
            case BatchNorm(axis=1):
                return self._normalised(node)
            case Activation() as op if (tail := tail_of(op)) is not None:
                return Combines(node.name, "copy", planned.inputs, tail)
            case Add() if len(node.inputs) == 2:
                return Combines(node.name, "add", planned.inputs)
            case Elementwise(how) if how != "power" and _meets(*(self.graph[name].shape for name in node.inputs)):
                return Combines(node.name, how, planned.inputs)
            case LocalResponseNorm() as op if has_code(op, self.lanes):
                return Responds(node.name, planned.inputs[0], op)
            case Concat(axis=1):
                maps = [int(self.graph[name].shape[1]) for name in node.inputs]
                if all(n % self.lanes == 0 for n in maps[:-1]):
                    return Joins(node.name, planned.inputs)
            case _:
                pass
        return planned

    def _filters(self, node: Node, found: Convolution) -> Filters:
        assert node.sized is not None
        w = found.laid(np.asarray(self.values[f"{node.owner}.{node.sized.filters[0].name}"], np.float32))
        bias = np.zeros(found.groups * found.filters, np.float32)
        if node.sized.bias_shape is not None:
            bias = np.asarray(self.values[f"{node.owner}.bias"], np.float32).reshape(-1)
        name = node.inputs[0]
        if name in self.flat:
            source = self.flat[name]
            cells = cells_of(source.shape)
            window = Window(cells, ONES, cells)
            found = replace(found, window=window, channels=int(source.shape[1]))
            w, name = w.reshape(1, found.filters, found.channels, *cells), source.name
        return Filters(node.name, self.known[name], found, w, bias)

    def _normalised(self, node: Node) -> Filters:
        scale, shift = self._scale_and_shift(node)
        maps, cells = len(scale), cells_of(node.shape)
        what = Convolution(Window(cells, cells), maps, 1, 1, (), ())
        return Filters(node.name, self.known[node.inputs[0]], what, scale.reshape(maps, 1, 1, 1, 1, 1), shift, counts=False)

    def _scale_and_shift(self, node: Node) -> tuple[Array, Array]:
        assert isinstance(node.op, BatchNorm)
        held = {n: np.asarray(self.values[f"{node.owner}.{n}"], np.float64) for n in ("mean", "variance")}
        scale = 1 / np.sqrt(held["variance"] + node.op.epsilon)
        shift = np.zeros_like(scale)
        if node.op.affine:
            scale = scale * np.asarray(self.values[f"{node.owner}.scale"], np.float64)
            shift = np.asarray(self.values[f"{node.owner}.shift"], np.float64)
        return scale.astype(np.float32), (shift - held["mean"] * scale).astype(np.float32)

    def _followed(self, made: Filters | Pools | Combines, node: Node, tails: bool = False) -> tuple[Single, Node]:
        """With the layers behind it that it takes over, and the last of them; `tails`: only those that go value by value."""
        while node.name not in self.asked:
            users = self.graph.users(node.name)
            if len(users) != 1 or users[0].inputs.count(node.name) != 1:
                break
            (user,) = users
            taken = self._taken(made, node, user, tails)
            if taken is None:
                break
            made, node = taken, user
            self.swallowed.add(user.name)
        return made, node

    def _taken(self, made: Filters | Pools | Combines, node: Node, user: Node, tails: bool) -> Filters | Pools | Combines | None:
        has_bare_sum = isinstance(made, Filters) and made.tail == PLAIN and made.other is None and not tails
        match user.op:
            case Dropout() | Activation("identity"):
                return made
            case BatchNorm(axis=1) if has_bare_sum and isinstance(made, Filters) and made.w_from is None:
                scale, shift = self._scale_and_shift(user)
                w = made.w * scale.reshape(made.what.groups, made.what.filters, 1, 1, 1, 1)
                return replace(made, w=w, bias=made.bias * scale + shift)
            case Activation() as op if made.tail == PLAIN:
                tail = tail_of(op)
                return None if tail is None else replace(made, tail=tail)
            case Add() if has_bare_sum and isinstance(made, Filters) and not made.what.is_depthwise and len(user.inputs) == 2:
                (other,) = (name for name in user.inputs if name != node.name)
                return replace(made, other=self.known[other]) if other in self.known else None
            case _:
                return None


def can_lie_in_blocks(shape: tuple[Any, ...]) -> bool:
    """A batch, maps, and up to three positions."""
    return 2 <= len(shape) <= 5 and all(int(n) > 0 for n in shape)


def cells_of(shape: tuple[Any, ...]) -> Three:
    """Depth, rows and columns of a shape."""
    depth, rows, columns = (*[1] * (5 - len(shape)), *(int(n) for n in shape[2:]))
    return depth, rows, columns


def _is_linear(node: Node) -> bool:
    assert node.sized is not None
    found = meaning(node.sized)
    if not is_biased_by_map(node.sized):
        return False
    return isinstance(found, Convolution) and found.groups == 1 and found.window == Window(ONES, ONES)


def _meets(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether both have one shape, or b one value a map."""
    return a == b or (len(a) == len(b) and a[:2] == b[:2] and all(n == 1 for n in b[2:]))
