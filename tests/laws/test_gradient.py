"""The gradient of an equation is an equation: printed, swapped back, and compared with differences in plain loops."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from strategies import assignments, cell, equations, inside, sized_problems

from slidesum.core.equation import Equation, Operand
from slidesum.core.sized import Connections
from slidesum.laws.count import count
from slidesum.laws.edge import REPEATING
from slidesum.laws.gradient import gradient, gradient_of
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import named


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("b c 2*i+u, o c u -> b o i", "x", "dx[b,c,2*i+u] = dy[b,o,i] * w[o,c,u]"),
        ("b c 2*i+u, o c u -> b o i", "w", "dw[o,c,u] = x[b,c,2*i+u] * dy[b,o,i]"),
        ("b c i, c o u -> b o 2*i+u", "x", "dx[b,c,i] = dy[b,o,2*i+u] * w[c,o,u]"),
        ("b c i, c o u -> b o 2*i+u", "w", "dw[c,o,u] = x[b,c,i] * dy[b,o,2*i+u]"),
        ("b c i+u, c u, o c -> b o i", "x", "dx[b,c,i+u] = dy[b,o,i] * w[c,u] * w2[o,c]"),
        ("b c i+u, c u, o c -> b o i", "w", "dw[c,u] = x[b,c,i+u] * dy[b,o,i] * w2[o,c]"),
        ("b c i+u, c u, o c -> b o i", "w2", "dw2[o,c] = x[b,c,i+u] * w[c,u] * dy[b,o,i]"),
        ("b (g c) i+u-1, (g o) c u -> b (g o) i", "x", "dx[b,(g c),i+u-1] = dy[b,(g o),i] * w[(g o),c,u]"),
        ("b c i j -> b c", "x", "dx[b,c,i,j] = dy[b,c]"),
        ("b c i j, o c -> b o i j", "x", "dx[b,c,i,j] = dy[b,o,i,j] * w[o,c]"),
        ("b c i j, o c -> b o i j", "w", "dw[o,c] = x[b,c,i,j] * dy[b,o,i,j]"),
        ("b c i j, c o u v -> b o 2*i+u-1 2*j+v", "x", "dx[b,c,i,j] = dy[b,o,2*i+u-1,2*j+v] * w[c,o,u,v]"),
        ("o c u, b c i+u -> b o i", "w", "dw[b,c,i+u] = x[o,c,u] * dy[b,o,i]"),
        ("i+u, u r -> i", "w", "dw[u,r] = x[i+u] * dy[i]"),
        ("b i -> b n i", "x", "dx[b,i] = dy[b,n,i]"),
        ("c u -> 2*c+u", "x", "dx[c,u] = dy[2*c+u]"),
        ("mean b c 2*i+u-1 -> b c i", "x", "dx[b,c,2*i+u-1] = dy[b,c,i] * share[u]"),
        ("mean b c i j -> b c", "x", "dx[b,c,i,j] = dy[b,c] * share[i,j]"),
        ("mean ... i -> i", "x", "dx[...,i] = dy[i] * share[...]"),
        ("mean b 2*i -> b i", "x", "dx[b,2*i] = dy[b,i]"),
        ("max b c 2*i+u 2*j+v -> b c i j", "x", "dx[b,c,2*i+u,2*j+v] = dy[b,c,i,j] * winner[b,c,i,j,u,v]"),
        ("min v+j u+i c b -> b c i j", "x", "dx[v+j,u+i,c,b] = dy[b,c,i,j] * winner[b,c,i,j,v,u]"),
        ("max b (o p) i -> b o i", "x", "dx[b,(o p),i] = dy[b,o,i] * winner[b,o,i,p]"),
        ("max ... i+u -> i ...", "x", "dx[...,i+u] = dy[i,...] * winner[i,...,u]"),
        ("max ... i -> i", "x", "dx[...,i] = dy[i] * winner[i,...]"),
        ("max b i+u -> b n i", "x", "dx[b,i+u] = dy[b,n,i] * winner[b,i,u]"),
        ("max b 1 i+u -> b i", "x", "dx[b,1,i+u] = dy[b,i] * winner[b,i,u]"),
        ("max b i -> i b", "x", "dx[b,i] = dy[i,b]"),
        ("out[b] = max share[b,c]", "share", "dshare[b,c] = dout[b] * winner[b,c]"),
        ("out[b] = mean share[b,c]", "share", "dshare[b,c] = dout[b] * share2[c]"),
        ("y[b] = max winner[b,c]", "winner", "dwinner[b,c] = dy[b] * winner2[b,c]"),
        ("y[i] = x[i] * dy[i]", "x", "dx[i] = dy2[i] * dy[i]"),
        ("y[i] = x[i] * dx[i]", "x", "dx2[i] = dy[i] * dx[i]"),
        ("y[b,o,2*i+u] = x[b,c,i] * w[c,o,u] + a[o]", "a", "da[o] = dy[b,o,i]"),
        ("y[b,o,u+i,2*j] = x[b,c,i,j] * w[c,o,u] + a[1]", "a", "da[1] = dy[b,o,i,j]"),
        ("... c, o c -> ... o", "w", "dw[o,c] = x[...,c] * dy[...,o]"),
        ("out[b,o] = image[b,c] * k[o,c] + shift[o]", "shift", "dshift[o] = dout[b,o]"),
        ("out[b,o] = image[b,c] * k[o,c] + shift[o]", "image", "dimage[b,c] = dout[b,o] * k[o,c]"),
        ("y[b,(g o),i] = x[b,(g c),i] * w[(g o),c] + a[g]", "a", "da[g] = dy[b,(g o),i]"),
    ],
)
def test_the_array_asked_for_and_the_result_change_places(text, name, told):
    assert named(gradient(parse(text), name)) == told
    assert gradient(parse(text), name) == parse(told)


def test_an_index_that_stands_twice_on_an_operand_stands_twice_on_its_gradient():
    assert named(gradient(parse("b i i -> b i"), "x")) == "dx[b,i,i] = dy[b,i]"
    assert named(gradient(parse("max b i i+u -> b i"), "x")) == "dx[b,i,i+u] = dy[b,i] * winner[b,i,u]"


@settings(deadline=None, derandomize=True, max_examples=100)
@given(equations(named=True))
def test_swapping_twice_gives_the_equation_back(equation):
    """dx = dy·w turned round by dy is y = x·w again, with a d before every name that was exchanged."""
    if equation.reduce != "sum":
        return
    for operand in equation.operands:
        once = gradient(equation, operand.name)
        assert once.reduce == "sum"
        assert once.bias is None
        twice = gradient(once, f"d{equation.result.name}")
        restored = tuple(
            Operand(o.name.removeprefix("dd") if o.name == f"dd{operand.name}" else o.name, o.axes) for o in twice.operands
        )
        result = Operand(twice.result.name.removeprefix("dd"), twice.result.axes)
        assert Equation(restored, result) == Equation(equation.operands, equation.result)


def test_a_gradient_by_x_of_a_strided_layer_crops_what_it_padded():
    forth = solve(parse("b c 2*i+u-1, o c u -> b o i"), [(1, 2, 8), (3, 2, 3)])
    back = solve(gradient(forth.equation, "x"), [forth.result_shape, forth.shapes[1]], extent={"i": 8})
    assert back.result_shape == forth.shapes[0]
    assert back.slides[-1, 2].padding[0] == forth.slides[0, 2].padding[0] == 1


def test_with_sizes_it_is_the_layer_that_the_equation_gives_by_itself():
    """Cells that strides leave unread stay, as `extent=` says it."""
    forth = solve(parse("b c 2*i+u-1 2*j+v, o c u v -> b o i j"), [(1, 2, 8, 9), (3, 2, 3, 3)])
    alone = solve(gradient(forth.equation, "x"), [(1, 3, 4, 4), (3, 2, 3, 3)], extent={"i": 8, "j": 9})
    back = gradient_of(forth, "x")
    assert back == alone
    assert [slide.padding for slide in back.slides.values()] == [(1, 0), (0, 0)]
    alone = solve(gradient(forth.equation, "w"), [(1, 2, 8, 9), (1, 3, 4, 4)], {"u": 3, "v": 3})
    assert gradient_of(forth, "w") == alone
    assert [slide.position for slide in alone.slides.values()] == ["u", "v"]  # positions and taps change roles
    assert gradient_of(back, "dy").slides[0, 2].padding == (1, 0)


@pytest.mark.parametrize("border", ["zero", "circular", "reflect", "replicate", 2, 1.5])
def test_a_border_that_repeats_is_folded_back_and_a_number_is_dropped(border):
    forth = solve(parse("i+u-1, u+v-1 -> i v"), [(8,), (3,)], {"u": 3}, border=border)
    assert {number: slide.border for (number, _), slide in forth.slides.items()} == {0: border, 1: border}
    by_x, by_w = gradient_of(forth, "x"), gradient_of(forth, "w")
    folded = border if border in REPEATING else "zero"
    assert {number: slide.border for (number, _), slide in by_x.slides.items()} == {-1: folded, 1: border}
    assert {number: slide.border for (number, _), slide in by_w.slides.items()} == {0: border, -1: folded}
    assert {number: slide.border for (number, _), slide in gradient_of(by_x, "dy").slides.items()} == {0: folded, 1: border}
    assert (by_x.border, by_x.notes) == (border, ())


@settings(deadline=None, derandomize=True, max_examples=150)
@given(sized_problems())
def test_sizes_are_carried_over(problem):
    """Turned round twice, an equation is itself; every result's edge says how many cells are reached."""
    sized = problem.solve()
    for number, operand in enumerate(sized.equation.operands):
        once = gradient_of(sized, operand.name)
        assert once.equation == gradient(sized.equation, operand.name)
        assert once.result_shape == sized.shapes[number]
        assert once.shapes[number] == sized.result_shape
        assert once.extents == sized.extents
        assert set(once.slides) == {(n, place) for n, place, _ in once.equation.addresses()}
        for (owner, place), slide in once.slides.items():
            assert slide.extent == (once.result_shape if owner < 0 else once.shapes[owner])[place]
            if owner < 0:
                reached = [slide.cell(at) for at in assignments(once)]
                assert (min(reached), max(reached)) == (-slide.padding[0], slide.extent + slide.padding[1] - 1)
        if sized.equation.reduce == "sum":
            twice = gradient_of(once, f"d{sized.equation.result.name}")
            assert twice.shapes == sized.shapes
            assert twice.result_shape == sized.result_shape
            assert gradient_of(twice, f"dd{operand.name}").slides == once.slides


