"""A network built again in another size: wider, on larger inputs, with a larger batch, or deeper.

    width       the filters of every layer times a number, see `laws.width`
    positions   other extents of the input's axes behind the maps; what follows from them is solved anew
    batch       the first axis of every input times a number
    depth       every block that can be repeated so many times in a row, see `laws.repeat`

The numbers may be symbols, all but the depth. Equations solve their shapes by themselves. Of the other layers, a slice and a
padding of maps grow with the maps, those of positions stay as far from the edges as they were; a reshape gives what grew to the
axes that it was made into; a stored array that is added to others, or put beside them, has their extents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from slidesum.core.axis import Merged, Name
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Add, Concat, Elementwise, Input, Layer, Opaque, Pad, Reshape, Slice, Stored, Take
from slidesum.core.sizes import Size, is_number, prod, tidy
from slidesum.draft.place import Tensor
from slidesum.draft.verbs import Draft
from slidesum.errors import SlidesumError, UsageError
from slidesum.laws.shape import solve
from slidesum.laws.width import widened

Shape = tuple[Size, ...]

CHAIN = 8
"""So many layers are asked at most what a stored array is put together with."""


@dataclass(frozen=True)
class Change:
    """What is to be another size.

    `positions` are new extents by the name of the input's axis, `filters` those of single layers, by (layer, index).
    """

    width: Size = 1
    batch: Size = 1
    positions: Mapping[str, Size] = field(default_factory=dict)
    filters: Mapping[tuple[str, str], Size] = field(default_factory=dict)

    @property
    def widens(self) -> bool:
        """Whether layers get other filters."""
        return self.width != 1 or bool(self.filters)


def varied(graph: Graph, change: Change) -> Graph:
    """The network in another size.

    >>> import slidesum as ss
    >>> from slidesum.core.sizes import size
    >>> net = ss.load("type-2.2").with_sizes(k1=8, k2=16, n=28, m=28).graph
    >>> [varied(net, Change(width=size("a"), positions={"i": 56}))[name].shape for name in ("conv1", "conv2", "linear")]
    [(1, 8*a, 56, 28), (1, 16*a, 56, 28), (1, 10)]

    Raises UsageError with the name of the layer that can't be built in that size.
    """
    wide = widened(graph) if change.width != 1 else {}
    draft = Draft(graph.name)
    waiting: dict[str, Node] = {}
    for node in graph:
        if isinstance(node.op, Stored):
            waiting[node.name] = node
            continue
        try:
            for name in [name for name in node.inputs if name in waiting]:
                _place_stored(draft, graph, waiting.pop(name))
            _place(draft, graph, node, change, wide.get(node.name, ()))
        except SlidesumError as error:
            raise UsageError(
                f"{graph.name} can't be built in another size: {node.name} doesn't fit",
                usual=error.headline + ".",
                advice="Vary something else, or build the network with a symbol for that size.",
            ) from error
    for node in waiting.values():
        _place_stored(draft, graph, node)
    draft.output(*map(draft.tensor, graph.heads))
    return draft.graph


def _place(draft: Draft, graph: Graph, node: Node, change: Change, wide: Sequence[str]) -> None:
    inputs = [draft.tensor(name) for name in node.inputs]
    old, new = [graph[name].shape for name in node.inputs], [tensor.shape for tensor in inputs]
    op, shape = node.op, node.shape
    match op:
        case Input(names):
            first = _times(shape[0], change.batch)
            shape = (first, *(change.positions.get(name, n) for name, n in zip(names[1:], shape[1:], strict=True)))
        case Layer():
            filters = {index: n for (layer, index), n in change.filters.items() if layer == node.owner}
            widths = {index: _times(op.sizes[index], change.width) for index in wide if index in op.sizes}
            op = _layer(op, node, new, widths | filters)
        case Slice(axis, start, stop):
            place = axis % len(old[0])
            moved = _grown if _is_width(place, change) else _kept
            op = replace(op, start=moved(start, old[0][place], new[0][place]), stop=moved(stop, old[0][place], new[0][place]))
        case Pad(cells):
            op = replace(op, cells=tuple(_padded(k, pair, old[0], new[0], change) for k, pair in enumerate(cells)))
        case Take(axis) if old[0][axis] != new[0][axis]:
            raise UsageError(f"{node.name} takes single cells of an axis of {old[0][axis]}, which would have {new[0][axis]}")
        case Reshape():
            op = replace(op, shape=reshaped(old[0], node.shape, new[0]))
        case Opaque(kind) if old != new:
            raise UsageError(f"{node.name} is {kind}, of which no more is known than its shape")
        case _:
            pass
    draft.place(node.name, op, inputs, shape, shares=node.shares)


def _layer(op: Layer, node: Node, new: Sequence[Shape], wide: Mapping[str, Size]) -> Layer:
    """The layer's sizes again: those of its filters, and what the arrays that it reads don't tell."""
    assert node.sized is not None
    count = len(new)
    told = {
        name for operand in op.equation.operands[:count] for axis in operand.axes if isinstance(axis, Name) for name in [axis.name]
    }
    for operand in op.equation.operands[:count]:
        for axis in operand.axes:
            if isinstance(axis, Merged) and all(name in op.sizes for name in axis.names):
                told.add(_open(op, axis))
    sizes = {name: wide.get(name, n) for name, n in op.sizes.items() if name not in told or name in wide}
    if op.extent is None:
        return replace(op, sizes=sizes)
    before = _extents(op, op.sizes, [node.sized.shapes[k] for k in range(count)])
    after = _extents(op, sizes, new)
    return replace(op, sizes=sizes, extent={name: tidy(after[name] + n - before[name]) for name, n in op.extent.items()})


def _open(op: Layer, axis: Merged) -> str:
    """Of a merged axis whose indices were all given, the one that grows: the result's maps, else the fastest."""
    second = op.equation.result.axes[1:2]
    return next((name for name in axis.names if Name(name) in second), axis.names[-1])


