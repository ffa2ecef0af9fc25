"""The copy of a part of x that a task works on: planes of phases, with the zeros that stand beyond the edges (`problem.py`)."""

from __future__ import annotations

from collections.abc import Mapping

from slidesum.engine.code import Code, Value

Numbers = Mapping[str, Value]


def copied(code: Code, n: Numbers, table: Value, x: Value, into: Value, first: Value, rows: Value, channels: Value) -> None:
    """Write the copy of `channels` maps for the positions first … first + rows - 1 of the outer axis; x is the first map."""
    outer = code.sum(rows, n["reach_outer"])
    mid = code.sum(n["mid"], n["reach_mid"])
    entries = code.sum(n["inner"], n["reach_inner"])
    begin = code.times(first, n["stride_outer"])

    def channel(c: Value) -> None:
        source, target = code.at(x, code.times(c, n["x_channel"])), code.at(into, code.times(c, n["copy_channel"]))

        def plane(k: Value) -> None:
            at = code.sum(n["at_planes"], code.times(k, code.count(4)))
            plane_at, *shifts = (code.entry(table, code.sum(at, code.count(m))) for m in range(4))
            to = code.at(target, plane_at)
            low = code.least(entries, _first_inside(code, shifts[2], n["stride_inner"]))
            high = code.most(low, code.least(entries, _beyond(code, shifts[2], n["stride_inner"], n["cells_inner"])))

            def layer(a: Value) -> None:
                cell = code.sum(begin, code.times(a, n["stride_outer"]), shifts[0])
                there = _inside(code, cell, n["cells_outer"])

                def row(b: Value) -> None:
                    cell_mid = code.sum(code.times(b, n["stride_mid"]), shifts[1])
                    is_there = code.builder.and_(there, _inside(code, cell_mid, n["cells_mid"]))
                    line = code.at(to, code.sum(code.times(a, n["layer"]), code.times(b, n["row"])))
                    distance = code.sum(code.times(cell, n["x_outer"]), code.times(cell_mid, n["x_mid"]))
                    with code.builder.if_else(is_there) as (full, empty):
                        with full:
                            _line(code, n, code.at(source, distance), line, (low, high, entries), shifts[2])
                        with empty:
                            _zeros(code, line, code.count(0), entries)

                code.each(mid, row)

            code.each(outer, layer)
            end = code.sum(
                code.times(code.minus(outer, code.count(1)), n["layer"]), code.times(code.minus(mid, code.count(1)), n["row"])
            )
            _zeros(code, to, code.sum(end, entries), code.minus(n["plane"], code.count(code.lanes)))

        code.each(n["planes"], plane)

    code.each(channels, channel)


def _line(code: Code, n: Numbers, source: Value, line: Value, part: tuple[Value, Value, Value], shift: Value) -> None:
    """A row of entries, of which low … high - 1 exist: in vectors where they lie side by side."""
    low, high, entries = part
    builder = code.builder
    step = code.times(n["stride_inner"], n["x_inner"])
    source = code.at(source, code.times(shift, n["x_inner"]))
    one = code.count(-code.lanes)

    def masked(m: Value) -> None:
        mask = builder.and_(code.mask(code.minus(high, m)), builder.not_(code.mask(code.minus(low, m))))
        code.store(code.load(code.at(source, m), mask), code.at(line, m))

    def value(m: Value) -> None:
        builder.store(code.value(code.at(source, code.times(m, step))), code.at(line, m))

    with builder.if_else(builder.icmp_signed("==", step, code.count(1))) as (vectors, values):
        with vectors:
            first, last = builder.and_(low, one), builder.and_(high, one)
            _zeros(code, line, code.count(0), first)
            inner = code.least(code.sum(first, code.count(code.lanes)), entries)
            code.each(inner, masked, first, code.lanes)
            inner = code.sum(first, code.count(code.lanes))
            code.each(last, lambda m: code.store(code.load(code.at(source, m)), code.at(line, m)), inner, code.lanes)
            rest = code.most(last, inner)
            code.each(high, masked, rest, code.lanes)
            _zeros(
                code,
                line,
                code.builder.select(builder.icmp_signed("<", rest, high), code.sum(rest, code.count(code.lanes)), rest),
                entries,
            )
        with values:
            _zeros(code, line, code.count(0), entries)
            code.each(high, value, low)


def _zeros(code: Code, line: Value, low: Value, high: Value) -> None:
    """Zeros from low on; the last vector may reach beyond `high`, where something is written later, or nothing is read."""
    code.each(high, lambda m: code.store(code.zeros(), code.at(line, m)), low, code.lanes)


def _inside(code: Code, cell: Value, cells: Value) -> Value:
    return code.builder.icmp_unsigned("<", cell, cells)


def _first_inside(code: Code, shift: Value, stride: Value) -> Value:
    """The first m with stride·m + shift ≥ 0: shift is negative, or less than the stride."""
    below = code.most(code.minus(code.count(0), shift), code.count(0))
    return code.builder.sdiv(code.sum(below, code.minus(stride, code.count(1))), stride)


def _beyond(code: Code, shift: Value, stride: Value, cells: Value) -> Value:
    """The first m with stride·m + shift ≥ cells; 0 where none is below it."""
    left = code.most(code.minus(cells, shift), code.count(0))
    return code.builder.sdiv(code.sum(left, code.minus(stride, code.count(1))), stride)
