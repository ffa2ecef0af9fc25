"""A convolution with less arithmetic: tiles of x are transformed, multiplied frequency by frequency, and transformed back.

    a task, for some tiles and some filters (`transforms.py`):
        every map and tile:                n × n cells        ->  a value for each of n² frequencies
        every frequency and filter:        a product of matrices, filters × maps · maps × tiles
        every filter and tile:             n² values          ->  m × m results, and their tail

Both sides of the product lie in the scratch of the thread: they never leave the second-level cache where that is possible. Tiles at
the lower and right edges are moved inwards so that they are whole; what another tile writes, they don't. Of windows with a third
axis, each of its taps is a map of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slidesum.engine.code import Value
from slidesum.engine.whole.direct import products
from slidesum.engine.whole.kernel import Body, Kernel
from slidesum.engine.whole.rows import combined
from slidesum.engine.whole.tail import PLAIN, Tail
from slidesum.engine.whole.tail import applied as tailed
from slidesum.engine.whole.transforms import applied, transforms
from slidesum.engine.whole.widths import Width


@dataclass(frozen=True)
class Winograd(Kernel):
    """The kernel for tiles of `outputs`² results and `taps`² weights; products in tiles of `blocks` × `wide` sums.

    With `pools`, what is written is the largest of every 2×2 results.
    """

    outputs: int
    taps: int
    blocks: int
    wide: int
    tail: Tail = PLAIN
    adds: bool = False
    pools: bool = False
    past: bool = False

    SLOTS = (
        *("x", "w", "y", "bias", "other", "maps_table", "x_tiles", "y_tiles", "other_tiles", "rows_skipped", "columns_skipped"),
        *("x_sample", "y_sample", "other_sample", "y_block", "other_block", "x_row", "y_row", "other_row"),
        *("layers", "x_layer", "y_layer", "other_layer", "tiles", "at_once", "chunks", "parts", "groups", "groups_at_once", "maps"),
    )

    @property
    def cells(self) -> int:
        """Cells of x along one side of a tile."""
        return self.outputs + self.taps - 1

    @property
    def width(self) -> Width:
        """Of the filters, which aren't streamed."""
        return "float32"

    @property
    def step(self) -> int:
        """From one position of the products to the next."""
        return self.lanes

    @property
    def inner(self) -> int:
        """Maps of a block."""
        return self.lanes

    def write(self, body: Body) -> None:
        """One task: a sample, a layer, a part of the filters, a chunk of tiles."""
        rest, chunk = body.split(body.task, body.given("chunks"))
        rest, part = body.split(rest, body.given("parts"))
        sample, layer = body.split(rest, body.given("layers"))
        first = body.times(chunk, body.given("at_once"))
        group = body.times(part, body.given("groups_at_once"))
        groups = body.minus(body.least(body.given("groups"), body.sum(group, body.given("groups_at_once"))), group)
        begins = {
            name: body.lane(
                body.address(name),
                body.sum(body.times(sample, body.given(f"{name}_sample")), body.times(layer, body.given(f"{name}_layer"))),
            )
            for name in ("x", "y", *(["other"] if self.adds else []))
        }
        frequency = body.times(body.times(body.given("maps"), body.given("at_once")), body.count(self.lanes))
        products_at = body.lane(body.scratch, body.times(body.count(self.cells**2), frequency))
        self._inputs(body, begins["x"], first, frequency)
        self._products(body, products_at, group, groups, frequency)
        self._outputs(body, begins, products_at, first, group, groups)
        body.settled(self.past)

    def _inputs(self, body: Body, x: Value, first: Value, frequency: Value) -> None:
        n, lanes, last = self.cells, self.lanes, body.minus(body.given("tiles"), body.count(1))
        row = body.given("x_row")
        matrix = transforms(self.outputs, self.taps).inputs

        def a_map(k: Value) -> None:
            own = body.lane(x, body.entry(body.address("maps_table"), k))
            into = body.lane(body.scratch, body.times(body.times(k, body.given("at_once")), body.count(lanes)))

            def tile(t: Value) -> None:
                which = body.least(body.sum(first, t), last)
                corner = body.lane(own, body.entry(body.address("x_tiles"), which))
                lines = [body.lane(corner, body.times(body.count(i), row)) for i in range(n)]
                down = [applied(body, matrix, [body.load(body.lane(line, j * lanes)) for line in lines]) for j in range(n)]
                to = body.lane(into, body.times(t, body.count(lanes)))
                for i in range(n):
                    for j, value in enumerate(applied(body, matrix, [down[j][i] for j in range(n)])):
                        body.store(value, body.lane(to, body.times(body.count(i * n + j), frequency)))

            body.each(body.given("at_once"), tile)

        body.each(body.given("maps"), a_map)

    def _products(self, body: Body, into: Value, group: Value, groups: Value, frequency: Value) -> None:
        lanes, maps, at_once = self.lanes, body.given("maps"), body.given("at_once")
        a_map = body.times(at_once, body.count(lanes))
        a_group = body.times(maps, body.count(lanes * self.blocks * lanes))
        of_group = body.times(a_map, body.count(self.blocks))

        def at(f: Value) -> None:
            x = body.lane(body.scratch, body.times(f, frequency))
            filters = body.lane(body.address("w"), body.times(body.sum(body.times(f, body.given("groups")), group), a_group))
            results = body.lane(into, body.times(body.times(f, body.given("groups_at_once")), of_group))

            def some(g: Value) -> None:
                own, to = body.lane(filters, body.times(g, a_group)), body.lane(results, body.times(g, of_group))

                def tile(t: Value) -> None:
                    here = body.times(t, body.count(lanes))

                    def block(k: Value, carried: list[Value]) -> Sequence[Value]:
                        values = body.lane(x, body.sum(body.times(k, a_map), here))

                        def several(c: Value, carried: list[Value]) -> Sequence[Value]:
                            weights, *sums = carried
                            sums = products(body, self, body.lane(values, c), weights, self.wide, sums, ahead=True)
                            return [body.lane(weights, 4 * self.blocks * lanes), *sums]

                        return body.loop(body.count(lanes), several, carried, step=4)

                    _, *sums = body.loop(maps, block, [own, *[body.zeros()] * (self.blocks * self.wide)])
                    for b in range(self.blocks):
                        line = body.lane(to, body.sum(body.times(body.count(b), a_map), here))
                        for p in range(self.wide):
                            body.store(sums[b * self.wide + p], body.lane(line, p * lanes))

                body.each(at_once, tile, step=self.wide)

            body.each(groups, some)

        body.each(body.count(self.cells**2), at)

    def _outputs(self, body: Body, begins: dict[str, Value], products_at: Value, first: Value, group: Value, groups: Value) -> None:
        n, m, lanes = self.cells, self.outputs, self.lanes
        a_block = body.times(body.given("at_once"), body.count(lanes))
        frequency = body.times(body.times(body.given("groups_at_once"), body.count(self.blocks)), a_block)
        matrix = transforms(m, self.taps).output
        tiles = body.least(body.given("at_once"), body.minus(body.given("tiles"), first))
        before = body.times(group, body.count(self.blocks))
        side = m // 2 if self.pools else m
        held = body.room(side * side)

        def block(b: Value) -> None:
            own = body.sum(before, b)
            source = body.lane(products_at, body.times(b, a_block))
            bias = body.load(body.lane(body.address("bias"), body.times(own, body.count(lanes))))
            blocks = {name: body.lane(begins[name], body.times(own, body.given(f"{name}_block"))) for name in begins if name != "x"}

            def tile(t: Value) -> None:
                which = body.sum(first, t)
                here = body.lane(source, body.times(t, body.count(lanes)))
                values = [body.load(body.lane(here, body.times(body.count(f), frequency))) for f in range(n * n)]
                down = [applied(body, matrix, values[j::n]) for j in range(n)]
                corners = {name: body.lane(at, body.entry(body.address(f"{name}_tiles"), which)) for name, at in blocks.items()}
                skipped = [body.entry(body.address(f"{name}_skipped"), which) for name in ("rows", "columns")]
                made = [applied(body, matrix, [down[j][i] for j in range(n)]) for i in range(m)]
                for i, row in enumerate(_pooled(body, made) if self.pools else made):
                    for j, value in enumerate(row):
                        body.store(value, body.lane(held, (i * side + j) * lanes))

                def result(i: Value, j: Value) -> None:
                    right = body.times(j, body.count(lanes))
                    at = {
                        name: body.lane(corner, body.sum(body.times(i, body.given(f"{name}_row")), right))
                        for name, corner in corners.items()
                    }
                    which = body.times(body.sum(body.times(i, body.count(side)), j), body.count(lanes))
                    value = body.builder.fadd(body.load(body.lane(held, which)), bias)
                    if self.adds:
                        value = body.builder.fadd(value, body.load(at["other"]))
                    body.result(tailed(body, self.tail, value), at["y"], self.past)

                body.each(body.count(side), lambda i: body.each(body.count(side), lambda j: result(i, j), skipped[1]), skipped[0])

            body.each(tiles, tile)

        body.each(body.times(groups, body.count(self.blocks)), block)


def _pooled(body: Body, rows: Sequence[Sequence[Value]]) -> list[list[Value]]:
    """The largest of every 2×2 values."""
    lines = [
        [combined(body, "maximum", a, b) for a, b in zip(*pair, strict=True)] for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return [[combined(body, "maximum", a, b) for a, b in zip(line[::2], line[1::2], strict=True)] for line in lines]