def _extents(op: Layer, sizes: Mapping[str, Size], shapes: Sequence[Shape]) -> Mapping[str, Size]:
    """The extents of the result's addresses, by position, where none is given."""
    filters = [None] * (len(op.equation.operands) - len(shapes))
    sized = solve(op.equation, [*shapes, *filters], sizes, padding=op.padding, border=op.border)
    return {slide.position: slide.extent for (number, _), slide in sized.slides.items() if number < 0 and slide.position}


def _place_stored(draft: Draft, graph: Graph, node: Node) -> None:
    """A stored array takes the extents that those have which it is put together with, directly or a few layers on."""
    shape = node.shape
    assert isinstance(node.op, Stored)
    readers = list(graph.users(node.name))
    for reader in readers:
        if not isinstance(reader.op, Add | Concat | Elementwise) or len(readers) > CHAIN:
            continue
        readers += [user for user in graph.users(reader.name) if user not in readers]
        beside = reader.op.axis % len(reader.shape) if isinstance(reader.op, Concat) else None
        for name in reader.inputs:
            if name != node.name and name in draft.graph:
                shape = _taken(shape, graph[name].shape, draft.tensor(name).shape, beside)
    draft.place(node.name, replace(node.op, shape=shape), (), shape, shares=node.shares)


def _kept(place: Size, old: Size, new: Size) -> Size:
    """A place on an axis of positions stays as far as it was from the nearer of its ends."""
    return tidy(new - old + place) if 2 * place > old else place


def _taken(shape: Shape, old: Shape, new: Shape, beside: int | None) -> Shape:
    """Extents are compared from the last axis on; the axis along which arrays are put beside each other keeps its own."""
    found = list(shape)
    for k in range(1, min(len(shape), len(old)) + 1):
        if shape[-k] == old[-k] and (beside is None or len(shape) - k != beside):
            found[-k] = new[-k]
    return tuple(found)


def _times(n: Size, factor: Any) -> Size:
    """A size times a number, which may be a fraction that makes it whole."""
    found = n * factor
    return found.numerator if isinstance(found, Fraction) and found.denominator == 1 else tidy(found)


def _is_width(place: int, change: Change) -> bool:
    """Whether an axis that has grown is one of maps: where both grow, maps are the second axis."""
    return place == 1 if change.widens and change.positions else change.widens


