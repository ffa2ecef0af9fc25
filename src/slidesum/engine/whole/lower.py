"""Any equation as work that there are kernels for, by the laws that plans are made by (`laws/rewrite.py`, `plans/lowering.py`).

what only one operand has is summed first       type 2.1 becomes one map
three and more operands, two at a time          separable and factored filters; filters by themselves when it is compiled
stride 1 on the result is gathered              a transposed convolution becomes one
shaped like a convolution                       filters, between moves of axes: type 1, several batches, a filter a sample
                                                a stride on the result: phases (`spread.py`)
anything else                                   windows are opened, and one product is taken of what has no address any more:
                                                locally connected, four slid axes, diagonals, matrices of two results

Moves are tables of places (`opened.py`), put together as they meet, and made when somebody reads what is moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slidesum.core.axis import Address, indices
from slidesum.core.network import Node
from slidesum.core.ops import Activation, Reshape, Slice, Take
from slidesum.core.sized import Sized
from slidesum.core.sizes import Size
from slidesum.engine.whole.gather import PLACE
from slidesum.engine.whole.opened import TooLarge, fill_of, opened, places
from slidesum.engine.whole.poolings import pooled
from slidesum.engine.whole.products import Bias, Product, as_filters, multiplied
from slidesum.engine.whole.tail import tail_of
from slidesum.engine.whole.units import Combines, Moves, Single
from slidesum.laws.normal import normal
from slidesum.laws.parameters import stored_shape
from slidesum.laws.rewrite import alone, contracted, summed, turned
from slidesum.plans.cost import macs
from slidesum.plans.order import ordered

Array = Any
Shapes = dict[str, tuple[Size, ...]]
Held = Array | str
"""An array that is stored, or the name of a result."""


class Lowering:
    """The works of one equation; `shapes` and `moves` are those of the whole network, and are added to when it is done."""

    def __init__(self, name: str, lanes: int, shapes: Shapes, moves: Mapping[str, Moves]) -> None:
        self.name, self.lanes = name, lanes
        self.shapes, self.moves = dict(shapes), dict(moves)
        self.works: list[Single] = []

    def add(self, work: Single, shape: Sequence[Any]) -> str:
        """A work, under a name of its own."""
        name = f"{self.name} {len(self.works) + 1}"
        while name in self.shapes:
            name += "'"
        work = replace(work, name=name)
        self.works.append(work)
        self.shapes[name] = tuple(int(n) for n in shape)
        if isinstance(work, Moves):
            self.moves[name] = work
        return name

    def moved(self, x: str, table: Array, fill: float = 0.0, *, made_anew: bool = False) -> str:
        """x with its values moved; what was moved before is moved once. `made_anew`: also if nothing moves."""
        before = self.moves.get(x)
        if before is not None and (not fill or fill == before.fill or not before.fill):
            table = np.where(table >= 0, before.table.reshape(-1)[np.maximum(table, 0)], table)
            x, fill = before.x, fill or before.fill
        if not made_anew and table.shape == tuple(self.shapes[x]) and np.array_equal(table.reshape(-1), np.arange(table.size)):
            return x
        return self.add(Moves("", x, table.astype(PLACE), fill), table.shape)

    def viewed(self, x: str, shape: Sequence[Any]) -> str:
        """x in another shape, its values in their order."""
        return x if tuple(self.shapes[x]) == tuple(shape) else self.moved(x, places(shape))

    def product(self, sized: Sized, a: Held, b: Held, bias: Bias | None = None) -> tuple[Held, bool]:
        """Two operands summed over what the result doesn't have, and whether the bias is in it."""
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return _by_numpy(sized, [a, b]), False
        task = Product(self, sized, (a, b), bias)
        return as_filters(task) or multiplied(task)

    def reduced(self, sized: Sized, x: Held) -> Held:
        """One operand."""
        return _by_numpy(sized, [x]) if isinstance(x, np.ndarray) else pooled(self, sized, x)


@dataclass(frozen=True)
class Lowered:
    """What one equation became: its works, the last of which makes `result`, and all shapes and moves by now."""

    works: tuple[Single, ...]
    result: str
    shapes: Shapes
    moves: Mapping[str, Moves]


def lowered(
    node: Node, inputs: Sequence[str], values: Mapping[str, Array], lanes: int, shapes: Shapes, moves: Mapping[str, Moves]
) -> Lowered | None:
    """The works of a layer's equation, which reads these results; None where they would be too large, or there is nothing."""
    sized = node.sized
    if sized is None or 0 in sized.extents.values() or (not sized.equation.is_pooling and sized.equation.reduce != "sum"):
        return None
    made = Lowering(node.name, lanes, shapes, moves)
    try:
        return _lowered(made, node, sized, inputs, values)
    except TooLarge:
        return None


