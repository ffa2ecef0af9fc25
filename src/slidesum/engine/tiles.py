"""The micro-kernels: a tile of sums that stays in registers while the loops run over what is summed.

`filters_by_vectors`   high filters × wide vectors of positions; a weight is spread over a vector, and meets all vectors of x
`rows_by_vectors`      high rows of y × wide vectors: a vector of x is loaded once for the rows that read it, each by another tap
`filters_by_positions` high filters × wide positions: vectors run along the taps, and the sum of the lanes is left to be taken
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from slidesum.engine.code import Code, Value

Numbers = Mapping[str, Value]
Put = Callable[[int, int, Value], None]
"""(row of the tile, column of the tile, sum): what becomes of a sum."""


def filters_by_vectors(code: Code, n: Numbers, table: Value, high: int, wide: int, x: Value, w: Value, put: Put) -> None:
    """x is the first entry that the tile reads of the first map, w the first filter's first weight."""

    def channel(c: Value, sums: list[Value]) -> Sequence[Value]:
        own = code.at(x, code.times(c, n["copy_channel"]))
        first = code.at(w, code.times(c, n["w_channel"]))
        weights = [code.at(first, code.times(code.count(k), n["w_filter"])) for k in range(high)]

        def tap(t: Value, sums: list[Value]) -> Sequence[Value]:
            entry = code.at(own, code.entry(table, code.sum(n["at_taps"], t)))
            weight = code.entry(table, code.sum(n["at_weights"], t))
            return _products(
                code,
                [partial(_spread, code, code.at(one, weight)) for one in weights],
                [partial(code.load, code.at(entry, code.count(j * code.lanes))) for j in range(wide)],
                sums,
            )

        return code.loop(n["taps"], tap, sums)

    sums = code.loop(n["channels"], channel, [code.zeros()] * (high * wide))
    for k in range(high):
        for j in range(wide):
            put(k, j, sums[k * wide + j])


def rows_by_vectors(
    code: Code, n: Numbers, table: Value, high: int, wide: int, x: Value, w: Value, put: Put, inside: tuple[Value, Value]
) -> None:
    """As before, for one filter; rows of x outside of `inside`, counted from the tile's first, lie in the padding: zeros.

    Row a of the tile reads row e of x by the tap e - a. The first and the last rows of x serve some rows of the tile only.
    """
    low, high_end = inside

    def channel(c: Value, sums: list[Value]) -> Sequence[Value]:
        own = code.at(x, code.times(c, n["copy_channel"]))
        first = code.at(w, code.times(c, n["w_channel"]))

        def tap(t: Value, sums: list[Value]) -> Sequence[Value]:
            entry = code.at(own, code.entry(table, code.sum(n["at_taps"], t)))
            weight = code.at(first, code.entry(table, code.sum(n["at_weights"], t)))

            def row(e: Value, sums: list[Value], among: Sequence[int]) -> Sequence[Value]:
                there = code.at(entry, code.times(e, n["layer"]))
                part = _products(
                    code,
                    [
                        partial(_spread, code, code.at(weight, code.times(code.minus(e, code.count(a)), n["w_outer"])))
                        for a in among
                    ],
                    [partial(code.load, code.at(there, code.count(j * code.lanes))) for j in range(wide)],
                    [sums[a * wide + j] for a in among for j in range(wide)],
                )
                after = list(sums)
                for at, a in enumerate(among):
                    after[a * wide : (a + 1) * wide] = part[at * wide : (at + 1) * wide]
                return after

            def rows(sums: list[Value], begin: Value, end: Value, among: Sequence[int]) -> list[Value]:
                start, stop = code.most(begin, low), code.least(end, high_end)
                return code.loop(stop, lambda e, sums: row(e, sums, among), sums, start)

            taps = n["taps_outer"]
            for e in range(high - 1):
                sums = rows(sums, code.count(e), code.count(e + 1), range(e + 1))
            sums = rows(sums, code.count(high - 1), taps, range(high))
            for e in range(high - 1):
                at = code.sum(taps, code.count(e))
                sums = rows(sums, at, code.sum(at, code.count(1)), range(e + 1, high))
            return sums

        return code.loop(n["taps"], tap, sums)

    sums = code.loop(n["channels"], channel, [code.zeros()] * (high * wide))
    for a in range(high):
        for j in range(wide):
            put(a, j, sums[a * wide + j])


def filters_by_positions(
    code: Code, n: Numbers, table: Value, high: int, wide: int, x: Value, w: Value, channels: Value
) -> list[Value]:
    """As the first, but the vectors run along the taps of the inner axis, so the sums are their lanes' own yet."""
    whole = code.builder.and_(n["taps_inner"], code.count(-code.lanes))
    mask = code.mask(code.minus(n["taps_inner"], whole))

    def channel(c: Value, sums: list[Value]) -> Sequence[Value]:
        own = code.at(x, code.times(c, n["copy_channel"]))
        first = code.at(w, code.times(c, n["w_channel"]))
        weights = [code.at(first, code.times(code.count(k), n["w_filter"])) for k in range(high)]

        def row(t: Value, sums: list[Value]) -> Sequence[Value]:
            entry = code.at(own, code.entry(table, code.sum(n["at_taps"], t)))
            weight = code.entry(table, code.sum(n["at_weights"], t))
            rows = [code.at(one, weight) for one in weights]

            def vector(v: Value, sums: list[Value], mask: Value | None = None) -> Sequence[Value]:
                return _products(
                    code,
                    [partial(code.load, code.at(one, v), mask) for one in rows],
                    [partial(code.load, code.at(entry, code.sum(v, code.count(j))), mask) for j in range(wide)],
                    sums,
                )

            sums = code.loop(whole, vector, sums, step=code.lanes)
            return code.loop(n["taps_inner"], lambda v, sums: vector(v, sums, mask), sums, whole, code.lanes)

        return code.loop(n["taps"], row, sums)

    return code.loop(channels, channel, [code.zeros()] * (high * wide))


def _spread(code: Code, pointer: Value) -> Value:
    return code.spread(code.value(pointer))


def _products(
    code: Code, rows: Sequence[Callable[[], Value]], columns: Sequence[Callable[[], Value]], sums: list[Value]
) -> list[Value]:
    """sums + row·column for all pairs. The fewer of both are held in registers, the others come one after the other."""
    after = list(sums)
    wide = len(columns)
    if len(rows) <= wide:
        held = [row() for row in rows]
        for j, column in enumerate(columns):
            one = column()
            for k, row in enumerate(held):
                after[k * wide + j] = code.multiply_add(row, one, after[k * wide + j])
    else:
        held = [column() for column in columns]
        for k, make in enumerate(rows):
            one = make()
            for j, column_value in enumerate(held):
                after[k * wide + j] = code.multiply_add(one, column_value, after[k * wide + j])
    return after
