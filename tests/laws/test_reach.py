"""Reach: published receptive fields, and the cells that are really read, layer by layer."""

import itertools
import math
from fractions import Fraction

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import assignments, cell, inside, sized_problems

from slidesum.core.axis import Merged, indices
from slidesum.core.sizes import size, substitute
from slidesum.laws.reach import Reach, follow, layer_reach, origin, union
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

# (taps, stride, padding) of every layer to the end of the chain, along one axis
VGG_16 = [layer for block in (2, 2, 3, 3, 3) for layer in ([(3, 1, 1)] * block + [(2, 2, 0)])]
ALEXNET_V2 = [(11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 1, 1), (3, 1, 1), (3, 2, 0)]
RESNET_50 = [
    (7, 2, 3),
    (3, 2, 0),  # "same" pads this one after only
    *itertools.chain(*([(3, 1, 1)] * (blocks - 1) + [(3, stride, 1)] for blocks, stride in ((3, 2), (4, 2), (6, 2), (3, 1)))),
]
MOBILENET = [(3, 2, 1), *((3, stride, 1) for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1))]


def chain(layers, names):
    """The reach through layers that follow each other."""
    reaches = {}
    for sized in layers:
        reaches = follow(sized, reaches or origin(names, sized.shapes[0]))
    return reaches


def layers(steps, cells):
    """One equation a step, for an input of so many cells."""
    for taps, stride, padding in steps:
        sized = solve(parse(f"{stride}*i+u, u -> i"), [(cells,), (taps,)], padding=padding)
        cells = sized.result_shape[0]
        yield sized


@pytest.mark.parametrize(
    ("steps", "cells", "told"),
    [
        (VGG_16, 224, (212, 32, 90)),
        (ALEXNET_V2, 224, (195, 32, 64)),
        (RESNET_50, 224, (483, 32, 239)),
        (MOBILENET, 224, (315, 32, None)),
        ([(3, 1, 1)] * 2, 28, (5, 1, 2)),
        ([(5, 1, 0), (2, 2, 0), (5, 1, 0), (2, 2, 0), (5, 1, 0)], 32, (32, 4, 0)),  # LeNet-5: all of the image
    ],
    ids=["vgg_16", "alexnet_v2", "resnet_v1_50", "mobilenet_v1", "two", "lenet"],
)
def test_published_receptive_fields(steps, cells, told):
    found = chain(layers(steps, cells), ["i"])["i"]
    field, stride, padding = told
    assert (found.field, found.stride) == (field, stride)
    if padding is not None:
        assert found.padding == padding


def test_the_recurrence_agrees_with_the_closed_form():
    """r = 1 + Σ (k - 1)·Π earlier strides; Araujo et al. 2019."""
    for steps in (VGG_16, ALEXNET_V2, RESNET_50, MOBILENET):
        found = chain(layers(steps, 500), ["i"])["i"]
        jumps = [math.prod(s for _, s, _ in steps[:k]) for k in range(len(steps) + 1)]
        assert found.field == 1 + sum((k - 1) * jump for (k, _, _), jump in zip(steps, jumps, strict=False))
        assert found.padding == sum(p * jump for (_, _, p), jump in zip(steps, jumps, strict=False))
        assert found.stride == jumps[-1]


@pytest.mark.parametrize(
    ("text", "shapes", "options", "told"),
    [
        ("b c 2*i+3*u-2, o c u -> b o i", [(1, 1, 99), (1, 1, 5)], {}, {"i": Reach(13, 2, 2, 2, 46)}),
        (
            "b c i+u j+v, o c u v -> b o i j",
            [(1, 1, 9, 8), (1, 1, 3, 2)],
            {},
            {"i": Reach(3, 1, 0, 2, 7), "j": Reach(2, 1, 0, 3, 7)},
        ),
        ("b i+u+2*v, u v -> b i", [(1, 9), (3, 2)], {}, {"i": Reach(5, 1, 0, 1, 5)}),
        ("i+u, u -> i", [(9,), (3,)], {"padding": "same"}, {"i": Reach(3, 1, 1, 0, 9)}),
        ("i+u+1, u -> i", [(9,), (3,)], {}, {"i": Reach(3, 1, -1, 0, 6)}),
        ("u-i, u -> i", [(9,), (3,)], {}, {"i": Reach(3, -1, -6, 0, 7)}),
        ("u-2*i, u -> i", [(9,), (3,)], {"padding": 1}, {"i": Reach(3, -2, -7, 0, 5)}),
        ("i, u -> 2*i+u", [(5,), (3,)], {}, {"i": Reach(2, Fraction(1, 2), 1, 0, 11)}),
        ("i, u -> 2*i+u-1", [(5,), (4,)], {}, {"i": Reach(2, Fraction(1, 2), 1, 0, 10)}),
        ("i, u -> i+u", [(5,), (3,)], {}, {"i": Reach(3, 1, 2, 0, 7)}),
        ("i, u -> i+u", [(2,), (5,)], {}, {"i": Reach(5, 1, 4, 0, 6)}),
        ("i, u -> u-i", [(5,), (3,)], {}, {"i": Reach(3, -1, -4, 0, 7)}),
        ("i+u, u v -> 2*i+v", [(7,), (3, 2)], {}, {"i": Reach(3, Fraction(1, 2), Fraction(1, 2), 0, 10)}),
        ("b c, o c -> b o", [(2, 3), (4, 3)], {}, {}),
    ],
)
def test_one_layer_alone(text, shapes, options, told):
    assert layer_reach(solve(parse(text), shapes, **options)) == told


