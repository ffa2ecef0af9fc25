"""Which values a page explains exactly where it can't hold all arrays: the strongest paths, and the strongest maps of every layer.

A path begins at one of the best classes and goes, layer by layer, to the input that weighs most, down to a pixel: `front/trail.js`
follows the same way. Beside them, of every layer, the place where a map is strongest, for as many of its strongest maps as the
budget allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.core.ops import BatchNorm, GroupNorm, Input, LayerNorm, LocalResponseNorm, Opaque, Softmax, Stored
from slidesum.laws.maps import maps_axes
from slidesum.show.explanation import Explanation, explain
from slidesum.show.page.document import prediction
from slidesum.show.page.numbers import Packed
from slidesum.show.term import Term

Place = tuple[int, ...]
MOST_CLASSES = 10
"""Of so many of the best classes the path to the picture is there: those that the page has buttons for."""
MOST_MAPS = 12
"""Of so many maps a layer the strongest place is explained at most."""


def pack_chosen(
    packed: Packed, graph: Graph, values: Mapping[str, Any], maps: Mapping[str, Any], budget: int
) -> dict[str, list[dict[str, Any]]]:
    """Put the numbers of the chosen values behind the others, at most `budget` bytes beside the first path; where each stands.

    Of the budget the paths of other classes take half at most.
    """
    chosen: dict[str, dict[Place, Explanation]] = {node.name: {} for node in graph if _explainable(node)}
    told, found, spent = prediction(graph, maps), maps_axes(graph), 0
    for number, start in enumerate([(0, k) for k, _ in told["top"][:MOST_CLASSES]] if told else [None]):
        path = [(layer, why) for layer, why in strongest_path(graph, values, maps, start) if why.at not in chosen[layer]]
        cost = sum(4 * len(stream(why)) for _, why in path) if number else 0
        if spent + cost > budget // 2 and number:
            break
        spent += cost
        for layer, why in path:
            chosen[layer][why.at] = why
    for number in range(MOST_MAPS):
        for node in graph:
            if node.name not in chosen or (at := _strongest(maps[node.name], found[node.name], number)) is None:
                continue
            if at not in chosen[node.name]:
                why = explain(graph, values, maps, node.name, at)
                spent += 4 * len(stream(why))
                if spent > budget:
                    return _packed(packed, chosen)
                chosen[node.name][at] = why
    return _packed(packed, chosen)


def strongest_path(
    graph: Graph, values: Mapping[str, Any], maps: Mapping[str, Any], start: Place | None = None
) -> Iterator[tuple[str, Explanation]]:
    """From a value of the output, the strongest one if none is named, to the input, always to what weighs most."""
    node = graph.output
    at = _strongest(maps[node.name], maps_axes(graph)[node.name], 0) if start is None else start
    while at is not None and _explainable(node):
        why = explain(graph, values, maps, node.name, at)
        yield node.name, why
        if not why.terms:
            return
        term = followed(node, why)
        node = graph[node.inputs[term.origin]]
        at = term.cell if len(term.cell) == len(node.shape) and _inside(term.cell, maps[node.name]) else None


def followed(node: Node, why: Explanation) -> Term:
    """The winner, or the term that weighs most; where the others only scale the value (a normalisation, softmax), its own."""
    own = isinstance(node.op, BatchNorm | GroupNorm | LayerNorm | LocalResponseNorm | Softmax)
    itself = next((term for term in why.terms if own and term.cell == why.at), None)
    return why.winner or itself or max(why.terms, key=lambda term: -1.0 if term.in_border else abs(term.product))


def stream(why: Explanation) -> list[float]:
    """The numbers of an explanation in the order in which the page reads them."""
    numbers = [number for term in why.terms for number in (term.value, *(weight for _, _, weight in term.weights))]
    return [*numbers, *(() if why.bias is None else (why.bias,)), why.computed]


def _strongest(array: Any, maps: int, number: int) -> Place | None:
    """The place of the largest magnitude in the map that is the `number`-th strongest."""
    size = np.abs(np.nan_to_num(np.asarray(array)[:1]))
    if size.size == 0:
        return None
    if size.ndim < 2:
        return tuple(map(int, np.unravel_index(int(size.argmax()), size.shape))) if number == 0 else None
    others = tuple(k for k in range(size.ndim) if k != maps)
    order = np.argsort(-size.max(axis=others), kind="stable")
    if number >= len(order):
        return None
    one = np.take(size, [order[number]], axis=maps)
    place = list(map(int, np.unravel_index(int(one.argmax()), one.shape)))
    place[maps] = int(order[number])
    return tuple(place)


def _packed(packed: Packed, chosen: Mapping[str, Mapping[Place, Explanation]]) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    for layer, found in chosen.items():
        for number, (at, why) in enumerate(found.items()):
            name = f"chosen:{layer}:{number}"
            packed.add(name, np.asarray(stream(why), dtype=np.float32))
            told.setdefault(layer, []).append({"at": list(at), "packed": name})
    return told


def _explainable(node: Node) -> bool:
    return not isinstance(node.op, Input | Opaque | Stored)


def _inside(cell: Place, array: Any) -> bool:
    return all(0 <= c < n for c, n in zip(cell, np.asarray(array).shape, strict=True))
