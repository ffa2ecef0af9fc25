"""Everything that shapes, sizes and options can do wrong: the type of the error and its whole text, carets included."""

import re

import numpy as np
import pytest

from slidesum.errors import RankError, SizeError, UsageError
from slidesum.laws.explain import readings
from slidesum.laws.gradient import gradient
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

CASES = [
    # pattern, shapes, sizes, options, type, text
    (
        "b c i, o c -> b o i",
        [(1, 2, 3)],
        {},
        {},
        RankError,
        """\
the pattern has 2 operands, and 1 arrays were given
    b c i, o c -> b o i
    ^^^^^^^^^^
  Operands are separated by commas; the bias is no operand.
  Give one array for each operand, and the bias as bias=.""",
    ),
    (
        "b c i -> b c",
        [(1, 2, 3), (3,)],
        {},
        {},
        RankError,
        """\
the pattern has 1 operands, and 2 arrays were given
    b c i -> b c
    ^^^^^
  Operands are separated by commas; the bias is no operand.
  Give one array for each operand, and the bias as bias=.""",
    ),
    (
        "y[b] = x[b,c] * w[c] + a[1]",
        [(1, 2)],
        {},
        {},
        RankError,
        """\
the pattern has 2 operands, and 1 arrays were given
    y[b] = x[b,c] * w[c] + a[1]
             ^^^^^^^^^^
  Operands are separated by commas; the bias is no operand.
  Give one array for each operand, and the bias as bias=.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(3, 9), (4, 3, 3)],
        {},
        {},
        RankError,
        """\
x has 2 axes, and the pattern names 3
    b c i+u, o c u -> b o i
    ^^^^^^^
  The shape of x is (3, 9); a batch axis is easily forgotten.
  Name one axis for each axis of the array, or add an axis to the array (x[None] makes a batch of one).""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), (4, 3)],
        {},
        {},
        RankError,
        """\
w has 2 axes, and the pattern names 3
    b c i+u, o c u -> b o i
             ^^^^^
  The shape of w is (4, 3).
  Name one axis for each axis of the array.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9, 9), (4, 3, 3)],
        {},
        {},
        RankError,
        """\
x has 4 axes, and the pattern names 3
    b c i+u, o c u -> b o i
    ^^^^^^^
  The shape of x is (1, 3, 9, 9).
  Name one axis for each axis of the array.""",
    ),
    (
        "i -> i",
        [(2, 2)],
        {},
        {},
        RankError,
        """\
x has 2 axes, and the pattern names 1
    i -> i
    ^
  The shape of x is (2, 2).
  Name one axis for each axis of the array.""",
    ),
    (
        "b ... c d -> b",
        [(1, 2)],
        {},
        {},
        RankError,
        """\
x has 2 axes, and the pattern names 3 beside '...'
    b ... c d -> b
    ^^^^^^^^^
  The shape of x is (1, 2).
  Name fewer axes.""",
    ),
    (
        "... c, o c -> ... o",
        [None, (2, 3)],
        {},
        {},
        RankError,
        """\
how many axes '...' stands for can't be told
    ... c, o c -> ... o
    ^^^^^^^^^^^^^^^^^^^
  Give the shape of an operand that has it.""",
    ),
    (
        "... c, ... c -> ... c",
        [(1, 2, 3), (2, 3)],
        {},
        {},
        RankError,
        """\
'...' stands for 2 on x and 1 on w
    ... c, ... c -> ... c
    ^^^^^^^^^^^^^^^^^^^^^
  It is the same axes everywhere.
  Name the axes in which the arrays differ.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), (4, 2, 3)],
        {},
        {},
        SizeError,
        """\
'c' is 2 on w, but 3 elsewhere
    b c i+u, o c u -> b o i
               ^
  An index has one extent, wherever it stands.
  Check the shapes, or the size given beside the pattern.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), (4, 3, 3)],
        {"o": 5},
        {},
        SizeError,
        """\
'o' is 4 on w, but 5 elsewhere
    b c i+u, o c u -> b o i
             ^
  An index has one extent, wherever it stands.
  Check the shapes, or the size given beside the pattern.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), None],
        {"k": 5},
        {},
        SizeError,
        """\
the size k=5 belongs to no index
    b c i+u, o c u -> b o i
    ^^^^^^^^^^^^^^^^^^^^^^^
  The names of this pattern are b, o, i, c, u.
  Take the size away, or correct its name.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), None],
        {"o": -1, "u": 3},
        {},
        SizeError,
        """\
