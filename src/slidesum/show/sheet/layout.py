"""Which arrays stand on which sheet, and where.

A sheet a layer: its result, the sums that its formulas are too long without, the numbers that a norm needs, its bias and its
filters. Maps stand below each other, each beside what makes it: the filters of map 3 begin in the row where map 3 begins. A result
that is a row of numbers has its filters below it, a row for each. An activation that a layer's result goes to, and nothing else
does, stands around the layer's own formulas.

    row 1, 2, 3     the layer, its equation, links to what it reads and who reads it
    row 4, 5        what stands below, and its number; these rows, and the labels on the left, stay when one scrolls
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from slidesum.core.axis import Address, Axis, indices
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Input, Layer, Stored
from slidesum.laws.maps import maps_axes
from slidesum.notation.write import axis as written_axis
from slidesum.show.sheet.area import Area
from slidesum.show.sheet.equations import Formulas
from slidesum.show.sheet.functions import wraps_once
from slidesum.show.sheet.names import SheetNames
from slidesum.show.sheet.wanted import Wanted, arrays_of, fixed_of, helpers_of, of_map

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
    result = of_map(_title(node, follower), shape, maps)
    arrays = {}
    if live:
        before = [layout.results[source] for source in node.inputs]
        arrays = {key: wanted for key, wanted in arrays_of(node, result, before) if key not in layout.arrays}
    helpers = helpers_of(node, result) if live and formulas else {}
    fixed = fixed_of(node) if live else {}

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
