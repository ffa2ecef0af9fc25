"""What can be asked of an equation's structure: the vocabulary in which `laws/kind.py` states its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from slidesum.core.axis import Merged, One, indices
from slidesum.core.equation import Equation
from slidesum.laws.roles import Role, batch, on_filters


@dataclass(frozen=True, slots=True)
class Structure:
    """What the tests of the table ask for."""

    equation: Equation
    role: Mapping[str, Role]

    def has(self, *wanted: Role) -> bool:
        return any(role in wanted for role in self.role.values())

    def names(self, *wanted: Role) -> tuple[str, ...]:
        return tuple(name for name, role in self.role.items() if role in wanted)

    @property
    def multiplies(self) -> bool:
        return len(self.equation.operands) > 1

    @property
    def slides(self) -> bool:
        return any(number >= 0 for number, _, _ in self.equation.addresses())

    @property
    def crops(self) -> bool:
        """Every address is a position and a constant that leads into the array, such as i+4."""
        found = [address for _, _, address in self.equation.addresses()]
        moved = [a.constant >= 0 and [(t.number, t.factor) for t in a.terms] == [(1, "")] for a in found]
        return bool(moved) and all(moved) and not self.scatters

    @property
    def scatters(self) -> bool:
        return any(number < 0 for number, _, _ in self.equation.addresses())

    @property
    def weighted_positions(self) -> bool:
        """A position of an address of x stands bare on a filter: that filter is another one at every place."""
        x = {self.equation.position(number, address) for number, _, address in self.equation.addresses() if number == 0}
        return any(name in x for operand in self.equation.operands[1:] for name in operand.bare) and not self.scatters

    @property
    def slides_on_filters(self) -> bool:
        return any(number > 0 for number, _, _ in self.equation.addresses())

    @property
    def weighted_batch(self) -> bool:
        name = batch(self.equation)
        return name is not None and name in on_filters(self.equation)

    @property
    def taps_on_filters(self) -> bool:
        return any(name in on_filters(self.equation) for name in self.names("tap"))

    @property
    def taps_on_x(self) -> bool:
        return set(self.names("tap")) <= set(self.equation.operands[0].indices)

    @property
    def all_but_batch_summed(self) -> bool:
        x = self.equation.operands[0]
        return all(self.role[name] in ("summed", "pooled", "batch") for name in x.indices)

    @property
    def last_axis_exchanged(self) -> bool:
        """The last axis of x is summed, a new one takes its place; filters with axes of one are a window of one cell."""
        x, y = self.equation.operands[0].axes, self.equation.result.axes
        if any(isinstance(axis, One) for operand in self.equation.operands[1:] for axis in operand.axes):
            return False
        return bool(x and y) and self._all(indices(x[-1]), "summed") and self._all(indices(y[-1]), "filter")

    def _all(self, names: Sequence[str], wanted: Role) -> bool:
        return bool(names) and all(self.role[name] == wanted for name in names)

    @property
    def separable(self) -> bool:
        """x, then one operand with all the taps over a map of its own, then one that mixes those maps."""
        if len(self.equation.operands) != 3:
            return False
        first, second = (set(operand.indices) for operand in self.equation.operands[1:])
        taps, summed = set(self.names("tap")), set(self.names("summed"))
        return (
            bool(taps)
            and taps <= first
            and not taps & second
            and summed <= first & second
            and bool(second - first)
            and bool(summed)
        )

    @property
    def pools_part_of_an_axis(self) -> bool:
        return any(
            isinstance(axis, Merged) and {self.role[n] for n in axis.names} >= {"pooled", "kept"}
            for axis in self.equation.operands[0].axes
        )

    @property
    def pools_the_trailing_axes(self) -> bool:
        summed = self._pooled_axes()
        return any(summed) and not any(a and not b for a, b in pairwise(summed)) and not all(summed[1:2])

    @property
    def pools_between_first_and_last(self) -> bool:
        """Two axes or more, all that lie between: the places of maps that stand last. A single one may be the maps."""
        summed = self._pooled_axes()
        return len(summed) > 3 and summed == [False, *[True] * (len(summed) - 2), False]

    def _pooled_axes(self) -> list[bool]:
        """Whether each axis of x, those of one cell left out, is pooled as a whole."""
        axes = self.equation.operands[0].axes
        return [all(self.role[n] == "pooled" for n in indices(axis)) for axis in axes if indices(axis)]