the size o=-1 is too small
    b c i+u, o c u -> b o i
             ^
  Give at least 0.""",
    ),
    (
        "b s*i+u, u -> b i",
        [(3, 9), (3,)],
        {"s": 0},
        {},
        SizeError,
        """\
the size s=0 is too small
    b s*i+u, u -> b i
      ^^^^^
  Give at least 1.""",
    ),
    (
        "b s*i+u, u -> b i",
        [(3, 9), (3,)],
        {},
        {},
        SizeError,
        """\
the coefficient 's' has no value
    b s*i+u, u -> b i
      ^^^^^
  A stride or dilation that is written as a name is given as a size.
  Give s=2, say.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), None],
        {"o": "2k", "u": 3},
        {},
        SizeError,
        """\
the size '2k' can't be read
  Write a number, a symbol such as "k1", or arithmetic such as "2*k1 + 1".""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), None],
        {"o": 2.5, "u": 3},
        {},
        SizeError,
        """\
a size is a whole number or a symbol, not 2.5
  Write a size such as o=64 or o="k1".""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 9), None],
        {"o": "3/2", "u": 3},
        {},
        SizeError,
        """\
the size '3/2' is no whole number
  Write a size such as o=64, o="k1" or o="k1//2".""",
    ),
    (
        "b 1 i -> b i",
        [(1, 3, 9)],
        {},
        {},
        SizeError,
        """\
the axis 1 of x has the extent 3
    b 1 i -> b i
      ^
  Give the axis a name.""",
    ),
    (
        "b (g c) i -> b g c i",
        [(1, 7, 9)],
        {"g": 2},
        {},
        SizeError,
        """\
(g c) is 7 on x, which can't be divided by 2
    b (g c) i -> b g c i
      ^^^^^
  All groups have the same number of maps.
  Give sizes whose product is 7.""",
    ),
    (
        "b (g c) i -> b g c i",
        [(1, 6, 9)],
        {"g": 2, "c": 4},
        {},
        SizeError,
        """\
(g c) is 6 on x, but 2·4 = 8
    b (g c) i -> b g c i
      ^^^^^
  Make the parts multiply to the extent of the axis.""",
    ),
    (
        "b (g c) i -> b g c i",
        [(1, 6, 9)],
        {},
        {},
        SizeError,
        """\
the extent of 'g' is open
    b (g c) i -> b g c i
      ^^^^^
  (g c) is 6 in all, and which part is 'g' can't be told.
  Give the extents of all of them but one beside the pattern.""",
    ),
    (
        "b (g c) i, (g o) c -> b (g o) i",
        [(1, 6, 9), (4, 4)],
        {},
        {},
        SizeError,
        """\
(g c) is 6 on x, which can't be divided by 4
    b (g c) i, (g o) c -> b (g o) i
      ^^^^^
  All groups have the same number of maps.
  Give sizes whose product is 6.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 4), (2, 3, 7)],
        {},
        {},
        SizeError,
        """\
the window of i spans 7 cells, and x with its padding has 4
    b c i+u, o c u -> b o i
        ^^^
  The axis has 4 cells, padded by 0 before and 0 after.
  Make the filter smaller, or pad: padding="same".""",
    ),
    (
        "b 2*i+3*u-1, u -> b i",
        [(1, 4), (5,)],
        {},
        {},
        SizeError,
        """\
the window of i spans 13 cells, and x with its padding has 6
    b 2*i+3*u-1, u -> b i
      ^^^^^^^^^
  The axis has 4 cells, padded by 1 before and 1 after.
  Make the filter smaller, or pad: padding="same".""",
    ),
    (
        "max b c 2*i+u 2*j+v -> b c i j",
        [(1, 3, 9, 9)],
        {},
        {},
        SizeError,
        """\
the extent of 'u' is open
    max b c 2*i+u 2*j+v -> b c i j
            ^^^^^
  Nothing that was given has an axis of that name alone.
  Give it beside the pattern: u=3, v=3.""",
    ),
    (
        "max b c 2*i+u 2*j+v -> b c i j",
        [(1, 3, 9, 9)],
        {"u": 3},
        {},
        SizeError,
        """\
the extent of 'v' is open
    max b c 2*i+u 2*j+v -> b c i j
                  ^^^^^
  Nothing that was given has an axis of that name alone.
  Give it beside the pattern: v=3.""",
    ),
    (
        "b i -> b i n",
        [(1, 3)],
        {},
        {},
        SizeError,
        """\
'n' stands on the result but on no operand, and its extent is open
    b i -> b i n
               ^
  An index that only the result has repeats the values along a new axis.
  Put 'n' on an operand, or give n=3 to repeat.""",
    ),
    (
        "b i -> b 2*i+u",
        [(1, 3)],
        {},
        {},
        SizeError,
        """\
'u' stands on the result but on no operand, and its extent is open
    b i -> b 2*i+u
             ^^^^^
  An index that only the result has repeats the values along a new axis.
  Put 'u' on an operand, or give u=3 to repeat.""",
    ),
    (
        "b i+u, u i -> b i",
        [(1, 5), (3, 4)],
        {},
        {},
        SizeError,
        """\
the address reaches 6 cells, and x with its padding has 5
    b i+u, u i -> b i
      ^^^
  The extents of i, u were given, and they lead beyond the array.
  Give smaller extents, or pad.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {"i": 4},
        {},
        SizeError,
        """\
the address reaches 6 cells, and x with its padding has 5
    b i+u, u -> b i
      ^^^
  The extents of i, u were given, and they lead beyond the array.
  Give smaller extents, or pad.""",
    ),
    (
        "b u+v, u v -> b",
        [(1, 5), (3, 4)],
        {},
        {},
        SizeError,
        """\
the address reaches 6 cells, and x with its padding has 5
    b u+v, u v -> b
      ^^^
  The extents of u, v were given, and they lead beyond the array.
  Give smaller extents, or pad.""",
    ),
    (
        "b i, o 2*i+u-3 -> o u",
        [(1, 2), None],
        {"o": 1, "u": 2},
        {},
        SizeError,
        """\
the extent of w at this axis can't be told
    b i, o 2*i+u-3 -> o u
           ^^^^^^^
  Give the shape of w.""",
    ),
    (
        "b i+u-1, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": 2},
        SizeError,
        """\
the start of the windows is said twice: -1 in the pattern, padding=2 beside it
    b i+u-1, u -> b i
      ^^^^^
  The constant in the address and padding= are two spellings of one thing.
  Take one of them away.""",
    ),
    (
        "b i+u-1, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": "full"},
        SizeError,
        """\
the start of the windows is said twice: -1 in the pattern, padding='full' beside it
    b i+u-1, u -> b i
      ^^^^^
  The constant in the address and padding= are two spellings of one thing.
  Take one of them away.""",
    ),
    (
        "b i+u+1, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": "same"},
        SizeError,
        """\
the start of the windows is said twice: +1 in the pattern, padding='same' beside it
    b i+u+1, u -> b i
      ^^^^^
  The constant in the address and padding= are two spellings of one thing.
  Take one of them away.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": "sane"},
        UsageError,
        """\
