"""What a plan says of itself: its table adds up, it never does more than the equation as written, and it keeps to its budget."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run.test_agreement import NAMED
from strategies import Problem, sized_problems

from slidesum.core.sized import Sized
from slidesum.laws.normal import normal
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.plans.candidates import Setting
from slidesum.plans.choose import planned
from slidesum.plans.cost import macs
from slidesum.plans.step import Plan
from slidesum.run.numpy import MACHINE as NUMPY
from slidesum.run.torch import MACHINE as TORCH

MACHINES = (NUMPY, TORCH)
SETTINGS = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])


def as_printed(plan: Plan) -> list[dict[str, int]]:
    """The numbers of the table, row by row; the last row is the totals'."""
    head, *rows = str(plan).splitlines()
    columns = ("macs", "bytes read", "bytes written", "bytes held")
    ends = [re.search(rf"\b{name}\b", head).end() for name in columns]
    starts = [head.index("by") + 2, *ends]
    numbers = [[row[a:b].split()[-1].replace(",", "") for a, b in zip(starts, ends, strict=False)] for row in rows]
    return [dict(zip(columns, map(int, row), strict=True)) for row in numbers]


def assert_adds_up(plan: Plan) -> None:
    *steps, total = as_printed(plan)
    assert len(steps) == len(plan.steps) == len([*plan.rows()])
    for name in ("macs", "bytes read", "bytes written"):
        assert total[name] == sum(step[name] for step in steps)
    assert total["macs"] == plan.macs
    assert total["bytes read"] + total["bytes written"] == plan.bytes_moved
    made = [sum(step["bytes written"] for step in steps[: k + 1]) for k in range(len(steps))]
    made[-1] -= steps[-1]["bytes written"]  # the result isn't beside itself
    assert total["bytes held"] == plan.bytes_held == max(n + step["bytes held"] for n, step in zip(made, steps, strict=True))


@SETTINGS
@given(sized_problems())
def test_random_equations_add_up(problem: Problem):
    sized = problem.solve()
    for machine in MACHINES:
        assert_adds_up(planned(sized, Setting(machine)))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_named_equations_add_up_and_do_no_more_than_is_written(machine: Any):
    for name, (pattern, shapes, options) in NAMED.items():
        sized = solve(parse(pattern), shapes, **options)
        plan = planned(sized, Setting(machine))
        assert_adds_up(plan)
        assert plan.macs <= macs(normal(sized)), name


SHARED = {
    "type 1": ("b c i+u j+v, o u v -> b (c o) i j", [(2, 16, 28, 28), (8, 3, 3)]),
    "type 2.1": ("b c i+u j+v, o u v -> b o i j", [(2, 16, 28, 28), (8, 3, 3)]),
    "separable": ("b c i+u j+v, c u v, o c -> b o i j", [(2, 16, 28, 28), (16, 3, 3), (32, 16)]),
    "CP": ("b c i+u j+v, r c, r u, r v, o r -> b o i j", [(2, 16, 28, 28), (4, 16), (4, 3), (4, 3), (32, 4)]),
    "Tucker": ("b c i+u j+v, p c, p q u v, o q -> b o i j", [(2, 16, 28, 28), (4, 16), (4, 4, 3, 3), (32, 4)]),
    "a chain": ("b c i+u j+v, c r, r u p, p v o -> b o i j", [(2, 16, 28, 28), (16, 4), (4, 3, 4), (4, 3, 32)]),
    "filters summed alone": ("b c i+u, o c u r -> b o i", [(2, 16, 28), (8, 16, 3, 4)]),
    "transposed": ("b c i j, c u v, o c -> b o 2*i+u 2*j+v", [(2, 16, 14, 14), (16, 3, 3), (32, 16)]),
}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("name", SHARED)
def test_no_plan_does_more_than_is_written(name: str, machine: Any):
    pattern, shapes = SHARED[name]
    sized = solve(parse(pattern), shapes)
    plan = planned(sized, Setting(machine))
    assert_adds_up(plan)
    assert plan.macs <= macs(sized)
    assert (plan.macs < macs(sized)) == (name != "type 1")


# Budgets

PIECED = {
    "locally connected": ("b c i+u j+v, o c i j u v -> b o i j", [(2, 16, 34, 34), (8, 16, 32, 32, 3, 3)], {}),
    "locally connected, wide": ("b c i+u, o c i u -> b o i", [(1, 4, 102), (64, 4, 100, 3)], {}),
    "several taps": ("b c i+u+3*v, o c u v -> b o i", [(4, 16, 500), (8, 16, 3, 3)], {}),
    "maxima of several taps": ("max b c i+u+3*v -> b c i", [(4, 16, 500)], {"sizes": {"u": 3, "v": 3}}),
}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("name", PIECED)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(budget=st.integers(1000, 2**22))
def test_windows_keep_to_the_budget(name: str, machine: Any, budget: int):
    pattern, shapes, options = PIECED[name]
    plan = planned(solve(parse(pattern), shapes, **options), Setting(machine, budget=budget))
    assert plan.others == ("windows",)
    assert 0 < plan.bytes_held <= budget


def test_pieces_hold_every_operand_that_has_the_positions():
    """Weights that no place shares are larger than the windows; they are what is taken in parts."""
    sized = solve(parse("b c i+u, o c i u -> b o i"), [(1, 4, 102), (64, 4, 100, 3)])
    (step,) = planned(sized, Setting(NUMPY, budget=2**14)).steps
    at_once = dict(sized.extents) | dict(step.pieces)
    assert largest_piece(sized, at_once) * 4 <= 2**13


def largest_piece(sized: Sized, at_once: dict[str, int]) -> int:
    sizes = []
    for operand in sized.equation.operands:
        size = 1
        for name in operand.indices:
            size *= at_once[name]
        sizes.append(size)
    return max(sizes)


def test_what_is_padded_is_counted():
    sized = solve(parse("b c i+u+3*v, o c u v -> b o i"), [(1, 2, 50), (4, 2, 3, 3)], padding=100)
    (step,) = planned(sized, Setting(NUMPY), force="windows").steps
    assert step.bytes_held >= 4 * 2 * (50 + 2 * 100)
