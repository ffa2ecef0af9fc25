"""How a network's cost grows: polynomials, exponents, and a table of points; built once, drawn in every format.

    α, d, ρ, β (what is varied)  extents (of a resolution)
    parameters  macs  backward_macs  activation_bytes  parameters_times  macs_times

A point's counts are those of the network in that size; the last two columns are multiples of the declared network's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from slidesum.core.network import Graph
from slidesum.draft.grow import SYMBOLS, Grown
from slidesum.errors import SlidesumError, UsageError
from slidesum.laws.growth import QUANTITIES, Growth, Number
from slidesum.show.fit import Fit, fitted
from slidesum.show.formats import Formatted
from slidesum.show.formula import pretty, times

Row = Mapping[str, Any]

LISTED = 4
"""So many layers are told by name."""

RATIOS: Mapping[str, tuple[Fraction, ...]] = {
    "α": tuple(Fraction(n, 4) for n in (1, 2, 3, 4, 6, 8)),
    "ρ": tuple(Fraction(n, 4) for n in (2, 3, 4, 5, 6, 8)),
    "d": tuple(map(Fraction, (1, 2, 3, 4))),
    "β": tuple(map(Fraction, (1, 2, 4, 8, 16, 32))),
}
"""The sizes that are told where none are asked for: widths that make whole filters, resolutions nearest to these that are exact."""

MEANING: Mapping[str, str] = {
    "width": "α multiplies the filters of every layer, those that make the outputs excepted",
    "depth": "d is how many times in a row every block stands that can be repeated",
    "resolution": "ρ multiplies the extents of the input behind the maps",
    "batch": "β multiplies the batch",
}

TITLES: Mapping[str, str] = {
    "parameters": "parameters",
    "macs": "multiply-adds",
    "backward_macs": "backward",
    "activation_bytes": "result bytes",
}


class Cost(Formatted):
    """What `net.cost(vary=…)` returns. Prints itself; `.polynomial`, `.exponents`, `.points`, `.to_json()`, `.plot(path)`."""

    def __init__(self, graph: Graph, vary: str | Sequence[str] = "width", at: Iterable[Any] | None = None) -> None:
        self.graph = graph
        self.grown = Grown(graph, (vary,) if isinstance(vary, str) else tuple(vary))
        self.variables = self.grown.variables
        self.asked = None if at is None else tuple(map(_ratio, at))
        if self.asked is not None and len(self.variables) > 1:
            raise UsageError("points are given for one variable at a time", advice="Vary one thing, or leave the points away.")

    @property
    def polynomial(self) -> Mapping[str, Any]:
        """The exact formula of every count in what is varied. Raises UsageError where floors leave none: see `fit`."""
        if self.grown.formulas is None:
            raise UsageError(
                f"the counts of {self.graph.name} are no polynomials in {' and '.join(self.variables)}",
                usual="Sizes are rounded down on the way, not alike on any grid.",
                advice="Take .points, which are exact, or .fit, which is not.",
            )
        return {key: growth.formula for key, growth in self.grown.formulas.items()}

    @property
    def exponents(self) -> Mapping[str, Mapping[str, tuple[int, float]]]:
        """Of every count and variable the leading exponent, and the local one at the declared size."""
        found = self.grown.formulas or {}
        return {key: {v: (growth.degree(v), float(growth.local(v))) for v in self.variables} for key, growth in found.items()}

    @property
    def layers(self) -> Mapping[str, Mapping[str, Growth]]:
        """The formulas layer by layer."""
        return self.grown.layers

    @cached_property
    def points(self) -> tuple[Row, ...]:
        """Exact counts of the network in several sizes."""
        declared = self.grown.counted({})
        return tuple(self._point(values, declared) for values in self._values())

    @cached_property
    def fit(self) -> Mapping[str, Fit]:
        """Least squares through the points in the first variable, for where no polynomial is exact."""
        name = self.variables[0]
        degree = max(1, len(self.grown.sides))
        alone = [row for row in self.points if all(row[other] == 1 for other in self.variables[1:])]
        return {key: fitted([row[name] for row in alone], [row[key] for row in alone], degree) for key in QUANTITIES}

    @property
    def records(self) -> Sequence[Row]:
        return self.points

    @property
    def notes(self) -> tuple[str, ...]:
        """Where the polynomial is exact, and what doesn't stay as it was."""
        found = []
        if self.grown.sides and self.grown.formulas is not None:
            found.append(f"the polynomial is exact where {' and '.join(map(str, self.grown.sides))}")
            off = [row for row in self.points if not self.grown.on_grid({name: row[name] for name in self.variables})]
            if off:
                found.append(f"at {', '.join(_told(row['ρ']) for row in off)} it is not; the counts in the table are")
        if self.grown.formulas is None:
            found.append("the counts are no polynomials here; what is told instead is a fit through the points")
        if self.grown.blocks:
            found.append(f"repeated: {', '.join(_block(block) for block in self.grown.blocks)}")
        return tuple(found)

    @cached_property
    def text(self) -> str:
        """Which layers grow with which power."""
        if self.grown.formulas is None:
            return ""
        sentences = []
        for variable in self.variables:
            for key in ("parameters", "macs"):
                told = _powers(self.layers, key, variable)
                sentences += [f"{TITLES[key][0].upper()}{TITLES[key][1:]} {told}."] if told else []
        return " ".join(sentences)

    def document(self) -> Mapping[str, Any]:
        """`{"network", "vary": {…}, "polynomials", "exponents", "fit", "layers": […], "points": […], "notes"}`."""
        formulas = self.grown.formulas
        return {
            "network": self.graph.name,
            "vary": {word: {"symbol": SYMBOLS[word], "means": MEANING[word]} for word in self.grown.vary},
            "polynomials": None if formulas is None else self.polynomial,
            "exponents": {
                key: {v: {"leading": leading, "local": local} for v, (leading, local) in found.items()}
                for key, found in self.exponents.items()
            },
            "fit": {key: {"coefficients": fit.coefficients, "error": fit.error} for key, fit in self.fit.items()}
            if formulas is None
            else None,
            "layers": []
            if formulas is None
            else [{"name": name, **{key: g.formula for key, g in counts.items()}} for name, counts in self.layers.items()],
            "points": self.points,
            "notes": self.notes,
        }

    def drawn(self) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[str]]]:
        """The points as text."""
        titles = [*self.variables, *(["input"] if self.grown.sides else []), *(TITLES[key] for key in QUANTITIES)]
        return [(title, "--:") for title in (*titles, "parameters ×", "multiply-adds ×")], [
            [
                *(_told(row[name]) for name in self.variables),
                *([times(row["extents"])] if self.grown.sides else []),
                *(pretty(row[key]) for key in QUANTITIES),
                *("" if row[key] is None else f"{row[key]:.3g}" for key in ("parameters_times", "macs_times")),
            ]
            for row in self.points
        ]

    def plot(self, path: str | Path) -> Path:
        """The counts against what is varied on logarithmic axes, as PNG or SVG by the file's name; returns the path."""
        from slidesum.show.cost_plot import plot

        return plot(self, path)

    def __rich__(self) -> Any:
        from slidesum.show.cost_layout import cost_text

        return cost_text(self)

    def __repr__(self) -> str:
        return f"<cost of {self.graph.name} in {', '.join(self.variables)}>"

    def _values(self) -> list[dict[str, Number]]:
        if self.asked is not None:
            return [{self.variables[0]: ratio} for ratio in self.asked]
        each = [self._chosen(name) for name in self.variables]
        found = [dict(zip(self.variables, point, strict=True)) for point in itertools.product(*each)]
        return [values for values in found if self._can_be(values)]

    def _chosen(self, name: str) -> list[Number]:
        ratios = RATIOS[name] if len(self.variables) == 1 else RATIOS[name][:4]
        if name == "ρ":
            side = self.grown.sides[0]
            nearest = [(round((r * side.extent - side.rest) / side.step), side) for r in ratios]
            ratios = tuple(dict.fromkeys(Fraction(s.step * t + s.rest, s.extent) for t, s in nearest))
        return [_plain(r) for r in ratios if self.grown.fits({name: r}) or (name == "ρ" and r == 1)]

    def _can_be(self, values: Mapping[str, Number]) -> bool:
        """Whether the network can be built in this size: small inputs have no room for large windows."""
        try:
            self.grown.counted(values)
        except SlidesumError:
            return False
        return True

    def _point(self, values: Mapping[str, Number], declared: Mapping[str, int]) -> Row:
        found = self.grown.counted(values)
        multiples = {f"{key}_times": found[key] / declared[key] if declared[key] else None for key in ("parameters", "macs")}
        ratios = {name: _plain(Fraction(values[name])) for name in self.variables}
        sides = tuple(int(Fraction(ratios["ρ"]) * side.extent) for side in self.grown.sides) if "ρ" in ratios else ()
        return {**ratios, **({"extents": sides} if sides else {}), **found, **multiples}