'sane' is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": 1.5},
        UsageError,
        """\
1.5 is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": True},
        UsageError,
        """\
True is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": (1, 2, 3)},
        UsageError,
        """\
(1, 2, 3) is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": (1, 2.5)},
        UsageError,
        """\
(1, 2.5) is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": None},
        UsageError,
        """\
None is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": {"u": 1}},
        UsageError,
        """\
padding= names 'u', which is no position
  The positions of this pattern are: i.
  Name one of them.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": {"i": {"i": 1}}},
        UsageError,
        """\
{'i': 1} is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b c -> b",
        [(1, 5)],
        {},
        {"padding": {"u": 1}},
        UsageError,
        """\
padding= names 'u', which is no position
  The positions of this pattern are: none.
  Name one of them.""",
    ),
    (
        "b i+u j+v, u v -> b i j",
        [(1, 5, 5), (3, 3)],
        {},
        {"padding": {"i": 1, "k": 2}},
        UsageError,
        """\
padding= names 'k', which is no position
  The positions of this pattern are: i, j.
  Name one of them.""",
    ),
    (
        "b i, u -> b 2*i+u",
        [(1, 5), (3,)],
        {},
        {"padding": "full"},
        UsageError,
        """\
padding="full" has no meaning for an address on the result
  A transposed convolution crops what padding adds; without cropping it is full already.
  Leave it out, or write "same" or a number.""",
    ),
    (
        "b i, u -> b 2*i+u",
        [(1, 5), (3,)],
        {},
        {"padding": "some"},
        UsageError,
        """\
