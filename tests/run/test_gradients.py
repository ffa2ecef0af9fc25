"""Autograd runs through the torch path, and the gradient that is an equation says the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from strategies import Problem, sized_problems

from slidesum.core.sized import Sized
from slidesum.laws.gradient import gradient
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run.execute import evaluate, torch_backend
from slidesum.run.windows import compute

SMALL = 600


def leaves(shapes: Any, seed: int = 0) -> list[torch.Tensor]:
    """Tensors in which no two values are equal or near, so that a maximum is differentiable."""
    random = np.random.default_rng(seed)
    made = []
    for shape in shapes:
        values = random.permutation(np.prod(shape, dtype=int)) / 7 - 2
        made.append(torch.from_numpy(values.reshape(shape)).requires_grad_())
    return made


def assert_gradients(sized: Sized) -> None:
    arrays = leaves(sized.shapes)
    bias = leaves([sized.bias_shape])[0] if sized.bias_shape is not None else None
    given = (*arrays, *([bias] if bias is not None else []))

    def result(*tensors: torch.Tensor) -> torch.Tensor:
        return compute(torch_backend(), sized, tensors[: len(arrays)], tensors[len(arrays)] if bias is not None else None)

    assert torch.autograd.gradcheck(result, given, fast_mode=True)


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sized_problems())
def test_random_equations(problem: Problem):
    sized = problem.solve()
    assume(sum(int(np.prod(shape)) for shape in sized.shapes) <= SMALL)
    alone = sized.equation.reduce in ("max", "min") and torch.isinf(compute(torch_backend(), sized, leaves(sized.shapes))).any()
    assume(not alone)  # windows that lie in the border altogether
    assert_gradients(sized)


FULL = "y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v] + a[o]"
CASES: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any]]] = {
    "type 2.2": (FULL, [(2, 3, 5, 4), (2, 3, 3, 2)], {"padding": "same"}),
    "type 2.2, circular": (FULL, [(2, 3, 5, 4), (2, 3, 3, 2)], {"padding": "same", "border": "circular"}),
    "type 2.1": ("y[b,o,i] = x[b,c,i+u] * w[o,u] + a[o]", [(2, 3, 6), (2, 3)], {}),
    "type 1": ("y[b,(c o),i] = x[b,c,2*i+u-1] * w[o,u] + a[o,c]", [(2, 3, 6), (2, 3)], {}),
    "grouped": ("y[b,(g o),i] = x[b,(g c),i+u] * w[(g o),c,u] + a[(g o)]", [(1, 4, 6), (6, 2, 3)], {"sizes": {"g": 2}}),
    "transposed": ("y[b,o,2*i+u-1] = x[b,c,i] * w[c,o,u] + a[o]", [(2, 3, 4), (3, 2, 3)], {}),
    "separable": ("y[b,o,i] = x[b,c,i+u] * w[c,u] * w2[o,c] + a[o]", [(2, 3, 6), (3, 3), (4, 3)], {}),
    "a number for all": ("y[b,c,i] = x[b,c,2*i] + a[1]", [(2, 3, 6)], {}),
    "max": ("max b c 2*i+u-1 -> b c i", [(2, 3, 6)], {"sizes": {"u": 3}}),
    "min": ("min b c 2*i+u-1 -> b c i", [(2, 3, 6)], {"sizes": {"u": 3}}),
    "mean": ("mean b c 2*i+u-1 -> b c i", [(2, 3, 6)], {"sizes": {"u": 3}}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_operand_and_the_bias(name: str):
    text, shapes, options = CASES[name]
    assert_gradients(solve(parse(text), shapes, **options))


def test_a_maximum_has_one_winner():
    """Where values are equal, one of them takes the whole gradient: by torch's kernel, and by windows."""
    for pattern in ("max b i+u -> b i", "max b i+u+v -> b i"):
        x = torch.ones((1, 4), requires_grad=True)
        evaluate(parse(pattern), [x], sizes={"u": 2, **({"v": 2} if "v" in pattern else {})}).sum().backward()
        assert x.grad is not None
        assert float(x.grad.sum()) == (3 if "v" not in pattern else 2)
        assert all(float(g).is_integer() for g in x.grad.flatten())


def test_complex_gradients():
    random = np.random.default_rng(0)
    x, w = (torch.from_numpy(random.standard_normal(shape) * (1 + 2j)).requires_grad_() for shape in ((2, 5), (3, 2)))
    assert torch.autograd.gradcheck(lambda x, w: evaluate(parse("b i+u, o u -> b o i"), [x, w]), (x, w), fast_mode=True)


# The gradient that is an equation