def test_the_gradient_of_a_bias_sums_cells_and_not_terms():
    forth = solve(parse("y[b,o,2*i+u-1] = x[b,c,i] * w[c,o,u] + a[o]"), [(2, 3, 4), (3, 5, 4)])
    back = gradient_of(forth, "a")
    assert named(back.equation) == "da[o] = dy[b,o,i]"
    assert (back.shapes, back.result_shape, back.extents) == ((forth.result_shape,), (5,), {"b": 2, "o": 5, "i": 8})
    assert (dict(back.slides), back.bias_shape, back.connections) == ({}, None, None)


def test_what_is_not_connected_has_no_gradient():
    wired = Connections(("c", "o"), ((0, 0), (1, 1), (0, 1)))
    forth = solve(parse("y[o,i] = x[c,i+u] * w[o,c,u] + a[o]"), [(2, 4), (2, 2, 2)], connections=wired)
    assert gradient_of(forth, "w").connections == wired
    assert count(gradient_of(forth, "w")).macs == count(forth).macs
    assert gradient_of(forth, "a").connections is None


def test_formulas_are_exchanged_like_numbers():
    back = gradient_of(solve(parse("b c 2*i+u-1, o c u -> b o i"), [(1, 3, "n"), ("k", 3, 3)]), "x")
    assert [str(n) for n in back.result_shape] == ["1", "3", "n"]
    assert str(back.shapes[0][1]) == "k"


