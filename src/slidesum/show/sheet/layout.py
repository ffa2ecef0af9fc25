"""Which arrays stand on which sheet, and where.

A sheet a layer: its result, the sums that its formulas are too long without, the numbers that a norm needs, its bias and its
filters. Maps stand below each other, each beside what makes it: the filters of map 3 begin in the row where map 3 begins. A result
that is a row of numbers has its filters below it, a row for each. An activation that a layer's result goes to, and nothing else
does, stands around the layer's own formulas.

    row 1, 2, 3     the layer, its equation, links to what it reads and who reads it
    row 4, 5        what stands below, and its number; these rows, and the labels on the left, stay when one scrolls
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from slidesum.core.axis import Address, Axis, Merged, Name, indices
from slidesum.core.equation import Operand
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, BatchNorm, Distance, GroupNorm, Input, Layer, LayerNorm, Softmax, Stored
from slidesum.core.sized import Sized
from slidesum.laws.maps import maps_axes, places_of
from slidesum.laws.parameters import parameters
from slidesum.notation.write import axis as written_axis
from slidesum.show.sheet.area import Area, area
from slidesum.show.sheet.equations import Formulas
from slidesum.show.sheet.functions import wraps_once
from slidesum.show.sheet.names import SheetNames

TOP, LEFT = 5, 1
OWN = ("Network", "Prediction", "Explain", "slidesum")


@dataclass(frozen=True)
class LayerSheet:
    """One sheet: the layer, the activation around it, and the arrays on it.

    A `live` one has the layer's own arrays, and formulas if there are any. `arrays` are those that the network keeps, by
    "layer.array"; `helpers` are computed on the way to the result; `fixed` are numbers that the layer has and never learns.
    """

    name: str
    node: Node
    follower: Node | None
    live: bool
    result: Area
    sums: tuple[Area, ...]
    helpers: Mapping[str, Area]
    arrays: Mapping[str, Area]
    fixed: Mapping[str, Area]
    axes: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The layer whose numbers the result has."""
        return self.follower.name if self.follower else self.node.name

    @property
    def areas(self) -> tuple[Area, ...]:
        return (self.result, *self.sums, *self.helpers.values(), *self.arrays.values(), *self.fixed.values())


@dataclass(frozen=True)
class Layout:
    """All sheets of layers, where every result stands (by layer) and every array that the network keeps."""

    graph: Graph
    sheets: tuple[LayerSheet, ...]
    results: Mapping[str, Area]
    arrays: Mapping[str, Area]

    def sheet_of(self, layer: str) -> LayerSheet | None:
        """The sheet on which a layer's numbers stand, if there is one."""
        return next((sheet for sheet in self.sheets if layer in (sheet.shown, sheet.node.name)), None)

    def formulas(self, sheet: LayerSheet) -> Formulas:
        """What the cells of a layer that is an equation hold."""
        node = sheet.node
        assert isinstance(node.op, Layer)
        assert node.sized is not None
        filters = [self.arrays[f"{node.owner}.{operand.name}"] for operand in node.sized.filters]
        bias = self.arrays[f"{node.owner}.bias"] if node.sized.equation.bias is not None else None
        before = [self.results[name] for name in node.inputs]
        return Formulas(node.sized, node.op.border, [*before, *filters], bias, sheet.name)


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


def laid_out(graph: Graph, shown: Sequence[str], live: Sequence[str], formulas: bool = True) -> Layout:
    """The sheets of these layers; those that are not `live` hold their result only. Without `formulas` all are numbers."""
    names = SheetNames()
    for own in OWN:
        names.named(own)
    maps = maps_axes(graph)
    axes: dict[str, tuple[str, ...]] = {}
    layout = Layout(graph, (), {}, {})
    folded: set[str] = set()
    for node in graph:
        axes[node.name] = _axis_names(node, axes)
        if node.name in folded or node.name not in shown:
            continue
        follower = _around(graph, node, live)
        if follower is not None:
            folded.add(follower.name)
        is_image = isinstance(node.op, Input) and len(graph.inputs) == 1
        title = names.named("Image" if is_image else node.name)
        sheet = _sheet(layout, title, node, follower, node.name in live, formulas, maps[node.name], axes[node.name])
        stored = {f"{node.owner}.value": sheet.result} if isinstance(node.op, Stored) and not node.shares else {}
        layout = replace(
            layout,
            sheets=(*layout.sheets, sheet),
            results={**layout.results, sheet.shown: sheet.result},
            arrays={**layout.arrays, **sheet.arrays, **stored},
        )
    return layout


