"""Equation + sizes + machine -> the plan: every rewriting that computes it, the cheapest of them by the cost model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.errors import UsageError
from slidesum.laws.normal import normal
from slidesum.laws.rewrite import alone, apart, contracted, summed, summed_late, turned
from slidesum.plans.candidates import Setting, candidates
from slidesum.plans.cost import macs
from slidesum.plans.lowering import lowered
from slidesum.plans.machine import METHODS
from slidesum.plans.order import ordered
from slidesum.plans.step import Plan, Step

Choice = Callable[[list[Step]], Step]


def planned(sized: Sized, setting: Setting, force: str | None = None) -> Plan:
    """The cheapest plan; `force` names a method that must be among its steps.

    >>> from slidesum.laws.shape import solve
    >>> from slidesum.notation.parse import parse
    >>> from slidesum.plans.machine import Machine
    >>> type_21 = solve(parse("b c i+u, o u -> b o i"), [(1, 64, 100), (8, 5)])
    >>> print(planned(type_21, Setting(Machine("any", slid=3))))
    step  computes                       by        macs  bytes read  bytes written  bytes held
       1  t1[b,i_] = x[b,c,i_]           sum          0      25,600            400           0
       2  y[b,o,i] = t1[b,i+u] * w[o,u]  library  3,840         560          3,072           0
          in all                                  3,840      26,160          3,472         400
    """
    core = normal(sized)
    gathering = turned(core)
    forms = [core] if gathering is core else [core, gathering]
    found = [_assembled(sized, core, form, setting, force) for form in forms]
    others = set.union(*(seen for _, seen in found)) - ({"sum"} if len(core.equation.operands) > 1 else set())
    plans = [plan for plan, _ in found if force is None or force in _used(plan)]
    if not plans:
        raise UsageError(
            f"no plan computes this equation by {force!r}" if force in METHODS else f"{force!r} is no way to compute an equation",
            usual=f"Those that can be forced here: {', '.join(sorted(others))}.",
            advice="Name one of them, or leave plan= out.",
        )
    best = min(plans, key=lambda plan: plan.seconds)
    return Plan(sized, core, best.steps, setting.machine, setting.itemsize, setting.budget, tuple(sorted(others)))


def _used(plan: Plan) -> set[str]:
    return {method for step in plan.steps for method in _methods(step)}


def _methods(step: Step) -> set[str]:
    return {step.method} | (_methods(step.inner) if step.inner else set())


def _assembled(sized: Sized, core: Sized, form: Sized, setting: Setting, force: str | None) -> tuple[Plan, set[str]]:
    seen: set[str] = set()

    def cheapest(steps: list[Step]) -> Step:
        seen.update(method for step in steps for method in _methods(step))
        wanted = [step for step in steps if force in _methods(step)] or steps
        fitting = [step for step in wanted if step.bytes_held <= setting.budget] or wanted
        return min(fitting, key=lambda step: step.seconds)

    steps = tuple(_steps(form, setting, cheapest, force))
    return Plan(sized, core, steps, setting.machine, setting.itemsize, setting.budget), seen


def _steps(sized: Sized, setting: Setting, cheapest: Choice, force: str | None) -> Iterator[Step]:
    where = list(range(len(sized.equation.operands)))
    fresh = len(where)
    for number in range(len(where) if sized.slides or len(where) > 1 else 0):
        if alone(sized, number):
            first, sized = summed(sized, number)
            yield cheapest(list(candidates(first, setting, (where[number],))))
            where[number], fresh = fresh, fresh + 1
    if len(where) == 1:
        yield from _pooling(sized, setting, cheapest, where[0], fresh, force)
        return
    for a, b in ordered(sized, lambda pair: _price(pair, setting)):
        first, sized = contracted(sized, a, b)
        yield cheapest(list(candidates(first, setting, (where[a], where[b]))))
        where[a], fresh = fresh, fresh + 1
        del where[b]
    yield from _product(sized, setting, cheapest, tuple(where), fresh, force)


def _product(
    sized: Sized, setting: Setting, cheapest: Choice, where: tuple[int, ...], fresh: int, force: str | None
) -> Iterator[Step]:
    """At once, or with what is summed kept as a batch and summed at the end, where that costs less."""
    at_once = cheapest(list(candidates(sized, setting, where)))
    low = at_once.lowering or lowered(sized)
    if low and low.channel and not low.scatters:
        first, rest = summed_late(sized, low.channel)
        batched = cheapest(list(candidates(first, setting, where)))
        total = cheapest(list(candidates(rest, setting, (fresh,))))
        held = batched.bytes_held + batched.bytes_written
        forced = _only_in([batched, total], at_once, force)
        small = 4 * batched.bytes_written <= batched.bytes_read and held <= setting.budget
        if forced or (small and batched.seconds + total.seconds < at_once.seconds):
            yield batched
            yield total
            return
    yield at_once


def _pooling(sized: Sized, setting: Setting, cheapest: Choice, where: int, fresh: int, force: str | None) -> Iterator[Step]:
    """As it is, or one slid axis after the other where that costs less."""
    whole = cheapest(list(candidates(sized, setting, (where,))))
    parts: list[Step] = []
    for part in apart(sized):
        parts.append(cheapest(list(candidates(part, setting, (where,)))))
        where, fresh = fresh, fresh + 1
    pays = len(parts) > 1 and sum(step.seconds for step in parts) < whole.seconds
    yield from parts if pays or _only_in(parts, whole, force) else [whole]


def _only_in(steps: list[Step], other: Step, force: str | None) -> bool:
    """Whether these steps can be computed as forced, and the other one can't."""
    return force is not None and force not in _methods(other) and any(force in _methods(step) for step in steps)


def _price(sized: Sized, setting: Setting) -> float:
    """What a pair costs, whatever computes it: multiply-adds and bytes."""
    moved = sum(int(prod(shape)) for shape in (*sized.shapes, sized.result_shape)) * setting.itemsize
    return macs(sized) / setting.machine.macs_per_second / 0.5 + moved / setting.machine.bytes_per_second