'some' is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    (
        "b i, u -> b 2*i+u-1",
        [(1, 5), (3,)],
        {},
        {"padding": 2},
        SizeError,
        """\
the start of the windows is said twice: -1 in the pattern, padding=2 beside it
    b i, u -> b 2*i+u-1
                ^^^^^^^
  The constant in the address and padding= are two spellings of one thing.
  Take one of them away.""",
    ),
    (
        "b i, u -> b 2*i+u",
        [(1, 2), (3,)],
        {},
        {"padding": 3},
        SizeError,
        """\
cropping leaves no cell along i
    b i, u -> b 2*i+u
                ^^^^^
  There are 5, cropped by 3 and 3.
  Crop less.""",
    ),
    (
        "b i, u -> b 2*i+u",
        [(1, 5), (3,)],
        {},
        {"extent": {"i": 13}},
        SizeError,
        """\
the result can't have 13 cells along i
    b i, u -> b 2*i+u
                ^^^^^
  It has 11, or as many more as a layer of stride 2 leaves unread.
  Give a number from 11 to 12.""",
    ),
    (
        "b i, u -> b 2*i+u",
        [(1, 5), (3,)],
        {},
        {"extent": {"i": 10}},
        SizeError,
        """\
the result can't have 10 cells along i
    b i, u -> b 2*i+u
                ^^^^^
  It has 11, or as many more as a layer of stride 2 leaves unread.
  Give a number from 11 to 12.""",
    ),
    (
        "b i, u -> b i+u",
        [(1, 5), (3,)],
        {},
        {"extent": {"i": 8}},
        SizeError,
        """\
the result can't have 8 cells along i
    b i, u -> b i+u
                ^^^
  It has 7, or as many more as a layer of stride 1 leaves unread.
  Give 7.""",
    ),
    (
        "b i, u -> b 2*i+u",
        [(1, 5), (3,)],
        {},
        {"extent": {"u": 10}},
        UsageError,
        """\
extent= names 'u', which is no position
  The positions of this pattern are: i.
  Name one of them.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"border": "zeros"},
        UsageError,
        """\
'zeros' is no border
  Write one of zero, circular, reflect, replicate, or a number.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"border": True},
        UsageError,
        """\
True is no border
  Write one of zero, circular, reflect, replicate, or a number.""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"border": None},
        UsageError,
        """\
None is no border
  Write one of zero, circular, reflect, replicate, or a number.""",
    ),
    (
        "b c i+u, o c u -> b o i",
        [(1, 3, 2), (4, 3, 3)],
        {},
        {"padding": (0, -1)},
        SizeError,
        """\
