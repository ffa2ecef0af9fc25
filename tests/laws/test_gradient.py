"""The gradient of an equation is an equation: printed, swapped back, and compared with differences in plain loops."""

import itertools
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from strategies import assignments, cell, equations, inside, sized_problems

from slidesum.core.equation import Equation, Operand
from slidesum.laws.gradient import gradient
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
        ("... c, o c -> ... o", "w", "dw[o,c] = x[...,c] * dy[...,o]"),
        ("out[b,o] = image[b,c] * k[o,c] + shift[o]", "shift", "dshift[o] = dout[b,o]"),
        ("out[b,o] = image[b,c] * k[o,c] + shift[o]", "image", "dimage[b,c] = dout[b,o] * k[o,c]"),
        ("y[b,(g o),i] = x[b,(g c),i] * w[(g o),c] + a[g]", "a", "da[g] = dy[b,(g o),i]"),
    ],
)
def test_the_array_asked_for_and_the_result_change_places(text, name, told):
    assert named(gradient(parse(text), name)) == told
    assert gradient(parse(text), name) == parse(told)


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


def turned(sized, number):
    """The gradient's equation on the very cells of the layer: the slides of the array and of the result change places."""
    changed = {number: -1, -1: number}
    shapes = list(sized.shapes)
    shapes[number] = sized.result_shape
    return replace(
        sized,
        equation=gradient(sized.equation, sized.equation.operands[number].name),
        slides={(changed.get(owner, owner), place): slide for (owner, place), slide in sized.slides.items()},
        shapes=tuple(shapes),
        result_shape=sized.shapes[number],
    )


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
        found = loops(turned(sized, number), [seed if k == number else array for k, array in enumerate(arrays)])
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