def rearranged(node: Node, inputs: Sequence[str], lanes: int, shapes: Shapes, moves: Mapping[str, Moves]) -> Lowered | None:
    """What moves values as a move, and functions of values that have more axes than blocks; None for whatever else computes."""
    if len(inputs) != 1 or 0 in (*node.shape, *shapes[inputs[0]]):
        return None
    table = places(shapes[inputs[0]])
    made = Lowering(node.name, lanes, shapes, moves)
    x = inputs[0]
    match node.op:
        case Slice(axis, start, stop, step):
            table = table[(*[slice(None)] * (axis % table.ndim), slice(start, stop, step))]
        case Take(axis, cells):
            table = table.take(cells, axis=axis % table.ndim)
        case Reshape():
            table = table.reshape([int(n) for n in node.shape])
        case Activation() as op if (tail := tail_of(op)) is not None and table.ndim > 1:
            flat = table.reshape(table.shape[0], -1)
            x = made.add(Combines("", "copy", (made.moved(x, flat),), tail), flat.shape)
        case _:
            return None
    result = made.moved(x, table)
    return Lowered(tuple(made.works), result, made.shapes, made.moves)


def _lowered(made: Lowering, node: Node, sized: Sized, inputs: Sequence[str], values: Mapping[str, Array]) -> Lowered:
    core = normal(sized)
    form = turned(core)
    held: list[Held] = [made.viewed(x, core.shapes[k]) for k, x in enumerate(inputs)]
    for number, operand in sized.numbered_filters:
        array = np.asarray(values[f"{node.owner}.{operand.name}"], np.float32)
        held.append(_full(sized, number, array).reshape([int(n) for n in core.shapes[number]]))
    for number in range(len(held) if form.slides or len(held) > 1 else 0):
        if alone(form, number):
            first, form = summed(form, number)
            held[number] = made.reduced(first, held[number])
    bias = _bias(sized, np.asarray(values[f"{node.owner}.bias"], np.float32)) if sized.bias_shape is not None else None
    has_bias = False
    if len(held) == 1:
        y = made.reduced(form, held[0])
    else:
        for a, b in ordered(form, macs):
            first, form = contracted(form, a, b)
            held[a], _ = made.product(first, held[a], held[b])
            del held[b]
        y, has_bias = made.product(form, held[0], held[1], bias)
    assert isinstance(y, str)
    result = _finished(made, sized, core, y)
    if bias is not None and not has_bias:
        result = made.viewed(_biased(made, sized, result, bias), sized.result_shape)
    return Lowered(tuple(made.works), result, made.shapes, made.moves)


def _by_numpy(sized: Sized, arrays: Sequence[Array]) -> Array:
    """What is stored alone."""
    equation = sized.equation
    labels = {name: k for k, name in enumerate(equation.indices)}
    given: list[Any] = []
    for number, array in enumerate(arrays):
        table, names = opened(sized, number)
        flat = np.asarray(array, np.float64).reshape(-1)[np.maximum(table, 0)]
        given += [np.where(table >= 0, flat, fill_of(sized, number) * (table < -1)), [labels[name] for name in names]]
    return np.einsum(*given, [labels[indices(axis)[0]] for axis in equation.result.axes], optimize=True).astype(np.float32)


def _full(sized: Sized, number: int, kept: Array) -> Array:
    """A filter with zeros where maps aren't connected."""
    wired = sized.connections
    if wired is None or stored_shape(sized, number) == sized.shapes[number]:
        return kept
    made = np.zeros([int(n) for n in sized.shapes[number]], np.float32)
    for k, (a, b) in enumerate(wired.pairs):
        made[a, b] = kept[k]
    return made


def _bias(sized: Sized, array: Array) -> Bias:
    assert sized.equation.bias is not None
    names = tuple(name for axis in sized.equation.bias.axes for name in indices(axis))
    return Bias(names, array.reshape([int(sized.extents[name]) for name in names]))


def _axes(sized: Sized) -> list[tuple[str, int]]:
    """The result with one axis an index or address: its index, '' for an address, and extent."""
    found: list[tuple[str, int]] = []
    for place, axis in enumerate(sized.equation.result.axes):
        if isinstance(axis, Address):
            found.append(("", int(sized.slides[-1, place].extent)))
        else:
            found += [(name, int(sized.extents[name])) for name in indices(axis)]
    return found


def _finished(made: Lowering, sized: Sized, core: Sized, y: str) -> str:
    """The result in normal form as it was asked for: repeated along what no operand has, axes merged."""
    axes, known = _axes(sized), set(core.equation.indices)
    if all(not name or name in known for name, _ in axes):
        return made.viewed(y, sized.result_shape)
    with_ones = [1 if name and name not in known else extent for name, extent in axes]
    table = np.broadcast_to(places(core.result_shape).reshape(with_ones), [extent for _, extent in axes])
    return made.moved(y, table.reshape([int(n) for n in sized.result_shape]))


def _biased(made: Lowering, sized: Sized, y: str, bias: Bias) -> str:
    """Plus a bias that has other axes than the maps: these become maps, each with a weight of 1."""
    axes = _axes(sized)
    names = [name for name, _ in axes]
    first = [names.index(name) for name in bias.names]
    order = [*first, *(k for k in range(len(axes)) if k not in first)]
    table = places([extent for _, extent in axes]).transpose(order)
    maps = bias.array.size
    x = made.moved(y, table.reshape(1, maps, -1))
    total = made.add(bias.added(x, maps, table.size // maps), (1, maps, table.size // maps))
    back = places(table.shape).transpose(np.argsort(order))
    return made.moved(total, back.reshape([int(n) for n in sized.result_shape]))
