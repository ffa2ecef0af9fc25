"""What the page knows of a network: the rows of its table, its equations with their sizes, and what its layers read.

Nothing is told about a layer that isn't read off its equation or its row; the page draws, and computes with the same equation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from slidesum.core.axis import Address, Axis, Merged, Name
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Input, Layer
from slidesum.core.sized import Sized, Slide
from slidesum.laws.answer import smallest_wins
from slidesum.laws.kind import kind
from slidesum.laws.maps import maps_axes, places_of
from slidesum.laws.parameters import parameters
from slidesum.laws.roles import roles
from slidesum.notation.parse import parse
from slidesum.notation.write import axes as written_axes
from slidesum.notation.write import axis as written_axis
from slidesum.notation.write import named, pattern
from slidesum.show.explanation import sized_for
from slidesum.show.formula import plain
from slidesum.show.kinds import op_kind
from slidesum.show.table import Table

VERSION = 1
MOST_SCORES = 1000
COUNTS = ("weights", "biases", "parameters", "macs", "macs_percent", "parameters_percent", "activation_bytes")

TYPES: Mapping[str, str] = {
    "type 1": "b c i+u j+v, o u v -> b (c o) i j",
    "type 2.1": "b c i+u j+v, o u v -> b o i j",
    "type 2.2": "b c i+u j+v, o c u v -> b o i j",
    "depthwise": "b c i+u j+v, c u v -> b c i j",
    "grouped": "b (g c) i+u j+v, (g o) c u v -> b (g o) i j",
    "1×1": "b c i j, o c -> b o i j",
    "3-D": "b d+t i+u j+v, o t u v -> b (o d) i j",
}
"""What the lab puts side by side."""


def page_document(graph: Graph, maps: Mapping[str, Any], remarks: Sequence[str] = ()) -> dict[str, Any]:
    """The network and its prediction as JSON; `maps` are the activations of a run."""
    rows = {row["name"]: row for row in Table(graph, remarks=remarks)}
    found = maps_axes(graph)
    names: dict[str, list[str]] = {}
    for node in graph:
        names[node.name] = _axis_names(node, names)
    return {
        "version": VERSION,
        "name": graph.name,
        "input": input_document(graph, maps),
        "layers": [_layer(node, rows.get(node.name, {}), found[node.name], names[node.name], maps) for node in graph],
        "prediction": prediction(graph, maps),
        "types": [_type(name, text) for name, text in TYPES.items()],
    }


def prediction(graph: Graph, maps: Mapping[str, Any]) -> dict[str, Any] | None:
    """The scores of a network that ends with one number a class, and which class wins; None for any other network."""
    node = graph.output
    result = np.asarray(maps[node.name])
    if result.ndim != 2 or result.shape[0] < 1 or result.shape[1] < 2:
        return None
    scores = result[0].astype(float)
    smallest = smallest_wins(node)
    order = np.argsort(scores if smallest else -scores, kind="stable")[:MOST_SCORES]
    return {
        "layer": node.name,
        "best": int(order[0]),
        "sense": "smallest" if smallest else "largest",
        "classes": len(scores),
        "top": [[int(k), float(scores[k])] for k in order],
        "labels": None,
    }


def input_document(graph: Graph, maps: Mapping[str, Any]) -> dict[str, Any]:
    """The input's name, and between which values it lies: what paper and ink are, for drawing."""
    node = graph.inputs[0]
    array = np.asarray(maps[node.name])
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 1.0)
    return {"layer": node.name, "range": [low, high]}


def _axis_names(node: Node, known: Mapping[str, list[str]]) -> list[str]:
    """What the axes of a result are called: as its equation says, or as what it reads says."""
    match node.op:
        case Input(names):
            return list(names)
        case Layer(equation):
            return [written_axis(axis) for axis in equation.result.axes]
        case _:
            alike = (known[name] for name in node.inputs if len(known[name]) == len(node.shape))
            return next(alike, [f"axis {k}" for k in range(len(node.shape))])


