"""What the page reads off an equation, held to the laws: the terms of an output, what it reads, what a cell feeds; and how fast."""

import itertools
import math
from collections import defaultdict

import pytest
from front_modules import front_modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import sized_problems

from slidesum.core.sized import Connections
from slidesum.laws.explain import readings
from slidesum.laws.gradient import gradient, gradient_of
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.show.page.document import sized_document

QUICK = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@pytest.fixture(scope="module")
def call(browser):
    with front_modules(browser, ["equation.js", "explain.js"]) as called:
        yield called


def places(shape):
    return list(itertools.product(*map(range, shape)))


def some(items, most):
    """At most so many of them, spread evenly."""
    return items if len(items) <= most else [items[k * len(items) // most] for k in range(most)]


@st.composite
def equations_with_sizes(draw):
    """A random layer; now and then its gradient (borders on the result), or with a table of connections."""
    problem = draw(sized_problems())
    sized = problem.solve()
    if draw(st.integers(0, 4)) == 0:
        return gradient_of(sized, sized.equation.operands[draw(st.integers(0, len(problem.shapes) - 1))].name)
    if draw(st.integers(0, 3)) == 0 and {"c", "o"} <= set(sized.extents):
        pairs = draw(st.lists(st.sampled_from(places((sized.extents["c"], sized.extents["o"]))), min_size=1, unique=True))
        equation = parse(problem.pattern)
        wired = Connections(("c", "o"), tuple(pairs))
        return solve(equation, problem.shapes, problem.sizes, padding=problem.padding, border=problem.border, connections=wired)
    return sized


@settings(max_examples=12, **QUICK)
@given(st.lists(equations_with_sizes(), min_size=12, max_size=12))
def test_the_terms_of_an_output_are_those_of_the_law_in_its_order(call, layers):
    batch = [[sized_document(sized), at] for sized in layers for at in some(places(sized.result_shape), 6)]
    found = iter(call("front.readings", batch))
    for sized in layers:
        for at in some(places(sized.result_shape), 6):
            assert next(found) == [
                {
                    "values": dict(one.values),
                    "cells": [list(cell) for cell in one.cells],
                    "sources": [None if cell is None else list(cell) for cell in one.sources],
                    "inBorder": one.in_border,
                }
                for one in readings(sized, at)
            ]


@pytest.mark.parametrize(
    ("text", "name", "shapes", "sizes"),
    [
        ("b i+u i+v, u v -> b i", "x", [(2, 3), (2, 2)], {}),
        ("b i i+v, v -> b i", "x", [(2, 3), (2,)], {}),
        ("c c, c -> c", "x", [(3,), (3,)], {}),
        ("c (c d), c -> c", "x", [(3,), (3,)], {"d": 2}),
    ],
)
def test_an_index_that_stands_twice_has_terms_on_its_diagonal_only(call, text, name, shapes, sizes):
    sized = solve(gradient(parse(text), name), shapes, sizes)
    outputs = places(sized.result_shape)
    document = sized_document(sized)
    terms = [[[list(cell) for cell in one.cells] for one in readings(sized, at)] for at in outputs]
    code = "(sized, at) => front.readings(sized, at).map((one) => one.cells)"
    assert call(code, [[document, at] for at in outputs]) == terms
    read = call("(sized, at) => front.readRegion(sized, 0, at).cells()", [[document, at] for at in outputs])
    assert [list(map(tuple, cells)) for cells in read] == [sorted({tuple(cells[0]) for cells in found}) for found in terms]


ASKED = """(sized, outputs, cells) => ({
  read: outputs.map((at) => sized.operands.map((_, number) => front.readCells(sized, number, at))),
  boxes: outputs.map((at) => sized.operands.map((_, number) => {
    const { sets, isBox, count } = front.readRegion(sized, number, at);
    return { sets, isBox, count };
  })),
  has: outputs.map((at) => sized.operands.map((_, number) => {
    const region = front.readRegion(sized, number, at);
    return region.cells().every((cell) => region.has(cell));
  })),
  fed: cells.map((own, number) => own.map((cell) => front.fedBy(sized, number, cell))),
})"""


@settings(max_examples=10, **QUICK)
@given(st.lists(equations_with_sizes(), min_size=10, max_size=10))
def test_what_an_output_reads_and_what_a_cell_feeds_are_read_off_the_terms(call, layers):
    layers = [sized for sized in layers if math.prod(sized.extents.values()) <= 400]
    asked, known = [], []
    for sized in layers:
        outputs = places(sized.result_shape)
        terms = {out: list(readings(sized, out)) for out in outputs}
        feeds = [defaultdict(set) for _ in sized.shapes]
        for out, found in terms.items():
            for one, (number, fed) in itertools.product(found, enumerate(feeds)):
                fed[one.cells[number]].add(out)
                if one.sources[number] is not None:
                    fed[one.sources[number]].add(out)
        # cells that no term reads, and those in the padding, are asked for too
        cells = [some(sorted({*fed, *places(shape)}), 40) for fed, shape in zip(feeds, sized.shapes, strict=True)]
        chosen = some(outputs, 8)
        asked.append([sized_document(sized), chosen, cells])
        known.append((sized, chosen, cells, terms, feeds))
    for (sized, chosen, cells, terms, feeds), found in zip(known, call(ASKED, asked), strict=True):
        for out, read, boxes, has in zip(chosen, found["read"], found["boxes"], found["has"], strict=True):
            for number, (operand, box) in enumerate(zip(read, boxes, strict=True)):
                wanted = {one.cells[number]: one.sources[number] for one in terms[out]}
                assert {tuple(c["cell"]): c["source"] and tuple(c["source"]) for c in operand} == wanted
                assert len(operand) == len(wanted) == box["count"]
                sets = [sorted({cell[k] for cell in wanted}) for k in range(len(sized.shapes[number]))]
                assert box["sets"] == sets
                assert box["isBox"] is (math.prod(map(len, sets)) == len(wanted))
            assert all(has)
        for number, fed in enumerate(found["fed"]):
            for cell, outputs in zip(cells[number], fed, strict=True):
                assert {tuple(out) for out in outputs} == feeds[number][cell], (cell, sized)
                assert len(outputs) == len(feeds[number][cell])


def test_a_place_that_isnt_there_is_told(call):
    sized = sized_document(solve(parse("c i+u, o c u -> o i"), [(2, 5), (3, 2, 2)]))
    told = "(sized) => { try { front.readings(sized, [3, 0]); } catch (e) { return [e.name, e.headline, e.usual, e.advice]; } }"
    assert call(told, [[sized]]) == [
        [
            "PageError",
            "there is no output value at (3, 0)",
            "The result has the shape (3, 4), counted from 0.",
            "Give 2 coordinates inside it.",
        ]
    ]


FASTER_THAN = 4.0
"""Milliseconds: a quarter of the 16 that a hover may take, so that something is left for drawing."""

TIMED = """async (sized, number, at, cell) => {
  const runs = { read: () => front.readRegion(sized, number, at).sets, cells: () => front.readCells(sized, number, at).length,
                 fed: () => front.fedRegion(sized, number, cell).sets, outputs: () => front.fedBy(sized, number, cell).length };
  const median = (run) => {
    const times = Array.from({ length: 25 }, () => { const start = performance.now(); run(); return performance.now() - start; });
    return times.sort((a, b) => a - b)[12];
  };
  return Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, median(run)]));
}"""


@pytest.mark.parametrize(
    ("text", "shapes", "padding", "at", "cell"),
    [
        ("b c i+u j+v, o c u v -> b o i j", [(1, 192, 28, 28), (256, 192, 3, 3)], "same", (0, 100, 14, 14), (0, 100, 14, 14)),
        ("b f, o f -> b o", [(1, 1024), (1000, 1024)], "valid", (0, 500), (0, 500)),
        ("b c i j, c o u v -> b o 2*i+u 2*j+v", [(1, 64, 28, 28), (64, 32, 3, 3)], 1, (0, 16, 28, 28), (0, 32, 14, 14)),
    ],
)
def test_a_hover_has_time_left(call, text, shapes, padding, at, cell):
    sized = sized_document(solve(parse(text), shapes, padding=padding))
    (times,) = call(TIMED, [[sized, 0, at, cell]])
    assert max(times.values()) < FASTER_THAN, times