def loops(sized, arrays):
    """The equation in plain loops, with a zero border."""
    found = {}
    for at in assignments(sized):
        out, cells = cell(sized, -1, at), [cell(sized, number, at) for number in range(len(arrays))]
        if inside(out, sized.result_shape) and all(map(inside, cells, sized.shapes)):
            found[out] = found.get(out, 0) + math.prod(array[c] for array, c in zip(arrays, cells, strict=True))
    return found


def filled(shape, seed):
    random.seed(seed)
    return {place: random.randint(-4, 4) for place in itertools.product(*map(range, shape))}


def differences(sized, arrays, seed, number):
    """How much Σ dy·y changes when a cell of one array changes by one: its gradient, exactly, since the sum is linear in it."""
    before = loops(sized, arrays)
    for place in arrays[number]:
        changed = [dict(array) for array in arrays]
        changed[number][place] += 1
        yield place, sum(seed[out] * (value - before[out]) for out, value in loops(sized, changed).items())


@settings(deadline=None, derandomize=True, max_examples=100)
@given(sized_problems(border=False))
def test_the_gradient_equation_sums_what_every_cell_does_to_the_result(problem):
    sized = problem.solve()
    arrays = [filled(shape, k) for k, shape in enumerate(sized.shapes)]
    seed = filled(sized.result_shape, "dy")
    if sized.equation.reduce != "sum":
        return
    for number in range(len(arrays)):
        if len(arrays[number]) > 12:
            continue
        back = gradient_of(sized, sized.equation.operands[number].name)
        found = loops(back, [seed if k == number else array for k, array in enumerate(arrays)])
        for place, difference in differences(sized, arrays, seed, number):
            assert found.get(place, 0) == difference


