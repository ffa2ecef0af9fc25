"""The kind of a layer: every row of the design's table and more, whatever the letters."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from strategies import sized_problems

from slidesum.core.axis import Address, Merged, Name, Term
from slidesum.core.sized import Connections
from slidesum.laws.kind import KINDS, kind
from slidesum.laws.roles import batch, default_bias, on_filters, roles, with_role
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import pattern

CASES = [
    # the design's table
    ("b c i+u j+v, o u v -> b (c o) i j", "type 1"),
    ("b c i+u j+v, o u v -> b o i j", "type 2.1"),
    ("b c i+u j+v, o c u v -> b o i j", "type 2.2"),
    ("b c i+u j+v, c u v -> b c i j", "depthwise"),
    ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", "grouped"),
    ("b c i j, o c -> b o i j", "1×1"),
    ("b i j c, 1 1 c o -> b i j o", "1×1"),
    ("b i j c, c o -> b i j o", "linear"),
    ("b c i+u j+v, c u v, o c -> b o i j", "depthwise separable"),
    ("b d+t i+u j+v, t u v -> b d i j", "3-D over the stack"),
    ("b c 2*i+u-3 2*j+v-3, o c u v -> b o i j", "type 2.2, stride 2"),
    ("b c i+2*u j+2*v, o c u v -> b o i j", "type 2.2, dilation 2"),
    ("b c i j, c o u v -> b o 2*i+u 2*j+v", "transposed, stride 2"),
    ("b c i+u j+v, o c i j u v -> b o i j", "locally connected"),
    ("b c i+u j+v, b o c u v -> b o i j", "a filter per sample"),
    ("b c i+u j, o c u k+u -> b o k i j", "sliding filter"),
    ("b c i j, i+u c o u -> b o i j", "sliding filter, 1-D"),
    ("max b c 2*i+u 2*j+v -> b c i j", "max pooling, stride 2"),
    ("max b (o p) i j -> b o i j", "max pooling across maps"),
    # one operand
    ("mean b c i+u j+v -> b c i j", "mean pooling"),
    ("min b c i+u -> b c i", "min pooling, 1-D"),
    ("sum b c i+u -> b c i", "sum pooling, 1-D"),
    ("mean b c i j -> b c", "global mean pooling"),
    ("b c i j -> b c", "global sum pooling"),
    ("mean b i j c -> b c", "global mean pooling"),  # maps last
    ("max b i j k c -> b 1 1 1 c", "global max pooling"),
    ("mean b t c -> b c", "mean over maps"),  # one axis between could be either
    ("max b c i j -> b j i", "max over maps"),
    ("max b c i j -> b i j", "max over maps"),
    ("max b c -> b", "max over maps"),
    ("b c i+u j+v -> b c u v i j", "unfold"),
    ("b c i+u j+v -> b (c u v) i j", "unfold"),
    ("b c u v i j -> b c i+u j+v", "fold"),
    ("b c i j -> b c 2*i+u 2*j+v", "upsampling, stride 2"),
    ("b c 2*i 2*j -> b c i j", "subsampling, stride 2"),
    ("b c i+4 j+4 -> b c i j", "crop"),
    ("b c i+4 j -> b c i j", "crop, 1-D"),
    ("b c i-4 j+4 -> b c i j", "subsampling"),
    ("b c i -> b c i n", "repeat"),
    ("b c i j -> b (c i j)", "reshape"),
    ("b c i j -> b i j c", "reshape"),
    # no window
    ("b c, o c -> b o", "linear"),
    ("b c i j, o c i j -> b o", "linear"),
    ("b (c i), o c i -> b o", "linear"),
    ("b t c, o c -> b t o", "linear"),
    ("... c, o c -> ... o", "linear"),
    ("b i c, b c o -> b i o", "matrix product"),
    ("b c i j, c -> b c i j", "scale"),
    ("b c i, 1 -> b c i", "scale"),
    ("b (g c) i, (g o) c -> b (g o) i", "grouped 1×1"),
    ("b c i j, r c, o r -> b o i j", "factored 1×1"),
    ("b c i, o -> b (c o) i", "outer product"),
    ("b c 2*i 2*j, o c -> b o i j", "1×1, stride 2"),
    ("b (g c) 2*i, (g o) c -> b (g o) i", "grouped 1×1, 1-D, stride 2"),
    # windows
    ("i+u, u -> i", "one map, 1-D"),
    ("b i+u j+v, o u v -> b o i j", "one map"),
    ("b c i+u j+v k+w, o c u v w -> b o i j k", "type 2.2, 3-D"),
    ("b d+t i+u j+v, o t u v -> b (o d) i j", "3-D over the stack"),
    ("b c i+u j+v, o r, r c, r u v -> b o i j", "factored filter"),
    ("b c 2*i+u 2*j+v, c -> b c i j", "trainable subsampling, stride 2"),
    ("b c i+u j+v, c o u v -> b (c o) i j", "depthwise"),
    ("b c i+u j+v, m c u v -> b (c m) i j", "depthwise"),
    ("b c i+u j+v, o c i u v -> b o i j", "locally connected"),
    ("b c i j, b d i j -> b c d", "matrix product"),
    ("b c i+u+v, o c u v -> b o i", "type 2.2, 1-D"),
    ("b c u-2*i, o c u -> b o i", "type 2.2, 1-D, stride 2"),
    ("b c s*i+d*u, o c u -> b o i", "type 2.2, 1-D, stride s, dilation d"),
    ("b c 2*s*i+u j+v, o c u v -> b o i j", "type 2.2, stride 2·s×1"),
    ("b c t+u i j, o c u -> b o t i j", "type 2.2, 1-D"),
    ("b c i, c u -> b c 2*i+u", "transposed depthwise, 1-D, stride 2"),
    ("b (g c) i, (g c) o u -> b (g o) 2*i+u", "transposed grouped, 1-D, stride 2"),
    ("b c i, c o u -> b o i+u", "transposed, 1-D"),
]


@pytest.mark.parametrize(("text", "told"), CASES, ids=[case[0] for case in CASES])
def test_a_kind_is_told_by_structure(text, told):
    assert str(kind(parse(text))) == told


def renamed(equation, names):
    """The equation with other letters."""

    def axis(a):
        match a:
            case Name(name):
                return Name(names[name])
            case Merged(merged):
                return Merged(tuple(names[name] for name in merged))
            case Address(terms, constant):
                return Address(tuple(Term(names[t.index], t.number, names.get(t.factor, "")) for t in terms), constant)
            case _:
                return a

    def operand(o):
        return replace(o, axes=tuple(map(axis, o.axes)))

    return replace(equation, operands=tuple(map(operand, equation.operands)), result=operand(equation.result), text="")


@pytest.mark.parametrize("text", [case[0] for case in CASES])
def test_letters_do_not_matter(text):
    equation = parse(text)
    there = kind(equation)
    random.seed(text)
    pool = ["q1", "zz", "row", "col", "A", "B", "Z9", "_x", "µ", "kk", "ll", "mm"]
    for _ in range(5):
        names = dict(zip([*equation.indices, *equation.factors], random.sample(pool, len(pool)), strict=False))
        here = kind(parse(pattern(renamed(equation, names))))
        assert (here.name, here.gist) == (there.name, there.gist)
        for found, wanted in ((here.sentence, there.sentence), (str(here), str(there))):
            words = re.compile(rf"(?<![\w-])({'|'.join(names)})(?![\w-])")
            assert found == words.sub(lambda word, names=names: names[word.group()], wanted)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "b c i+u j+v, o u v -> b (c o) i j",
            "Slides over i and j, sums over u and v, keeps c apart, has weights of its own for every o, u and v, "
            "and shares them over b, c, i and j.",
        ),
        (
            "b c i+u j+v, o u v -> b o i j",
            "Slides over i and j, sums over c, u and v, has weights of its own for every o, u and v, "
            "and shares them over b, i, j and c.",
        ),
        (
            "b c i+u j+v, o c u v -> b o i j",
            "Slides over i and j, sums over c, u and v, has weights of its own for every o, c, u and v, "
            "and shares them over b, i and j.",
        ),
        (
            "b c i+u j+v, c u v -> b c i j",
            "Slides over i and j, sums over u and v, keeps c apart, has weights of its own for every c, u and v, "
            "and shares them over b, i and j.",
        ),
        (
            "b d+t i+u j+v, t u v -> b d i j",
            "Slides over d, i and j, sums over t, u and v, has weights of its own for every t, u and v, "
            "and shares them over b, d, i and j.",
        ),
        (
            "b c i+u, o c i u -> b o i",
            "Slides over i, sums over c and u, has weights of its own for every o, i, c and u, and shares them over b.",
        ),
        (
            "b c i, 1 -> b c i",
            "Slides over nothing, sums nothing, keeps c and i apart, has one weight, and shares them over b, c and i.",
        ),
        ("c, o c -> o", "Slides over nothing, sums over c, has weights of its own for every o and c, and shares none of them."),
        (
            "... c, o c -> ... o",
            "Slides over nothing, sums over c, has weights of its own for every o and c, and shares them over '...'.",
        ),
        (
            "b i k, b k j -> b i j",
            "Slides over nothing, sums over k, keeps b and i apart, multiplies by what every b brings along for every j and k, "
            "and shares it over i.",
        ),
        (
            "b c i j, b d i j -> b c d",
            "Slides over nothing, sums over i and j, keeps b and c apart, multiplies by what every b brings along for "
            "every d, i and j, and shares it over c.",
        ),
        (
            "b c i+u, b o c u -> b o i",
            "Slides over i, sums over c and u, keeps b apart, multiplies by what every b brings along for every o, c and u, "
            "and shares it over i.",
        ),
        (
            "b c i, b, o c -> b o i",
            "Slides over nothing, sums over c, keeps b and i apart, multiplies by one number that every b brings along, "
            "has weights of its own for every o and c, and shares them over b and i.",
        ),
        (
            "b c, b c -> b",
            "Slides over nothing, sums over c, keeps b apart, multiplies by what every b brings along for every c, "
            "and shares none of it.",
        ),
        ("max b c 2*i+u -> b c i", "Slides over i, takes the maximum over u, keeps c apart, and has no weights."),
        ("mean b c i -> b c", "Slides over nothing, takes the mean over i, keeps c apart, and has no weights."),
        ("min b i+u -> b i", "Slides over i, takes the minimum over u, and has no weights."),
        ("b c i+u -> b c u i", "Slides over i, sums nothing, keeps c apart, and has no weights."),
        (
            "b c i, c o u -> b o 2*i+u",
            "Slides over i, sums over c, has weights of its own for every o, u and c, and shares them over b and i.",
        ),
    ],
)
def test_the_sentence_says_what_slides_what_is_summed_and_what_is_shared(text, sentence):
    assert kind(parse(text)).sentence == sentence


@pytest.mark.parametrize(
    ("text", "shapes", "options", "told"),
    [
        (
            "b c s*i+d*u, o c u -> b o i",
            [(1, 2, 20), (3, 2, 3)],
            {"sizes": {"s": 2, "d": 3}},
            "type 2.2, 1-D, stride 2, dilation 3",
        ),
        ("b c s*i+d*u, o c u -> b o i", [(1, 2, 20), (3, 2, 3)], {"sizes": {"s": 1, "d": 1}}, "type 2.2, 1-D"),
        ("b c 2*s*i+u, o c u -> b o i", [(1, 2, 20), (3, 2, 3)], {"sizes": {"s": 3}}, "type 2.2, 1-D, stride 6"),
        ("b c 2*s*i+u, o c u -> b o i", [(1, 2, 20), (3, 2, 3)], {"sizes": {"s": "k"}}, "type 2.2, 1-D, stride 2·k"),
        ("b c i+u j+v, o c u v -> b o i j", [(1, 2, 9, 9), (3, 2, 3, 3)], {"padding": "same"}, "type 2.2, padding 1"),
        ("b c i+u j+v, o c u v -> b o i j", [(1, 2, 9, 9), (3, 2, 3, 2)], {"padding": "same"}, "type 2.2, padding 1×0+1"),
        ("b c i+u j+v, o c u v -> b o i j", [(1, 2, 9, 9), (3, 2, 3, 2)], {"padding": 0}, "type 2.2"),
        ("b c 2*i+u-3, o c u -> b o i", [(1, 2, 9), (3, 2, 7)], {}, "type 2.2, 1-D, stride 2, padding 3"),
        (
            "b c 2*i+u 2*j+v, o c u v -> b o i j",
            [(1, 3, 9, 9), (4, 3, 3, 3)],
            {"padding": {"i": (0, -1), "j": (1, 0)}},
            "type 2.2, stride 2, padding (0,-1)×1+0",
        ),
        ("b c i+u, o c u -> b o i", [(1, 2, 9), (3, 2, 3)], {"padding": -1}, "type 2.2, 1-D, padding -1"),
        ("... i+u j+v, u v -> ... i j", [(1, 3, 8, 8), (3, 3)], {}, "type 1"),
        ("... i+u j+v, u v -> ... i j", [(8, 8), (3, 3)], {}, "one map"),
    ],
)
def test_sizes_tell_steps_and_padding(text, shapes, options, told):
    equation = parse(text)
    assert str(kind(equation, solve(equation, shapes, options.pop("sizes", None), **options))) == told


def test_a_rest_is_judged_by_what_it_stands_for_and_told_as_it_is_written():
    equation = parse("... i+u j+v, u v -> ... i j")
    told = kind(equation, solve(equation, [(1, 3, 8, 8), (3, 3)]))
    assert (told.name, told.gist) == ("type 1", "every filter is applied to every map separately")
    assert told.sentence == (
        "Slides over i and j, sums over u and v, has weights of its own for every u and v, and shares them over i, j and '...'."
    )


def test_connections_are_told_with_the_sizes():
    wired = Connections(("o", "c"), ((0, 0), (1, 1), (2, 1)))
    equation = parse("b c i+u, o c u -> b o i")
    assert (
        str(kind(equation, solve(equation, [(1, 2, 5), (3, 2, 3)], connections=wired))) == "type 2.2, 1-D, 3 of 6 pairs connected"
    )


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("b c i, c o u -> b o 2*i+u", "every input value is spread over a window of every output map"),
        (
            "b c i, c u -> b c 2*i+u",
            "every map has a flat filter of its own, and stays apart; every input value is spread over a window",
        ),
        ("b c i+u j+v, m c u v -> b (c m) i j", "every map has flat filters of its own, and stays apart"),
        ("b c i+u j+v, c u v -> b c i j", "every map has a flat filter of its own, and stays apart"),
        ("b c i j, i+u c o u -> b o i j", "the filters are read through an address of their own"),
        ("max b (o p) i -> b o i", "several maps become one; the maximum of them is known as maxout"),
    ],
)
def test_the_gist_is_one_thing_to_know(text, gist):
    assert kind(parse(text)).gist == gist


def test_every_row_of_the_table_is_some_layers_kind():
    more = ["b u v, u v w -> b w v", "b c i+u, c o v -> b o v", "b i, u v -> b v", "b c u, r c -> r u"]
    told = {kind(parse(text)).gist.split(";")[0] for text in [*(case[0] for case in CASES), *more]}
    missing = {name for name, _, gist in KINDS if gist.split(";")[0] not in told}
    assert missing <= {"contraction"}


@settings(deadline=None, derandomize=True, max_examples=150)
@given(sized_problems())
def test_every_layer_has_a_kind_and_a_sentence(problem):
    equation = parse(problem.pattern)
    told = kind(equation, problem.solve())
    assert told.name
    assert "{" not in told.name
    assert told.sentence.endswith(".")
    assert told.sentence[0].isupper()
    assert set(roles(equation)) == set(equation.indices)


# Roles


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("b c i+u, o u -> b (c o) i", {"b": "batch", "c": "kept", "o": "filter", "i": "position", "u": "tap"}),
        ("b c i+u, o c u -> b o i", {"b": "batch", "o": "filter", "i": "position", "c": "summed", "u": "tap"}),
        ("b c i+u, o u -> b o i", {"b": "batch", "o": "filter", "i": "position", "c": "pooled", "u": "tap"}),
        ("b c i+u, c u -> b c i", {"b": "batch", "c": "own", "i": "position", "u": "tap"}),
        ("b c i+u, b c u -> b c i n", {"b": "own", "c": "own", "i": "position", "n": "repeated", "u": "tap"}),
        ("b c i, r c, o r -> b o i", {"b": "batch", "o": "filter", "i": "kept", "c": "summed", "r": "rank"}),
        ("b c i, c o u -> b o 2*i+u", {"b": "batch", "o": "filter", "i": "position", "u": "tap", "c": "summed"}),
    ],
)
def test_the_role_of_an_index_is_told_by_where_it_stands(text, told):
    assert roles(parse(text)) == told
    assert with_role(parse(text), "filter", "own") == tuple(n for n, role in told.items() if role in ("filter", "own"))


@pytest.mark.parametrize(
    ("text", "name"),
    [("b c -> b", "b"), ("c b -> b", None), ("(b c) -> b", None), ("b -> ", None), ("b+u c -> b", None), ("b, c -> b c", "b")],
)
def test_the_batch_is_the_first_axis_of_both(text, name):
    assert batch(parse(text)) == name


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("b c i+u, o c u -> b o i", ("o",)),
        ("b c i+u, o u -> b (c o) i", ("o",)),
        ("b (g c) i+u, (g o) c u -> b (g o) i", ("(g o)",)),
        ("b c i+u, c u -> b c i", ("c",)),
        ("b c i+u, b o c u -> b o i", ("o",)),
        ("b c i, c o u -> b o 2*i+u", ("o",)),
        ("max b i+u -> b i", ()),
    ],
)
def test_a_bias_lies_along_the_filters(text, axes):
    assert default_bias(parse(text)) == axes


def test_indices_on_filters():
    assert on_filters(parse("b c i+u, o r, r c u -> b o i")) == {"o", "r", "c", "u"}
