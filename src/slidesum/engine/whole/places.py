"""Where every result of a network lies: in blocks in the arena, plain, or both; with which halo; as a part of which other result.

blocked   what kernels write and read
thin      maps that lie by themselves, with a halo: what a first layer reads of few maps
plain     what comes from outside and goes there, and what plans compute with
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.sizes import Size
from slidesum.engine.whole.maps import BARE, FEW, Halo, Maps
from slidesum.engine.whole.pairs import Separates, Thins, Work
from slidesum.engine.whole.plan import Outside, Place, Plan, Ref
from slidesum.engine.whole.units import Filters, Joins, Moves, Planned
from slidesum.engine.whole.work import can_lie_in_blocks, cells_of

Form = Literal["blocked", "thin", "plain"]


@dataclass(frozen=True)
class Spot:
    """Maps in a buffer."""

    maps: Maps
    buffer: int

    def ref(self, block: int = 0) -> Ref:
        """Where a block of the first sample begins, at its first cell."""
        return Ref(self.buffer, self.maps.at(0, block, (0, 0, 0)))


class Places:
    """The places of a network's results; buffers are made as they are asked for."""

    def __init__(self, graph: Graph, works: Sequence[Work], shapes: Mapping[str, tuple[Size, ...]], lanes: int, plan: Plan) -> None:
        self.shapes, self.lanes, self.plan = shapes, lanes, plan
        self.made_by: dict[str, Work] = {name: work for work in works for name in names_of(work)}
        self.halos: dict[tuple[str, Form], Halo] = {}
        self.owners: dict[str, tuple[str, int]] = {}
        self.spots: dict[tuple[str, Form], Spot] = {}
        self.plains: dict[str, Place] = {node.name: Outside(k, given=True) for k, node in enumerate(graph.inputs)}
        for work in works:
            if isinstance(work, Filters):
                for halo in work.halos:
                    self._widen(work.x, self.form(work), halo)
            if isinstance(work, Separates):
                self._widen(work.first.x, "blocked", work.first.what.window.halo)
            if isinstance(work, Thins):
                self._widen(work.filters.x, self.form(work.filters), work.filters.what.window.halo)
            if isinstance(work, Joins):
                self._join(work)
        self.inside = {work.x: work.name for work in works if isinstance(work, Moves) and self._regroups(work)}
        for name, whole in self.inside.items():
            self._widen(whole, "blocked", self.halos.get((name, "blocked"), BARE))

    def is_plain(self, name: str) -> bool:
        """Whether it isn't made in blocks: it comes from outside, a plan computes it, or it is only moved, as it is wanted."""
        return name not in self.made_by or isinstance(self.made_by[name], Planned | Moves)

    def form(self, work: Filters) -> Form:
        """In which form filters read x."""
        shape = self.shapes[work.x]
        is_thin = self.is_plain(work.x) and work.what.groups == 1 and int(shape[1]) <= FEW
        return "thin" if is_thin else "blocked"

    def _widen(self, name: str, form: Form, halo: tuple[tuple[int, int], ...]) -> None:
        before = self.halos.get((name, form), BARE)
        z, i, j = (
            (max(low, more_low), max(high, more_high)) for (low, high), (more_low, more_high) in zip(before, halo, strict=True)
        )
        self.halos[name, form] = (z, i, j)

    def _join(self, work: Joins) -> None:
        """Whoever isn't a part of another result yet is written where it belongs."""
        block = 0
        for name in work.inputs:
            if not self.is_plain(name) and name not in self.owners and work.inputs.count(name) == 1:
                self.owners[name] = (work.name, block)
            block += -(-int(self.shapes[name][1]) // self.lanes)

    def _regroups(self, work: Moves) -> bool:
        """Whether whole blocks of samples are only told to be maps of fewer samples: as results of type 1 are."""
        x, y = (tuple(int(n) for n in self.shapes[name]) for name in (work.x, work.name))
        if not (can_lie_in_blocks(x) and can_lie_in_blocks(y)):
            return False
        if self.is_plain(work.x) or work.x in self.owners or cells_of(x) != cells_of(y) or x[1] % self.lanes or y[1] % x[1]:
            return False
        return x[0] * x[1] == y[0] * y[1] and np.array_equal(work.table.reshape(-1), np.arange(work.table.size))

    def root(self, name: str) -> tuple[str, int]:
        """The result whose buffer it is in, and its first block there."""
        first = 0
        while name in self.owners:
            name, block = self.owners[name]
            first += block
        return name, first

    def spot(self, name: str, form: Form = "blocked") -> Spot:
        """Where it lies in blocks, or thin."""
        if (name, form) not in self.spots:
            root, first = self.root(name) if form == "blocked" else (name, 0)
            if form == "blocked" and name in self.inside:
                whole = self.spot(self.inside[name])
                batch, channels = (int(n) for n in self.shapes[name][:2])
                self.spots[name, form] = Spot(whole.maps.regrouped(batch, channels), whole.buffer)
            elif root != name:
                whole = self.spot(root, form)
                self.spots[name, form] = Spot(whole.maps.part(first, int(self.shapes[name][1])), whole.buffer)
            else:
                for part in self.owners if form == "blocked" else ():
                    if self.root(part)[0] == name:
                        self._widen(name, form, self.halos.get((part, form), BARE))
                shape = self.shapes[name]
                lanes = 1 if form == "thin" else self.lanes
                maps = Maps(int(shape[0]), int(shape[1]), cells_of(shape), self.halos.get((name, form), BARE), lanes)
                if form == "blocked" and name in self.inside.values():
                    maps = maps.close()
                self.spots[name, form] = Spot(maps, self.plan.buffer(maps.size))
        return self.spots[name, form]

    def plain(self, name: str) -> Place:
        """Where it lies plain."""
        if name not in self.plains:
            self.plains[name] = Ref(self.plan.buffer(math.prod(int(n) for n in self.shapes[name])))
        return self.plains[name]


def names_of(work: Work) -> tuple[str, ...]:
    """The results that a work may put into a place."""
    return (work.filters.name, work.name) if isinstance(work, Thins) else (work.name,)
