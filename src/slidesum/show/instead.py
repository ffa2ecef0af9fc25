"""Every standard layer of a network beside what could stand in its place (`laws.instead`): a row for each layer and form.

    layer  form  equations  maps  weights  biases  parameters  macs  activation_bytes  weights_percent  macs_percent

The percentages are of the standard layer's. The totals are of each form: of the layers compared, and of the whole network if all of
them had it. For type 1 there are none: it gives so many maps that everything behind it would have to be another layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text

from slidesum.core.network import Graph
from slidesum.core.ops import Layer
from slidesum.core.sizes import is_number, tidy
from slidesum.errors import UsageError
from slidesum.laws.graph import totals
from slidesum.laws.instead import STANDARD, Form, forms, is_standard
from slidesum.laws.kind import kind
from slidesum.notation.write import pattern
from slidesum.show.columns import Column, grid, kept
from slidesum.show.formats import Formatted
from slidesum.show.formula import pretty

COLUMNS = (
    *(("layer", ":--"), ("form", ":--"), ("equations", ":--"), ("maps", "--:"), ("weights", "--:"), ("of it %", "--:")),
    *(("multiply-adds", "--:"), ("of it %", "--:")),
)
COUNTS = ("weights", "biases", "parameters", "macs", "activation_bytes")
INDENT = 2

Row = Mapping[str, Any]


class Instead(Formatted, Sequence[Row]):
    """The comparison, layer by layer and in all."""

    def __init__(self, graph: Graph, *, groups: int = 2, squeeze: int = 4) -> None:
        for name, number in (("groups", groups), ("squeeze", squeeze)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise UsageError(f"{name} is a whole number of at least 1, not {number!r}", advice=f"Write {name}=4, say.")
        self.graph, self.groups, self.squeeze = graph, groups, squeeze

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        found: list[Row] = []
        for node in self.graph:
            if is_standard(node) and node.shares is None:
                made = forms(node, groups=self.groups, squeeze=self.squeeze)
                found += [_row(node.name, form, made[0]) for form in made]
        return tuple(found)

    @property
    def records(self) -> Sequence[Row]:
        return self.rows

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The forms, in order."""
        there = {row["form"] for row in self.rows}
        order = (STANDARD, "separable", f"{self.groups} groups", "bottleneck", "type 2.1", "type 1")
        return tuple(name for name in order if name in there)

    @cached_property
    def totals(self) -> Mapping[str, Mapping[str, Any]]:
        """By form, the sums over the layers; a layer that can't have the form stays what it is."""
        whole = totals(self.graph)
        by_layer: dict[str, dict[str, Row]] = {}
        for row in self.rows:
            by_layer.setdefault(row["layer"], {})[row["form"]] = row
        found: dict[str, dict[str, Any]] = {}
        for name in self.names:
            if name == "type 1":
                continue
            chosen = [layer.get(name, layer[STANDARD]) for layer in by_layer.values()]
            sums = {column: tidy(sum(row[column] for row in chosen)) for column in COUNTS}
            before = found.get(STANDARD, sums)
            network = {
                "network_parameters": tidy(whole.parameters - before["parameters"] + sums["parameters"]),
                "network_macs": tidy(whole.macs - before["macs"] + sums["macs"]),
            }
            found[name] = {**sums, **_percents(sums, before), **network}
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """Which layers with a window aren't compared, and why."""
        others: dict[str, list[str]] = {}
        for node in self.graph:
            if isinstance(node.op, Layer) and len(node.op.equation.operands) > 1 and node.sized and not is_standard(node):
                if any(slide.taps for slide in node.sized.slides.values()):
                    others.setdefault(kind(node.op.equation, node.sized).name, []).append(node.name)
            elif node.shares is not None and is_standard(node):
                others.setdefault(f"the same layer as {node.shares}", []).append(node.name)
        return tuple(f"not compared, {why}: {', '.join(names)}" for why, names in others.items())

    @property
    def text(self) -> str:
        """What to know about the figures."""
        if not self.rows:
            return f"{self.graph.name} has no layer of type 2.2 with a window."
        return (
            "Multiply-adds are those that the equations ask for; type 2.1 needs fewer where the maps are summed first. "
            "Type 1 makes c·o maps of c, so that all behind it would be another network."
        )

    def document(self) -> Mapping[str, Any]:
        """`{"network", "groups", "squeeze", "layers": […], "totals": {form: {…}}, "notes": […]}`."""
        return {
            "network": self.graph.name,
            "groups": self.groups,
            "squeeze": self.squeeze,
            "layers": self.rows,
            "totals": self.totals,
            "notes": self.notes,
        }

    def drawn(self) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[str]]]:
        """The rows as text, and the sums of each form."""
        rows = [
            [
                row["layer"],
                row["form"],
                "; ".join(row["equations"]),
                pretty(row["maps"]),
                *_pair(row, "weights"),
                *_pair(row, "macs"),
            ]
            for row in self.rows
        ]
        rows += [["in all", name, "", "", *_pair(total, "weights"), *_pair(total, "macs")] for name, total in self.totals.items()]
        return COLUMNS, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __rich__(self) -> Any:
        return _ByWidth(self)


