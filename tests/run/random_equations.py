"""Random layers, forward and backward, on every library: what `test_random.py` and `test_random_jax.py` check, and more by hand.

$ python tests/run/random_equations.py --examples 20000
$ python tests/run/random_equations.py --examples 2000 --jax --seed 7
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import hypothesis
import jax
import numpy as np
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from rounding import assert_same, drawn, largest_sum
from strategies import Problem, assignments, sized_problems

from slidesum.core.axis import Merged, Name
from slidesum.core.equation import Operand
from slidesum.core.sized import Sized
from slidesum.laws.gradient import gradient_of
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.run.compute import compute
from slidesum.run.gradient import gradients
from slidesum.run.met import jax_backend, numpy_backend, torch_backend

Named = dict[str, np.ndarray]
"""The result, "y", and its gradients: "dx", "dw", "da" …"""


@dataclass(frozen=True)
class Layer:
    """A problem, now and then of complex numbers, or with a bias along some axes of its result."""

    problem: Problem
    kind: str = "real"
    bias: tuple[int, ...] | None = None

    def solve(self) -> Sized:
        p = self.problem
        equation = parse(p.pattern)
        if self.bias is not None:
            equation = replace(equation, bias=Operand("a", tuple(equation.result.axes[k] for k in self.bias)))
        return solve(equation, p.shapes, p.sizes, padding=p.padding, border=p.border)


@st.composite
def layers(draw: Any) -> Layer:
    problem = draw(sized_problems())
    reduce, chance = problem.reduce, st.integers(0, 99)
    kind = "complex" if reduce in ("sum", "mean") and draw(chance) >= 90 else "real"
    bias = None
    if reduce == "sum" and draw(chance) >= 75:
        axes = parse(problem.pattern).result.axes
        whole = [k for k, axis in enumerate(axes) if isinstance(axis, Name | Merged)]
        bias = tuple(draw(st.lists(st.sampled_from(whole), unique=True, max_size=2))) if whole else None
    return Layer(problem, kind, bias)


@dataclass(frozen=True)
class Given:
    """A layer's arrays, the bias behind the operands if there is one, and how much every value of the result counts."""

    sized: Sized
    arrays: Sequence[np.ndarray]
    seed: np.ndarray

    @classmethod
    def of(cls, layer: Layer) -> Given:
        sized = layer.solve()
        shapes = [*sized.shapes, *([sized.bias_shape] if layer.bias is not None else []), sized.result_shape]
        found = drawn(shapes)
        if layer.kind == "complex":
            found = [x + 1j * y for x, y in zip(found, drawn(shapes, seed=1), strict=True)]
        found = [np.asarray(x) for x in found]  # of no axes, it is a number
        return cls(sized, found[:-1], found[-1])

    @property
    def names(self) -> list[str]:
        equation = self.sized.equation
        return [operand.name for operand in (*equation.operands, *([equation.bias] if equation.bias else []))]

    def split(self, arrays: Sequence[Any]) -> tuple[Sequence[Any], Any]:
        """The operands and the bias."""
        count = len(self.sized.equation.operands)
        return arrays[:count], (arrays[count] if len(arrays) > count else None)

    def named(self, y: Any, by: Sequence[Any]) -> Named:
        """What was found, as NumPy's arrays."""
        return {name: np.asarray(x) for name, x in zip(["y", *(f"d{n}" for n in self.names)], [y, *by], strict=True)}


# The definition


def truth(given: Given) -> tuple[Named, Named]:
    """The result and its gradients in plain loops, and the sums of the magnitudes of their terms."""
    sized = given.sized
    arrays, bias = given.split(given.arrays)
    y, scale = reference.evaluate(sized, arrays, bias), largest_sum(sized, arrays)
    if bias is not None:
        scale = scale + reference._spread(sized, abs(bias))
    back, scales = [], [scale]
    factors = _factors(sized, arrays)
    for k, name in enumerate(given.names):
        equation = gradient_of(sized, name)
        turned = given.seed.conj()  # as torch defines the gradient of complex numbers
        terms = [*arrays[:k], turned, *arrays[k + 1 :], *factors] if k < len(arrays) else [turned]
        back.append(reference.evaluate(equation, terms).conj())
        scales.append(largest_sum(equation, terms))
    return given.named(y, back), given.named(scales[0], scales[1:])