@pytest.mark.parametrize(
    ("text", "shapes", "number"),
    [
        ("b c 2*i+u-1, o c u -> b o i", [(1, 2, 7), (2, 2, 3)], 0),
        ("b c 2*i+u-1, o c u -> b o i", [(1, 2, 7), (2, 2, 3)], 1),
        ("b c 2*i+u, o c u -> b o i", [(1, 2, 8), (2, 2, 3)], 0),
        ("b c 2*i+u, o c u -> b o i", [(1, 2, 8), (2, 2, 3)], 1),
        ("b c i+2*u, o c u -> b o i", [(1, 2, 7), (2, 2, 3)], 0),
        ("b c i+2*u, o c u -> b o i", [(1, 2, 7), (2, 2, 3)], 1),
        ("b c i-u, c u -> b c i", [(1, 2, 5), (2, 3)], 0),
        ("b c i-u, c u -> b c i", [(1, 2, 5), (2, 3)], 1),
        ("b c i, c o u -> b o 2*i+u", [(1, 2, 3), (2, 2, 3)], 0),
        ("b c i, c o u -> b o 2*i+u", [(1, 2, 3), (2, 2, 3)], 1),
        ("b (g c) i+u, (g o) c u -> b (g o) i", [(1, 4, 4), (4, 2, 2)], 0),
        ("b (g c) i+u, (g o) c u -> b (g o) i", [(1, 4, 4), (4, 2, 2)], 1),
        ("b c i+u, o u -> b o i", [(1, 2, 4), (2, 2)], 1),
        ("b c i j -> b c", [(1, 2, 2, 2)], 0),
    ],
)
def test_the_gradient_is_a_layer_of_its_own(text, shapes, number):
    """Solved by itself from the shapes of its operands, it gives the differences too."""
    sized = solve(parse(text), shapes, {"g": 2} if "g" in text else None)
    arrays = [filled(shape, k) for k, shape in enumerate(shapes)]
    seed = filled(sized.result_shape, "dy")
    back = gradient(sized.equation, sized.equation.operands[number].name)
    scattered = {back.position(-1, address): shapes[number][place] for owner, place, address in back.addresses() if owner < 0}
    shapes_back = [sized.result_shape if k == number else shape for k, shape in enumerate(shapes)]
    layer = solve(back, shapes_back, {name: sized.extents[name] for name in back.indices}, extent=scattered)
    assert layer.result_shape == shapes[number]
    found = loops(layer, [seed if k == number else array for k, array in enumerate(arrays)])
    for place, difference in differences(sized, arrays, seed, number):
        assert found.get(place, 0) == difference
