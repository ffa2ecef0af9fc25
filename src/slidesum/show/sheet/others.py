"""The formula of a cell whose layer is no equation: what `show.other` says is read, as cells.

What many values need alike, the mean of a norm or the largest score of a softmax, stands in cells of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core import ops
from slidesum.core.network import Node
from slidesum.show.other import of_other
from slidesum.show.sheet.area import Area, Cell
from slidesum.show.sheet.functions import COMBINATIONS, applied, number, of_many
from slidesum.show.sheet.layout import LayerSheet, Layout
from slidesum.show.sheet.names import cell, quoted
from slidesum.show.sheet.patches import patches, range_text
from slidesum.show.term import Place


class OtherFormulas:
    """The formulas of one layer; `values` and `before` are the numbers that it keeps and reads."""

    def __init__(self, layout: Layout, sheet: LayerSheet, values: Mapping[str, Any], before: Sequence[Any]) -> None:
        self.layout, self.sheet, self.node = layout, sheet, sheet.node
        self.values, self.before = values, before
        self._read = [layout.results[name] for name in sheet.node.inputs]

    def text(self, at: Place) -> str | None:
        """The formula of the value at `at`, without its '='; None where it is a number that nothing is read for."""
        node = self.node
        match node.op:
            case ops.Activation(function, options):
                return applied(function, options, self._x(at))
            case ops.Dropout():
                return self._x(at)
            case ops.BatchNorm(axis, epsilon, affine):
                own: Place = (at[axis],)
                mean, variance = self._own("mean", own), self._own("variance", own)
                told = f"({self._x(at)}-{mean})/SQRT({variance}+{number(epsilon)})"
                return f"{told}*{self._own('scale', own)}+{self._own('shift', own)}" if affine else told
            case ops.LayerNorm(axes, epsilon, scale, shift, centred):
                own = tuple(at[axis] for axis in axes)
                where = tuple(0 if k in {axis % len(at) for axis in axes} else n for k, n in enumerate(at))
                return self._scaled(self._standard(at, where, epsilon, centred), own, scale, shift)
            case ops.GroupNorm(groups, epsilon, affine):
                where = (at[0], at[1] // (self.sheet.result.shape[1] // groups), *(0 for _ in at[2:]))
                return self._scaled(self._standard(at, where, epsilon, True), (at[1],), affine, affine)
            case ops.LocalResponseNorm(_, alpha, beta, k):
                energy = of_many("SUMSQ", self._ranges(self._cells(at)))
                return f"{self._x(at)}/POWER({number(k)}+{number(alpha)}*{energy},{number(beta)})"
            case ops.Softmax(axis):
                where = tuple(0 if k == axis % len(at) else n for k, n in enumerate(at))
                return f"EXP({self._x(at)}-{self._helper('largest', where)})/{self._helper('sum', where)}"
            case ops.Distance():
                centres = self.sheet.fixed["centres"]
                pairs = [(area.cell(place), centres.cell((at[1], place[1]))) for area, place in self._cells(at)]
                return "+".join(self._squares(pairs))
            case ops.Elementwise(function):
                a, b = (self._ref(area, place) for area, place in self._cells(at))
                return COMBINATIONS[function].format(a=a, b=b)
            case ops.Add():
                return "+".join(self._ref(area, place) for area, place in self._cells(at))
            case ops.Stored():
                return self._own("value", at)
            case ops.Concat() | ops.Slice() | ops.Take() | ops.Reshape() | ops.Pad():
                return next((self._ref(area, place) for area, place in self._cells(at)), None)
            case _:
                raise AssertionError(type(node.op).__name__)

    def helper(self, name: str, at: Place) -> str:
        """The formula of a helper's value."""
        node = self.node
        first = at
        if isinstance(node.op, ops.GroupNorm):
            first = (at[0], at[1] * (self.sheet.result.shape[1] // node.op.groups), *at[2:])
        cells = self._cells(first)
        ranges = self._ranges(cells)
        match name:
            case "largest":
                return of_many("MAX", ranges)
            case "sum":
                largest = self._helper("largest", at)
                return "+".join(f"SUMPRODUCT(EXP({one}-{largest}))" if ":" in one else f"EXP({one}-{largest})" for one in ranges)
            case "mean":
                return of_many("SUM", ranges) + f"/{len(cells)}"
            case _:
                centred = not (isinstance(node.op, ops.LayerNorm) and not node.op.centred)
                return of_many("DEVSQ" if centred else "SUMSQ", ranges) + f"/{len(cells)}"

    # Cells

    def _cells(self, at: Place) -> list[tuple[Area, Place]]:
        """What `show.other` says is read at this place."""
        terms = of_other(self.node, self.values, self.before, at)["terms"]
        return [(self._read[term.origin], term.cell) for term in terms]

    def _ranges(self, cells: Sequence[tuple[Area, Place]]) -> list[str]:
        sheet = self._sheet(cells[0][0])
        return [range_text(patch, 0, sheet, (0, 0)) for patch in patches([(area.cell(place),) for area, place in cells])]

    def _squares(self, pairs: Sequence[tuple[Cell, Cell]]) -> list[str]:
        sheet = self._sheet(self._read[0])
        found = []
        for patch in patches(pairs):
            x, centre = range_text(patch, 0, sheet, (0, 0)), range_text(patch, 1, "", (0, 0))
            found.append(f"SUMXMY2({x},{centre})" if all(patch.moves) else f"POWER({x}-{centre},2)")
        return found

    def _standard(self, at: Place, where: Place, epsilon: float, centred: bool) -> str:
        mean = f"({self._x(at)}-{self._helper('mean', where)})" if centred else self._x(at)
        return f"{mean}/SQRT({self._helper('square', where)}+{number(epsilon)})"

    def _scaled(self, told: str, own: Place, scale: bool, shift: bool) -> str:
        told = f"{told}*{self._own('scale', own)}" if scale else told
        return f"{told}+{self._own('shift', own)}" if shift else told

    def _x(self, at: Place) -> str:
        return self._ref(self._read[0], at)

    def _own(self, name: str, at: Place) -> str:
        return self._ref(self.layout.arrays[f"{self.node.owner}.{name}"], at)

    def _helper(self, name: str, at: Place) -> str:
        return self._ref(self.sheet.helpers[name], at)

    def _ref(self, area: Area, at: Place) -> str:
        return self._sheet(area) + cell(*area.cell(at))

    def _sheet(self, area: Area) -> str:
        return "" if area.sheet == self.sheet.name else quoted(area.sheet)


def constant_of(node: Node, values: Mapping[str, Any], before: Sequence[Any], at: Place) -> float:
    """The number of a cell that nothing is read for: beyond the edge of a padding."""
    return float(np.asarray(of_other(node, values, before, at)["before"]))
