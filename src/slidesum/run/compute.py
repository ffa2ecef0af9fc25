"""A sized equation on arrays: planned once, then a function that is called.

What a plan depends on is its key: the equation with its sizes, the kind of numbers, and how the arrays are watched (by nobody, by a
library that records for differentiation, by one that traces). The functions are remembered by that key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.errors import SpaceError
from slidesum.plans.candidates import Setting
from slidesum.plans.choose import planned
from slidesum.plans.step import Plan
from slidesum.run.backend import Array, Backend, Watched
from slidesum.run.finish import biased
from slidesum.run.memory import SHARE, shown_bytes
from slidesum.run.steps import program

Program = Callable[[Sequence[Array], Array | None], Array]
WORTH_ASKING = 2**27
"""Below this many bytes, nobody asks how much memory is free."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to compute: `force` names a method, `exact=False` allows transforms in float32, `budget` are bytes (None: a share)."""

    force: str | None = None
    exact: bool = True
    budget: int | None = None


DEFAULT = Options()


def compute(
    backend: Backend, sized: Sized, arrays: Sequence[Array], bias: Array | None = None, options: Options = DEFAULT
) -> Array:
    """The result of an equation; `arrays` have the shapes that `sized` says."""
    return made(backend, sized, arrays, options, backend.watched(arrays))(arrays, bias)


def made(backend: Backend, sized: Sized, arrays: Sequence[Array], options: Options, watched: Watched) -> Program:
    """The function (arrays, bias) -> result for arrays like these, watched like these."""
    itemsize, kind = backend.number(arrays)
    return _made(_Key(backend, sized, itemsize, kind, watched, options, backend.near(arrays)))


def made_for_all(backend: Backend, sized: Sized, arrays: Sequence[Array], options: Options) -> Program:
    """The function (arrays, bias) -> result for arrays like these, however they are watched by then.

    Where all ways are computed alike, nobody asks.
    """
    itemsize, kind = backend.number(arrays)
    near = backend.near(arrays)
    first, *others = [_Key(backend, sized, itemsize, kind, watched, options, near) for watched in backend.watches]
    if options.force is None:
        plan = _planned(first)
        if backend.differentiates(plan) and all(_planned(key).steps == plan.steps for key in others):
            return _made(first)
    watched, programs = backend.watched, dict[Watched, Program]()

    def run(arrays: Sequence[Array], bias: Array | None = None) -> Array:
        how = watched(arrays if bias is None else (*arrays, bias))
        if how not in programs:
            programs[how] = made(backend, sized, arrays, options, how)
        return programs[how](arrays, bias)

    return run


def plan_for(
    backend: Backend, sized: Sized, itemsize: int, kind: str, watched: Watched, options: Options, near: bool = True
) -> Plan:
    """The plan that `compute` follows for such arrays."""
    budget = options.budget if options.budget is not None else backend.free_bytes() // SHARE
    setting = Setting(backend.machine_for(watched, near), itemsize, kind, options.exact, budget)
    return planned(sized, setting, options.force)


class _Key:
    """A sized equation holds dicts, so it is hashed by what is in them: once, since that costs more than a small call."""

    __slots__ = ("backend", "hash", "options", "parts", "sized")

    def __init__(
        self, backend: Backend, sized: Sized, itemsize: int, kind: str, watched: Watched, options: Options, near: bool
    ) -> None:
        self.backend, self.sized, self.options = backend, sized, options
        slides = tuple(sorted(sized.slides.items()))
        typed = tuple((type(slide.border), slide.border) for _, slide in slides)
        self.parts = (
            backend.name,
            itemsize,
            kind,
            watched,
            options,
            near,
            sized.equation,
            tuple(sized.extents.items()),
            sized.shapes,
            slides,
            typed,
        )
        self.hash = hash(self.parts)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Key) and self.parts == other.parts


@lru_cache(maxsize=1024)
def _planned(key: _Key) -> Plan:
    _, itemsize, kind, watched, options, near, *_ = key.parts
    return plan_for(key.backend, key.sized, itemsize, kind, watched, options, near)


@lru_cache(maxsize=1024)
def _made(key: _Key) -> Program:
    backend, sized, watched, options = key.backend, key.sized, key.parts[3], key.options
    plan = _planned(key)
    run = program(backend, plan)
    if watched == "recorded" and not backend.differentiates(plan):
        run = _with_gradients(backend, sized, run, options)
    return _refusing(backend, plan, run) if plan.bytes_needed >= WORTH_ASKING else run


def _with_gradients(backend: Backend, sized: Sized, run: Program, options: Options) -> Program:
    """The function differentiated by the gradient equations, each with a plan of its own."""
    from slidesum.run.gradient import Gradients  # computed by this module in turn

    names = [operand.name for operand in sized.equation.operands]
    gradients = Gradients(backend, sized, replace(options, force=None))

    def backward(arrays: Sequence[Array], seed: Array, wanted: Sequence[int]) -> list[Array]:
        return gradients(arrays, seed, [names[k] for k in wanted])

    core = backend.differentiable(lambda arrays: run(arrays, None), backward)
    add = biased(backend, sized)

    def differentiated(arrays: Sequence[Array], bias: Array | None = None) -> Array:
        y = core(arrays)
        return y if bias is None else add(y, bias)

    return differentiated


def _refusing(backend: Backend, plan: Plan, run: Program) -> Program:
    """Ask before anything large is allocated."""

    def asked(arrays: Sequence[Array], bias: Array | None = None) -> Array:
        free = backend.free_bytes(arrays)
        if plan.bytes_needed > free:
            raise too_large(plan, free)
        return run(arrays, bias)

    return asked


def too_large(plan: Plan, free: int) -> SpaceError:
    """What is said of a plan that doesn't fit."""
    result = int(prod(plan.sized.result_shape)) * plan.itemsize
    shape = "×".join(map(str, plan.sized.result_shape))
    return SpaceError(
        f"this takes {shown_bytes(plan.bytes_needed)}, and {shown_bytes(free)} are free",
        usual=f"The result, {shape}, has {shown_bytes(result)}; {shown_bytes(plan.bytes_held)} are needed on the way.",
        advice="Compute it in parts along an axis that the result keeps, or with dask arrays.",
    )