def test_an_axis_that_is_summed_away_reads_all_of_itself():
    conv = solve(parse("b c i+u-1, o c u -> b o i"), [(1, 3, 8), (4, 3, 3)])
    pooled = solve(parse("mean b c i -> b c"), [(1, 4, 8)])
    found = chain([conv, pooled], ["b", "c", "i"])
    assert found["i"] == Reach(10, 0, 1, None, 1)
    assert found["i"].window(0) == (-1, 8)
    assert found["c"] == Reach(3, 0, 0, None, 1)
    later = solve(parse("b c, o c -> b o"), [(1, 4), (2, 4)])
    assert follow(later, found)["i"] == found["i"]  # what is absorbed stays so


def test_windows_without_a_position_are_absorbed_too():
    sized = solve(parse("b u+2*t-1, u t -> b"), [(1, 5), (3, 3)])
    assert follow(sized, origin(["b", "n"], (1, 5)))["n"] == Reach(7, 0, 1, None, 1)


def test_backwards_and_absorbed_reads_the_same_cells_as_forwards():
    turned = solve(parse("u-i, u -> i"), [(9,), (3,)])
    pooled = solve(parse("i ->"), [(7,)])
    assert chain([turned, pooled], ["i"])["i"] == Reach(9, 0, 0, None, 1)
    assert chain([turned, turned_again(turned)], ["i"])["i"] == Reach(5, 1, 0, 0, 5)


def turned_again(first):
    return solve(parse("u-i, u -> i"), [first.result_shape, (3,)])


def test_axes_that_move_are_followed_to_their_new_place():
    turned = solve(parse("b c i j -> b j c i"), [(1, 2, 5, 6)])
    found = follow(turned, origin(["b", "c", "i", "j"], (1, 2, 5, 6)))
    assert [found[name].along for name in ("b", "c", "i", "j")] == [0, 2, 3, 1]
    merged = solve(parse("b c i -> b (c i)"), [(1, 2, 5)])
    assert follow(merged, origin(["b", "c", "i"], (1, 2, 5)))["i"] == Reach(1, 1, 0, 1, 10)
    parted = solve(parse("max b (o p) i -> b o i"), [(1, 6, 5)], {"p": 2})
    assert follow(parted, origin(["b", "c", "i"], (1, 6, 5)))["c"] == Reach(6, 0, 0, 1, 3)


def test_branches_meet_in_the_widest_window():
    small, large = Reach(1, 2, 0, 2, 5), Reach(5, 2, 2, 2, 5)
    assert union([{"i": small}, {"i": large}]) == {"i": large}
    assert union([{"i": Reach(3, 1, 0, 2, 5)}, {"i": Reach(3, 1, 2, 2, 5)}]) == {"i": Reach(5, 1, 2, 2, 5)}
    assert union([{"i": small}, {"i": small}, {"j": large}]) == {"i": small, "j": large}
    half = [Reach(2, Fraction(1, 2), Fraction(1, 2), 2, 5), Reach(3, Fraction(1, 2), 1, 2, 5)]
    assert union([{"i": half[0]}, {"i": half[1]}]) == {"i": Reach(3, Fraction(1, 2), 1, 2, 5)}


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (Reach(1, 2, 0, 2, 5), Reach(1, 1, 0, 2, 5), Reach(9, 0, 0, None, 1)),  # other strides
        (Reach(3, 1, 1, 2, 5), Reach(3, 1, 1, 3, 5), Reach(7, 0, 1, None, 1)),  # along another axis
        (Reach(1, 1, 0, 1, 3), Reach(3, 0, 0, None, 1), Reach(3, 0, 0, None, 1)),  # x, and a layer that has summed its maps
        (Reach(3, -1, -6, 2, 7), Reach(1, 1, 0, 2, 7), Reach(9, 0, 0, None, 1)),  # backwards: the last place reads the first cells
        (Reach(8, 0, 1, None, 1), Reach(6, 0, -4, None, 1), Reach(11, 0, 1, None, 1)),
        (Reach(2, Fraction(1, 2), Fraction(1, 2), 2, 6), Reach(1, 1, 0, 2, 6), Reach(Fraction(13, 2), 0, Fraction(1, 2), None, 1)),
        (Reach(1, 2, 0, 2, size("n")), Reach(1, 2, 0, 3, size("n")), Reach(size("2*n - 1"), 0, 0, None, 1)),
    ],
)
def test_where_branches_do_not_move_alike_the_join_is_the_whole(a, b, told):
    assert union([{"i": a}, {"i": b}]) == union([{"i": b}, {"i": a}]) == {"i": told}
    ends = [r.window(place) for r in (a, b) if isinstance(r.cells, int) for place in range(r.cells)]
    first, last = told.window(0)
    assert all(first <= low and high <= last for low, high in ends)


