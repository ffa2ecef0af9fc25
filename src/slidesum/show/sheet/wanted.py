"""The arrays that are to stand on a sheet, and which of their axes run where: a result, what it is made of, what helps on the way.

a result          its last two axes of places are rows and columns, its maps stand below each other
a filter          its taps are rows and columns as the window that they meet; what has weights of its own stands below
along a result    biases and statistics lie as the axes of the result do that they belong to
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.equation import Operand
from slidesum.core.network import Node
from slidesum.core.ops import BatchNorm, Distance, GroupNorm, Layer, LayerNorm, Softmax, Stored
from slidesum.core.sized import Sized
from slidesum.laws.maps import places_of
from slidesum.laws.parameters import parameters
from slidesum.show.sheet.area import Area, area


@dataclass(frozen=True)
class Wanted:
    """An array that is to stand on a sheet, and which of its axes run where."""

    title: str
    shape: tuple[int, ...]
    rows: int | None = None
    columns: int | None = None
    down: tuple[int, ...] = ()
    across: tuple[int, ...] = ()

    @property
    def bands(self) -> int:
        return prod(self.shape[axis] for axis in self.down)

    def at(self, sheet: str, top: int, left: int, pitch: int = 0) -> Area:
        """The array with its first cell there."""
        return area(
            sheet,
            self.title,
            self.shape,
            rows=self.rows,
            columns=self.columns,
            down=self.down,
            across=self.across,
            top=top,
            left=left,
            pitch=pitch,
        )


def of_map(title: str, shape: tuple[int, ...], maps: int) -> Wanted:
    """A result: its last two axes of places are rows and columns, its maps stand below each other; scores are a row."""
    if not shape:
        return Wanted(title, shape)
    places = [axis for axis in places_of(shape, maps) if shape[axis] > 1]
    if not places:
        places = [maps if len(shape) > 1 else 0]
    rows, columns = (places[-2] if len(places) > 1 else None), places[-1]
    across = tuple(places[:-2])
    down = tuple(axis for axis in range(len(shape)) if axis not in (rows, columns, *across))
    return Wanted(title, shape, rows, columns, down, across)


def _along(title: str, shape: tuple[int, ...], places: Sequence[int | None], result: Wanted) -> Wanted:
    """An array that lies along some axes of the result: where those lie. None is an axis of its own."""

    def own(axis: int | None) -> int | None:
        return places.index(axis) if axis is not None and axis in places else None

    def owns(axes: Sequence[int]) -> list[int]:
        return [places.index(axis) for axis in axes if axis in places]

    others = [k for k, place in enumerate(places) if place is None]
    return Wanted(title, shape, own(result.rows), own(result.columns), (*owns(result.down), *others), tuple(owns(result.across)))


def arrays_of(node: Node, result: Wanted, before: Sequence[Area]) -> Iterator[tuple[str, Wanted]]:
    """What the layer keeps, its biases and statistics first: they stand beside the maps."""
    kept = {p.name: tuple(int(n) for n in p.shape) for p in parameters(node)}
    match node.op:
        case Layer(equation):
            assert node.sized is not None
            if equation.bias is not None:
                places = [equation.result.axes.index(a) if a in equation.result.axes else None for a in equation.bias.axes]
                yield f"{node.owner}.bias", _along("bias", kept["bias"], places, result)
            for number, operand in node.sized.numbered_filters:
                yield f"{node.owner}.{operand.name}", _filter(node.sized, number, operand, before, result)
        case Stored():
            return
        case BatchNorm(axis=axis):
            yield from ((f"{node.owner}.{p}", _along(p, shape, [axis % len(node.shape)], result)) for p, shape in kept.items())
        case LayerNorm(axes=axes):
            places = [axis % len(node.shape) for axis in axes]
            yield from ((f"{node.owner}.{p}", _along(p, shape, places, result)) for p, shape in kept.items())
        case GroupNorm():
            yield from ((f"{node.owner}.{p}", _along(p, shape, [1], result)) for p, shape in kept.items())
        case _:
            return


def _filter(sized: Sized, number: int, operand: Operand, before: Sequence[Area], result: Wanted) -> Wanted:
    """A filter: its taps are rows and columns as the window that they meet; what has weights of its own stands below."""
    shape = tuple(int(n) for n in sized.shapes[number])
    equation = sized.equation

    def meets(axes: Sequence[Axis], which: int | None) -> int | None:
        if which is None:
            return None
        axis = axes[which]
        wanted = [name for name in indices(axis) if name not in equation.result.indices]
        if axes is equation.result.axes and isinstance(axis, Address):
            wanted = [name for name in indices(axis) if name not in equation.operands[0].indices]
        for name in wanted:
            for k, own in enumerate(operand.axes):
                if own == Name(name) or (isinstance(own, Merged) and own == axis):
                    return k
        return None

    x = before[0]
    rows, columns = meets(equation.operands[0].axes, x.rows), meets(equation.operands[0].axes, x.columns)
    if rows is None and columns is None:
        rows, columns = meets(equation.result.axes, result.rows), meets(equation.result.axes, result.columns)
    if columns is None:
        rows = None
    others = [k for k in range(len(shape)) if k not in (rows, columns)]
    down = [k for k in others if set(indices(operand.axes[k])) & set(equation.result.indices)]
    down = [
        k
        for k in down
        if not any(isinstance(a, Address) and set(indices(operand.axes[k])) <= set(indices(a)) for a in equation.result.axes)
    ]
    return Wanted(operand.name, shape, rows, columns, tuple(down), tuple(k for k in others if k not in down))


def helpers_of(node: Node, result: Wanted) -> dict[str, Wanted]:
    """What is computed once for many values: a mean, a largest score."""
    rank = len(node.shape)

    def without(title: str, axes: Sequence[int], groups: int | None = None) -> Wanted:
        gone = {axis % rank for axis in axes}
        shape = [1 if k in gone else n for k, n in enumerate(result.shape)]
        if groups is not None:
            shape[1] = groups
        return replace(result, title=title, shape=tuple(shape))

    match node.op:
        case Softmax(axis):
            return {"largest": without("largest", [axis]), "sum": without("sum of exponentials", [axis])}
        case LayerNorm(axes=axes, centred=centred):
            names = {"mean": "mean", "square": "variance"} if centred else {"square": "mean square"}
            return {key: without(title, axes) for key, title in names.items()}
        case GroupNorm(groups=groups):
            return {key: without(title, range(1, rank), groups) for key, title in (("mean", "mean"), ("square", "variance"))}
        case _:
            return {}


def fixed_of(node: Node) -> dict[str, Wanted]:
    """Numbers that belong to a layer and are never learnt."""
    match node.op:
        case Distance(centres):
            return {"centres": Wanted("centres", (len(centres), len(centres[0])), None, 1, (0,))}
        case _:
            return {}
