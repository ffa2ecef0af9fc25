"""Which part of a network is written: layers from one to another, and which of their cells are formulas.

What a layer of the part reads is there too, as numbers. With a crop, a cell is a formula if the middle of what it reaches lies on
that part of the image; where an axis was summed away, everything is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.errors import UsageError
from slidesum.laws.graph import reaches
from slidesum.laws.maps import maps_axes, places_of
from slidesum.laws.reach import Reach


@dataclass(frozen=True)
class Part:
    """The layers that have sheets, and those that stand there with their filters.

    If there are `formulas`, the cells of these are such, at the places in `ranges`; an axis that isn't named there is whole.
    `whole` says whether no layer is missing.
    """

    shown: tuple[str, ...]
    live: tuple[str, ...]
    formulas: bool
    ranges: Mapping[str, Mapping[int, range]]
    whole: bool

    def live_at(self, layer: str, place: Sequence[int]) -> bool:
        """Whether a cell is a formula."""
        return self.formulas and all(place[axis] in cells for axis, cells in self.ranges.get(layer, {}).items())

    def write(self, page: Any, row: int, column: int, text: str, style: Any, value: float) -> int:
        """A computed number beside the layers': its formula, or only the number where there are none; how many formulas that is."""
        if self.formulas:
            page.write_formula(row, column, f"={text}", style, value)
        else:
            page.write_number(row, column, value, style)
        return int(self.formulas)

    def count(self, layer: str, shape: Sequence[int]) -> int:
        """How many cells of a layer are formulas."""
        found = 1 if self.formulas else 0
        for axis, n in enumerate(shape):
            cells = self.ranges.get(layer, {}).get(axis)
            found *= n if cells is None else len(cells)
        return found


def part_of(graph: Graph, layers: str | None, crop: Sequence[int] | None, formulas: bool) -> Part:
    """The part that was asked for. Raises UsageError or NetworkError for one that isn't there."""
    chosen = _between(graph, layers)
    read = {name for layer in chosen for name in graph[layer].inputs}
    shown = tuple(node.name for node in graph if node.name in chosen or node.name in read)
    live = tuple(node.name for node in graph if node.name in chosen)
    ranges = {} if crop is None else _cropped(graph, crop)
    return Part(shown, live, formulas, ranges, layers is None)


def _between(graph: Graph, layers: str | None) -> tuple[str, ...]:
    names = [node.name for node in graph]
    if layers is None:
        return tuple(names)
    first, dots, last = layers.partition("..")
    last = last if dots else first
    start, stop = names.index(graph[first].name), names.index(graph[last].name)
    if stop < start:
        raise UsageError(f"{last} comes before {first}", advice=f"Write {last}..{first}.")
    return tuple(names[start : stop + 1])


def _cropped(graph: Graph, crop: Sequence[int]) -> dict[str, dict[int, range]]:
    """By layer and axis, the places that lie on a part of the image."""
    image = graph.inputs[0]
    assert isinstance(image.op, Input)
    places = places_of(image.shape, maps_axes(graph)[image.name])
    if len(places) != 2 or len(crop) != 4:
        raise UsageError(
            f"{graph.name} reads no image that could be cropped",
            usual="A crop is the top, left, rows and columns of a part of it.",
            advice="Leave the crop out.",
        )
    top, left, rows, columns = crop
    sides = {
        image.op.names[places[0]]: (top, rows, image.shape[places[0]]),
        image.op.names[places[1]]: (left, columns, image.shape[places[1]]),
    }
    for start, count, extent in sides.values():
        if start < 0 or count < 1 or start + count > extent:
            raise UsageError(
                f"the crop {','.join(map(str, crop))} doesn't lie on the image",
                usual=f"The image has {image.shape[places[0]]} rows and {image.shape[places[1]]} columns, counted from 0.",
                advice="Give the top, left, rows and columns of a part of it.",
            )
    found: dict[str, dict[int, range]] = {}
    for name, by_axis in reaches(graph).items():
        for axis, (start, count, _) in sides.items():
            reach = by_axis.get(axis)
            if reach is not None and reach.along is not None:
                found.setdefault(name, {})[reach.along] = _on(reach, int(graph[name].shape[reach.along]), start, start + count)
    return found


def _on(reach: Reach, extent: int, start: int, stop: int) -> range:
    """The places whose window has its middle between these cells."""
    places = [k for k in range(extent) if start <= sum(reach.window(k)) / 2 < stop]
    return range(min(places, default=0), max(places, default=-1) + 1)