the window of i spans 3 cells, and x with its padding has 1
    b c i+u, o c u -> b o i
        ^^^
  The axis has 2 cells, padded by 0 before and -1 after.
  Make the filter smaller, or pad: padding="same".""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 0), (3,)],
        {},
        {},
        SizeError,
        """\
the window of i spans 3 cells, and x with its padding has 0
    b i+u, u -> b i
      ^^^
  The axis has 0 cells, padded by 0 before and 0 after.
  Make the filter smaller, or pad: padding="same".""",
    ),
    (
        "b i+u, u -> b i",
        [(1, 5), (3,)],
        {},
        {"padding": ["x"]},
        UsageError,
        """\
['x'] is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
]


@pytest.mark.parametrize(("pattern", "shapes", "sizes", "options", "kind", "text"), CASES)
def test_a_layer_that_cannot_be_says_why_and_what_to_do(pattern, shapes, sizes, options, kind, text):
    with pytest.raises(kind, match=re.escape(text)) as caught:
        solve(parse(pattern), shapes, sizes, **options)
    assert type(caught.value) is kind
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("pattern", "shapes", "sizes", "options"),
    [
        ("b c i+u, o c u -> b o i", [(1, 3, 9), None], {"o": 4, "u": 3}, {}),
        ("b s*i+u, u -> b i", [(3, 9), (3,)], {"s": 2}, {}),
        ("b (g c) i -> b g c i", [(1, 6, 9)], {"g": 3}, {}),
        ("b c i+u, o c u -> b o i", [(1, 3, 4), (2, 3, 7)], {}, {"padding": "same"}),
        ("b 2*i+3*u, u -> b i", [(1, 4), (5,)], {}, {"padding": "same"}),
        ("max b c 2*i+u 2*j+v -> b c i j", [(1, 3, 9, 9)], {"u": 3, "v": 3}, {}),
        ("b i -> b i n", [(1, 3)], {"n": 3}, {}),
        ("b i -> b 2*i+u", [(1, 3)], {"u": 3}, {}),
        ("b i, u -> b 2*i+u", [(1, 5), (3,)], {}, {"extent": {"i": 11}}),
        ("b i, u -> b 2*i+u", [(1, 5), (3,)], {}, {"extent": {"i": 12}}),
        ("b i, u -> b i+u", [(1, 5), (3,)], {}, {"extent": {"i": 7}}),
        ("b i, u -> b 2*i+u", [(1, 5), (3,)], {}, {"padding": "same"}),
        ("b i+u, u -> b i", [(1, 5), (3,)], {}, {"padding": np.int64(1)}),
        ("b i+u, u -> b i", [(1, 5), (3,)], {}, {"padding": [np.int32(1), 0]}),
        ("b i+u, u -> b i", [(1, "n"), (3,)], {}, {"border": 1.5}),
    ],
)
def test_what_the_advice_recommends_works(pattern, shapes, sizes, options):
    assert len(solve(parse(pattern), shapes, sizes, **options).result_shape) == len(parse(pattern).result.axes)


def test_an_equation_without_a_text_has_errors_without_a_picture():
    made = gradient(parse("b i+u, u -> b i"), "x")
    with pytest.raises(RankError, match="the pattern has 2 operands") as caught:
        solve(made, [(1, 5)])
    assert str(caught.value) == (
        "the pattern has 2 operands, and 1 arrays were given\n"
        "  Operands are separated by commas; the bias is no operand.\n"
        "  Give one array for each operand, and the bias as bias=."
    )


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((1, 2.5), 'a size is a whole number or a symbol, not 2.5\n  Write a size such as o=64 or o="k1".'),
        ((1, None), 'a size is a whole number or a symbol, not None\n  Write a size such as o=64 or o="k1".'),
    ],
)
def test_shapes_are_made_of_sizes(shape, text):
    with pytest.raises(SizeError, match="a size is a whole number") as caught:
        solve(parse("b i -> b i"), [shape])
    assert str(caught.value) == text


# Gradients


@pytest.mark.parametrize(
    ("text", "name", "kind", "told"),
    [
        (
            "b c i+u, o c u -> b o i",
            "z",
            UsageError,
            "the equation has no operand 'z'\n  Its arrays are x, w.\n  Name one of them.",
        ),
        (
            "y[b,o] = x[b,c] * w[o,c] + a[o]",
            "y",
            UsageError,
            "the equation has no operand 'y'\n  Its arrays are x, w, a.\n  Name one of them.",
        ),
        (
            "max b i+u -> b i",
            "winner",
            UsageError,
            "the equation has no operand 'winner'\n  Its arrays are x.\n  Name one of them.",
        ),
    ],
)
def test_a_gradient_that_there_is_none_of(text, name, kind, told):
    with pytest.raises(kind, match=re.escape(told)) as caught:
        gradient(parse(text), name)
    assert str(caught.value) == told


# Explanations


@pytest.mark.parametrize("at", [(), (0,), (0, 0, 0), (2, 0), (0, 3), (-1, 0), (0, -1)])
def test_a_place_outside_the_result_has_no_terms(at):
    sized = solve(parse("b i+u, u -> b i"), [(2, 5), (3,)])
    with pytest.raises(RankError, match="there is no output value") as caught:
        list(readings(sized, at))
    assert str(caught.value) == (
        f"there is no output value at {at}\n  The result has the shape (2, 3), counted from 0.\n  Give 2 coordinates inside it."
    )