def _layer(node: Node, row: Mapping[str, Any], maps_axis: int, names: list[str], maps: Mapping[str, Any]) -> dict[str, Any]:
    op, shape = node.op, maps[node.name].shape
    told = kind(op.equation, node.sized) if isinstance(op, Layer) else None
    group, slash, _ = node.name.partition("/")
    return {
        "name": node.name,
        "group": group if slash else None,
        "op": type(op).__name__,
        "options": {} if isinstance(op, Layer) else asdict(op),
        "kind": told.name if told else op_kind(node),
        "also": list(told.also) if told else [],
        "gist": told.gist if told else None,
        "sentence": told.sentence if told else None,
        "pattern": pattern(op.equation) if isinstance(op, Layer) else None,
        "named": named(op.equation) if isinstance(op, Layer) else None,
        "inputs": list(node.inputs),
        "shape": list(shape),
        "axes": names,
        "map_axis": maps_axis if len(shape) > 1 else None,
        "places": list(places_of(shape, maps_axis)),
        "maps": shape[maps_axis] if len(shape) > 1 else 1,
        **{column: plain(row[column]) if isinstance(row.get(column), int) else row.get(column) for column in COUNTS},
        "reach": {
            name: {"field": plain(r.field), "stride": float(r.stride), "padding": float(r.padding), "along": r.along}
            for name, r in row.get("reach", {}).items()
        },
        "sized": sized_document(sized_for(node, [maps[name].shape for name in node.inputs])) if node.sized else None,
        "arrays": [
            {"name": f"{node.owner}.{p.name}", "short": p.name, "shape": list(p.shape)} for p in parameters(node) if p.shape
        ],
    }


def sized_document(sized: Sized) -> dict[str, Any]:
    """An equation with its sizes, as `front/contract.js` says."""
    equation = sized.equation
    wired = sized.connections
    return {
        "reduce": equation.reduce,
        "inputs": sized.inputs,
        "bias": [written_axis(axis) for axis in equation.bias.axes] if equation.bias else None,
        "operands": [
            {
                "name": operand.name,
                "axes": [_axis(axis, sized.slides.get((number, place))) for place, axis in enumerate(operand.axes)],
                "shape": list(sized.shapes[number]),
            }
            for number, operand in enumerate(equation.operands)
        ],
        "result": {
            "name": equation.result.name,
            "axes": [_axis(axis, sized.slides.get((-1, place))) for place, axis in enumerate(equation.result.axes)],
            "shape": list(sized.result_shape),
        },
        "extents": dict(sized.extents),
        "summed": list(equation.summed),
        "roles": dict(roles(equation)),
        "border": sized.border if isinstance(sized.border, str) else float(np.real(sized.border)),
        "connections": {"indices": list(wired.indices), "pairs": [list(pair) for pair in wired.pairs]} if wired else None,
    }


def _axis(axis: Axis, slide: Slide | None) -> dict[str, Any]:
    match axis:
        case Name(name):
            return {"name": name}
        case Merged(names):
            return {"merged": list(names)}
        case Address():
            assert slide is not None
            return {
                "slide": {
                    "steps": [list(step) for step in slide.steps],
                    "start": slide.start,
                    "extent": slide.extent,
                    "padding": list(slide.padding),
                    "position": slide.position,
                    "border": slide.border if isinstance(slide.border, str) else float(np.real(slide.border)),
                }
            }
        case _:
            return {"one": True}


def _type(name: str, text: str) -> dict[str, Any]:
    """A type for the lab: its equation without sizes, an address as its terms."""
    equation = parse(text)
    told = kind(equation)

    def unsized(axis: Axis) -> dict[str, Any]:
        match axis:
            case Address(terms, constant):
                return {"address": [[term.index, term.number] for term in terms], "constant": constant}
            case _:
                return _axis(axis, None)

    return {
        "name": name,
        "pattern": text,
        "kind": told.name,
        "gist": told.gist,
        "sentence": told.sentence,
        "equation": {
            "operands": [{"name": o.name, "axes": [unsized(axis) for axis in o.axes]} for o in equation.operands],
            "result": {"name": equation.result.name, "axes": [unsized(axis) for axis in equation.result.axes]},
            "positions": list(equation.positions),
            "summed": list(equation.summed),
            "roles": dict(roles(equation)),
        },
        "spelling": [written_axes(operand, " ") for operand in equation.operands],
    }