def test_reach_as_a_formula():
    sized = solve(parse("b c s*i+d*u-1, o c u -> b o i"), [(1, 1, size("n")), None], {"o": 1, "u": "k", "s": "s", "d": "d"})
    found = layer_reach(sized)["i"]
    s, d, k = (sympy.Symbol(name, integer=True, positive=True) for name in ("s", "d", "k"))
    assert (found.field, found.stride, found.padding) == (sympy.expand(d * (k - 1) + 1), s, 1)
    assert found.window(3) == (3 * s - 1, sympy.expand(3 * s - 1 + d * (k - 1)))
    numbers = {"n": 20, "k": 3, "s": 2, "d": 2}
    there = layer_reach(solve(parse("b c 2*i+2*u-1, o c u -> b o i"), [(1, 1, 20), (1, 1, 3)]))["i"]
    assert tuple(substitute(getattr(found, f), numbers) for f in ("field", "stride", "padding", "cells")) == (5, 2, 1, there.cells)
    back = layer_reach(solve(parse("i, u -> s*i+u"), [(size("n"),), None], {"u": 3, "s": "s"}))["i"]
    assert (back.stride, back.padding) == (1 / s, 2 / s)


# Against what is read


def read_cells(sized):
    """For every place of the result, the places of x that its terms address, the axes apart; in plain loops."""
    found = {}
    for at in assignments(sized):
        out = cell(sized, -1, at)
        if inside(out, sized.result_shape):
            found.setdefault(out, []).append(cell(sized, 0, at))
    return found


@settings(deadline=None, derandomize=True, max_examples=120)
@given(sized_problems())
def test_the_window_of_one_layer_holds_every_cell_read(problem):
    sized = problem.solve()
    equation = sized.equation
    axes = [place for place in range(len(sized.shapes[0])) if (0, place) in sized.slides]
    found = layer_reach(sized)
    for name, reach in found.items():
        place = next(place for place, axis in enumerate(equation.operands[0].axes) if name in indices(axis))
        if reach.along is None or Merged in (type(equation.result.axes[reach.along]), type(equation.operands[0].axes[place])):
            continue  # a merged axis moves in steps of its own
        # where taps stay apart on the result, every output reads less than the window
        exact = place in axes and not {n for n, _ in sized.slides[0, place].taps} & set(equation.result.indices)
        for out, cells in read_cells(sized).items():
            first, last = reach.window(out[reach.along])
            there = [c[place] for c in cells]
            assert first <= min(there)
            assert max(there) <= last
            if exact:
                assert (min(there), max(there)) == (first, last)


@st.composite
def chains(draw):
    """Layers on top of each other along one axis: strides, dilations, paddings, some backwards, some transposed."""
    cells, made = draw(st.integers(6, 14)), []
    for _ in range(draw(st.integers(1, 4))):
        taps, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
        sign = draw(st.sampled_from(["", "", "", "-"]))
        padding = draw(st.integers(0, 2))
        text = f"{sign}{stride}*i+{dilation}*u"
        if draw(st.integers(0, 3)) == 0:
            assume(stride * (cells - 1) + dilation * (taps - 1) + 1 > 2 * padding)
            sized = solve(parse(f"i, u -> {text}"), [(cells,), (taps,)], padding=padding)
        else:
            assume(cells + 2 * padding > dilation * (taps - 1))
            sized = solve(parse(f"{text}, u -> i"), [(cells,), (taps,)], padding=padding)
        cells = sized.result_shape[0]
        assume(cells <= 40)
        made.append(sized)
    return made


@settings(deadline=None, derandomize=True, max_examples=200)
@given(chains())
def test_the_window_of_a_chain_holds_every_cell_read_and_no_more_where_nothing_is_transposed(made):
    reach = chain(made, ["i"])["i"]
    reads = [read_cells(sized) for sized in made]
    transposed = [k for k, sized in enumerate(made) if (-1, 0) in sized.slides]
    slack = sum(abs(chain(made[:k], ["i"])["i"].stride) if k else 1 for k in transposed)
    assert reach.cells == made[-1].result_shape[0]
    for place in range(reach.cells):
        wanted = {place}
        complete = True
        for sized, found in zip(reversed(made), reversed(reads), strict=True):
            cells = {c for out in wanted for (c,) in found.get((out,), [])}
            wanted = {c for c in cells if 0 <= c < sized.shapes[0][0]}
            complete &= wanted == cells or sized is made[0]
        first, last = reach.window(place)
        if wanted:
            assert first - slack <= min(wanted)
            assert max(wanted) <= last + slack
        if complete and not transposed:
            assert (min(cells), max(cells)) == (first, last)
