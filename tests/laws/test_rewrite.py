"""Rewritings are exact: their parts, each in plain loops, put together give what the whole gives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, given, settings
from rounding import assert_same, drawn, largest_sum
from strategies import Problem, sized_problems

from slidesum.core.axis import Address, indices
from slidesum.core.sized import Sized
from slidesum.laws.rewrite import alone, apart, contracted, normal, summed, turned
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


def assert_law(sized: Sized, found: np.ndarray, arrays: Arrays, what: str) -> None:
    assert_same(found, evaluate(sized, arrays), largest_sum(sized, arrays), what, EXACT)


def checked(sized: Sized, found: list[np.ndarray] | None = None) -> Sized:
    """The normal form, which was compared with the equation itself."""
    arrays = drawn(sized.shapes)
    core = normal(sized)
    assert_law(sized, left(sized, evaluate(core, entered(sized, arrays))), arrays, "normal")
    return core


def assert_laws(sized: Sized) -> None:
    """Every rewriting that can be made of an equation."""
    core = checked(sized)
    arrays = drawn(core.shapes)
    count = len(arrays)
    for number in range(count):
        if alone(core, number):
            assert_law(core, one_after_the_other(*summed(core, number), [number], arrays), arrays, f"summed {number}")
    if count > 2:
        for a, b in itertools.permutations(range(count), 2):
            assert_law(core, one_after_the_other(*contracted(core, a, b), [a, b], arrays), arrays, f"contracted {a}, {b}")
    if count == 1:
        x = arrays[0]
        for part in apart(core):
            x = evaluate(part, [x])
        assert_law(core, x, arrays, "apart")
    assert_law(core, evaluate(turned(core), arrays), arrays, "turned")


@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sized_problems())
def test_random_equations(problem: Problem):
    assert_laws(problem.solve())