def _padded(place: int, cells: tuple[Size, Size], old: Shape, new: Shape, change: Change) -> tuple[Size, Size]:
    if not _is_width(place, change) or old[place] == new[place]:
        return cells
    low, high = (_grown(n, old[place], new[place]) for n in cells)
    return low, high


def _grown(n: Size, old: Size, new: Size) -> Size:
    """A place on an axis that has grown."""
    found = tidy(n * new)
    if is_number(found) and is_number(old):
        if found % old:
            raise UsageError(f"{n} of {old} cells are no whole number of {new}")
        return found // old
    return tidy(found / old)


def reshaped(old: Shape, result: Shape, new: Shape) -> Shape:
    """The shape of a reshape's result when its input has grown from `old` to `new`.

    Axes are matched in runs of equal products. A run that becomes one axis gives it all; of several axes, the first one grows if
    the run begins with the first axis, else the last: maps are split into groups, then into what is in each.

    >>> from slidesum.core.sizes import size
    >>> reshaped((1, 768, 14, 14), (1, 768, 196), (1, 768, 28, 28)), reshaped((1, 196, 96), (1, 196, 3, 32), (1, 196, size("96*a")))
    ((1, 768, 784), (1, 196, 3, 32*a))
    """
    found = list(result)
    for left, right in _runs(old, result):
        before, after = prod(old[k] for k in left), prod(new[k] for k in left)
        if before == after:
            continue
        grows = next((k for k in right if result[k] == before), right[0] if right[0] == 0 else right[-1])
        found[grows] = _grown(result[grows], before, after)
    return tuple(found)


def _runs(old: Shape, result: Shape) -> list[tuple[list[int], list[int]]]:
    """Runs of axes of both shapes whose products agree."""
    runs: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(result):
        left, right = ([i] if i < len(old) else []), ([j] if j < len(result) else [])
        i, j = i + len(left), j + len(right)
        while prod(old[k] for k in left) != prod(result[k] for k in right):
            a: Any = prod(old[k] for k in left)
            b: Any = prod(result[k] for k in right)
            fewer = a < b if is_number(a) and is_number(b) else i < len(old)
            if fewer and i < len(old):
                left.append(i)
                i += 1
            elif j < len(result):
                right.append(j)
                j += 1
            elif i < len(old):
                left.append(i)
                i += 1
            else:
                break
        if not right:
            if runs:
                runs[-1] = (runs[-1][0] + left, runs[-1][1])
            continue
        runs.append((left, right))
    return runs


def deeper(graph: Graph, blocks: Sequence[Sequence[str]], times: int) -> Graph:
    """The network with each of these blocks `times` in a row; copies are called after the layer, with their number behind it.

    >>> import slidesum as ss
    >>> net = ss.Network("chain")
    >>> x = net.linear(net.linear(net.input("b f", b=1, f=8), 8, name="same"), 3, name="last")
    >>> [node.name for node in deeper(net.graph, [["same"]], 3)]
    ['input', 'same', 'same-2', 'same-3', 'last']
    """
    draft = Draft(graph.name)
    ends = {block[-1]: tuple(block) for block in blocks}
    now: dict[str, str] = {}

    def put(node: Node, names: Mapping[str, str], name: str, shares: str | None) -> Tensor:
        inputs = [draft.tensor(names.get(source, source)) for source in node.inputs]
        return draft.place(name, node.op, inputs, node.shape, shares=shares)

    for node in graph:
        put(node, now, node.name, node.shares)
        if node.name not in ends:
            continue
        block, own = ends[node.name], set(ends[node.name])
        read = (graph[source] for member in block for source in graph[member].inputs if source not in own)
        entry = next(source.name for source in read if not isinstance(source.op, Stored))
        before = node.name
        for number in range(2, times + 1):
            names = {**now, entry: before, **{name: f"{name}-{number}" for name in block}}
            for member in map(graph.__getitem__, block):
                shares = names[member.shares] if member.shares in own else member.shares
                put(member, names, names[member.name], shares)
            before = names[node.name]
        now[node.name] = before
    draft.output(*(draft.tensor(now.get(name, name)) for name in graph.heads))
    return draft.graph
