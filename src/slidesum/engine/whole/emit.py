"""From a network's work to the parts of a program: which kernel, which tile, which numbers, how many tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slidesum.core.network import Graph, Node
from slidesum.engine.host import Host
from slidesum.engine.whole.edges import Pack, Unpack
from slidesum.engine.whole.emit_depthwise import depthwise_part, separable_part
from slidesum.engine.whole.emit_filters import by_group, direct_parts
from slidesum.engine.whole.emit_winograd import winograd_part
from slidesum.engine.whole.kernel import Kernel
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.pairs import Separates, Thins, Work
from slidesum.engine.whole.places import Form, Places, Spot
from slidesum.engine.whole.pool import Pool
from slidesum.engine.whole.program import Number, Outside, Part, Place, Plan, Ref, Step
from slidesum.engine.whole.response import Response
from slidesum.engine.whole.rows import Clear, Combine, rows_cut
from slidesum.engine.whole.tables import pool_tables, row_table
from slidesum.engine.whole.work import Combines, Filters, Joins, Planned, Pools, Responds
from slidesum.laws.count import count

Array = Any
Compute = Callable[[Node, Sequence[Array]], Array]
"""What computes a layer by its plan, from plain arrays."""


@dataclass(frozen=True)
class Setting:
    """What code is made for."""

    host: Host
    threads: int
    exact: bool

    @property
    def lanes(self) -> int:
        return self.host.bytes_wide // 4


class Emitter:
    """Work by work; `levels` say when a result is there, by its name and form."""

    def __init__(self, graph: Graph, works: Sequence[Work], setting: Setting, compute: Compute) -> None:
        self.graph, self.works, self.setting, self.compute = graph, works, setting, compute
        self.plan = Plan()
        self.places = Places(graph, works, setting.lanes, self.plan)
        self.levels: dict[tuple[str, Form], int] = {(node.name, "plain"): -1 for node in graph.inputs}
        self.cleared: set[int] = set()
        self.asked: dict[str, int] = {}

    def emitted(self) -> Plan:
        """The whole plan; what is asked for goes outside."""
        for number, node in enumerate(self.graph.outputs):
            if self.places.is_plain(node.name) and node.name in self.places.made_by:
                self.places.plains[node.name] = Outside(number, given=False)
        for work in self.works:
            self._work(work)
        for number, node in enumerate(self.graph.outputs):
            place = Outside(number, given=False)
            if self.places.plains.get(node.name) != place:
                if self.places.is_plain(node.name):
                    self._step(node.name, (node.name,), place, lambda arrays: arrays[0])
                else:
                    self._edge(node.name, self.places.spot(node.name), place, self._level((node.name, "blocked")), into=False)
        return self.plan

    def _work(self, work: Work) -> None:
        self.asked[work.name] = self._macs_asked(work)
        match work:
            case Filters():
                self._filters(work)
            case Separates():
                self._separates(work)
            case Thins():
                self._thins(work)
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
            level = self._level((name, "plain"))
            self._clear(spot, level)
            self._edge(name, spot, self.places.plain(name), level, into=True)
            self.levels[name, form] = level
        return spot

    def _plain(self, name: str) -> Place:
        place = self.places.plain(name)
        if (name, "plain") not in self.levels:
            level = self._level((name, "blocked"))
            self._edge(name, self.places.spot(name), place, level, into=False)
            self.levels[name, "plain"] = level
        return place

    def _clear(self, spot: Spot, level: int) -> None:
        """Zeros around the cells of a buffer, once: when its first part is written."""
        maps = spot.maps
        if maps.is_bare or spot.buffer in self.cleared:
            return
        self.cleared.add(spot.buffer)
        blocks = maps.of or maps.blocks
        depth, height, columns = maps.held
        z, i, j = maps.halo
        numbers: dict[str, Number] = {
            "blocks": blocks, "y": Ref(spot.buffer), "y_sample": maps.sample, "y_block": maps.block, "cell": maps.lanes,
            "depth": depth, "height": height, "row": maps.row,
            "z_low": z[0], "z_high": depth - z[1], "i_low": i[0], "i_high": height - i[1],
            "j_low": j[0], "j_high": columns - j[1],
        }  # fmt: skip
        size = maps.batch * blocks * (maps.block - math.prod(maps.cells) * maps.lanes)
        self.plan.parts.append(
            Part("halo", Clear(self.setting.lanes), numbers, maps.batch * blocks, level, bytes=4 * size, note="zeros")
        )

    # Kernels

    def _filters(self, work: Filters) -> None:
        form = self.places.form(work)
        x, y = self._blocked(work.x, form), self.places.spot(work.name)
        needs: list[tuple[str, Form]] = [(work.x, form)]
        other = None
        if work.other is not None:
            other = self._blocked(work.other)
            needs.append((work.other, "blocked"))
        level = self._level(*needs)
        self._clear(y, level)
        if work.what.is_depthwise and form == "blocked":
            self.plan.parts.append(depthwise_part(work, x, y, self.setting.host, level, self._row_numbers))
        else:
            for group in by_group(work, x, y, other, self.setting.lanes):
                self._summed(*group, level)
        self._made(work.name, level)

    def _separates(self, work: Separates) -> None:
        x, y = self._blocked(work.first.x), self.places.spot(work.name)
        other = self._blocked(work.point.other) if work.point.other is not None else None
        level = self._level(*((name, "blocked") for name in (work.first.x, work.point.other) if name is not None))
        self._clear(y, level)
        part, scratch = separable_part(work, x, y, other, self.setting.host, self.setting.threads, level)
        self.plan.parts.append(part)
        self.plan.scratch = max(self.plan.scratch, scratch)
        self._made(work.name, level)

    def _thins(self, work: Thins) -> None:
        """In one part, where Winograd's transforms are taken; the sum itself knows of no windows."""
        filters = work.filters
        form = self.places.form(filters)
        x, y, level = self._blocked(filters.x, form), self.places.spot(work.name), self._level((filters.x, form))
        host, threads = self.setting.host, self.setting.threads
        fast = None if self.setting.exact else winograd_part(work.together, x, y, None, host, threads, level)
        if fast is None:
            self._work(filters)
            self._work(work.pool)
            return
        part, scratch = fast
        self._clear(y, level)
        self.plan.parts.append(part)
        self.plan.scratch = max(self.plan.scratch, scratch)
        self._made(work.name, level)

    def _summed(self, work: Filters, x: Spot, y: Spot, other: Spot | None, level: int) -> None:
        host, threads = self.setting.host, self.setting.threads
        fast = None if self.setting.exact else winograd_part(work, x, y, other, host, threads, level)
        if fast is None:
            self.plan.parts.extend(direct_parts(work, x, y, other, host, threads, level))
        else:
            part, scratch = fast
            self.plan.parts.append(part)
            self.plan.scratch = max(self.plan.scratch, scratch)

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
            channels = int(self.graph[name].shape[1])
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
        reads = tuple((self._plain(n), tuple(int(k) for k in self.graph[n].shape)) for n in inputs)
        level = self._level(*((n, "plain") for n in inputs))
        self.plan.steps.append(Step(name, function, reads, (to, tuple(int(k) for k in self.graph[name].shape)), level))
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
        numbers, tasks = self._row_numbers(spots, cells)
        size = cells.values * 4
        self.plan.parts.append(Part(name, kernel, {**numbers, **(extra or {})}, tasks, level, bytes=size * len(spots)))

    def _row_numbers(self, spots: Mapping[str, Spot], cells: Maps) -> tuple[dict[str, Number], int]:
        rows = cells.cells[0] * cells.cells[1]
        chunks, at_once = rows_cut(rows, cells.batch * cells.blocks, self.setting.threads)
        numbers: dict[str, Number] = {
            "blocks": cells.blocks, "chunks": chunks, "rows": rows, "rows_at_once": at_once, "columns": cells.cells[2]
        }  # fmt: skip
        for name in ("a", "b", "x", "y"):
            spot = spots.get(name)
            numbers[name] = spot.ref() if spot else 0
            numbers[f"{name}_sample"] = spot.maps.sample if spot else 0
            numbers[f"{name}_block"] = spot.maps.block if spot else 0
            numbers[f"{name}_rows"] = row_table(spot.maps) if spot else 0
        return numbers, cells.batch * cells.blocks * chunks

    def _edge(self, name: str, spot: Spot, plain: Place, level: int, *, into: bool) -> None:
        """Into blocks or out of them."""
        maps, lanes = spot.maps, self.setting.lanes
        depth, rows, columns = maps.cells
        size = depth * rows * columns
        cells = replace(maps, halo=((0, 0), (0, 0), (0, 0)))
        numbers, tasks = self._row_numbers({"y" if into else "x": spot}, cells)
        numbers |= {
            "channels": maps.channels, "plain": plain, "plain_sample": maps.channels * size, "plain_map": size, "plain_row": columns
        }  # fmt: skip
        kernel = Pack(lanes, maps.lanes) if into else Unpack(lanes, maps.lanes)
        self.plan.parts.append(Part(name, kernel, numbers, tasks, level, bytes=8 * maps.values))

    def _macs_asked(self, work: Work) -> int:
        """The multiply-adds that the equations behind a work ask for."""
        match work:
            case Filters(what=what, name=name):
                return int(self.graph[name].shape[0]) * what.macs if work.counts else 0
            case Separates(first=first, point=point):
                return self._macs_asked(first) + self._macs_asked(point)
            case Thins(filters=filters):
                return self._macs_asked(filters)
            case Planned(node=node):
                return int(count(node.sized).macs) if node.sized is not None else 0
            case _:
                return 0