class _ByWidth:
    """Drawn when the width is known: a table of weights and one of multiply-adds, a column for each form."""

    def __init__(self, table: Instead) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: Any) -> Any:
        table, width = self.table, options.max_width - INDENT
        parts: list[Any] = [Text(f"{table.graph.name}: what standard layers would cost in other forms", style="bold")]
        if table.rows:
            parts += [Padding(_pivot(table, "weights", width), (1, 0, 0, INDENT))]
            parts += [Padding(_pivot(table, "macs", width), (1, 0, 0, INDENT))]
            parts += [Padding(_networks(table, width), (1, 0, 0, INDENT))]
        parts += [Padding(Text(f"note  {note}", style="yellow"), (0, 0, 0, INDENT)) for note in table.notes]
        parts.append(Padding(Text(table.text), (1, 0, 0, INDENT)))
        yield Group(*parts)


def _pivot(table: Instead, count: str, width: int) -> Any:
    """The count of the standard layer, and what of it every form has."""
    layers = list(dict.fromkeys(row["layer"] for row in table))
    found = {(row["layer"], row["form"]): row for row in table}
    titles = {STANDARD: {"weights": "weights", "macs": "multiply-adds"}[count]}
    columns = [Column("layer", layers, "in all", words=True)]
    for name in table.names:
        cells = [_cell(found.get((layer, name)), count, name) for layer in layers]
        columns.append(Column(titles.get(name, name), cells, _cell(table.totals.get(name), count, name)))
    if count == "weights":
        columns.append(Column("its maps", [pretty(found[layer, "type 1"]["maps"]) for layer in layers]))
    gone = ("its maps", "type 1", "type 2.1", "bottleneck", f"{table.groups} groups", "separable")
    return grid(kept(columns, width, gone), width)


def _networks(table: Instead, width: int) -> Any:
    """The whole network in every form."""
    totals, forms = table.totals, list(table.totals)
    standard = totals[STANDARD]
    columns = [Column("the whole network", ["as it is" if name == STANDARD else name for name in forms], words=True)]
    for title, key in (("parameters", "network_parameters"), ("multiply-adds", "network_macs")):
        columns.append(Column(title, [pretty(totals[name][key]) for name in forms]))
        shares = [_share(totals[name][key], standard[key]) for name in forms]
        columns.append(Column("%" if key == "network_macs" else "% ", ["" if n is None else f"{n:.1f}" for n in shares]))
    return grid(kept(columns, width, ("% ", "%", "parameters")), width)


def _cell(row: Row | None, count: str, form: str) -> str:
    if row is None:
        return ""
    share = row[f"{count}_percent"]
    return pretty(row[count]) if form == STANDARD or share is None else f"{share:.1f}%"


def _pair(row: Row, count: str) -> tuple[str, str]:
    share = row[f"{count}_percent"]
    return pretty(row[count]), "" if share is None else f"{share:.1f}"


def _row(layer: str, form: Form, standard: Form) -> Row:
    counts, before = form.counts, standard.counts
    numbers = {**{name: getattr(counts, name) for name in COUNTS[:4]}, "activation_bytes": counts.activation_bytes()}
    return {
        "layer": layer,
        "form": form.name,
        "equations": tuple(pattern(stage.equation) for stage in form.stages),
        "maps": form.maps,
        **numbers,
        **_percents(numbers, {"weights": before.weights, "macs": before.macs}),
    }


def _percents(numbers: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, float | None]:
    """What of the standard layer's weights and multiply-adds."""
    return {f"{name}_percent": _share(numbers[name], before[name]) for name in ("weights", "macs")}


def _share(part: Any, whole: Any) -> float | None:
    """A percentage; None of a formula, or of nothing."""
    return 100 * part / whole if is_number(part) and is_number(whole) and whole else None