def _powers(layers: Mapping[str, Mapping[str, Growth]], key: str, variable: str) -> str:
    """Such as "grow with α² in 56 layers, with α in 2 (conv1, fc)"."""
    found: dict[int, list[str]] = {}
    for name, counts in layers.items():
        if counts[key].formula != 0:
            found.setdefault(counts[key].degree(variable), []).append(name)
    parts: list[str] = []
    for degree, names in sorted(found.items(), reverse=True):
        many = f"{len(names)} layer{'s' if len(names) > 1 else ''}" if not parts else f"{len(names)}"
        listed = f" ({', '.join(names)})" if len(names) <= LISTED else ""
        how = "stay" if not degree else f"with {power(variable, degree)}" if parts else f"grow with {power(variable, degree)}"
        parts.append(f"{how} in {many}{listed}")
    return ", ".join(parts)


def power(variable: str, degree: int) -> str:
    """α, α², α³ …"""
    return variable if degree == 1 else pretty(f"{variable}**{degree}")


def _block(block: Sequence[str]) -> str:
    return block[0] if len(block) == 1 else f"{block[0]} to {block[-1]}"


def _ratio(value: Any) -> Fraction:
    try:
        found = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if found <= 0 or found > 10**6:
        raise UsageError(f"{value!r} is no size to vary to", advice="Write numbers above 0, such as 0.5, 3/4 or 2.")
    return found


def _plain(value: Number) -> Number:
    return int(value) if Fraction(value).denominator == 1 else value


def _told(value: Number) -> str:
    return str(value) if isinstance(value, int) or value.denominator < 10 else f"{float(value):.4g}"
