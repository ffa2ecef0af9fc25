"""Which terms make a value, and what stands beyond the edge: against a loop that goes the other way."""

import itertools
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from strategies import assignments, cell, inside, sized_problems

from slidesum.core.sized import Connections
from slidesum.laws.edge import constant, source
from slidesum.laws.explain import bias_cell, readings
from slidesum.laws.gradient import gradient, gradient_of
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse


def bounced(place, cells):
    """`reflect`, walked cell by cell."""
    at, step = 0, 1
    for _ in range(abs(place)):
        if cells == 1:
            return 0
        if not 0 <= at + step < cells:
            step = -step
        at += step
    return at


@pytest.mark.parametrize("cells", range(1, 6))
@pytest.mark.parametrize("place", range(-12, 17))
def test_every_border_is_what_its_name_says(place, cells):
    beyond = not 0 <= place < cells
    assert source(place, cells, "zero") == (None if beyond else place)
    assert source(place, cells, 7) == (None if beyond else place)
    assert source(place, cells, "circular") == place % cells
    assert source(place, cells, "replicate") == min(max(place, 0), cells - 1)
    back = bounced(place, cells) if place >= 0 else bounced(-place, cells)
    assert source(place, cells, "reflect") == back


@pytest.mark.parametrize("border", ["zero", "circular", "reflect", "replicate", 3])
def test_beyond_an_empty_array_stands_nothing(border):
    assert source(0, 0, border) is None


@pytest.mark.parametrize(("border", "number"), [("zero", 0), (0, 0), (1.5, 1.5), (-2, -2), (1j, 1j)])
def test_a_constant_border_is_its_number(border, number):
    assert constant(border) == number


@settings(deadline=None, derandomize=True, max_examples=150)
@given(sized_problems())
def test_reading_backwards_finds_the_terms_that_a_forward_loop_lays_down(problem):
    sized = problem.solve()
    laid = defaultdict(Counter)
    for at in assignments(sized):
        out = cell(sized, -1, at)
        if inside(out, sized.result_shape):
            laid[out][tuple(cell(sized, number, at) for number in range(len(problem.shapes)))] += 1
    for out in itertools.product(*map(range, sized.result_shape)):
        found = list(readings(sized, out))
        assert Counter(reading.cells for reading in found) == laid[out]
        for reading in found:
            assert cell(sized, -1, reading.values) == out
            for number, (there, taken) in enumerate(zip(reading.cells, reading.sources, strict=True)):
                within = inside(there, sized.shapes[number])
                assert (taken == there) is within
                assert (taken is None) is (not within and sized.border not in ("circular", "reflect", "replicate"))
                assert taken is None or inside(taken, sized.shapes[number])
            assert reading.in_border is not all(map(inside, reading.cells, sized.shapes))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(sized_problems())
def test_what_falls_beyond_the_edge_of_a_gradient_is_found_where_its_border_puts_it(problem):
    forth = problem.solve()
    back = gradient_of(forth, forth.equation.operands[0].name)
    laid = defaultdict(Counter)
    for at in assignments(back):
        out = cell(back, -1, at)
        for place, there in enumerate(out):
            slide = back.slides.get((-1, place))
            at_home = source(there, slide.extent, slide.border) if slide else there
            out = (*out[:place], at_home, *out[place + 1 :])
        laid[out][tuple(cell(back, number, at) for number in range(len(back.shapes)))] += 1
    for out in itertools.product(*map(range, back.result_shape)):
        assert Counter(reading.cells for reading in readings(back, out)) == laid[out]


@pytest.mark.parametrize(
    ("text", "shapes", "options", "at", "cells"),
    [
        ("i+u-1, u -> i", [(5,), (3,)], {}, (0,), [((-1,), (0,)), ((0,), (1,)), ((1,), (2,))]),
        ("2*i+u, u -> i", [(5,), (2,)], {}, (1,), [((2,), (0,)), ((3,), (1,))]),
        ("i-u, u -> i", [(5,), (3,)], {}, (0,), [((2,), (0,)), ((1,), (1,)), ((0,), (2,))]),
        ("c i+u, c u -> i", [(2, 4), (2, 2)], {}, (1,), [((0, 1), (0, 0)), ((0, 2), (0, 1)), ((1, 1), (1, 0)), ((1, 2), (1, 1))]),
        ("(g c), (g o) c -> (g o)", [(4,), (4, 2)], {"sizes": {"g": 2}}, (3,), [((2,), (3, 0)), ((3,), (3, 1))]),
        ("i, u -> 2*i+u", [(3,), (3,)], {}, (2,), [((1,), (0,)), ((0,), (2,))]),
        ("i, u -> 2*i+u-1", [(3,), (3,)], {}, (0,), [((0,), (1,))]),
        ("i, u -> 3*i+u", [(3,), (2,)], {"extent": {"i": 10}}, (8,), []),  # a gap
        ("i -> i n", [(3,)], {"sizes": {"n": 2}}, (2, 1), [((2,),)]),
        ("max i+u 1 -> 1 i", [(4, 1)], {"sizes": {"u": 2}}, (0, 2), [((2, 0),), ((3, 0),)]),
        ("u i -> i+u", [(2, 3)], {}, (2,), [((0, 2),), ((1, 1),)]),
    ],
)
def test_terms_come_in_the_order_of_the_loops(text, shapes, options, at, cells):
    sized = solve(parse(text), shapes, options.pop("sizes", None), **options)
    assert sorted(reading.cells for reading in readings(sized, at)) == sorted(cells)
    if "->" in text and "+" not in text.split("->")[1]:
        assert [reading.cells for reading in readings(sized, at)] == cells


def test_maps_run_outside_and_taps_inside():
    sized = solve(parse("i+u c, u c -> i"), [(4, 2), (2, 2)])
    assert [(r.values["c"], r.values["u"]) for r in readings(sized, (0,))] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_the_bias_of_an_output_stands_at_its_map():
    sized = solve(parse("y[b,(g o),i] = x[b,(g c),i+u] * w[(g o),c,u] + a[o]"), [(1, 4, 4), (6, 2, 2)], {"g": 2})
    assert [bias_cell(sized, (0, maps, 1)) for maps in range(6)] == [(0,), (1,), (2,), (0,), (1,), (2,)]


def test_what_is_not_connected_is_no_term():
    wired = Connections(("c", "o"), ((0, 0), (1, 1), (0, 1)))
    sized = solve(parse("c i+u, o c u -> o i"), [(2, 4), (2, 2, 2)], connections=wired)
    assert [r.values["c"] for r in readings(sized, (0, 0))] == [0, 0]
    assert [r.values["c"] for r in readings(sized, (1, 0))] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "name", "shapes", "sizes"),
    [
        ("b i+u i+v, u v -> b i", "x", [(2, 3), (2, 2)], {}),
        ("b i i+v, v -> b i", "x", [(2, 3), (2,)], {}),
        ("c c, c -> c", "x", [(3,), (3,)], {}),
        ("c (c d), c -> c", "x", [(3,), (3,)], {"d": 2}),
    ],
)
def test_a_gradient_may_name_an_index_twice_and_has_terms_on_its_diagonal_only(text, name, shapes, sizes):
    sized = solve(gradient(parse(text), name), shapes, sizes)
    for out in itertools.product(*map(range, sized.result_shape)):
        forward = [at for at in assignments(sized) if cell(sized, -1, at) == out]
        assert Counter(r.cells for r in readings(sized, out)) == Counter((cell(sized, 0, at), cell(sized, 1, at)) for at in forward)
