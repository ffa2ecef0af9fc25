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
from slidesum.core.ops import Input, Slice
from slidesum.core.sizes import Size, is_number, size, tidy
from slidesum.draft.vary import Change, varied
from slidesum.errors import SizeError, SlidesumError, UsageError
from slidesum.laws.growth import QUANTITIES, Growth, Number, quantities
from slidesum.laws.repeat import repeatable
from slidesum.laws.roles import batch
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
        self.sampled = _sampled(graph) if "batch" in vary else frozenset()
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
            positions={side.axis: tidy(side.step * size(_symbol(side)) + side.rest) for side in self.sides},
        )
        symbols = {"d": size("d"), "β": size("β")}
        return {
            name: {key: Growth(self._finished(value), self.variables) for key, value in counts.items()}
            for name, counts in self._repeated(change, symbols).items()
        }

    def _repeated(self, change: Change, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The counts layer by layer: of every copy of a block, and of every sample of the batch."""
        found = quantities(self.graph if change == Change() else varied(self.graph, change))
        repeated = {name for block in self.blocks for name in block}
        return {
            name: {
                key: count
                * (values.get("d", 1) if name in repeated else 1)
                * (values.get("β", 1) if name in self.sampled and key != "parameters" else 1)
                for key, count in counts.items()
            }
            for name, counts in found.items()
        }

    @cached_property
    def formulas(self) -> Mapping[str, Growth] | None:
        """The totals; None where they are no polynomials, or none that tell the declared network."""
        elsewhere = ({}, *self._elsewhere())
        try:
            layers = self.layers
        except SlidesumError:
            if not self.sides:
                raise
            for values in elsewhere:  # where numbers don't fit either, they say why
                self.counted(values)
            return None
        found = {key: Growth(tidy(sum(counts[key].formula for counts in layers.values())), self.variables) for key in QUANTITIES}
        if not all(growth.is_polynomial for growth in found.values()):
            return None
        for values in elsewhere:
            counts = self.counted(values)
            if any(growth.at(values) != counts[key] for key, growth in found.items()):
                return None
        return found

    def _elsewhere(self) -> Iterator[dict[str, Number]]:
        """Another size, to see that the network can be built there and counts what the formula says.

        Formulas can't tell whether arrays that meet have one extent; numbers can.
        """
        wider: dict[str, Number] = {"α": 2} if self.wide else {}
        ratios = (1 + Fraction(more * side.step, side.extent) for side in self.sides[:1] for more in range(1, 65))
        ratio = next((ratio for ratio in ratios if self.on_grid({"ρ": ratio})), None)
        if wider or ratio is not None:
            yield wider if ratio is None else {**wider, "ρ": ratio}

    def counted(self, values: Mapping[str, Number]) -> dict[str, int]:
        """The counts of the network in this size, built and counted; by the variables' names, 1 where none is given."""
        self.refuse(values)
        ratio = Fraction(values.get("ρ", 1))
        change = Change(
            _number(values.get("α", 1)),
            positions={side.axis: int(ratio * side.extent) for side in self.sides} if ratio != 1 else {},
        )
        found = self._repeated(change, values)
        return {key: int(sum(counts[key] for counts in found.values())) for key in QUANTITIES}

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
    step = _step(graph)
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        for name, extent in list(zip(node.op.names, node.shape, strict=True))[2:]:
            yield Side(name, int(extent), step)


def _step(graph: Graph) -> int:
    """A common multiple of what the paths divide positions by: on each of them the product of its strides.

    A stride of one axis counts for all of them: the grid may be coarser than it must be, and is never too fine.
    """
    found: dict[str, int] = {}
    for node in graph:
        own = [abs(slide.stride) for (number, _), slide in node.sized.slides.items() if number >= 0] if node.sized else []
        own += [node.op.step] if isinstance(node.op, Slice) else []
        before = math.lcm(*(found[name] for name in node.inputs))
        found[node.name] = before * math.lcm(*(int(stride) for stride in own if is_number(stride) and stride))
    return math.lcm(*found.values())


def _sampled(graph: Graph) -> frozenset[str]:
    """The layers that compute something for every sample of the batch. Raises UsageError where samples aren't computed alike."""
    found: set[str] = set()
    for node in graph:
        if isinstance(node.op, Input) or found & set(node.inputs):
            found.add(node.name)
        if node.sized is not None and any(batch(node.sized.equation) in filter.indices for filter in node.sized.filters):
            raise UsageError(
                f"the batch of {graph.name} can't be varied: {node.name} has filters for single samples",
                advice="Vary something else.",
            )
    return frozenset(found)


def _symbol(side: Side) -> str:
    """Axes of one extent that are met alike grow alike: one symbol."""
    return f"t_{side.extent}_{side.step}"


def _number(value: Number) -> Size:
    return value  # a fraction multiplies sizes, and every product is whole
