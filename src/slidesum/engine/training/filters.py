"""Filters into frequencies, at every call: while they learn, nothing can be transformed once and for all.

    w, as everybody has it (filters, maps, taps, taps)   ->   G w Gᵀ, laid as the products read it (`emit_winograd.py`)

Two steps say where a filter and a map lie, so that the filters of x's gradient are the same array, read differently: maps and
filters change places, and taps are read from the last to the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.transforms import applied, transforms


@dataclass(frozen=True)
class TransformFilters(Kernel):
    """w -> u; a task is a group of `blocks` vectors of filters, and a block of maps. Maps that aren't there become zeros.

    `turned`   taps are read from the last to the first
    `far`      u is larger than caches are

    A task writes to as many places as there are frequencies, which lie far apart and fall onto the same lines of a cache. So it is
    done in the thread's scratch, and copied from there, a frequency at a time.
    """

    outputs: int
    taps: int
    blocks: int
    turned: bool
    far: bool

    SLOTS = ("w", "u", "filters", "channels", "filter_step", "channel_step", "groups", "maps")

    @property
    def scratch(self) -> int:
        """The values that a thread works on."""
        return (self.outputs + self.taps - 1) ** 2 * self.apart

    @property
    def apart(self) -> int:
        """From one frequency to the next, there; a vector more than it takes, for the sake of the cache's lines."""
        return self.lanes * self.blocks * self.lanes + self.lanes

    def write(self, body: Body) -> None:
        """Map by map of the block, vector by vector of the group; then a copy."""
        n, lanes = self.outputs + self.taps - 1, self.lanes
        group, block = body.split(body.task, body.given("maps"))
        size = lanes * self.blocks * lanes
        frequency = body.times(body.times(body.given("groups"), body.given("maps")), body.count(size))
        u = body.lane(body.address("u"), body.times(body.task, body.count(size)))
        first = body.times(body.times(group, body.count(self.blocks)), body.count(lanes))

        def a_map(c: Value) -> None:
            channel = body.sum(body.times(block, body.count(lanes)), c)
            source = body.lane(body.address("w"), body.times(channel, body.given("channel_step")))
            is_there = body.builder.icmp_signed("<", channel, body.given("channels"))
            body.each(body.count(self.blocks), lambda b: a_filter(c, b, source, is_there))

        def a_filter(c: Value, b: Value, source: Value, is_there: Value) -> None:
            to = body.lane(body.scratch, body.times(body.sum(body.times(c, body.count(self.blocks)), b), body.count(lanes)))
            with body.builder.if_else(is_there) as (some, none):
                with some:
                    for f, value in enumerate(self._transformed(body, source, body.sum(first, body.times(b, body.count(lanes))))):
                        body.store(value, body.lane(to, f * self.apart))
                with none:
                    body.each(
                        body.count(n * n), lambda f: body.store(body.zeros(), body.lane(to, body.times(f, body.count(self.apart))))
                    )

        def copy(f: Value) -> None:
            source, to = body.lane(body.scratch, body.times(f, body.count(self.apart))), body.lane(u, body.times(f, frequency))

            def vector(k: Value) -> None:
                here = body.times(k, body.count(lanes))
                body.result(body.load(body.lane(source, here)), body.lane(to, here), self.far)

            body.each(body.count(size // lanes), vector)

        body.each(body.count(lanes), a_map)
        body.each(body.count(n * n), copy)
        body.settled(self.far)

    def _transformed(self, body: Body, source: Value, first: Value) -> list[Value]:
        """The frequencies of so many filters of a map, a vector each."""
        n, taps = self.outputs + self.taps - 1, self.taps
        matrix, cells = transforms(self.outputs, taps).filters, self._gathered(body, source, first)
        down = [applied(body, matrix, cells[j::taps]) for j in range(taps)]
        return [value for i in range(n) for value in applied(body, matrix, [down[k][i] for k in range(taps)])]

    def _gathered(self, body: Body, source: Value, first: Value) -> list[Value]:
        """The taps, a vector each; beyond the last filter, that one is read again: nobody reads those results."""
        last, lanes, taps = body.minus(body.given("filters"), body.count(1)), self.lanes, self.taps**2
        whole = [body.least(last, body.sum(first, body.count(lane))) for lane in range(lanes)]
        lines = [body.lane(source, body.times(which, body.given("filter_step"))) for which in whole]
        made: list[Value] = []
        for begin in range(0, taps, lanes):
            mask = body.mask(body.count(taps - begin))
            made += body.transposed([body.load(body.lane(line, begin), mask) for line in lines])
        return made[:taps][:: -1 if self.turned else 1]
