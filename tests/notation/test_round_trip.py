"""Text and equation, in both directions and both spellings."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from strategies import equations, sized_problems

from slidesum.core.axis import Address, Merged, Name, One, Rest, Term
from slidesum.core.equation import Equation, Operand, operand_name
from slidesum.errors import MeaningError
from slidesum.notation.parse import parse
from slidesum.notation.scan import read_axes
from slidesum.notation.write import axes, axis, named, pattern

SETTINGS = settings(deadline=None, derandomize=True, max_examples=150)

# what people type, and what explanations print; each is read and written as it stands
CASES = [
    ("b c i+u j+v, o u v -> b (c o) i j", "y[b,(c o),i,j] = x[b,c,i+u,j+v] * w[o,u,v]"),
    ("b c i+u j+v, o u v -> b o i j", "y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,u,v]"),
    ("b c i+u j+v, o c u v -> b o i j", "y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v]"),
    ("b c i+u j+v, c u v -> b c i j", "y[b,c,i,j] = x[b,c,i+u,j+v] * w[c,u,v]"),
    ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", "y[b,(g o),i,j] = x[b,(g c),i+u,j+v] * w[(g o),c,u,v]"),
    ("b c i j, o c -> b o i j", "y[b,o,i,j] = x[b,c,i,j] * w[o,c]"),
    ("b c i+u j+v, c u v, o c -> b o i j", "y[b,o,i,j] = x[b,c,i+u,j+v] * w[c,u,v] * w2[o,c]"),
    ("b d+t i+u j+v, t u v -> b d i j", "y[b,d,i,j] = x[b,d+t,i+u,j+v] * w[t,u,v]"),
    ("b c 2*i+u-3 2*j+v-3, o c u v -> b o i j", "y[b,o,i,j] = x[b,c,2*i+u-3,2*j+v-3] * w[o,c,u,v]"),
    ("b c i+2*u j+2*v, o c u v -> b o i j", "y[b,o,i,j] = x[b,c,i+2*u,j+2*v] * w[o,c,u,v]"),
    ("b c i j, c o u v -> b o 2*i+u 2*j+v", "y[b,o,2*i+u,2*j+v] = x[b,c,i,j] * w[c,o,u,v]"),
    ("b c i+u j+v, o c i j u v -> b o i j", "y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,i,j,u,v]"),
    ("b c i+u j+v, b o c u v -> b o i j", "y[b,o,i,j] = x[b,c,i+u,j+v] * w[b,o,c,u,v]"),
    ("max b c 2*i+u 2*j+v -> b c i j", "y[b,c,i,j] = max x[b,c,2*i+u,2*j+v]"),
    ("max b (o p) i j -> b o i j", "y[b,o,i,j] = max x[b,(o p),i,j]"),
    ("mean b c i j -> b c", "y[b,c] = mean x[b,c,i,j]"),
    ("min ... i+u -> ... i", "y[...,i] = min x[...,i+u]"),
    ("b c s*i+d*u, o c u -> b o i", "y[b,o,i] = x[b,c,s*i+d*u] * w[o,c,u]"),
    ("b 2*s*i-3*d*u+7, u -> b i", "y[b,i] = x[b,2*s*i-3*d*u+7] * w[u]"),
    ("b -i+u, u -> b i", "y[b,i] = x[b,-i+u] * w[u]"),
    ("b -s*i -2*j, u -> b i j", "y[b,i,j] = x[b,-s*i,-2*j] * w[u]"),
    ("b i+u+3*t, u t -> b i", "y[b,i] = x[b,i+u+3*t] * w[u,t]"),
    ("b i+1 -> b i", "y[b,i] = x[b,i+1]"),
    ("b c i+u -> b c u i", "y[b,c,u,i] = x[b,c,i+u]"),
    ("... c, o c -> ... o", "y[...,o] = x[...,c] * w[o,c]"),
    ("b 1 i, 1 -> b i 1", "y[b,i,1] = x[b,1,i] * w[1]"),
    ("b i, b j, b k, b l -> b (i j k l)", "y[b,(i j k l)] = x[b,i] * w[b,j] * w2[b,k] * w3[b,l]"),
    ("b i, i ->", "y[] = x[b,i] * w[i]"),
    ("row col_1, col_1 µ -> row µ", "y[row,µ] = x[row,col_1] * w[col_1,µ]"),
    ("sum max b -> b", "y[b] = x[max,b]"),
    ("sum avg i -> i", "y[i] = x[avg,i]"),
]
IDS = [case[0] for case in CASES]


@pytest.mark.parametrize(("typed", "told"), CASES, ids=IDS)
def test_both_spellings_are_one_equation(typed, told):
    assert parse(typed) == parse(told)
    assert hash(parse(typed)) == hash(parse(told))


@pytest.mark.parametrize(("typed", "told"), CASES, ids=IDS)
def test_an_equation_prints_as_people_type_it(typed, told):
    for text in (typed, told):
        assert pattern(parse(text)) == typed
        assert named(parse(text)) == told


@pytest.mark.parametrize(
    "told",
    [
        "y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[o]",
        "out[b,o] = image[b,c] * filter_1[o,c] + shift[o]",
        "y[b,(g o)] = x[b,(g c)] * w[(g o),c] + a[(g o)]",
        "y[b,(g o)] = x[b,(g c)] * w[(g o),c] + a[g]",
        "y[o] = x[] * w[o] + a[1]",
        "y[] = x[] + a[]",
        "dx[b,c,2*i+u] = dy[b,o,i] * w[o,c,u]",
        "y[b] = max[b]",
        "y[b] = max max[b,u]",
    ],
)
def test_the_named_spelling_tells_names_and_bias(told):
    assert named(parse(told)) == told


@SETTINGS
@given(equations())
def test_a_printed_pattern_reads_as_the_equation(equation):
    assert parse(pattern(equation)) == equation


@SETTINGS
@given(equations())
def test_a_printed_named_equation_reads_as_the_equation(equation):
    assert parse(named(equation)) == equation


@SETTINGS
@given(equations(named=True))
def test_names_of_arrays_and_bias_survive_the_named_spelling(equation):
    assert parse(named(equation)) == equation


@SETTINGS
@given(equations(named=True))
def test_a_pattern_leaves_out_names_and_bias_only(equation):
    if not all(operand.axes for operand in equation.operands):
        return  # an operand without axes is a pattern's only gap
    plain = tuple(replace(operand, name=operand_name(k)) for k, operand in enumerate(equation.operands))
    bare = replace(equation, operands=plain, result=replace(equation.result, name="y"), bias=None)
    assert parse(pattern(equation)) == bare


@settings(deadline=None, derandomize=True, max_examples=100)
@given(sized_problems())
def test_printing_a_printed_layer_changes_nothing(problem):
    once = pattern(parse(problem.pattern))
    assert pattern(parse(once)) == once
    assert parse(once) == parse(problem.pattern)


@pytest.mark.parametrize(
    ("spelling", "other"),
    [
        ("b c i+u, o c u -> b o i", "  b  c\ti+u ,o c u->b o i \n"),
        ("b (g c) -> b g", "b ( g  c ) -> b g"),
        ("b i+u-3 -> b i", "b -3+i+u -> b i"),
        ("b 6*i -> b i", "b 2*3*i -> b i"),
        ("b i -> b i", "b 1*i -> b i"),
        ("b i -> b i", "b i+0 -> b i"),
        ("b i+3 -> b i", "b i+1+2 -> b i"),
        ("b i -> b i", "sum b i -> b i"),
        ("y[b,i] = x[b,i+u] * w[u] + a[1]", " y [ b , i ]=x[b,i+u]*w [u]+a[1] "),
        ("y[b,(g o)] = x[b,g,o]", "y[b,( g o )] = sum x[b,g,o]"),
    ],
)
def test_spelling_takes_no_part_in_equality(spelling, other):
    assert parse(spelling) == parse(other)
    assert hash(parse(spelling)) == hash(parse(other))
    assert parse(spelling).text != parse(other).text


@pytest.mark.parametrize(
    "other", ["b u+i, u -> b i", "b i+u, u -> i b", "max b i+u -> b i", "b i+u+1, u -> b i", "b 2*i+u, u -> b i"]
)
def test_what_means_something_else_differs(other):
    assert parse("b i+u, u -> b i") != parse(other)


def test_every_axis_knows_the_characters_it_was_read_from():
    text = "b (g c) 2*i+u-3 ... 1, u -> b i"
    first = parse(text).operands[0]
    assert [text[slice(*a.span)] for a in first.axes] == ["b", "(g c)", "2*i+u-3", "...", "1"]
    told = "y[b,i] = x[b,(g c),2*i+u-3,...,1] * w[u]"
    assert [told[slice(*a.span)] for a in parse(told).operands[0].axes] == ["b", "(g c)", "2*i+u-3", "...", "1"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("b", Name("b")),
        ("x_1", Name("x_1")),
        ("_b", Name("_b")),
        ("1", One()),
        ("...", Rest()),
        ("(g c)", Merged(("g", "c"))),
        ("(g)", Merged(("g",))),
        ("2*i+u-3", Address((Term("i", 2), Term("u")), -3)),
        ("-i", Address((Term("i", -1),))),
        ("i+1", Address((Term("i"),), 1)),
        ("s*i+d*u", Address((Term("i", 1, "s"), Term("u", 1, "d")))),
        ("-2*s*i-u", Address((Term("i", -2, "s"), Term("u", -1)))),
    ],
)
def test_rule_1_what_an_axis_may_be(text, read):
    assert read_axes(text) == (read,)
    assert axis(read) == text
    assert axes(Operand("x", (read, Name("b"))), " ") == f"{text} b"


def test_rule_1_a_name_is_an_index_or_a_coefficient():
    equation = parse("b s*i+d*u, u -> b i")
    assert equation.factors == ("s", "d")
    assert equation.indices == ("b", "i", "u")
    with pytest.raises(MeaningError, match="'s' is an index here and a coefficient elsewhere"):
        parse("b s*i+u, u s -> b i")


@pytest.mark.parametrize(
    ("text", "positions", "summed"),
    [
        ("b c 2*i+u 2*j+v, o c u v -> b o i j", ("i", "j"), ("c", "u", "v")),
        ("b c u+i, o c u -> b o i", ("i",), ("c", "u")),
        ("b c i+u -> b c u i", ("i",), ()),
        ("b c u+i -> b c u i", ("u",), ()),
        ("b c i+u, u -> b c u i", ("i",), ()),
        ("b c u+i, u -> b c u i", ("i",), ()),
        ("b c i, c o u -> b o 2*i+u", ("i",), ("c",)),
        ("b c i, c o u -> b o u+2*i", ("i",), ("c",)),
        ("b u+t, u t -> b", (), ("u", "t")),
        ("max b c i j -> b c", (), ("i", "j")),
    ],
)
def test_rules_2_and_5_positions_and_summed_indices_are_read_off(text, positions, summed):
    assert parse(text).positions == positions
    assert parse(text).summed == summed


def test_operands_are_called_x_w_w2():
    assert [operand.name for operand in parse("a, b, c, d -> a").operands] == ["x", "w", "w2", "w3"]
    assert parse("a -> a").result.name == "y"


def test_reading_twice_gives_the_same_object():
    assert parse("b c i+u, o c u -> b o i") is parse("b c i+u, o c u -> b o i")


def test_an_equation_made_by_hand_prints_too():
    made = Equation(
        (Operand("x", (Name("b"), Address((Term("i", 2), Term("u")), -1))),), Operand("y", (Name("b"), Name("i"))), "max"
    )
    assert pattern(made) == "max b 2*i+u-1 -> b i"
    assert parse(pattern(made)) == made
