"""A network's counts as polynomials in its width, depth, resolution and batch.

    width        α   the filters of every layer times α, see `laws.width`
    depth        d   every block that can be repeated d times in a row, see `laws.repeat`
    resolution   ρ   the extents of the input's axes behind the maps times ρ
    batch        β   the first axis of every input times β

Width and batch multiply sizes by a symbol, and every count is an exact polynomial in it. So is depth: what is repeated counts d
times. A resolution passes floors, (n + 2p - k)//s + 1, which are no polynomial; but with a total stride S along an axis, all of
them are met alike on every S-th size. So the extent n is written S·t + r with r = n mod S and t a symbol: there the floors are
whole, and with t = (ρ·n - r)/S the polynomial is exact on these sizes, the declared one among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.core.sizes import Size, size, tidy
from slidesum.draft.vary import Change, varied
from slidesum.errors import SizeError, SlidesumError, UsageError
from slidesum.laws.graph import reaches
from slidesum.laws.growth import QUANTITIES, Growth, Number, quantities
from slidesum.laws.repeat import repeatable
from slidesum.laws.width import widened

SYMBOLS: Mapping[str, str] = {"width": "α", "depth": "d", "resolution": "ρ", "batch": "β"}


@dataclass(frozen=True, slots=True)
class Side:
    """An axis of the input that is varied: its extent is step·t + rest, here and on the other sizes that are met alike."""

    axis: str
    extent: int
    step: int

    @property
    def rest(self) -> int:
        return self.extent % self.step

    def __str__(self) -> str:
        more = f"{self.rest} more than " if self.rest else ""
        return f"{self.axis} is {more}a multiple of {self.step}" if self.step > 1 else f"{self.axis} is any size"


class Grown:
    """The counts of a network as formulas in what is varied, one of them or several."""

    def __init__(self, graph: Graph, vary: Sequence[str]) -> None:
        unknown = next((word for word in vary if word not in SYMBOLS), None)
        if unknown is not None or not vary or len(set(vary)) < len(vary):
            raise UsageError(
                f"what is varied is not {unknown!r}" if unknown is not None else "what is varied is named once each",
                usual=f"There are {', '.join(SYMBOLS)}.",
                advice='Write vary="width", or several: vary=("width", "resolution").',
            )
        if graph.symbols:
            raise SizeError(
                f"{graph.name} has open sizes: {', '.join(graph.symbols)}",
                usual="What is varied begins with a network whose sizes are numbers.",
                advice=f"Give them numbers: {', '.join(f'{s}=8' for s in graph.symbols)}.",
            )
        self.graph, self.vary = graph, tuple(vary)
        self.variables = tuple(SYMBOLS[word] for word in vary)
        self.wide = widened(graph) if "width" in vary else {}
        self.blocks = repeatable(graph) if "depth" in vary else ()
        self.sides = tuple(_sides(graph)) if "resolution" in vary else ()
        self._check()

    def _check(self) -> None:
        missing = {
            "width": ("no filters but those that make its outputs", bool(self.wide)),
            "depth": ("no block whose result has the shape of what it reads", bool(self.blocks)),
            "resolution": ("no axis behind the maps", bool(self.sides)),
        }
        for word, (what, there) in missing.items():
            if word in self.vary and not there:
                raise UsageError(f"the {word} of {self.graph.name} can't be varied: it has {what}", advice="Vary something else.")

    @cached_property
    def layers(self) -> Mapping[str, Mapping[str, Growth]]:
        """The formulas of every layer, by its name. Raises SlidesumError where no formula can be had."""
        change = Change(
            size("α") if "width" in self.vary else 1,
            size("β") if "batch" in self.vary else 1,
            {side.axis: tidy(side.step * size(_symbol(side)) + side.rest) for side in self.sides},
        )
        times = {name: size("d") for block in self.blocks for name in block}
        found = quantities(varied(self.graph, change))
        return {
            name: {key: Growth(self._finished(value * times.get(name, 1)), self.variables) for key, value in counts.items()}
            for name, counts in found.items()
        }

    @cached_property
    def formulas(self) -> Mapping[str, Growth] | None:
        """The totals; None where they are no polynomials, or none that tell the declared network."""
        try:
            layers = self.layers
        except SlidesumError:
            if "resolution" not in self.vary:
                raise
            return None
        found = {key: Growth(tidy(sum(counts[key].formula for counts in layers.values())), self.variables) for key in QUANTITIES}
        if not all(growth.is_polynomial for growth in found.values()):
            return None
        for values in ({}, *self._elsewhere()):
            counts = self.counted(values)
            if any(growth.at(values) != counts[key] for key, growth in found.items()):
                return None
        return found

    def _elsewhere(self) -> Iterator[dict[str, Number]]:
        """A larger resolution on the grid, to see that the network can be built there and counts what the formula says.

        Formulas can't tell whether arrays that meet have one extent; numbers can.
        """
        for more in range(1, 65):
            ratio = next((1 + Fraction(more * side.step, side.extent) for side in self.sides), None)
            if ratio is not None and self.on_grid({"ρ": ratio}):
                yield {"ρ": ratio}
                return

    def counted(self, values: Mapping[str, Number]) -> dict[str, int]:
        """The counts of the network in this size, built and counted; by the variables' names, 1 where none is given."""
        self.refuse(values)
        ratio = Fraction(values.get("ρ", 1))
        change = Change(
            _number(values.get("α", 1)),
            _number(values.get("β", 1)),
            {side.axis: int(ratio * side.extent) for side in self.sides},
        )
        times = {name: values.get("d", 1) for block in self.blocks for name in block}
        found = quantities(varied(self.graph, change))
        return {key: int(sum(counts[key] * times.get(name, 1) for name, counts in found.items())) for key in QUANTITIES}

    def refuse(self, values: Mapping[str, Number]) -> None:
        """Raise SizeError where a size would be no whole number."""
        for name, of, n in self._multiplied(values):
            if Fraction(n).denominator != 1 or n < 1:
                raise SizeError(
                    f"{name} would have {float(n):g} {of}",
                    usual="Every size of a network is a whole number.",
                    advice="Give numbers that make all of them whole.",
                )

    def fits(self, values: Mapping[str, Number]) -> bool:
        """Whether every size is a whole number, and the resolution one at which the polynomial is exact."""
        whole = all(Fraction(n).denominator == 1 and n >= 1 for _, _, n in self._multiplied(values))
        return whole and self.on_grid(values)

    def on_grid(self, values: Mapping[str, Number]) -> bool:
        """Whether the floors are met as at the declared size."""
        ratio = Fraction(values.get("ρ", 1))
        return all((ratio * side.extent - side.rest) % side.step == 0 for side in self.sides)

    def _multiplied(self, values: Mapping[str, Number]) -> Iterator[tuple[str, str, Number]]:
        for name, wide in self.wide.items():
            sized = self.graph[name].sized
            assert sized is not None
            yield from ((name, "filters", sized.extents[index] * values.get("α", 1)) for index in wide)
        yield from (("the input", f"cells along {side.axis}", side.extent * values.get("ρ", 1)) for side in self.sides)
        if "d" in values:
            yield "the network", "of each block", values["d"]
        if "β" in values:
            yield from ((node.name, "samples", node.shape[0] * values["β"]) for node in self.graph.inputs)

    def _finished(self, formula: Any) -> Any:
        """A formula with the resolution in place of the symbols on the grid."""
        if not self.sides or not hasattr(formula, "free_symbols"):
            return tidy(formula)
        import sympy

        there = {str(s): s for s in formula.free_symbols}
        ratio: Any = size("ρ")
        swapped = {
            there[_symbol(side)]: (ratio * side.extent - side.rest) / sympy.Integer(side.step)
            for side in self.sides
            if _symbol(side) in there
        }
        return sympy.expand(formula.subs(swapped, simultaneous=True))


def _sides(graph: Graph) -> Iterator[Side]:
    """The varied axes: those of the inputs behind the batch and the maps."""
    found = reaches(graph)
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        for name, extent in list(zip(node.op.names, node.shape, strict=True))[2:]:
            strides = [Fraction(reach[name].stride) for reach in found.values() if name in reach]
            step = math.lcm(*(abs(stride.numerator) for stride in strides if stride))
            yield Side(name, int(extent), step)


def _symbol(side: Side) -> str:
    """Axes of one extent that are met alike grow alike: one symbol."""
    return f"t_{side.extent}_{side.step}"


def _number(value: Number) -> Size:
    return value  # a fraction multiplies sizes, and every product is whole
