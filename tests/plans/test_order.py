"""The order of products: the search against every sequence of pairs, counted from the equations alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import Problem, sized_problems

from slidesum.core.sized import Sized
from slidesum.laws.normal import normal
from slidesum.laws.rewrite import contracted
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import pattern
from slidesum.plans.cost import macs
from slidesum.plans.order import ordered

FACTORED = {
    "CP, four factors": ("b c i+u j+v, r c, r u v, o r -> b o i j", [(1, 6, 7, 7), (2, 6), (2, 3, 3), (5, 2)]),
    "CP, five factors": ("b c i+u j+v, r c, r u, r v, o r -> b o i j", [(1, 6, 7, 7), (2, 6), (2, 3), (2, 3), (5, 2)]),
    "Tucker": ("b c i+u j+v, p c, p q u v, o q -> b o i j", [(1, 6, 7, 7), (2, 6), (2, 3, 3, 3), (5, 3)]),
    "a chain": ("b c i+u j+v, c r, r u p, p v o -> b o i j", [(1, 6, 7, 7), (6, 2), (2, 3, 2), (2, 3, 4)]),
    "one far too wide": ("b c i+u, r c, r u, o r -> b o i", [(1, 2, 9), (64, 2), (64, 3), (2, 64)]),
}


def sequences(sized: Sized, spent: float = 0) -> list[float]:
    """What every sequence of pairs costs, the last product included."""
    count = len(sized.equation.operands)
    if count <= 2:
        return [spent + macs(sized)]
    costs = []
    for a, b in itertools.combinations(range(count), 2):
        first, rest = contracted(sized, a, b)
        costs += sequences(rest, spent + macs(first))
    return costs


def followed(sized: Sized, pairs: list[tuple[int, int]]) -> float:
    """What this sequence costs."""
    spent = 0
    for pair in pairs:
        first, sized = contracted(sized, *pair)
        spent += macs(first)
    return spent + macs(sized)


def assert_cheapest(sized: Sized) -> None:
    costs = sequences(sized)
    assert followed(sized, ordered(sized, macs)) == min(costs) <= max(costs)


@pytest.mark.parametrize("name", FACTORED)
def test_no_sequence_of_pairs_costs_less(name: str):
    text, shapes = FACTORED[name]
    assert_cheapest(normal(solve(parse(text), shapes)))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(sized_problems(kind="convolution"))
def test_random_equations(problem: Problem):
    assert_cheapest(normal(problem.solve()))


def test_two_operands_have_no_order():
    assert ordered(normal(solve(parse("i+u, u -> i"), [(5,), (2,)])), macs) == []


def test_beyond_six_operands_the_cheapest_pair_is_taken_each_time():
    text = "i a, a b, b c, c d, d e, e f, f j -> i j"
    sized = normal(solve(parse(text), [(2, 9), (9, 9), (9, 9), (9, 9), (9, 9), (9, 9), (9, 2)]))
    pairs = ordered(sized, macs)
    assert len(pairs) == 5
    assert followed(sized, pairs) == 2 * 9 * 9 * 5 + 2 * 9 * 2


def test_what_slides_costs_its_cells_until_it_is_opened():
    """x[b,c,i_] · w[r,c] first: 9 cells, not 7 positions of 3 taps."""
    sized = normal(solve(parse("b c i+u, r c, r u, o r -> b o i"), [(1, 3, 9), (2, 3), (2, 3), (4, 2)]))
    found = {}
    for a, b in itertools.combinations(range(4), 2):
        first, _ = contracted(sized, a, b)
        found[pattern(first.equation)] = macs(first)
    assert found == {
        "b c i_, r c -> b r i_": 3 * 9 * 2,
        "b c i+u, r u -> b c r i": 3 * 7 * 3 * 2,
        "b c i_, o r -> b c o r i_": 3 * 9 * 4 * 2,
        "r c, r u -> r c u": 2 * 3 * 3,
        "r c, o r -> r c o": 2 * 3 * 4,
        "r u, o r -> r u o": 2 * 3 * 4,
    }
