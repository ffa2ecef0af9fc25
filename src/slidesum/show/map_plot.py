"""A layer's feature maps and filters as a picture for a paper: small multiples on one colour scale around zero.

Blue is negative, red positive, white zero, for all maps of a stack on the same scale: values can be compared, and a sign is never
mistaken for brightness. Vectors are bars, 1-D maps curves, and of volumes the middle slice is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Layer
from slidesum.errors import UsageError
from slidesum.laws.maps import maps_axes, places_of
from slidesum.notation.write import pattern
from slidesum.show.figure import INK, PALE, blank, save
from slidesum.show.formula import times

SUFFIXES = (".png", ".svg", ".pdf")
MOST_DRAWN = 64
"""So many maps or filters are drawn at most; the title says how many there are."""


def map_plot(graph: Graph, values: Mapping[str, Any], maps: Mapping[str, Any] | None, layer: str) -> Any:
    """A matplotlib Figure of one layer: its maps where `maps` has the results of a run, and its filters.

    Raises NetworkError for an unknown layer, UsageError for a layer with neither, MissingPackage without matplotlib.
    """
    node = graph[layer]
    filters = _filters(node, values)
    if maps is None and not filters:
        raise UsageError(f"{layer} has no filters to draw", advice="Give an input too: its maps are drawn then.")
    figure = blank()
    panels = ([("maps", _maps(maps[layer], maps_axes(graph)[layer]))] if maps is not None else []) + filters
    parts = figure.subfigures(len(panels), 1, squeeze=False, height_ratios=[_rows(len(one)) + 0.6 for _, one in panels])
    for part, (name, stack) in zip(parts[:, 0], panels, strict=True):
        _draw(part, f"{layer} · {name}", stack)
    told = f"{pattern(node.op.equation)}    " if isinstance(node.op, Layer) else ""
    figure.suptitle(f"{graph.name} · {layer}    {told}{times(node.shape)}", fontsize=9, color=PALE)
    figure.set_size_inches(7.2, sum(_rows(len(one)) for _, one in panels) * 7.2 / _columns(panels) + 0.8 * len(panels))
    return figure


def save_figure(figure: Any, path: str | Path) -> Path:
    """Write a PNG, SVG or PDF, atomically. Raises UsageError for another kind of file, FileError where it can't be written."""
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(f"a plot is a .png, .svg or .pdf, not {target.name!r}", advice="Name the file maps.png, say.")
    save(figure, target)
    return target


def _maps(array: Any, maps: int) -> Any:
    """The maps of the first image, each of them an array of its places."""
    one = np.asarray(array)
    if one.ndim < 2:
        return one[None]
    return one[0].transpose([maps - 1, *(k - 1 for k in places_of(one.shape, maps))])


def _filters(node: Node, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The filters of a layer with their taps as rows and columns, those that span several maps map by map."""
    if not isinstance(node.op, Layer) or node.sized is None:
        return []
    taps = {name for slide in node.sized.slides.values() for name, _ in slide.taps}
    found = []
    for operand in node.sized.filters:
        array = np.asarray(values[f"{node.owner}.{operand.name}"])
        slid = sum(set(axis_names) <= taps and bool(axis_names) for axis_names in ((n,) for n in operand.indices))
        if slid and array.ndim >= slid:
            found.append((f"filter {operand.name}", array.reshape(-1, *array.shape[array.ndim - slid :])))
    return found


def _rows(count: int) -> int:
    return math.ceil(min(count, MOST_DRAWN) / _across(min(count, MOST_DRAWN)))


def _across(count: int) -> int:
    return max(1, math.ceil(math.sqrt(2 * count)))


def _columns(panels: Sequence[tuple[str, Any]]) -> int:
    return max(_across(min(len(stack), MOST_DRAWN)) for _, stack in panels)


def _draw(part: Any, title: str, stack: Any) -> None:
    shown = stack[:MOST_DRAWN]
    if shown.ndim == 1:
        axes = part.subplots()
        axes.bar(range(len(stack)), stack, color=np.where(stack < 0, "#2166ac", "#b2182b"), width=0.9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title, loc="left", fontsize=8, color=INK)
        return
    across = _across(len(shown))
    grid = part.subplots(_rows(len(stack)), across, squeeze=False)
    largest = float(np.abs(np.nan_to_num(stack)).max()) or 1.0
    drawn = None
    for place, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if place >= len(shown):
            continue
        one = shown[place]
        if one.ndim == 1:
            axes.plot(one, color=INK, lw=0.8)
            axes.axhline(0, color=PALE, lw=0.4)
            axes.set_ylim(-largest, largest)
            continue
        while one.ndim > 2:
            one = one[len(one) // 2]
        drawn = axes.imshow(one, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    left = f", the first {len(shown)} of {len(stack)}" if len(stack) > len(shown) else ""
    part.suptitle(f"{title}{left}", x=0.01, ha="left", fontsize=8, color=INK)
    if drawn is not None:
        bar = part.colorbar(drawn, ax=grid.ravel().tolist(), shrink=0.8, pad=0.01, aspect=30)
        bar.ax.tick_params(labelsize=6, colors=INK)
        bar.outline.set_visible(False)
