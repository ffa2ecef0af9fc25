"""From a network's work to the parts of a program: which kernel, which tile, which numbers, how many tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.engine.whole.candidates import Choose, Setting, candidates
from slidesum.engine.whole.emit_chosen import Filtering, write_filters
from slidesum.engine.whole.emit_depthwise import separable_part
from slidesum.engine.whole.emit_filters import by_group
from slidesum.engine.whole.emit_moves import moved_part
from slidesum.engine.whole.emit_rows import clear_part, edge_part, row_numbers
from slidesum.engine.whole.kernel import Kernel
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.pairs import Separates, Thins, Work, paired, spent
from slidesum.engine.whole.places import Form, Places, Spot, names_of
from slidesum.engine.whole.plan import Number, Outside, Part, Place, Plan, Ref, Step
from slidesum.engine.whole.pool import Pool
from slidesum.engine.whole.response import Response
from slidesum.engine.whole.rows import Combine
from slidesum.engine.whole.tables import pool_tables
from slidesum.engine.whole.units import Combines, Filters, Joins, Moves, Planned, Pools, Responds, Works
from slidesum.engine.whole.ways import Transformed
from slidesum.laws.count import count

Array = Any
Compute = Callable[[Node, Sequence[Array]], Array]
"""What computes a layer by its plan, from plain arrays."""


class Emitter:
    """Work by work; `levels` say when a result is there, by its name and form."""

    def __init__(self, graph: Graph, made: Works, setting: Setting, compute: Compute, choose: Choose) -> None:
        self.graph, self.setting, self.compute, self.choose = graph, setting, compute, choose
        self.works = paired(made.works, {node.name for node in graph.outputs})
        self.lowered, self.shapes, self.macs_of_lowered = made.lowered, made.shapes, made.macs
        self.asked: dict[str, int] = {}
        self.plan = Plan()
        self.places = Places(graph, self.works, made.shapes, setting.lanes, self.plan)
        self.levels: dict[tuple[str, Form], int] = {(node.name, "plain"): -1 for node in graph.inputs}
        self.cleared: set[int] = set()
        self.filtering: list[Filtering] = []

    def emitted(self) -> Plan:
        """The whole plan; what is asked for goes outside."""
        for number, node in enumerate(self.graph.outputs):
            if self.places.is_plain(node.name) and node.name in self.places.made_by:
                self.places.plains[node.name] = Outside(number, given=False)
        self._all_works()
        ranked = self.choose([found.problem for found in self.filtering], self.setting)
        write_filters(self.filtering, ranked, self.setting, self.plan)
        for number, node in enumerate(self.graph.outputs):
            place = Outside(number, given=False)
            if self.places.plains.get(node.name) == place:
                self._plain(node.name)
            else:
                if self.places.is_plain(node.name):
                    self._step(node.name, (node.name,), place, lambda arrays: arrays[0])
                else:
                    self._edge(node.name, self.places.spot(node.name), place, self._level((node.name, "blocked")), into=False)
        self.plan.parts = [replace(part, name=self.lowered.get(part.name, part.name)) for part in self.plan.parts]
        return self.plan

    def _all_works(self) -> None:
        """Each in turn, and then without its arrays: those that wait for a way hold them, as long as they wait."""
        for k, work in enumerate(self.works):
            self._work(work)
            self.works[k] = done = spent(work)
            self.places.made_by.update(dict.fromkeys(names_of(work), done))

    def _work(self, work: Work) -> None:
        if isinstance(work, Thins) and not self._thins(work):
            self._work(work.filters)
            self._work(work.pool)
            return
        layer = self.lowered.get(work.name, work.name)
        self.asked[layer] = self.asked.get(layer, 0) + self._macs_asked(work)
        match work:
            case Filters():
                self._filters(work)
            case Separates():
                self._separates(work)
            case Pools():
                self._pools(work)
            case Combines():
                self._combines(work)
            case Responds(name, x, op):
                source, y, level = self._blocked(x), self.places.spot(name), self._level((x, "blocked"))
                kernel = Response(self.setting.lanes, op.size, op.alpha, op.beta, op.k)
                self._rows(name, kernel, {"x": source, "y": y}, y.maps, level)
                self._made(name, level)
            case Joins():
                self._joins(work)
            case Moves() | Thins():  # the first when somebody wants it, in that form; the other is there
                pass
            case Planned(name, inputs, node):
                self._step(name, inputs, self.places.plain(name), lambda arrays: self.compute(node, arrays))

    # Where results are

    def _level(self, *needs: tuple[str, Form]) -> int:
        return 1 + max((self.levels[need] for need in needs), default=-1)

    def _made(self, name: str, level: int) -> None:
        self.levels[name, "blocked"] = level

    def _blocked(self, name: str, form: Form = "blocked") -> Spot:
        """Where it lies in blocks; what is plain is packed first."""
        spot = self.places.spot(name, form)
        if (name, form) not in self.levels:
            made = self.places.made_by.get(name)
            if isinstance(made, Moves) and form == "blocked" and self.places.inside.get(made.x) == name:
                self.levels[name, form] = self.levels[made.x, form]
            elif isinstance(made, Moves):
                self.levels[name, form] = self._moved(made, spot)
            else:
                level = self._level((name, "plain"))
                self._clear(spot, level)
                self._edge(name, spot, self.places.plain(name), level, into=True)
                self.levels[name, form] = level
        return spot

    def _plain(self, name: str) -> Place:
        place = self.places.plain(name)
        made = self.places.made_by.get(name)
        if (name, "plain") not in self.levels and isinstance(made, Moves):
            self.levels[name, "plain"] = self._moved(made, place)
        elif (name, "plain") not in self.levels:
            level = self._level((name, "blocked"))
            self._edge(name, self.places.spot(name), place, level, into=False)
            self.levels[name, "plain"] = level
        return place

    def _clear(self, spot: Spot, level: int) -> None:
        """Zeros around the cells of a buffer, once: when its first part is written."""
        if not spot.maps.is_bare and spot.buffer not in self.cleared:
            self.cleared.add(spot.buffer)
            self.plan.parts.append(clear_part(spot, self.setting.lanes, level))

    def _moved(self, work: Moves, to: Spot | Place) -> int:
        """Moved from where x is to there, and when."""
        in_blocks = (work.x, "blocked") in self.levels
        source = self._blocked(work.x) if in_blocks else self._plain(work.x)
        level = self._level((work.x, "blocked" if in_blocks else "plain"))
        if isinstance(to, Spot):
            self._clear(to, level)
        if np.array_equal(work.table.reshape(-1), np.arange(work.table.size)):  # only shapes change
            match source, to:
                case Spot(), Ref() | Outside():
                    self._edge(work.name, source, to, level, into=False)
                    return level
                case Ref() | Outside(), Spot():
                    self._edge(work.name, to, source, level, into=True)
                    return level
                case _:
                    pass
        lanes, threads = self.setting.lanes, self.setting.threads
        self.plan.parts.append(moved_part(work.name, work.table, source, to, lanes, threads, level, work.fill))
        return level

    def _filters(self, work: Filters) -> None:
        form = self.places.form(work)
        x, y = self._blocked(work.x, form), self.places.spot(work.name)
        needs: list[tuple[str, Form]] = [(work.x, form)]
        other = None
        if work.other is not None:
            other = self._blocked(work.other)
            needs.append((work.other, "blocked"))
        filters = None if work.w_from is None else self._plain(work.w_from)
        if work.w_from is not None:
            needs.append((work.w_from, "plain"))
        level = self._level(*needs)
        self._clear(y, level)
        for phase in work.parted():
            for group in by_group(phase, x, y, other, self.setting.lanes):
                self.filtering.append(Filtering(*group, level, len(self.plan.parts), filters))
        self._made(work.name, level if filters is None else level + 1)

    def _separates(self, work: Separates) -> None:
        x, y = self._blocked(work.first.x), self.places.spot(work.name)
        other = self._blocked(work.point.other) if work.point.other is not None else None
        level = self._level(*((name, "blocked") for name in (work.first.x, work.point.other) if name is not None))
        self._clear(y, level)
        part, scratch = separable_part(work, x, y, other, self.setting.host, self.setting.threads, level)
        self.plan.parts.append(part)
        self.plan.scratch = max(self.plan.scratch, scratch)
        self._made(work.name, level)

    def _thins(self, work: Thins) -> bool:
        """In one part, where Winograd's transforms are taken, and whether they are; the sum itself knows of no windows."""
        form = self.places.form(work.filters)
        x, y = self._blocked(work.filters.x, form), self.places.spot(work.name)
        level = self._level((work.filters.x, form))
        found = Filtering(work.together, x, y, None, level, len(self.plan.parts), None)
        ways = candidates(replace(found.problem, pools=False), self.setting)
        if not isinstance(next(filter(found.allows, ways)), Transformed):
            return False
        self._clear(y, level)
        self.filtering.append(replace(found, at=len(self.plan.parts)))
        self._made(work.name, level)
        return True

    def _pools(self, work: Pools) -> None:
        x, y, level = self._blocked(work.x), self.places.spot(work.name), self._level((work.x, "blocked"))
        window = work.what.window
        kernel = Pool(self.setting.lanes, work.what.reduce, 1 / math.prod(window.taps), work.tail)
        self._rows(work.name, kernel, {"x": x, "y": y}, y.maps, level, pool_tables(window, x.maps))
        self._made(work.name, level)

    def _combines(self, work: Combines) -> None:
        spots = [self._blocked(name) for name in work.inputs]
        y, level = self.places.spot(work.name), self._level(*((name, "blocked") for name in work.inputs))
        one = len(spots) > 1 and spots[1].maps.cells == (1, 1, 1) != y.maps.cells
        kernel = Combine(self.setting.lanes, work.how, work.tail, one)
        extra: dict[str, Number] = {}
        if one:
            extra["b_rows"] = np.zeros(y.maps.cells[0] * y.maps.cells[1], np.int64)
        self._rows(work.name, kernel, dict(zip("ab", spots, strict=False)) | {"y": y}, y.maps, level, extra)
        self._made(work.name, level)

    def _joins(self, work: Joins) -> None:
        y, block, levels = self.places.spot(work.name), 0, []
        for name in work.inputs:
            channels = int(self.shapes[name][1])
            if self.places.owners.get(name) == (work.name, block):
                levels.append(self.levels[name, "blocked"])
            else:
                source, level = self._blocked(name), self._level((name, "blocked"))
                part = Spot(y.maps.part(block, channels), y.buffer)
                self._rows(work.name, Combine(self.setting.lanes, "copy"), {"a": source, "y": part}, part.maps, level)
                levels.append(level)
            block += -(-channels // self.setting.lanes)
        self._made(work.name, max(levels))

    def _step(self, name: str, inputs: tuple[str, ...], to: Place, function: Callable[[Sequence[Array]], Array]) -> None:
        reads = tuple((self._plain(n), tuple(int(k) for k in self.shapes[n])) for n in inputs)
        level = self._level(*((n, "plain") for n in inputs))
        self.plan.steps.append(Step(name, function, reads, (to, tuple(int(k) for k in self.shapes[name])), level))
        self.levels[name, "plain"] = level

    def _rows(
        self,
        name: str,
        kernel: Kernel,
        spots: Mapping[str, Spot],
        cells: Maps,
        level: int,
        extra: Mapping[str, Number] | None = None,
    ) -> None:
        """A kernel that goes through rows of all these arrays, which have the same maps as y."""
        self._clear(spots["y"], level)
        numbers, tasks = row_numbers(spots, cells, self.setting.threads)
        size = cells.values * 4
        self.plan.parts.append(Part(name, kernel, {**numbers, **(extra or {})}, tasks, level, bytes=size * len(spots)))

    def _edge(self, name: str, spot: Spot, plain: Place, level: int, *, into: bool) -> None:
        """Into blocks or out of them."""
        self.plan.parts.append(edge_part(name, spot, plain, self.setting.lanes, self.setting.threads, level, into=into))

    def _macs_asked(self, work: Work) -> int:
        """The multiply-adds that the equations behind a work ask for."""
        match work:
            case Separates(first=first, point=point):
                return self._macs_asked(first) + self._macs_asked(point)
            case Thins(filters=filters, pool=pool):
                return self._macs_asked(filters) + self._macs_asked(pool)
            case _ if work.name in self.macs_of_lowered:
                return self.macs_of_lowered[work.name]
            case Filters(what=what, name=name) if name in self.graph:
                return int(self.shapes[name][0]) * what.macs if work.counts else 0
            case Planned(node=node):
                return int(count(node.sized).macs) if node.sized is not None else 0
            case _:
                return 0
