"""What a block reads, against all index values in plain loops."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import Problem, assignments, cell, inside, sized_problems

from slidesum.core.sized import Sized
from slidesum.laws.blocks import Reading, block, needed
from slidesum.laws.edge import source
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

CHECKS = [HealthCheck.too_slow]
Cell = tuple[int, ...]


@st.composite
def blocks(draw: Any, sized: Sized) -> list[tuple[int, int]]:
    """A part of the result that isn't empty."""
    starts = [draw(st.integers(0, n - 1)) for n in sized.result_shape]
    return [(low, draw(st.integers(low + 1, n))) for low, n in zip(starts, sized.result_shape, strict=True)]


def held(readings: tuple[Reading, ...]) -> dict[Cell, Cell]:
    """The array's cell that each cell of a block holds, for those that don't hold a constant."""
    along = []
    for reading in readings:
        pairs = [(run.at + k, run.cell + k * run.step) for run in reading.runs for k in range(run.cells)]
        assert len(dict(pairs)) == len(pairs), "two runs lie on one cell"
        constant = [place for low, high in reading.gaps for place in range(low, high)]
        assert sorted([*dict(pairs), *constant]) == list(range(reading.extent))
        along.append(pairs)
    return {tuple(p for p, _ in pairs): tuple(c for _, c in pairs) for pairs in itertools.product(*along)}


def sources(sized: Sized, number: int, place: Cell) -> Cell | None:
    """The cell whose value stands here, None for a constant."""
    slides = [sized.slides.get((number, k)) for k in range(len(place))]
    found = [source(c, n, s.border) if s else c for c, n, s in zip(place, sized.shapes[number], slides, strict=True)]
    return None if None in found else tuple(c for c in found if c is not None)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=CHECKS)
@given(st.data(), sized_problems())
def test_a_block_is_its_smaller_equation(data: st.DataObject, problem: Problem):
    """Term by term: what the smaller equation puts to the block is what the whole one puts there."""
    sized = problem.solve()
    cells = data.draw(blocks(sized))
    found = block(sized, cells)
    small = found.sized
    wanted: dict[Cell, list[list[Cell | None]]] = {}
    for at in assignments(sized):
        y = cell(sized, -1, at)
        if all(low <= c < high for c, (low, high) in zip(y, cells, strict=True)):
            reads = [sources(sized, number, cell(sized, number, at)) for number in range(len(sized.shapes))]
            wanted.setdefault(tuple(c - low for c, (low, _) in zip(y, cells, strict=True)), []).append(reads)
    made: dict[Cell, list[list[Cell | None]]] = {}
    if not found.is_empty:
        operands = [held(readings) for readings in found.reads]
        laid = {there: here for here, there in held(found.writes).items()}
        for at in assignments(small):
            places = [cell(small, number, at) for number in range(len(small.shapes))]
            assert all(map(inside, places, small.shapes)), "a block has no padding"
            y = cell(small, -1, at)
            assert inside(y, small.result_shape)
            if y in laid:
                made.setdefault(laid[y], []).append([operand.get(p) for operand, p in zip(operands, places, strict=True)])
    assert made == wanted
    assert [tuple(r.extent for r in reading) for reading in found.reads] == list(small.shapes)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=CHECKS)
@given(st.data(), sized_problems())
def test_no_more_than_needed(data: st.DataObject, problem: Problem):
    """The box is the smallest that holds every combination of values that makes the block."""
    sized = problem.solve()
    cells = data.draw(blocks(sized))
    values: dict[str, set[int]] = {}
    for at in assignments(sized):
        if all(low <= c < high for c, (low, high) in zip(cell(sized, -1, at), cells, strict=True)):
            for name, value in at.items():
                values.setdefault(name, set()).add(value)
    stepped = {name for (number, _), slide in sized.slides.items() if number < 0 for name, _ in slide.taps}
    merged = {name for axis in sized.equation.result.axes for name in getattr(axis, "names", ())}
    for name, (low, high) in needed(sized, cells).items():
        if not values:
            continue
        first, last = min(values[name]), max(values[name])
        assert low <= first <= last < high
        if name not in stepped and name not in merged:
            assert (low, high) == (first, last + 1), name


def test_a_part_of_a_sum():
    sized = solve(parse("(g c) i+u, o g c u -> o i"), [(8, 6), (3, 2, 4, 3)])
    found = block(sized, [(0, 3), (1, 3)], {"c": (1, 3)})
    assert [run.cell for run in found.reads[0][0].runs] == [1, 5]
    assert found.sized.shapes == ((4, 4), (3, 2, 2, 3))
    assert found.sized.result_shape == (3, 2)


def test_nothing_reaches_a_gap():
    sized = solve(parse("i, u -> 4*i+u"), [(3,), (2,)])
    assert [block(sized, [(k, k + 1)]).is_empty for k in range(10)] == [False, False, True, True] * 2 + [False, False]


def test_far_cells_of_a_circular_border():
    found = block(solve(parse("i+u, u -> i"), [(100,), (3,)], padding="same", border="circular"), [(0, 10)])
    assert [(run.cell, run.cells) for run in found.reads[0][0].runs] == [(99, 1), (0, 11)]
