"""The gradient of filters with less arithmetic: what Winograd's transforms make of it, read backwards (`transforms.py`).

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A     so     dg = Gᵀ [ Σ over tiles (A dy Aᵀ) ⊙ (Bᵀ d B) ] G

    a task, for some filters, some maps and some tiles:
        tiles of x, and of y's gradient    ->  a value for each of n² frequencies
        every frequency                    ->  a product of matrices, filters × tiles · tiles × maps, that is added to
        every filter and map               n² values  ->  taps × taps

Tiles of both lie in the scratch of the thread, and so do the sums: of some filters and some maps, so many that they stay in its
second-level cache. What is transformed again for other filters or maps costs less than meeting. Where there are too few filters and
maps for all threads, tiles are shared out, and each part gives a gradient of its own, to be added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.transforms import Matrix, applied, transforms


def turned(matrix: Matrix) -> Matrix:
    """The transposed matrix."""
    return tuple(zip(*matrix, strict=True))


@dataclass(frozen=True)
class FilterGradient(Kernel):
    """x and y's gradient -> dw; sums in tiles of `blocks` vectors of filters × `wide` maps.

    A task's filters are `groups_at_once` groups of so many blocks; its maps are `maps_at_once` blocks; of both, the last part may
    have fewer.
    """

    outputs: int
    taps: int
    blocks: int
    wide: int

    SLOTS = (
        *("x", "d", "dw", "x_tiles", "d_tiles", "x_block", "d_block", "x_row", "d_row"),
        *("tiles", "tiles_a_split", "at_once", "groups", "groups_at_once", "parts", "maps", "maps_at_once", "map_parts"),
        *("filters", "channels", "filter_step", "channel_step", "split_step"),
    )

    @property
    def cells(self) -> int:
        """Cells of x along one side of a tile."""
        return self.outputs + self.taps - 1

    def write(self, body: Body) -> None:
        """Chunk by chunk of the tiles, then the sums."""
        rest, map_part = body.split(body.task, body.given("map_parts"))
        split, part = body.split(rest, body.given("parts"))
        first_map, maps = self._share(body, map_part, "maps")
        first_group, groups = self._share(body, part, "groups")
        low = body.times(split, body.given("tiles_a_split"))
        high = body.least(body.given("tiles"), body.sum(low, body.given("tiles_a_split")))
        at_once, lanes = body.given("at_once"), body.count(self.lanes)
        a_map, a_group = body.times(at_once, lanes), body.times(at_once, body.count(self.blocks * self.lanes))
        of_maps, of_groups = body.times(maps, a_map), body.times(groups, a_group)
        room = body.count(self.cells**2)
        v = body.scratch
        z = body.lane(v, body.times(room, of_maps))
        sums = body.lane(z, body.times(room, of_groups))
        blocks = body.count(self.blocks)
        first_block, all_blocks = body.times(first_group, blocks), body.times(groups, blocks)
        inputs, outputs = transforms(self.outputs, self.taps).inputs, turned(transforms(self.outputs, self.taps).output)

        def chunk(k: Value) -> None:
            first = body.sum(low, body.times(k, at_once))
            count = body.least(at_once, body.minus(high, first))
            self._tiles(
                body, "x", inputs, (first_map, maps, first, count), lambda c, t: self._at_map(body, v, a_map, c, t), of_maps
            )
            self._tiles(
                body, "d", outputs, (first_block, all_blocks, first, count),
                lambda b, t: self._at_filter(body, z, a_group, b, t), of_groups,
            )  # fmt: skip
            self._products(body, (v, z, sums), (maps, groups, count), (a_map, of_maps, a_group, of_groups), k)

        chunks = body.builder.udiv(body.sum(body.minus(high, low), at_once, body.count(-1)), at_once)
        body.each(chunks, chunk)
        dw = body.lane(body.address("dw"), body.times(split, body.given("split_step")))
        self._results(body, sums, dw, (first_map, maps, first_block, all_blocks))

    def _share(self, body: Body, part: Value, name: str) -> tuple[Value, Value]:
        """The first, and how many."""
        first = body.times(part, body.given(f"{name}_at_once"))
        return first, body.least(body.given(f"{name}_at_once"), body.minus(body.given(name), first))

    def _at_map(self, body: Body, v: Value, a_map: Value, c: Value, t: Value) -> Value:
        return body.lane(v, body.sum(body.times(c, a_map), body.times(t, body.count(self.lanes))))

    def _at_filter(self, body: Body, z: Value, a_group: Value, b: Value, t: Value) -> Value:
        """The blocks of a group lie side by side, tile by tile: that is how the products read them."""
        group, block = body.split(b, body.count(self.blocks))
        within = body.sum(body.times(t, body.count(self.blocks)), block)
        return body.lane(z, body.sum(body.times(group, a_group), body.times(within, body.count(self.lanes))))

    def _tiles(
        self,
        body: Body,
        name: str,
        matrix: Matrix,
        which: tuple[Value, Value, Value, Value],
        place: Callable[[Value, Value], Value],
        frequency: Value,
    ) -> None:
        """Some blocks of an array, transformed for some tiles."""
        first_block, blocks, first, count = which
        n, m = len(matrix), len(matrix[0])
        row, lanes = body.given(f"{name}_row"), self.lanes

        def block(b: Value) -> None:
            own = body.lane(body.address(name), body.times(body.sum(first_block, b), body.given(f"{name}_block")))

            def tile(t: Value) -> None:
                corner = body.lane(own, body.entry(body.address(f"{name}_tiles"), body.sum(first, t)))
                lines = [body.lane(corner, body.times(body.count(i), row)) for i in range(m)]
                down = [applied(body, matrix, [body.load(body.lane(line, j * lanes)) for line in lines]) for j in range(m)]
                to = place(b, t)
                for i in range(n):
                    for j, value in enumerate(applied(body, matrix, [down[k][i] for k in range(m)])):
                        body.store(value, body.lane(to, body.times(body.count(i * n + j), frequency)))

            body.each(count, tile)

        body.each(blocks, block)

    def _products(
        self,
        body: Body,
        places: tuple[Value, Value, Value],
        sizes: tuple[Value, Value, Value],
        steps: tuple[Value, Value, Value, Value],
        number: Value,
    ) -> None:
        """Filters × maps for every frequency, over the tiles of a chunk; their sums are added to those of the chunks before.

        A sum of sums rounds less than one long sum.
        """
        (v, z, sums), (maps, groups, count), (a_map, of_maps, a_group, of_groups) = places, sizes, steps
        lanes, high, wide = self.lanes, self.blocks, self.wide
        a_sum = body.count(lanes * high * lanes)
        of_sums = body.times(body.times(groups, maps), a_sum)
        is_first = body.builder.icmp_signed("==", number, body.count(0))

        def at(f: Value) -> None:
            x, d, to = (body.lane(p, body.times(f, step)) for p, step in ((v, of_maps), (z, of_groups), (sums, of_sums)))

            def pair(g: Value, c: Value, p: Value) -> None:
                values = body.lane(x, body.sum(body.times(c, a_map), p))
                filters = body.lane(d, body.times(g, a_group))
                own = body.lane(
                    to, body.sum(body.times(body.sum(body.times(g, maps), c), a_sum), body.times(p, body.count(high * lanes)))
                )

                def tile(t: Value, carried: list[Value]) -> Sequence[Value]:
                    made = list(carried)
                    at_filters = body.lane(filters, body.times(t, body.count(high * lanes)))
                    at_values = body.lane(values, body.times(t, body.count(lanes)))
                    vectors = [body.load(body.lane(at_filters, b * lanes)) for b in range(high)]
                    for q in range(wide):
                        value = body.spread(body.value(body.lane(at_values, q)))
                        for b in range(high):
                            made[q * high + b] = body.multiply_add(vectors[b], value, made[q * high + b])
                    return made

                found = body.loop(count, tile, [body.zeros()] * (high * wide))
                places = [body.lane(own, k * lanes) for k in range(high * wide)]
                with body.builder.if_else(is_first) as (fresh, going):
                    with fresh:
                        for value, place in zip(found, places, strict=True):
                            body.store(value, place)
                    with going:
                        for value, place in zip(found, places, strict=True):
                            body.store(body.builder.fadd(body.load(place), value), place)

            body.each(
                groups,
                lambda g: body.each(maps, lambda c: body.each(body.count(lanes), lambda p: pair(g, c, p), step=wide)),
            )

        body.each(body.count(self.cells**2), at)

    def _results(self, body: Body, sums: Value, dw: Value, which: tuple[Value, Value, Value, Value]) -> None:
        """Back to taps; lanes go where their filters are."""
        first_map, maps, first_block, blocks = which
        n, taps, lanes, high = self.cells, self.taps, self.lanes, self.blocks
        matrix = turned(transforms(self.outputs, taps).filters)
        a_sum = body.count(lanes * high * lanes)
        frequency = body.times(body.times(body.builder.udiv(blocks, body.count(high)), maps), a_sum)
        held = body.room(taps * taps)

        def cell(b: Value, k: Value, c: Value) -> None:
            group, block = body.split(b, body.count(high))
            channel = body.sum(body.times(body.sum(first_map, k), body.count(lanes)), c)
            within = body.times(body.sum(body.times(c, body.count(high)), block), body.count(lanes))
            own = body.lane(sums, body.sum(body.times(body.sum(body.times(group, maps), k), a_sum), within))
            values = [body.load(body.lane(own, body.times(body.count(f), frequency))) for f in range(n * n)]
            down = [applied(body, matrix, values[j::n]) for j in range(n)]
            for i in range(taps):
                for j, value in enumerate(applied(body, matrix, [down[q][i] for q in range(n)])):
                    body.store(value, body.lane(held, (i * taps + j) * lanes))
            first = body.times(body.sum(first_block, b), body.count(lanes))
            to = body.lane(
                dw, body.sum(body.times(first, body.given("filter_step")), body.times(channel, body.given("channel_step")))
            )

            def lane(k: Value) -> None:
                here = body.lane(to, body.times(k, body.given("filter_step")))
                for tap in range(taps * taps):
                    body.put(body.value(body.lane(body.lane(held, tap * lanes), k)), body.lane(here, tap))

            body.each(body.least(body.count(lanes), body.minus(body.given("filters"), first)), lane)

        def block(b: Value, k: Value) -> None:
            left = body.minus(body.given("channels"), body.times(body.sum(first_map, k), body.count(lanes)))
            body.each(body.least(body.count(lanes), left), lambda c: cell(b, k, c))

        body.each(blocks, lambda b: body.each(maps, lambda k: block(b, k)))