def _factors(sized: Sized, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a pooling's gradient multiplies with: a share for each value, or 1 for the first one that wins its window."""
    equation, (x, *_) = sized.equation, sized.equation.operands
    made = gradient_of(sized, x.name)
    if len(made.equation.operands) == len(arrays):
        return []
    factor, shape = made.equation.operands[-1], made.shapes[-1]
    if equation.reduce == "mean":
        return [np.full(shape, 1 / np.prod(shape))]
    best: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}
    kept = [name for name in factor.indices if name not in equation.summed]
    for at in assignments(sized):
        window, value = tuple(at[name] for name in kept), reference._value(sized, 0, x, arrays[0], at)
        value = value if equation.reduce == "max" else -value
        if value > best.get(window, (-np.inf,))[0]:  # so a border that never wins doesn't, and of equals the first one
            best[window] = value, tuple(at[name] for name in factor.indices)
    winner = np.zeros(shape)
    for _, cell in best.values():
        winner[cell] = 1
    return [winner]


# The libraries


def by_numpy(given: Given) -> Named:
    arrays, bias = given.split(given.arrays)
    y = compute(numpy_backend(), given.sized, arrays, bias)
    return given.named(y, gradients(numpy_backend(), given.sized, arrays, given.seed, given.names))


def by_torch(given: Given) -> Named:
    """The gradients by their equations."""
    arrays, bias = given.split([torch.from_numpy(x) for x in given.arrays])
    y = compute(torch_backend(), given.sized, arrays, bias)
    return given.named(y, gradients(torch_backend(), given.sized, arrays, torch.from_numpy(given.seed), given.names))


def by_autograd(given: Given) -> Named:
    """The gradients as torch finds them."""
    leaves = [torch.from_numpy(x).requires_grad_() for x in given.arrays]
    y = compute(torch_backend(), given.sized, *given.split(leaves))
    return given.named(y.detach(), torch.autograd.grad(y, leaves, torch.from_numpy(given.seed)))


def by_jax(given: Given) -> Named:
    """The gradients as JAX finds them: of complex numbers, the conjugates of torch's."""

    def both(arrays: Sequence[Any], seed: Any) -> Any:
        y, back = jax.vjp(lambda *arrays: compute(jax_backend(), given.sized, *given.split(arrays)), *arrays)
        return y, [x.conj() for x in back(seed.conj())]

    return _compiled(both, given)


def by_jax_equations(given: Given) -> Named:
    """The gradients by their equations."""

    def both(arrays: Sequence[Any], seed: Any) -> Any:
        operands, bias = given.split(arrays)
        back = gradients(jax_backend(), given.sized, operands, seed, given.names)
        return compute(jax_backend(), given.sized, operands, bias), back

    return _compiled(both, given)


QUICKLY = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""Every problem is compiled once and runs for microseconds: compiling takes a fifth of the time without optimisation."""


def _compiled(both: Callable[..., Any], given: Given) -> Named:
    """One program for everything."""
    with jax.enable_x64(True):
        return given.named(*jax.jit(both, compiler_options=QUICKLY)(tuple(given.arrays), given.seed))


Way = Callable[[Given], Named]
WAYS: Mapping[str, Way] = {"numpy": by_numpy, "torch": by_torch, "autograd": by_autograd}
JAX: Mapping[str, Way] = {"jax": by_jax, "jax equations": by_jax_equations}


# Many of them

MIXED = 1e-4
"""So much of the largest scale counts for every value: a Fourier transform mixes them, so each has the rounding of the largest."""


def check(layer: Layer, ways: Mapping[str, Way]) -> None:
    given = Given.of(layer)
    wanted, scales = truth(given)
    for way, ran in ways.items():
        for name, found in ran(given).items():
            scale = scales[name] + MIXED * scales[name].max(initial=0)
            assert_same(found, wanted[name], scale, f"{name} by {way}")


def run(examples: int, ways: Mapping[str, Way], seed: int = 0, told: Callable[[], None] = lambda: None) -> None:
    """Check as many random layers, the same ones for the same seed. What fails first is made as small as it gets."""

    @hypothesis.seed(seed)
    @settings(max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @hypothesis.given(layers())
    def checked(layer: Layer) -> None:
        check(layer, ways)
        told()

    checked()


def main() -> None:
    parser = argparse.ArgumentParser(description="Random equations, forward and every gradient, against plain loops.")
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jax", action="store_true", help="JAX, not NumPy and torch")
    asked = parser.parse_args()
    count, began, shown = 0, time.monotonic(), 0.0

    def told() -> None:
        nonlocal count, shown
        count += 1
        if (now := time.monotonic()) - shown > 1:
            shown = now
            print(f"\r{count} of {asked.examples}, {now - began:.0f} s", end="", file=sys.stderr, flush=True)

    try:
        run(asked.examples, JAX if asked.jax else WAYS, asked.seed, told)
    finally:
        print(f"\r{count} agree, {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
