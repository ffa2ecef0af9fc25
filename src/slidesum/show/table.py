"""The table of a network: its rows are built here once; terminal, JSON, CSV and Markdown only draw them.

    name  kind  also  equation  inputs  maps  shape  inputs_per_output
    weights  biases  macs  macs_inside  connections  activation_bytes  reach

The batch is the first axis of a shape, the maps are the second, the rest is the size. A column of counts adds up to its total.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from slidesum.core.network import Graph, Node
from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Opaque,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sizes import prod
from slidesum.errors import UsageError
from slidesum.laws.count import Counts
from slidesum.laws.graph import node_counts, node_inputs_per_output, reaches, totals
from slidesum.laws.kind import kind
from slidesum.laws.reach import Reach
from slidesum.notation.write import pattern
from slidesum.show.formula import json_text, plain, pretty, times

COUNTS = ("weights", "biases", "macs", "macs_inside", "connections", "activation_bytes")
FORMATS = ("table", "json", "csv", "markdown")

Row = Mapping[str, Any]


class Table(Sequence[Row]):
    """The rows of a network, one a layer. Sizes in them are integers or exact formulas."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        found = reaches(self.graph)
        slid = _slid_axes(self.graph)
        nodes = [node for node in self.graph if not isinstance(node.op, Input)]
        return tuple(_row(self.graph, node, {a: r for a, r in found[node.name].items() if a in slid}) for node in nodes)

    @cached_property
    def totals(self) -> Mapping[str, Any]:
        """The sums of the counted columns."""
        total = totals(self.graph)
        return {**_counted(total), "parameters": total.parameters}

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks such as rows that no window reads, with the layer's name."""
        return tuple(f"{node.name}: {note}" for node in self.graph if node.sized for note in node.sized.notes)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def to_json(self) -> str:
        """`{"network", "input", "layers": […], "totals": {…}, "notes": […]}`; formulas are text."""
        document = {
            "network": self.graph.name,
            "input": {
                node.name: dict(zip(node.op.names, map(plain, node.shape), strict=True))
                for node in self.graph.inputs
                if isinstance(node.op, Input)
            },
            "layers": [{key: _jsonable(value) for key, value in row.items()} for row in self.rows],
            "totals": {key: plain(value) for key, value in self.totals.items()},
            "notes": list(self.notes),
        }
        return json_text(document)

    def to_csv(self) -> str:
        """A line a layer, with a header; the reach as `field/stride/padding` by axis."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.rows[0].keys() if self.rows else ["name"])
        for row in self.rows:
            writer.writerow([_cell(value) for value in row.values()])
        return out.getvalue()

    def to_markdown(self) -> str:
        """A Markdown table with the totals as its last line."""
        lines = ["| " + " | ".join(title for title, _ in COLUMNS) + " |", "|" + "|".join(align for _, align in COLUMNS) + "|"]
        lines += ["| " + " | ".join(_escaped(cell) for cell in cells) + " |" for cells in self.cells()]
        lines.append("| " + " | ".join(self.total_cells()) + " |")
        return "\n".join(lines) + "\n" + "".join(f"\n> {note}\n" for note in self.notes)

    def format(self, how: str) -> str:
        """The table in one of the formats: table, json, csv, markdown."""
        match how:
            case "table":
                return str(self)
            case "json":
                return self.to_json() + "\n"
            case "csv":
                return self.to_csv()
            case "markdown":
                return self.to_markdown()
            case _:
                raise UsageError(
                    f"there is no format {how!r}", usual=f"There are {', '.join(FORMATS)}.", advice="Write one of them."
                )

    def cells(self) -> Iterator[list[str]]:
        """The rows as text, in the columns of `COLUMNS`."""
        for row in self.rows:
            yield [
                row["name"],
                ", ".join((row["kind"], *row["also"])),
                row["equation"] or "",
                pretty(row["maps"]),
                times(row["shape"][2:]) or "1",
                pretty(row["inputs_per_output"]),
                pretty(row["weights"]),
                pretty(row["biases"]),
                pretty(row["macs"]),
                reach_cell(row["reach"]),
            ]

    def total_cells(self) -> list[str]:
        """The last line of the table."""
        total = self.totals
        return ["total", "", "", "", "", "", *(pretty(total[key]) for key in ("weights", "biases", "macs")), ""]

    def __rich__(self) -> Any:
        from slidesum.show.text import table_text

        return table_text(self)

    def __str__(self) -> str:
        from slidesum.show.text import printed

        return printed(self)

    def __repr__(self) -> str:
        return f"<table of {self.graph.name}: {len(self)} layers, {pretty(self.totals['parameters'])} parameters>"


COLUMNS: tuple[tuple[str, str], ...] = (
    ("layer", ":--"),
    ("kind", ":--"),
    ("equation", ":--"),
    ("maps", "--:"),
    ("size", "--:"),
    ("inputs per output", "--:"),
    ("weights", "--:"),
    ("biases", "--:"),
    ("multiply-adds", "--:"),
    ("reach", "--:"),
)


def reach_cell(reach: Mapping[str, Reach]) -> str:
    """The field, or "all" where an axis was summed away: then every place of it was read."""
    if not reach:
        return ""
    return "all" if all(r.along is None for r in reach.values()) else times([r.field for r in reach.values()])


def op_kind(node: Node) -> str:
    """The kind of any layer, in words."""
    match node.op:
        case Layer(equation):
            return kind(equation, node.sized).name
        case Activation(function):
            return f"activation {function}"
        case Elementwise(function):
            return f"elementwise {function}"
        case BatchNorm():
            return "batch norm"
        case LayerNorm(centred=centred):
            return "layer norm" if centred else "root mean square norm"
        case GroupNorm(groups):
            return "instance norm" if groups == node.shape[1] else "layer norm" if groups == 1 else f"group norm, {groups} groups"
        case LocalResponseNorm():
            return "local response norm"
        case Softmax():
            return "softmax"
        case Dropout(rate):
            return f"dropout {rate:g}"
        case Concat():
            return "concat"
        case Add():
            return "add"
        case Slice() | Take():
            return "slice"
        case Pad():
            return "padding"
        case Reshape():
            return "reshape"
        case Stored(trainable=trainable):
            return "stored weights" if trainable else "stored numbers"
        case Distance():
            return "Euclidean distance"
        case Opaque(name):
            return f"{name} (not an equation)"
        case Input():
            return "input"


def _row(graph: Graph, node: Node, reach: Mapping[str, Reach]) -> Row:
    counts = node_counts(node)
    return {
        "name": node.name,
        "kind": op_kind(node),
        "also": kind(node.op.equation, node.sized).also if isinstance(node.op, Layer) else (),
        "equation": pattern(node.op.equation) if isinstance(node.op, Layer) else None,
        "inputs": node.inputs,
        "maps": node.shape[1] if len(node.shape) > 1 else prod(node.shape),
        "shape": node.shape,
        "inputs_per_output": node_inputs_per_output(graph, node),
        **_counted(counts),
        "reach": reach,
    }


def _counted(counts: Counts) -> dict[str, Any]:
    return {key: counts.activation_bytes() if key == "activation_bytes" else getattr(counts, key) for key in COUNTS}


def _slid_axes(graph: Graph) -> list[str]:
    """The axes of the input along which some layer reads more than one cell, or moves by more than one."""
    names = [name for node in graph.inputs if isinstance(node.op, Input) for name in node.op.names]
    found = reaches(graph)
    origin = {
        name: n for node in graph.inputs if isinstance(node.op, Input) for name, n in zip(node.op.names, node.shape, strict=True)
    }
    return [
        name
        for k, name in enumerate(names)
        if (k > 1 and origin[name] != 1)
        or any(
            r.stride not in (0, 1) or (r.stride == 1 and r.field != 1) for n in graph for a, r in found[n.name].items() if a == name
        )
    ]


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: {"field": plain(r.field), "stride": plain(r.stride), "padding": plain(r.padding)} for name, r in value.items()
        }
    if isinstance(value, tuple):
        return [n if isinstance(n, str) else plain(n) for n in value]
    return value if value is None or isinstance(value, str) else plain(value)


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{plain(r.field)}/{plain(r.stride)}/{plain(r.padding)}" for name, r in value.items())
    if isinstance(value, tuple):
        return "×".join(str(n if isinstance(n, str) else plain(n)) for n in value)
    return "" if value is None else value if isinstance(value, str) else plain(value)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
