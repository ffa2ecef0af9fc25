"""The rows of a network's table, built here once.

    name  kind  also  equation  inputs  maps  size  shape  inputs_per_output
    weights  biases  parameters  macs  macs_inside  backward_macs  connections  activation_bytes
    held_bytes  parameters_percent  macs_percent  reach

The batch is the first axis of a shape, `laws.maps` tells which axis the maps are, the rest is the size. The columns of the second
line are counts: each adds up to its total, however the rows are folded and sorted. `held_bytes` is what a forward pass
holds while the layer is computed; its largest is the peak.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Input, Layer
from slidesum.core.sizes import is_number, prod, tidy
from slidesum.laws.backward import backward_macs
from slidesum.laws.fold import folds_into
from slidesum.laws.graph import node_counts, node_inputs_per_output
from slidesum.laws.kind import kind
from slidesum.laws.maps import maps_axes, places_of
from slidesum.laws.memory import Step
from slidesum.laws.reach import Reach
from slidesum.notation.write import pattern
from slidesum.show.kinds import op_kind

COUNTS = ("weights", "biases", "parameters", "macs", "macs_inside", "backward_macs", "connections", "activation_bytes")
SHARES = {"parameters_percent": "parameters", "macs_percent": "macs"}

Row = Mapping[str, Any]


def network_rows(graph: Graph, reaches: Mapping[str, Mapping[str, Reach]], held: Sequence[Step]) -> tuple[Row, ...]:
    """A row for every layer; an input is none."""
    maps = maps_axes(graph)
    slid = _slid_axes(graph, reaches, maps)
    back = backward_macs(graph)
    held_bytes = {step.layer: step.bytes for step in held}
    known: dict[Any, Row] = {}  # networks repeat their layers
    rows = []
    for node in graph:
        if isinstance(node.op, Input):
            continue
        alike = (id(node.sized) if isinstance(node.op, Layer) else node.op, node.shape, maps[node.name], node.shares is None)
        if alike not in known:
            known[alike] = _facts(node, maps[node.name])
        rows.append(
            {
                **known[alike],
                **({"also": ("foldable",)} if folds_into(graph, node) else {}),
                "name": node.name,
                "inputs": node.inputs,
                "inputs_per_output": node_inputs_per_output(graph, node),
                "backward_macs": back[node.name],
                "held_bytes": held_bytes.get(node.name),
                "reach": {a: r for a, r in reaches[node.name].items() if a in slid},
            }
        )
    return tuple(rows)


def totals_of(rows: Iterable[Row]) -> dict[str, Any]:
    """The sum of every counted column."""
    kept = tuple(rows)
    return {column: tidy(sum([row[column] for row in kept])) for column in COUNTS}


def with_shares(rows: Iterable[Row], totals: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows with their percentages of the totals; None where a total is a formula, or nothing."""
    return tuple({**row, **{share: _percent(row[column], totals[column]) for share, column in SHARES.items()}} for row in rows)


def _percent(part: Any, whole: Any) -> float | None:
    return 100 * part / whole if is_number(whole) and whole else None


def _facts(node: Node, maps: int) -> Row:
    """What is the same for all layers that are alike, wherever they stand; the rest is kept open, in its place."""
    counts = node_counts(node)
    found = kind(node.op.equation, node.sized) if isinstance(node.op, Layer) else None
    return {
        "name": None,
        "kind": found.name if found else op_kind(node),
        "also": found.also if found else (),
        "equation": pattern(node.op.equation) if isinstance(node.op, Layer) else None,
        "inputs": (),
        "maps": node.shape[maps] if len(node.shape) > 1 else prod(node.shape),
        "size": tuple(node.shape[k] for k in places_of(node.shape, maps)) if len(node.shape) > 1 else (),
        "shape": node.shape,
        "inputs_per_output": None,
        "weights": counts.weights,
        "biases": counts.biases,
        "parameters": counts.parameters,
        "macs": counts.macs,
        "macs_inside": counts.macs_inside,
        "backward_macs": None,
        "connections": counts.connections,
        "activation_bytes": counts.activation_bytes(),
        "held_bytes": None,
        **dict.fromkeys(SHARES),
        "reach": None,
    }


def _slid_axes(graph: Graph, reaches: Mapping[str, Mapping[str, Reach]], maps: Mapping[str, int]) -> frozenset[str]:
    """The axes of the input along which some layer reads more than one cell, or moves by more than one."""
    axes = [
        (name, n != 1 and k not in (0, maps[node.name]))
        for node in graph.inputs
        if isinstance(node.op, Input)
        for k, (name, n) in enumerate(zip(node.op.names, node.shape, strict=True))
    ]
    moving = {
        name
        for found in reaches.values()
        for name, r in found.items()
        if r.stride not in (0, 1) or (r.stride == 1 and r.field != 1)
    }
    return frozenset(name for name, is_place in axes if is_place or name in moving)
