"""Axes, equations, and equations with sizes."""

import pickle

import pytest

from slidesum.core.axis import Address, Merged, Name, One, Rest, Term, bare, factors, indices
from slidesum.core.equation import REDUCTIONS, Equation, Operand, operand_name, unique
from slidesum.core.sized import Connections, Slide
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.scan import read_axes


@pytest.mark.parametrize(
    ("axis", "all_of_them", "bare_ones", "named_steps"),
    [
        (Name("b"), ("b",), ("b",), ()),
        (One(), (), (), ()),
        (Rest(), (), (), ()),
        (Merged(("g", "c")), ("g", "c"), ("g", "c"), ()),
        (Address((Term("i", 2, "s"), Term("u"), Term("v", 1, "d")), -3), ("i", "u", "v"), (), ("s", "d")),
    ],
)
def test_what_an_axis_carries(axis, all_of_them, bare_ones, named_steps):
    assert indices(axis) == all_of_them
    assert bare(axis) == bare_ones
    assert tuple(factors(axis)) == named_steps


@pytest.mark.parametrize(
    "make", [Name, lambda name, span=(0, 0): Merged((name,), span), lambda name, span=(0, 0): Address((Term(name),), 1, span)]
)
def test_spans_take_no_part_in_equality(make):
    assert make("b", (0, 1)) == make("b", (5, 6))
    assert hash(make("b", (0, 1))) == hash(make("b", (5, 6)))
    assert make("b") != make("c")


def test_one_and_rest_are_told_apart():
    assert One((0, 1)) == One((3, 4)) != Rest()


def test_operands_are_named_in_the_order_written():
    assert [operand_name(k) for k in range(4)] == ["x", "w", "w2", "w3"]


def test_the_indices_of_an_array_come_once_and_in_order():
    operand = Operand("x", read_axes("b (g c) 2*i+u b i"))
    assert operand.indices == ("b", "g", "c", "i", "u")
    assert operand.bare == ("b", "g", "c", "i")


def test_the_indices_of_an_equation_begin_with_those_of_the_result():
    equation = parse("b c s*i+u, o c u -> o b i")
    assert equation.indices == ("o", "b", "i", "c", "u")
    assert equation.summed == ("c", "u")
    assert equation.factors == ("s",)
    assert not equation.is_pooling
    assert parse("max b i+u -> b i").is_pooling


def test_addresses_are_found_by_array_and_axis():
    equation = parse("b i+u j, c u k+2*j -> b i k+v")
    assert [(number, place) for number, place, _ in equation.addresses()] == [(0, 1), (1, 2), (-1, 2)]
    assert [number for number, _ in equation.arrays()] == [0, 1, -1]


@pytest.mark.parametrize(
    ("text", "number", "place", "position"),
    [
        ("b i+u, u -> b i", 0, 1, "i"),
        ("b u+i, u -> b i", 0, 1, "i"),
        ("b i+u -> b u i", 0, 1, "i"),  # two candidates, both open: the one written first
        ("b u+i -> b u i", 0, 1, "u"),
        ("b u+i, u -> b u i", 0, 1, "i"),  # w carries u bare, so i is open
        ("b u+i, u i -> b u i", 0, 1, "u"),  # neither is open: the one written first
        ("b u+v, u v -> b", 0, 1, None),  # nothing stands on the result
        ("b i, b o 2*i+u -> o u", 1, 2, "u"),  # an address on a filter
        ("b i, u -> b 2*i+u", -1, 1, "i"),
        ("b i, u -> b u+2*i", -1, 1, "i"),
        ("b u i, i -> b u+i", -1, 1, "u"),  # both stand on the first operand
        ("b, o -> b u+v", -1, 1, "u"),  # none does
    ],
)
def test_rule_2_the_position_is_the_index_that_stands_on_the_result(text, number, place, position):
    equation = parse(text)
    operand = equation.result if number < 0 else equation.operands[number]
    assert equation.position(number, operand.axes[place]) == position


def test_positions_come_once_in_the_order_of_their_addresses():
    assert parse("b j+v i+u, u v -> b i j").positions == ("j", "i")
    assert parse("b i+u, i+t, u t -> b i").positions == ("i",)
    assert parse("b u+v, u v -> b").positions == ()


def test_the_vocabulary_of_reductions():
    assert REDUCTIONS == ("sum", "max", "mean", "min")
    assert Equation((), Operand("y", ())).reduce == "sum"
    assert unique(iter("abca")) == ("a", "b", "c")


# With sizes


def test_a_slide_addresses_cells():
    slide = Slide((("i", 2), ("u", -1)), 0, 9, (2, 1), "i")
    assert slide.cell({"i": 3, "u": 2}) == 4
    assert slide.taps == (("u", -1),)
    assert slide.stride == 2
    assert slide.is_padded
    assert not Slide((("u", 1),), 0, 9, (0, 0), None).is_padded
    assert Slide((("u", 1),), 0, 9, (0, 0), None).stride == 0


def test_axes_of_every_form_have_an_extent():
    sized = solve(parse("b (g c) 2*i+u 1, g c u -> b (g i) 1"), [(2, 6, 9, 1), (2, 3, 3)])
    assert sized.shapes == ((2, 6, 9, 1), (2, 3, 3))
    assert sized.result_shape == (2, 8, 1)
    assert [operand.name for operand in sized.filters] == ["w"]
    assert [slide.position for slide in sized.slides_of(0)] == ["i"]
    assert sized.slides_of(1) == ()


def test_an_equation_that_is_stored_takes_no_hash_along():
    """Hashes of text differ from process to process."""
    equation = parse("b c i+u, o c u -> b o i")
    assert hash(equation) == hash(parse("b  c i+u,  o c u -> b o i"))
    stored = pickle.loads(pickle.dumps(equation))
    assert "_hash" in vars(equation)
    assert "_hash" not in vars(stored)
    assert stored == equation
    assert hash(stored) == hash(equation)


def test_a_sized_equation_has_no_rest_left():
    sized = solve(parse("... i+u, u -> ... i"), [(2, 3, 5), (2,)])
    with pytest.raises(AssertionError, match=r"^a sized equation has no '\.\.\.' left$"):
        sized.axis_extent(0, 0, Rest())


def test_connections_leave_out_pairs_that_do_not_exist():
    wired = Connections(("c", "o"), ((0, 0), (1, 0), (1, 1)))
    sized = solve(parse("b c i+u, o c u -> b o i"), [(1, 2, 5), (2, 2, 3)], connections=wired)
    assert sized.combinations(("o", "c", "u")) == 3 * 3
    assert sized.combinations(("o", "u")) == 2 * 3
    assert sized.combinations(("u", "u")) == 3