EQUATIONS: dict[str, tuple[str, list[tuple[int, ...]], dict[str, int]]] = {
    "type 2.2": ("b c i+u j+v, o c u v -> b o i j", [(2, 3, 6, 5), (4, 3, 3, 2)], {}),
    "padded": ("b c i+u-1 j+v-2, o c u v -> b o i j", [(2, 3, 6, 5), (4, 3, 3, 5)], {}),
    "padded wide": ("b c i+u-3, o c u -> b o i", [(2, 3, 6), (4, 3, 3)], {}),
    "cropped": ("b c i+u+1, o c u -> b o i", [(2, 3, 6), (4, 3, 3)], {}),
    "strided": ("b c 2*i+u 3*j+v, o c u v -> b o i j", [(2, 3, 7, 8), (4, 3, 3, 2)], {}),
    "strided, cells left unread": ("b c 2*i+u, o c u -> b o i", [(2, 3, 8), (4, 3, 3)], {}),
    "strided with gaps": ("b c 3*i+u, o c u -> b o i", [(2, 3, 9), (4, 3, 2)], {}),
    "strided and padded": ("b c 2*i+u-3 2*j+v-3, o c u v -> b o i j", [(1, 2, 9, 8), (3, 2, 7, 7)], {}),
    "dilated": ("b c i+2*u, o c u -> b o i", [(2, 3, 9), (4, 3, 3)], {}),
    "by name": ("b c s*i+d*u-1, o c u -> b o i", [(2, 3, 9), (4, 3, 3)], {"s": 2, "d": 3}),
    "backwards": ("b c i-u, o c u -> b o i", [(2, 3, 9), (4, 3, 3)], {}),
    "transposed": ("b c i j, c o u v -> b o 2*i+u 2*j+v", [(2, 3, 4, 3), (3, 4, 3, 2)], {}),
    "transposed, cropped": ("b c i, c o u -> b o 2*i+u-1", [(2, 3, 4), (3, 4, 3)], {}),
    "type 1": ("b c i+u, o u -> b (c o) i", [(2, 3, 7), (4, 3)], {}),
    "type 2.1": ("b c i+u, o u -> b o i", [(2, 3, 7), (4, 3)], {}),
    "depthwise": ("b c i+u, c u -> b c i", [(2, 3, 7), (3, 3)], {}),
    "grouped": ("b (g c) i+u, (g o) c u -> b (g o) i", [(2, 4, 7), (6, 2, 3)], {"g": 2}),
    "separable": ("b c i+u, c u, o c -> b o i", [(2, 3, 7), (3, 3), (4, 3)], {}),
    "1×1": ("b c i j, o c -> b o i j", [(2, 3, 4, 3), (5, 3)], {}),
    "linear": ("b c i, o c i -> b o", [(2, 3, 4), (5, 3, 4)], {}),
    "locally connected": ("b c i+u, o c i u -> b o i", [(2, 3, 6), (2, 3, 4, 3)], {}),
    "a filter per sample": ("b c i+u, b o c u -> b o i", [(2, 3, 6), (2, 4, 3, 3)], {}),
    "over the stack": ("b d+t i+u, o t u -> b (o d) i", [(2, 5, 6), (3, 2, 3)], {}),
    "any rank": ("... c i+u, o c u -> ... o i", [(2, 2, 3, 6), (4, 3, 3)], {}),
    "sum pooling": ("sum b c 2*i+u -> b c i", [(2, 3, 7)], {"u": 3}),
    "several taps": ("b c i+u+2*v, o c u v -> b o i", [(2, 3, 8), (4, 3, 2, 2)], {}),
}


def by_equation(sized: Sized, text: str, at: int, arrays: list[torch.Tensor], seed: torch.Tensor) -> torch.Tensor:
    """The gradient equation, run as an ordinary one. Where strides left cells unread, the extent can't be told but by x's."""
    equation = gradient(parse(text), sized.equation.operands[at].name)
    others = [x for k, x in enumerate(arrays) if k != at]
    inputs = [seed, *others] if at == 0 else [*others[:at], seed, *others[at:]]
    own = parse(text)
    sizes = {name: sized.extents[name] for name in (*own.indices, *own.factors) if name in (*equation.indices, *equation.factors)}
    extent = {str(slide.position): slide.extent for (number, _), slide in sized.slides.items() if number == at}
    return evaluate(equation, inputs, sizes=sizes, extent=extent)


@pytest.mark.parametrize("name", EQUATIONS)
def test_gradients_are_equations(name: str):
    text, shapes, sizes = EQUATIONS[name]
    sized = solve(parse(text), shapes, sizes)
    arrays = leaves(sized.shapes)
    y = compute(torch_backend(), sized, arrays)
    seed = torch.from_numpy(np.random.default_rng(3).standard_normal(y.shape))
    wanted = torch.autograd.grad(y, arrays, seed)
    constants = [x.detach() for x in arrays]
    for at, gradient_wanted in enumerate(wanted):
        found = by_equation(sized, text, at, constants, seed)
        torch.testing.assert_close(found, gradient_wanted, rtol=1e-10, atol=1e-10, msg=f"d{sized.equation.operands[at].name}")


def test_the_gradient_of_a_bias_is_an_equation():
    equation = parse("y[b,(g o),i] = x[b,(g c),i+u] * w[(g o),c,u] + a[(g o)]")
    seed = torch.from_numpy(np.random.default_rng(3).standard_normal((2, 6, 5)))
    found = evaluate(gradient(equation, "a"), [seed], sizes={"g": 2})
    torch.testing.assert_close(found, seed.sum((0, 2)))