def kept_areas(sheet: LayerSheet) -> dict[str, Area]:
    """What can be changed on a sheet: the input by the layer's name, the arrays that the network keeps by theirs."""
    node = sheet.node
    match node.op:
        case Input():
            return {node.name: sheet.result}
        case Stored() if not node.shares:
            return {f"{node.owner}.value": sheet.result}
        case _:
            return dict(sheet.arrays)


def _around(graph: Graph, node: Node, live: Sequence[str]) -> Node | None:
    """The activation that stands around a layer's formulas."""
    users = graph.users(node.name)
    if len(users) != 1 or node in graph.outputs or isinstance(node.op, Input | Stored | Activation) or node.name not in live:
        return None
    op = users[0].op
    return users[0] if isinstance(op, Activation) and wraps_once(op.function) and users[0].name in live else None


def _sheet(
    layout: Layout,
    name: str,
    node: Node,
    follower: Node | None,
    live: bool,
    formulas: bool,
    maps: int,
    axes: tuple[str, ...],
) -> LayerSheet:
    shape = tuple(int(n) for n in node.shape)
    result = _of_map(_title(node, follower), shape, maps)
    arrays = {}
    if live:
        before = [layout.results[source] for source in node.inputs]
        arrays = {key: wanted for key, wanted in _arrays(node, result, before) if key not in layout.arrays}
    helpers = _helpers(node, result) if live and formulas else {}
    fixed = _fixed(node) if live else {}

    def placed(sums: int) -> LayerSheet:
        parts = [replace(result, title=f"sum {k + 1}") for k in range(sums)]
        areas = _arranged(name, [result, *parts, *helpers.values(), *arrays.values(), *fixed.values()])
        found = iter(areas)
        return LayerSheet(
            name,
            node,
            follower,
            live,
            next(found),
            tuple(next(found) for _ in parts),
            {key: next(found) for key in helpers},
            {key: next(found) for key in arrays},
            {key: next(found) for key in fixed},
            axes,
        )

    sheet = placed(0)
    if live and formulas and isinstance(node.op, Layer) and sheet.result.size:
        filled = replace(layout, arrays={**layout.arrays, **sheet.arrays})
        parts = filled.formulas(sheet).parts([n // 2 for n in shape])
        sheet = placed(parts) if parts > 1 else sheet
    return sheet


def _title(node: Node, follower: Node | None) -> str:
    return f"{node.name}, then {follower.name}" if follower else node.name


def _of_map(title: str, shape: tuple[int, ...], maps: int) -> Wanted:
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


def _arrays(node: Node, result: Wanted, before: Sequence[Area]) -> Iterator[tuple[str, Wanted]]:
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


def _helpers(node: Node, result: Wanted) -> dict[str, Wanted]:
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


def _fixed(node: Node) -> dict[str, Wanted]:
    match node.op:
        case Distance(centres):
            return {"centres": Wanted("centres", (len(centres), len(centres[0])), None, 1, (0,))}
        case _:
            return {}


def _arranged(sheet: str, wanted: Sequence[Wanted]) -> list[Area]:
    """Beside each other, bands of as many maps as the result has in line with it; below each other where it is a row."""
    result = wanted[0].at(sheet, TOP, LEFT)
    areas = []
    if result.is_line:
        top = TOP
        for one in wanted:
            areas.append(one.at(sheet, top, LEFT))
            top = areas[-1].end[0] + 4
        return areas
    tiles = [one.at(sheet, 0, 0).tile[0] for one in wanted if one.bands == wanted[0].bands]
    pitch = max(tiles) + 1 if max(tiles) > 1 else 1
    left = LEFT
    for one in wanted:
        areas.append(one.at(sheet, TOP, left, pitch if one.bands == wanted[0].bands else 0))
        left = areas[-1].end[1] + 3
    return areas


def _axis_names(node: Node, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What the axes of a result are called: as its equation says, or as what it reads says."""
    match node.op:
        case Input(names):
            return names
        case Layer(equation):
            return tuple(_short(axis) for axis in equation.result.axes)
        case _:
            alike = (known[name] for name in node.inputs if len(known[name]) == len(node.shape))
            return next(alike, tuple(f"axis {k}" for k in range(len(node.shape))))


def _short(axis: Axis) -> str:
    """An address by its position."""
    return indices(axis)[0] if isinstance(axis, Address) and indices(axis) else written_axis(axis)
