"""Filters as parts, once all of a network's are known: then the way of each is chosen, and its parts are put where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from slidesum.engine.whole.candidates import Ranked, Setting
from slidesum.engine.whole.emit_moves import moved_part
from slidesum.engine.whole.emit_ways import parts_of
from slidesum.engine.whole.emit_winograd import rounds_well
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Part, Place, Plan, Ref
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Problem, Transformed, Way

Array = Any


@dataclass(frozen=True, eq=False)
class Filtering:
    """Filters whose way isn't chosen yet; `at` is the number of parts before them, `rounds` what was measured of them by now."""

    work: Filters
    x: Spot
    y: Spot
    other: Spot | None
    level: int
    at: int
    filters: Place | None
    rounds: dict[int, bool] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        return Problem.of(self.work, self.x.maps, self.y.maps, self.other.maps if self.other else None)

    def allows(self, way: Way) -> bool:
        """Whether these filters may be computed in a way."""
        if not isinstance(way, Transformed):
            return True
        if way.outputs not in self.rounds:
            self.rounds[way.outputs] = rounds_well(self.work.w, way.outputs)
        return self.rounds[way.outputs]


def write_filters(filtering: list[Filtering], ranked: Ranked, setting: Setting, plan: Plan) -> None:
    """The parts of all filters, each in the best way that its filters allow; the list is empty then, and holds no arrays."""
    while filtering:
        found = filtering.pop()
        way, seconds = next(entry for entry in ranked[found.problem] if found.allows(entry[0]))
        parts, scratch = parts_of(found.work, found.x, found.y, found.other, way, setting, found.level)
        parts[0] = replace(parts[0], seconds=seconds)
        if found.filters is not None:
            parts = [own for part in parts for own in _with_filters(part, found.filters, setting, plan)]
        plan.parts[found.at : found.at] = parts
        plan.scratch = max(plan.scratch, scratch)


def _with_filters(part: Part, filters: Place, setting: Setting, plan: Plan) -> Iterator[Part]:
    """Before a part whose filters are results, these are laid as it reads them."""
    table = part.numbers.get("w")
    if not isinstance(table, np.ndarray) or not table.size:
        yield part
        return
    place = Ref(plan.buffer(table.size))
    yield moved_part(part.name, table - 1, filters, place, setting.lanes, setting.threads, part.level)
    yield replace(part, numbers={**part.numbers, "w": place}, level=part.level + 1)
