"""A convolution that learns, for one size of everything: y, and the gradients of x and of its filters, from plain arrays.

    forward      x ─ pack ─┐                         y
                 w ─ transform filters ─ Winograd ─ unpack
    backward     dy ─ pack ─┬─ Winograd ─ unpack ─ dx        (with w's filters turned around, maps and filters exchanged)
                 x ─ pack ─┴─ filter gradient ─ dw

Layers of equal sizes share these programs, and all of them share memory: nothing is kept in it from call to call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from slidesum.engine.host import Host
from slidesum.engine.training.choice import Cut, cut
from slidesum.engine.training.filters import TransformFilters
from slidesum.engine.training.gradient import FilterGradient
from slidesum.engine.whole.arena import Memory
from slidesum.engine.whole.candidates import OUTPUTS, summed, transformed
from slidesum.engine.whole.emit_rows import clear_part, edge_part
from slidesum.engine.whole.emit_winograd import BOUND, winograd_part
from slidesum.engine.whole.maps import BARE, CACHED, Maps
from slidesum.engine.whole.meaning import Convolution, Window
from slidesum.engine.whole.places import Spot
from slidesum.engine.whole.plan import Number, Outside, Part, Plan, Ref
from slidesum.engine.whole.program import Program
from slidesum.engine.whole.transforms import relative_error
from slidesum.engine.whole.units import Filters
from slidesum.engine.whole.ways import Problem, Transformed

Array = Any
TRANSFORM = 18
"""Cycles of a vector of transformed filters, made at every call."""


def learns_here(what: Convolution, lanes: int) -> bool:
    """Whether there are kernels for it: square windows of 3 or 5 taps a side, in steps of one, over maps that fill a block."""
    window = what.window
    taps = window.taps[2]
    is_plain = window.strides == (1, 1, 1) == window.dilations and window.cells[0] == window.taps[0] == 1
    is_square = window.taps[1] == taps and taps in OUTPUTS
    reaches = all(n <= taps - 1 for pair in window.halo[1:] for n in pair) and all(n >= 0 for n in window.low)
    fits = all(
        p == n + sum(reach) - (taps - 1)
        for p, n, reach in zip(window.positions[1:], window.cells[1:], window.halo[1:], strict=True)
    )
    return what.groups == 1 and is_plain and is_square and reaches and fits and min(what.channels, what.filters) >= lanes


@lru_cache(maxsize=256)
def learning(what: Convolution, batch: int, threads: int, host: Host) -> Learning | None:
    """The programs, or None where the sum itself is the better way."""
    if not learns_here(what, host.bytes_wide // 4):
        return None
    forth, back = (_way(one, batch, threads, host) for one in (what, turned_around(what)))
    return Learning(what, batch, threads, host, forth, back) if forth and back else None


class Learning:
    """The programs of a layer with these sizes; each is made when it is first needed."""

    def __init__(self, what: Convolution, batch: int, threads: int, host: Host, forth: Transformed, back: Transformed) -> None:
        self.what, self.batch, self.threads, self.host = what, batch, threads, host
        self.forth, self.back = forth, back
        self.lanes = host.bytes_wide // 4
        self.taps = what.window.taps[2]
        self.turned = turned_around(what)
        self.backwards: dict[tuple[bool, bool], Program] = {}

    # What is computed

    def forward(self, x: Array, w: Array, bias: Array | None) -> Array:
        """y of x (batch, maps, rows, columns), w (filters, maps, taps, taps) and a bias: float, in order."""
        padded = np.zeros(-(-self.what.filters // self.lanes) * self.lanes, np.float32)
        if bias is not None:
            padded[: self.what.filters] = bias
        return self._forward.run([x, w, padded])[0]

    def backward(self, seed: Array, x: Array, w: Array, wants_x: bool, wants_w: bool) -> tuple[Array | None, Array | None]:
        """The gradients of x and of w that are wanted, of y's gradient."""
        if not (wants_x or wants_w):
            return None, None
        wanted = wants_x, wants_w
        if wanted not in self.backwards:
            self.backwards[wanted] = self._backward(*wanted)
        found = iter(self.backwards[wanted].run([seed, x, w]))
        return next(found) if wants_x else None, _added(next(found)) if wants_w else None

    def rounds_well(self, w: Array) -> bool:
        """Whether these filters stay within the bound, both ways."""
        turned = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        return all(relative_error(one, way.outputs) <= BOUND for one, way in ((w, self.forth), (turned, self.back)))

    # How

    @cached_property
    def _forward(self) -> Program:
        plan = Plan()
        x, y = (self._spot(plan, maps) for maps in _maps(self.what, self.batch, self.lanes))
        self._packed(plan, x, 0)
        self._convolved(plan, self.what, self.forth, x, y, Outside(1, True), Outside(2, True))
        return self._program(plan, [(self.batch, self.what.filters, *self.what.window.positions[1:])])

    def _backward(self, wants_x: bool, wants_w: bool) -> Program:
        plan, shapes = Plan(), list[tuple[int, ...]]()
        seed, dx = _maps(self.turned, self.batch, self.lanes)
        x, _ = _maps(self.what, self.batch, self.lanes)
        chosen = self._cut()
        if wants_w:
            x, seed = _widened(x, seed, self.what.window, chosen.outputs)
        seed_spot = self._spot(plan, seed)
        self._packed(plan, seed_spot, 0)
        if wants_x:
            zeros = np.zeros(dx.blocks * self.lanes, np.float32)
            dx_spot = self._spot(plan, dx)
            self._convolved(plan, self.turned, self.back, seed_spot, dx_spot, Outside(2, True), zeros)
            shapes.append((self.batch, self.what.channels, *self.what.window.cells[1:]))
        if wants_w:
            x_spot = self._spot(plan, x)
            self._packed(plan, x_spot, 1)
            self._gradient(plan, chosen, x_spot, seed_spot, Outside(len(shapes), False))
            shapes.append((chosen.splits, self.what.filters, self.what.channels, self.taps, self.taps))
        return self._program(plan, shapes)

    def _spot(self, plan: Plan, maps: Maps) -> Spot:
        return Spot(maps, plan.buffer(maps.size))

    def _packed(self, plan: Plan, spot: Spot, given: int) -> None:
        if not spot.maps.is_bare:
            plan.parts.append(clear_part(spot, self.lanes, 0))
        plan.parts.append(edge_part("pack", spot, Outside(given, True), self.lanes, self.threads, 0, into=True))

    def _convolved(self, plan: Plan, what: Convolution, choice: Transformed, x: Spot, y: Spot, w: Outside, bias: Number) -> None:
        """Filters are transformed while x is packed; then the sums, and y as it goes outside."""
        groups, maps = y.maps.blocks // choice.blocks, x.maps.blocks
        size = (choice.outputs + self.taps - 1) ** 2 * y.maps.blocks * maps * self.lanes**2
        u = Ref(plan.buffer(size))
        a_filter, a_map = self.what.channels * self.taps**2, self.taps**2
        is_turned = what is self.turned
        numbers: dict[str, Number] = {
            "w": w, "u": u, "filters": what.filters, "channels": what.channels, "groups": groups, "maps": maps,
            "filter_step": a_map if is_turned else a_filter, "channel_step": a_filter if is_turned else a_map,
        }  # fmt: skip
        kernel = TransformFilters(self.lanes, choice.outputs, self.taps, choice.blocks, is_turned, 4 * size > CACHED)
        plan.parts.append(Part("filters", kernel, numbers, groups * maps, 0, bytes=4 * size))
        plan.scratch = max(plan.scratch, kernel.scratch)
        part, scratch = winograd_part(_work(what), x, y, None, choice, (u, bias), self.host, 1)
        plan.parts.append(part)
        plan.scratch = max(plan.scratch, scratch)
        plan.parts.append(edge_part("unpack", y, Outside(0, False), self.lanes, self.threads, 2, into=False))

    def _cut(self) -> Cut:
        rows, columns = self.what.window.positions[1:]
        filters, maps = (-(-n // self.lanes) for n in (self.what.filters, self.what.channels))
        return cut(self.taps, (rows, columns), self.batch, filters, maps, self.lanes, self.host.vectors, self.threads)

    def _gradient(self, plan: Plan, chosen: Cut, x: Spot, seed: Spot, dw: Outside) -> None:
        m, window = chosen.outputs, self.what.window
        corners = [(i, j) for i in range(0, window.positions[1], m) for j in range(0, window.positions[2], m)]

        def table(maps: Maps, up: int, left: int) -> Array:
            return np.array(
                [b * maps.sample + (i - up) * maps.row + (j - left) * maps.lanes for b in range(self.batch) for i, j in corners],
                np.int64,
            )

        tiles, groups, maps = self.batch * len(corners), seed.maps.blocks // chosen.blocks, x.maps.blocks
        groups_at_once = chosen.filters // chosen.blocks
        parts, map_parts = -(-groups // groups_at_once), -(-maps // chosen.maps)
        a_filter = self.what.channels * self.taps**2
        numbers: dict[str, Number] = {
            "x": x.ref(), "d": seed.ref(), "dw": dw,
            "x_tiles": table(x.maps, window.low[1], window.low[2]), "d_tiles": table(seed.maps, 0, 0),
            "x_block": x.maps.block, "d_block": seed.maps.block, "x_row": x.maps.row, "d_row": seed.maps.row,
            "tiles": tiles, "tiles_a_split": -(-tiles // chosen.splits), "at_once": chosen.at_once,
            "groups": groups, "groups_at_once": groups_at_once, "parts": parts,
            "maps": maps, "maps_at_once": chosen.maps, "map_parts": map_parts,
            "filters": self.what.filters, "channels": self.what.channels,
            "filter_step": a_filter, "channel_step": self.taps**2, "split_step": self.what.filters * a_filter,
        }  # fmt: skip
        kernel = FilterGradient(self.lanes, m, self.taps, chosen.blocks, chosen.wide)
        note = f"F({m}x{m}) {chosen.blocks}x{chosen.wide}"
        plan.parts.append(Part("gradient", kernel, numbers, chosen.splits * parts * map_parts, 1, note=note))
        plan.scratch = max(plan.scratch, chosen.scratch(self.taps, self.lanes))

    def _program(self, plan: Plan, shapes: Sequence[tuple[int, ...]]) -> Program:
        return Program(plan, shapes, self.threads, self.host, _shared, in_team=True)


def _way(what: Convolution, batch: int, threads: int, host: Host) -> Transformed | None:
    """The tiles of a convolution, with the filters' transforms at every call; None where the sum takes less."""
    lanes, taps = host.bytes_wide // 4, what.window.taps[2]
    x, y = _maps(what, batch, lanes)
    problem = Problem.of(_work(what), x, y, None)

    def cost(way: Transformed) -> float:
        vectors = (way.outputs + taps - 1) ** 2 * y.blocks * x.blocks * lanes
        return way.cycles + TRANSFORM * vectors / threads

    found = min(transformed(problem, host, threads), key=cost, default=None)
    the_sum = min(way.cycles for way in summed(problem, host, threads))
    return found if found and cost(found) < the_sum else None


def _maps(what: Convolution, batch: int, lanes: int) -> tuple[Maps, Maps]:
    """How x and y lie."""
    depth, rows, columns = what.window.halo
    x = Maps(batch, what.channels, what.window.cells, (depth, rows, columns), lanes)
    return x, Maps(batch, what.filters, what.window.positions, BARE, lanes)


def turned_around(what: Convolution) -> Convolution:
    """The convolution of y's gradient that gives x's: filters read backwards, in the place of maps."""
    window = what.window
    depth, above, left = (t - 1 - p for t, p in zip(window.taps, window.low, strict=True))
    turned = replace(window, cells=window.positions, positions=window.cells, low=(depth, above, left))
    return replace(what, window=turned, channels=what.filters, filters=what.channels)


def _work(what: Convolution) -> Filters:
    """A layer of which the sizes count, and the filters are elsewhere."""
    w = np.broadcast_to(np.float32(0), (1, what.filters, what.channels, *what.window.taps))
    return Filters("winograd", "x", what, w, np.zeros(0, np.float32))


def _widened(x: Maps, seed: Maps, window: Window, outputs: int) -> tuple[Maps, Maps]:
    """With zeros behind the last row and column, so that tiles are whole there, too: nothing is counted twice then."""
    more = [-n % outputs for n in window.positions]
    more[0] = 0

    def wide(maps: Maps) -> Maps:
        z, i, j = ((low, high + extra) for (low, high), extra in zip(maps.halo, more, strict=True))
        return replace(maps, halo=(z, i, j))

    return wide(x), wide(seed)


def _added(parts: Array) -> Array:
    """The sum of the parts that threads have summed."""
    return parts[0] if len(parts) == 1 else parts.sum(axis=0)


@lru_cache(maxsize=32)
def _shared_memory(bits: int) -> Memory:
    return Memory(2**bits)


def _shared(size: int) -> Memory:
    """Memory that programs of about this size share, a call at a time."""
    return _shared_memory(max(20, math.ceil(math.log2(size))))
