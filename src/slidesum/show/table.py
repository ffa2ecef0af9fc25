"""The table of a network: its rows (`rows`), folded and sorted as asked (`fold`), its totals and its notes.

Terminal, JSON, CSV and Markdown only draw them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.core.sizes import Size
from slidesum.laws.branches import disagreements
from slidesum.laws.graph import reaches
from slidesum.laws.memory import Peak, Step, peak_of, steps
from slidesum.laws.reach import Reach
from slidesum.laws.types import Types, types
from slidesum.show.fold import folded, ordered
from slidesum.show.formats import Formatted
from slidesum.show.formula import pretty, times
from slidesum.show.rows import Row, network_rows, totals_of, with_shares

COLUMNS: tuple[tuple[str, str], ...] = (
    ("layer", ":--"),
    ("kind", ":--"),
    ("equation", ":--"),
    ("maps", "--:"),
    ("size", "--:"),
    ("inputs per output", "--:"),
    ("weights", "--:"),
    ("biases", "--:"),
    ("% of parameters", "--:"),
    ("multiply-adds", "--:"),
    ("% of multiply-adds", "--:"),
    ("backward", "--:"),
    ("result bytes", "--:"),
    ("held bytes", "--:"),
    ("reach", "--:"),
)

COUNTED = ("weights", "biases", "macs", "backward_macs", "activation_bytes")


class Table(Formatted, Sequence[Row]):
    """The rows of a network, one a layer. Sizes in them are integers or exact formulas.

    `depth` folds layers whose names begin alike ("a/b/c" at depth 1 is part of "a"); `sort` names the column to sort by.
    """

    def __init__(self, graph: Graph, *, depth: int | None = None, sort: str | None = None, remarks: Sequence[str] = ()) -> None:
        self.graph, self.depth, self.sort, self.remarks = graph, depth, sort, tuple(remarks)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return with_shares(ordered(folded(self._rows, self.depth), self.sort), self.totals)

    @property
    def records(self) -> Sequence[Row]:
        return self.rows

    @cached_property
    def totals(self) -> Mapping[str, Any]:
        """The sums of the counted columns, and the largest of what is held."""
        return {**totals_of(self._rows), "peak_bytes": self.peak.bytes}

    @cached_property
    def peak(self) -> Peak:
        """The most that a forward pass holds at once of inputs and results."""
        return peak_of(self._held)

    @cached_property
    def types(self) -> Types:
        """How many layers are of which kind, and what that means."""
        return types(self.graph)

    @property
    def text(self) -> str:
        """The kinds of the layers, in sentences."""
        return " ".join(self.types.sentences)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Remarks with the layer's name: cells that no window reads, branches whose windows don't fit on each other. Then those of
        a reader.
        """
        unread = [f"{node.name}: {note}" for node in self.graph if node.sized for note in node.sized.notes]
        return (*unread, *disagreements(self.graph, self._reaches), *self.remarks)

    @cached_property
    def _reaches(self) -> Mapping[str, Mapping[str, Reach]]:
        return reaches(self.graph)

    @cached_property
    def _held(self) -> tuple[Step, ...]:
        return steps(self.graph)

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        return network_rows(self.graph, self._reaches, self._held)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def document(self) -> Mapping[str, Any]:
        """`{"network", "input", "layers": […], "totals": {…}, "peak": {…}, "types": {…}, "notes": […]}`."""
        return {
            "network": self.graph.name,
            "input": {
                node.name: dict(zip(node.op.names, node.shape, strict=True))
                for node in self.graph.inputs
                if isinstance(node.op, Input)
            },
            "layers": self.rows,
            "totals": self.totals,
            "peak": {"bytes": self.peak.bytes, "layer": self.peak.layer, "results": self.peak.results},
            "types": {
                "weighted_layers": self.types.weighted_layers,
                "kinds": self.types.kinds,
                "sentences": self.types.sentences,
            },
            "notes": self.notes,
        }

    def drawn(self) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[str]]]:
        """The cells as text, the totals as the last row."""
        return COLUMNS, [*self.cells(), self.total_cells()]

    def cells(self) -> Iterator[list[str]]:
        """The rows as text, in the columns of `COLUMNS`."""
        for row in self.rows:
            yield [
                row["name"],
                ", ".join((row["kind"], *row["also"])),
                row["equation"] or "",
                pretty(row["maps"]),
                times(row["size"]) or "1",
                _optional(row["inputs_per_output"]),
                *_counted(*(row[name] for name in COUNTED), row["parameters_percent"], row["macs_percent"]),
                _optional(row["held_bytes"]),
                reach_cell(row["reach"]),
            ]

    def total_cells(self) -> list[str]:
        """The last line of the table; of what is held, the largest."""
        counted = _counted(*(self.totals[name] for name in COUNTED), None, None)
        return ["total", "", "", "", "", "", *counted, pretty(self.peak.bytes), ""]

    def __rich__(self) -> Any:
        from slidesum.show.layout import table_text

        return table_text(self)

    def __repr__(self) -> str:
        return f"<table of {self.graph.name}: {len(self)} layers, {pretty(self.totals['parameters'])} parameters>"


def reach_cell(reach: Mapping[str, Reach]) -> str:
    """The field, or "all" where an axis was summed away: then every place of it was read."""
    if not reach:
        return ""
    return "all" if all(r.along is None for r in reach.values()) else times([r.field for r in reach.values()])


@lru_cache(maxsize=1024)
def _counted(
    weights: Size, biases: Size, macs: Size, backward: Size, held: Size, of_parameters: float | None, of_macs: float | None
) -> tuple[str, ...]:
    """The counts of a row as text; networks repeat their layers."""
    return (
        pretty(weights), pretty(biases), _percent(of_parameters), pretty(macs), _percent(of_macs), pretty(backward), pretty(held)
    )  # fmt: skip


def _optional(value: Any) -> str:
    return "" if value is None else pretty(value)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1f}"
