"""Rewritings are exact: their parts, each in plain loops, put together give what the whole gives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rounding import assert_same, drawn, largest_sum
from strategies import Problem, sized_problems

from slidesum.core.axis import Address, indices
from slidesum.core.sized import Sized
from slidesum.laws.edge import constant, source
from slidesum.laws.gradient import gradient_of
from slidesum.laws.normal import normal
from slidesum.laws.rewrite import alone, apart, at_tap, contracted, summed, summed_late, turned
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import pattern
from slidesum.plans.lowering import lowered
from slidesum.run.reference import evaluate

EXACT = 1e-12
Arrays = list[np.ndarray]


def entered(sized: Sized, arrays: Arrays) -> Arrays:
    """The operands of the normal form."""
    return [x.reshape(shape) for x, shape in zip(arrays, normal(sized).shapes, strict=True)]


def left(sized: Sized, y: np.ndarray) -> np.ndarray:
    """The result from that of the normal form: repeated along indices that no operand has."""
    known = set(normal(sized).equation.indices)
    opened: list[tuple[int, bool]] = []
    for place, axis in enumerate(sized.equation.result.axes):
        if isinstance(axis, Address):
            opened.append((sized.slides[-1, place].extent, True))
        else:
            opened += [(sized.extents[name], name in known) for name in indices(axis)]
    ones = y.reshape([n if there else 1 for n, there in opened])
    return np.broadcast_to(ones, [n for n, _ in opened]).reshape(sized.result_shape)


def one_after_the_other(first: Sized, rest: Sized, taken: Sequence[int], arrays: Arrays) -> np.ndarray:
    """`first` of the operands `taken`, and the rest with its result in the place of the first of them."""
    made = evaluate(first, [arrays[k] for k in taken])
    return evaluate(rest, [made if k == taken[0] else x for k, x in enumerate(arrays) if k not in taken[1:]])


def one_tap(sized: Sized, number: int, x: np.ndarray, tap: str, value: int) -> np.ndarray:
    """What an operand holds with a tap held fast: the cells that all positions read there, what stands beyond its edge included."""
    for place, axis in reversed(list(enumerate(sized.equation.operands[number].axes))):
        if isinstance(axis, Address) and tap in indices(axis):
            slide = sized.slides[number, place]
            cells = [slide.cell({tap: value, slide.position: i}) for i in range(sized.extents[slide.position])]
            found = [source(cell, slide.extent, slide.border) for cell in cells]
            kept = [np.take(x, cell or 0, place) if cell is not None else constant(slide.border) for cell in found]
            shape = x.shape[:place] + x.shape[place + 1 :]
            x = np.stack([np.broadcast_to(part, shape) for part in kept], place)
        elif indices(axis) == (tap,):
            x = np.take(x, value, place)
    return x


def assert_law(sized: Sized, found: np.ndarray, arrays: Arrays, what: str) -> None:
    assert_same(found, evaluate(sized, arrays), largest_sum(sized, arrays), what, EXACT)


def assert_laws(sized: Sized) -> None:
    """Every rewriting that can be made of an equation."""
    given, core = drawn(sized.shapes), normal(sized)
    assert_law(sized, left(sized, evaluate(core, entered(sized, given))), given, "normal")
    arrays = drawn(core.shapes)
    for number in range(len(arrays)):
        if alone(core, number):
            assert_law(core, one_after_the_other(*summed(core, number), [number], arrays), arrays, f"summed {number}")
    for a, b in itertools.permutations(range(len(arrays)), 2) if len(arrays) > 2 else ():
        assert_law(core, one_after_the_other(*contracted(core, a, b), [a, b], arrays), arrays, f"contracted {a}, {b}")
    if core.equation.reduce == "sum":
        first, rest = summed_late(core, core.equation.summed)
        assert_law(core, evaluate(rest, [evaluate(first, arrays)]), arrays, "summed late")
    if len(arrays) == 1:
        x = arrays[0]
        for part in apart(core):
            x = evaluate(part, [x])
        assert_law(core, x, arrays, "apart")
    assert_law(core, evaluate(turned(core), arrays), arrays, "turned")
    low = lowered(core) if len(arrays) == 2 else None
    for line in low.lines if low and not low.scatters else ():
        if line.tap:
            inner = at_tap(core, line.tap)
            parts = [
                evaluate(inner, [one_tap(core, k, x, line.tap, value) for k, x in enumerate(arrays)])
                for value in range(core.extents[line.tap])
            ]
            assert_law(core, sum(parts), arrays, f"at tap {line.tap}")


SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@settings(SETTINGS, max_examples=80)
@given(sized_problems())
def test_random_equations(problem: Problem):
    assert_laws(problem.solve())


@settings(SETTINGS, max_examples=20)
@given(sized_problems(kind="pooling"))
def test_random_poolings(problem: Problem):
    assert_laws(problem.solve())


@settings(SETTINGS, max_examples=20)
@given(sized_problems(kind="transposed"))
def test_random_transposed_layers(problem: Problem):
    assert_laws(problem.solve())


X, XX = (1, 3, 6), (1, 3, 4, 3)
UV = {"sizes": {"u": 3, "v": 2}}

NAMED: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any]]] = {
    "separable": ("b c i+u j+v, c u v, o c -> b o i j", [XX, (3, 2, 2), (4, 3)], {}),
    "CP, four factors": ("b c i+u j+v, r c, r u v, o r -> b o i j", [XX, (2, 3), (2, 2, 2), (3, 2)], {"padding": "same"}),
    "CP, five factors": ("b c i+u j+v, r c, r u, r v, o r -> b o i j", [XX, (2, 3), (2, 2), (2, 2), (2, 2)], {}),
    "Tucker": ("b c i+u, p c, p q u, o q -> b o i", [X, (2, 3), (2, 2, 3), (4, 2)], {"padding": 1}),
    "a chain, a slid axis a factor": ("b c i+u j+v, c r, r u p, p v o -> b o i j", [XX, (3, 2), (2, 2, 2), (2, 2, 2)], {}),
    "taps shared by two factors": ("b c i+u, o u, c u -> b o i", [X, (4, 3), (3, 3)], {}),
    "positions on a factor": ("b c i+u, o c u, i o -> b o i", [X, (4, 3, 3), (4, 4)], {}),
    "two arrays slid over": ("b c i+u, c i+v, o u v -> b o i", [X, (3, 5), (2, 3, 2)], {}),
    "transposed, three operands": ("b c i, c u, o c -> b o 2*i+u", [X, (3, 3), (4, 3)], {}),
    "transposed, stride 1": ("b c i, c o u -> b o i+u-1", [X, (3, 4, 3)], {}),
    "transposed, stride -1": ("b c i, c o u -> b o u-i", [X, (3, 4, 3)], {}),
    "transposed, negative dilation": ("b c i j, c o u v -> b o i-u j+2*v-1", [XX, (3, 2, 2, 2)], {}),
    "transposed, one axis of stride 2": ("b c i j, c o u v -> b o i+u 2*j+v", [XX, (3, 2, 2, 2)], {}),
    "transposed, cropped": ("b c i, c o u -> b o i+u-2", [X, (3, 4, 3)], {}),
    **{
        f"separable, padding {p}": ("b c i+u, c u, o c -> b o i", [X, (3, 3), (4, 3)], {"padding": p})
        for p in ("same", "same_lower", "full", 2, (0, 3), (-1, 2))
    },
    **{
        f"separable, border {b}": ("b c i+u, c u, o c -> b o i", [X, (3, 3), (4, 3)], {"padding": 2, "border": b})
        for b in ("circular", "reflect", "replicate", -1.5)
    },
    **{
        f"type 2.1, border {b}": ("b c i+u, o u -> b o i", [X, (4, 3)], {"padding": 2, "border": b})
        for b in ("circular", "reflect", "replicate", 1.5)
    },
    **{
        f"{how} over two axes, border {b}": (f"{how} c 2*i+u j+v -> c i j", [(2, 6, 5)], {"padding": 1, "border": b} | UV)
        for how in ("max", "mean", "min", "sum")
        for b in ("zero", "circular", 2)
    },
}


@pytest.mark.parametrize("name", NAMED)
def test_named_equations(name: str):
    pattern, shapes, options = NAMED[name]
    assert_laws(solve(parse(pattern), shapes, **options))


@pytest.mark.parametrize("name", [name for name, (text, _, _) in NAMED.items() if text.count(",") > 1])
@settings(SETTINGS, max_examples=5)
@given(data=st.data())
def test_any_order_of_all_operands(name: str, data: Any):
    """Products of products: what slides is opened later, or never."""
    pattern, shapes, options = NAMED[name]
    sized = normal(solve(parse(pattern), shapes, **options))
    arrays = drawn(sized.shapes)
    wanted, scale = evaluate(sized, arrays), largest_sum(sized, arrays)
    while len(arrays) > 2:
        a, b = data.draw(st.permutations(range(len(arrays))))[:2]
        first, sized = contracted(sized, a, b)
        made = evaluate(first, [arrays[a], arrays[b]])
        arrays = [made if k == a else x for k, x in enumerate(arrays) if k != b]
    assert_same(evaluate(sized, arrays), wanted, scale, name, EXACT)


# As they print


def sized_as(text: str, *shapes: tuple[int, ...], **options: Any) -> Sized:
    return normal(solve(parse(text), shapes, **options))


def printed(*sized: Sized) -> list[str]:
    return [pattern(part.equation) for part in sized]


@pytest.mark.parametrize(
    ("text", "shapes", "sizes", "told"),
    [
        ("b (g c) i+u, (g o) c u -> b (g o) i", [(1, 4, 9), (6, 2, 3)], {"g": 2}, "b g c i+u, g o c u -> b g o i"),
        ("b 1 i+u, o u -> b o 1 i", [(1, 1, 9), (4, 3)], {}, "b i+u, o u -> b o i"),
        ("b c i -> b c n i", [(1, 2, 3)], {"n": 4}, "b c i -> b c i"),
        ("b c i+u, o u -> b (c o) i", [(1, 2, 9), (4, 3)], {}, "b c i+u, o u -> b c o i"),
        ("... i+u, u -> ... i", [(2, 3, 9), (3,)], {}, "_1 _2 i+u, u -> _1 _2 i"),
    ],
)
def test_normal_forms(text: str, shapes: list[tuple[int, ...]], sizes: dict[str, int], told: str):
    assert printed(normal(solve(parse(text), shapes, sizes))) == [told]


@pytest.mark.parametrize(
    ("text", "shapes", "number", "told"),
    [
        ("b c i+u j+v, o u v -> b o i j", [XX, (4, 2, 2)], 0, ["b c i_ j_ -> b i_ j_", "b i+u j+v, o u v -> b o i j"]),
        ("b c i+u, o c u r -> b o i", [X, (4, 3, 3, 2)], 1, ["o c u r -> o c u", "b c i+u, o c u -> b o i"]),
        ("b c i, o u -> b o 2*i+u", [X, (4, 3)], 0, ["b c i -> b i", "b i, o u -> b o 2*i+u"]),
        ("max b (o p) i+u -> b o i", [(1, 6, 7)], 0, ["max b o p i_ -> b o i_", "max b o i+u -> b o i"]),
    ],
)
def test_what_is_summed_first(text: str, shapes: list[tuple[int, ...]], number: int, told: list[str]):
    sized = sized_as(text, *shapes, sizes={"p": 2, "u": 2} if "max" in text else {})
    assert printed(*summed(sized, number)) == told


def test_what_can_not_be_summed_first():
    assert alone(sized_as("b c i+u, o u -> b o i", X, (4, 3), padding=1, border=1.5), 0) == ()
    assert alone(sized_as("b c i+u, o u -> b o i", X, (4, 3), padding=1, border="circular"), 0) == ("c",)
    assert alone(sized_as("b c c i+u, o u -> b o i", (2, 3, 3, 7), (4, 3)), 0) == ()
    assert alone(sized_as("b c i+u, o c u -> b o i", X, (4, 3, 3)), 0) == ()
    assert alone(sized_as("max b c i+u -> b i", X, sizes={"u": 3}, padding=1, border=1.5), 0) == ("c",)


@pytest.mark.parametrize(
    ("text", "pair", "told"),
    [
        (
            "b c i+u j+v, c u v, o c -> b o i j",
            (0, 1),
            ["b c i+u j+v, c u v -> b c i j", "b c i j, o c -> b o i j"],
        ),
        (
            "b c i+u j+v, c u v, o c -> b o i j",
            (0, 2),
            ["b c i_ j_, o c -> b c o i_ j_", "b c o i+u j+v, c u v -> b o i j"],
        ),
        ("b c i+u j+v, c u v, o c -> b o i j", (1, 2), ["c u v, o c -> c u v o", "b c i+u j+v, c u v o -> b o i j"]),
        (
            "b c i+u j+v, r c, r u v, o r -> b o i j",
            (0, 1),
            ["b c i_ j_, r c -> b r i_ j_", "b r i+u j+v, r u v, o r -> b o i j"],
        ),
        (
            "b c i+u j+v, c r, r u p, p v o -> b o i j",
            (0, 2),
            ["b c i+u j_, r u p -> b c r p i j_", "b c r p i j+v, c r, p v o -> b o i j"],
        ),
    ],
)
def test_which_addresses_pass_a_product(text: str, pair: tuple[int, int], told: list[str]):
    extent = {"b": 1, "c": 3, "o": 4, "r": 2, "p": 2, "u": 2, "v": 2, "i+u": 4, "j+v": 3}
    shapes = [tuple(extent[axis] for axis in operand.split()) for operand in text.split(" -> ")[0].split(", ")]
    assert printed(*contracted(sized_as(text, *shapes), *pair)) == told


def test_poolings_taken_apart():
    pooled = sized_as("max b c 2*i+u 2*j+v 2*k+w -> b c i j k", (1, 2, 6, 6, 6), sizes={"u": 2, "v": 2, "w": 2})
    assert printed(*apart(pooled)) == [
        "max b c i_ j_ 2*k+w -> b c i_ j_ k",
        "max b c i_ 2*j+v k -> b c i_ j k",
        "max b c 2*i+u j k -> b c i j k",
    ]
    whole = sized_as("max b c 2*i+u j -> b c i j", (1, 2, 6, 6), sizes={"u": 2})
    assert apart(whole) == [whole]
    constant_border = sized_as("sum c i+u j+v -> c i j", (2, 6, 5), padding=1, border=2, sizes={"u": 2, "v": 2})
    assert apart(constant_border) == [constant_border]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("b c i, c o u -> b o i+u", "b c i-u, c o u -> b o i"),
        ("b c i, c o u -> b o i+u-1", "b c i-u, c o u -> b o i"),
        ("b c i, c o u -> b o i+2*u", "b c i-2*u, c o u -> b o i"),
        ("b c i, c o u -> b o u-i", "b c -i+u, c o u -> b o i"),
        ("b c i, c o u -> b o 2*i+u", "b c i, c o u -> b o 2*i+u"),
        ("b c i, c o u i -> b o i+u", "b c i, c o u i -> b o i+u"),
    ],
)
def test_which_scatterings_are_turned(text: str, told: str):
    shapes = [X, (3, 4, 3, 6) if "u i ->" in text else (3, 4, 3)]
    assert printed(turned(sized_as(text, *shapes))) == [told]


def test_a_border_to_return_to_is_not_turned():
    sized = gradient_of(sized_as("b c i+u-1, o c u -> b o i", X, (4, 3, 3), border="circular"), "x")
    assert printed(sized) == ["b o i, o c u -> b c i+u-1"]
    assert turned(sized) is sized
