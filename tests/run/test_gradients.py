"""Autograd runs through the torch path, and the gradient that is an equation says the same, as differences do, on any library."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import Problem, sized_problems
from torch.nn import functional as F

import slidesum as ss
from slidesum.core.sized import Sized, Slide
from slidesum.errors import ArrayError, SizeError, UsageError
from slidesum.laws.gradient import gradient, gradient_of
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.run.backend import Backend
from slidesum.run.border import padded, unpadded
from slidesum.run.compute import compute
from slidesum.run.execute import evaluate
from slidesum.run.gradient import gradients
from slidesum.run.met import numpy_backend, torch_backend

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


# With sizes, on the definition


def numbers(shapes: Any, seed: int = 0) -> list[np.ndarray]:
    return [x.detach().numpy() for x in leaves(shapes, seed)]


def by_loops(sized: Sized, arrays: list[np.ndarray]) -> np.ndarray:
    """What a pooling's gradient multiplies with, value by value: shares, or 1 for the first that wins."""
    equation = sized.equation
    factor = gradient_of(sized, equation.operands[0].name)
    if equation.reduce == "mean":
        return np.full(factor.shapes[1], 1 / np.prod(factor.shapes[1]))
    found = np.zeros(factor.shapes[1])
    names = factor.equation.operands[1].indices
    kept = len(names) - len(equation.summed)
    for at in np.ndindex(found.shape[:kept]):
        best = None
        for window in np.ndindex(found.shape[kept:]):
            values = dict(zip(names, (*at, *window), strict=True))
            value = reference._value(sized, 0, equation.operands[0], arrays[0], values)
            better = best is None or (value > best[0] if equation.reduce == "max" else value < best[0])
            best = (value, window) if better else best
        if best is not None and np.isfinite(best[0]):
            found[(*at, *best[1])] = 1
    return found


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sized_problems())
def test_the_equation_gives_the_differences(problem: Problem):
    """How much Σ dy·y changes along a direction: exactly, since y is linear in each operand (near by, where it is a maximum)."""
    sized = problem.solve()
    arrays = numbers(sized.shapes)
    random = np.random.default_rng(1)
    y = reference.evaluate(sized, arrays)
    assume(np.isfinite(y).all())  # windows that lie in the border altogether
    seed = random.standard_normal(y.shape)
    factors = [by_loops(sized, arrays)] if len(gradient(sized.equation, "x").operands) > len(arrays) else []
    for k, operand in enumerate(sized.equation.operands):
        back = gradient_of(sized, operand.name)
        inputs = [*arrays[:k], seed, *arrays[k + 1 :], *factors]
        found = reference.evaluate(back, inputs)
        direction = random.standard_normal(arrays[k].shape) * 1e-3
        moved = reference.evaluate(sized, [*arrays[:k], arrays[k] + direction, *arrays[k + 1 :]])
        scale = 1e-11 * (1 + abs(seed * y).sum() + abs(found * direction).sum())
        assert found.shape == arrays[k].shape
        assert abs((seed * (moved - y)).sum() - (found * direction).sum()) <= scale
        for backend in (numpy_backend(), torch_backend()):
            assert_same(ran(backend, back, inputs), found, f"{back.equation}")
        # the gradient is linear in dy: its gradient by dy, at the direction, is the layer without its constants
        again = gradient_of(back, back.equation.operands[k].name)
        inputs[k] = direction
        turned = reference.evaluate(again, inputs)
        assert abs((seed * turned).sum() - (found * direction).sum()) <= scale
        for backend in (numpy_backend(), torch_backend()):
            assert_same(ran(backend, again, inputs), turned, f"{again.equation}")


def ran(backend: Backend, sized: Sized, arrays: list[np.ndarray]) -> np.ndarray:
    as_held = torch.from_numpy if backend.name == "torch" else np.asarray
    return np.asarray(compute(backend, sized, [as_held(x) for x in arrays]))


def assert_same(found: np.ndarray, wanted: np.ndarray, what: str) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10 * max(1, abs(wanted).max(initial=0)), err_msg=what)


# On any library


class ByItself(type(torch_backend())):
    """torch, with every operation differentiated by torch: no gradient equation takes part."""

    name = "torch by itself"

    def differentiates(self, plan: Any) -> bool:
        return True


def assert_as_autograd(sized: Sized, biased: bool = False) -> None:
    leaf = leaves([*sized.shapes, *([sized.bias_shape] if biased else [])])
    arrays, bias = (leaf[:-1], leaf[-1]) if biased else (leaf, None)
    y = compute(ByItself(), sized, arrays, bias)
    seed = torch.from_numpy(np.random.default_rng(3).standard_normal(y.shape))
    wanted = torch.autograd.grad(y, leaf, seed)
    names = [operand.name for operand in sized.equation.operands]
    if sized.equation.bias is not None and biased:
        names.append(sized.equation.bias.name)
    constants = [x.detach() for x in arrays]
    by_torch = gradients(torch_backend(), sized, constants, seed, names)
    by_numpy = gradients(numpy_backend(), sized, [x.numpy() for x in constants], seed.numpy(), names)
    for name, one, other, right in zip(names, by_torch, by_numpy, wanted, strict=True):
        assert_same(one.numpy(), right.numpy(), f"torch, d{name}")
        assert_same(other, right.numpy(), f"numpy, d{name}")


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sized_problems())
def test_random_equations_on_every_library(problem: Problem):
    assert_as_autograd(problem.solve())


@pytest.mark.parametrize("name", CASES)
def test_every_operand_and_the_bias_on_every_library(name: str):
    text, shapes, options = CASES[name]
    sized = solve(parse(text), shapes, **options)
    assert_as_autograd(sized, biased=sized.bias_shape is not None)


TWICE: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any]]] = {
    "a diagonal": ("b i i -> b i", [(2, 4, 4)], {}),
    "a diagonal of three": ("i i b i, i -> b i", [(3, 3, 2, 3), (3,)], {}),
    "on a filter": ("b c i+u, c c u -> b c i", [(2, 3, 7), (3, 3, 2)], {}),
    "bare and in an address": ("b i i+v, v -> b i", [(2, 3, 4), (2,)], {}),
    "in two addresses": ("b i+u i+v-1, u v -> b i", [(2, 5, 4), (2, 3)], {"border": "circular"}),
    "in a merged axis": ("c (d c) i, c -> c i", [(3, 6, 4), (3,)], {}),
    "the maximum of a diagonal": ("max b i i c -> b i", [(2, 3, 3, 4)], {}),
}


@pytest.mark.parametrize("name", TWICE)
def test_an_index_twice_gives_a_diagonal(name: str):
    text, shapes, options = TWICE[name]
    sized = solve(parse(text), shapes, **options)
    assert_as_autograd(sized)
    if sized.equation.reduce == "sum":
        arrays = numbers(sized.shapes)
        for k, operand in enumerate(sized.equation.operands):
            back = gradient_of(sized, operand.name)
            inputs = [*arrays[:k], *numbers([sized.result_shape], 5), *arrays[k + 1 :]]
            assert_same(ran(numpy_backend(), back, inputs), reference.evaluate(back, inputs), name)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from(["zero", "circular", "reflect", "replicate", 3]),
    st.integers(1, 5),
    st.tuples(st.integers(-4, 9), st.integers(-4, 9)),
    st.sampled_from([numpy_backend(), torch_backend()]),
)
def test_what_was_padded_is_folded_back(border: Any, extent: int, padding: tuple[int, int], backend: Backend):
    """<padded x, y> = <x, unpadded y>, for a border that is linear in x."""
    assume(extent + sum(padding) > 0)
    slide = Slide((), 0, extent, padding, None, border)
    x, y = numbers([(2, extent), (2, extent + sum(padding))])
    held = torch.from_numpy if backend.name == "torch" else np.asarray
    sized = solve(parse("b i -> b i"), [(2, extent)])
    around, constant = (np.asarray(padded(backend, sized, slide, held(values), 1)) for values in (x, np.zeros_like(x)))
    back = np.asarray(unpadded(backend, slide, held(y), 1))
    assert around.shape == y.shape
    assert back.shape == x.shape
    np.testing.assert_allclose(((around - constant) * y).sum(), (x * back).sum(), rtol=1e-12, atol=1e-12)


# Who wins


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("last", [False, True])
def test_of_equal_values_the_first_wins_as_in_torch(dtype: torch.dtype, last: bool):
    random = np.random.default_rng(0)
    x = torch.from_numpy(random.integers(0, 3, (2, 5, 9, 8)).astype(float)).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last) if last else x
    y = F.max_pool2d(x.requires_grad_(), 3, 2, padding=1)
    dy = torch.from_numpy(random.integers(-4, 5, tuple(y.shape)).astype(float)).to(dtype)
    (wanted,) = torch.autograd.grad(y, x, dy)
    pattern = "max b c 2*i+u-1 2*j+v-1 -> b c i j"
    found = ss.gradient(pattern, "x", dy, x.detach(), u=3, v=3)
    assert torch.equal(found, wanted)
    assert found.dtype == dtype
    as_numpy = ss.gradient(pattern, "x", dy.numpy(), x.detach().numpy(), u=3, v=3)
    np.testing.assert_array_equal(as_numpy, wanted.numpy())
    assert as_numpy.dtype == wanted.numpy().dtype


@pytest.mark.parametrize("array", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize(
    ("pattern", "x", "wanted"),
    [
        ("max i+u -> i", [1.0, np.nan, 3, np.nan], [0, 2, 0, 0]),  # NaN wins, the first of them
        ("min i+u -> i", [1.0, 2, 3, 1], [1, 0, 0, 1]),
        ("max i+u -> i", [-np.inf, -np.inf, -np.inf, -np.inf], [1, 1, 0, 0]),
        ("max i+u-3 -> i", [-np.inf, -np.inf], [3, 1]),  # the border is as low, and never wins
        ("max i+u-3 -> i", [5.0, 7], [1, 3]),
        ("max 3*i+u-3 -> i", [5.0, 7, 6], [0, 1, 0]),  # the first and the last window lie in the border altogether
    ],
)
def test_the_gradient_goes_to_the_winner(array: Any, pattern: str, x: list[float], wanted: list[float]):
    dy = array(np.ones(ss.pool(pattern, np.array(x), u=3).shape))
    np.testing.assert_array_equal(np.asarray(ss.gradient(pattern, "x", dy, array(np.array(x)), u=3)), wanted)


def test_a_border_of_numbers_takes_the_gradient_that_it_wins():
    x, dy = np.array([1.0, 9, 2]), np.array([1.0, 10, 100, 1000])
    np.testing.assert_array_equal(ss.gradient("max i+u-1 -> i", "x", dy, x, u=2, border=5), [0, 110, 0])
    np.testing.assert_array_equal(ss.gradient("max i+u-1 -> i", "x", dy, x, u=2, border="circular"), [0, 110, 1001])
    np.testing.assert_array_equal(ss.gradient("mean i+u-1 -> i", "x", dy, x, u=2, border="replicate"), [6, 55, 1050])


@pytest.mark.parametrize("shape", [(0, 3, 5), (2, 0, 5)])
@pytest.mark.parametrize("reduce", ["max", "mean", "sum"])
def test_nothing_has_an_empty_gradient(shape: tuple[int, ...], reduce: str):
    dy = np.ones((*shape[:2], 3))
    assert ss.gradient(f"{reduce} b c i+u -> b c i", "x", dy, np.ones(shape), u=3).shape == shape


# What people call


def test_the_gradient_of_a_call_has_its_arguments():
    random = np.random.default_rng(0)
    x, w, a = (random.standard_normal(shape) for shape in ((2, 3, 8, 7), (4, 3, 3, 2), (4,)))
    options: dict[str, Any] = {"padding": {"i": 1, "j": "same"}, "border": "reflect", "s": 2}
    pattern = "b c s*i+u j+v, o c u v -> b o i j"
    there = [torch.from_numpy(array).requires_grad_() for array in (x, w, a)]
    sized = solve(
        parse("y[b,o,i,j] = x[b,c,s*i+u,j+v] * w[o,c,u,v] + a[o]"),
        [x.shape, w.shape],
        {"s": 2},
        padding=options["padding"],
        border="reflect",
    )
    y = compute(ByItself(), sized, there[:2], there[2])
    dy = random.standard_normal(tuple(y.shape))
    wanted = torch.autograd.grad(y, there, torch.from_numpy(dy))
    for name, right in zip("xwa", wanted, strict=True):
        found = ss.gradient(pattern, name, dy, x, w, bias=a, **options)
        assert isinstance(found, np.ndarray)
        assert_same(found, right.numpy(), name)
        held = [t.detach() for t in there]
        assert_same(
            ss.gradient(pattern, name, torch.from_numpy(dy), *held[:2], bias=held[2], **options).numpy(), right.numpy(), name
        )


def test_the_gradient_of_a_transposed_bias_counts_every_cell_once():
    x, w, dy = np.ones((1, 2, 3)), np.ones((2, 4, 3)), np.ones((1, 4, 7))
    found = ss.gradient("y[b,o,2*i+u] = x[b,c,i] * w[c,o,u] + a[o]", "a", dy, x, w)
    np.testing.assert_array_equal(found, [7, 7, 7, 7])


def test_a_gradient_can_be_differentiated_again():
    made = leaves([(1, 4, 3), (1, 2, 8), (4, 2, 3)])
    dy, x, w = made

    def by_x(dy: torch.Tensor, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return ss.gradient("b c 2*i+u, o c u -> b o i", "x", dy, x, w)

    assert torch.autograd.gradcheck(by_x, (dy, x.detach(), w), fast_mode=True)


@pytest.mark.parametrize("options", [{}, {"padding": 1, "border": 1 + 2j}, {"padding": 1, "border": "reflect"}])
def test_complex_gradients_are_those_of_autograd(options: dict[str, Any]):
    random = np.random.default_rng(0)
    x, w = (torch.from_numpy(random.standard_normal(s) + 1j * random.standard_normal(s)).requires_grad_() for s in ((2, 5), (3, 2)))
    y = compute(ByItself(), solve(parse("b i+u, o u -> b o i"), [(2, 5), (3, 2)], **options), [x, w])
    dy = torch.from_numpy(random.standard_normal(y.shape) + 1j * random.standard_normal(y.shape))
    for name, wanted in zip("xw", torch.autograd.grad(y, (x, w), dy), strict=True):
        given = [t.detach() for t in (dy, x, w)]
        assert_same(ss.gradient("b i+u, o u -> b o i", name, *given, **options).numpy(), wanted.numpy(), name)
        assert_same(ss.gradient("b i+u, o u -> b o i", name, *(t.numpy() for t in given), **options), wanted.numpy(), name)


def test_the_gradient_by_a_real_array_is_real():
    x, w, dy = np.ones((2, 5)), np.full((3, 2), 2 + 1j), np.full((2, 3, 4), 1j)
    found = ss.gradient("b i+u, o u -> b o i", "x", dy, x, w)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.tile([3, 6, 6, 6, 3], (2, 1)))  # three times Re(i · (2 - i)), and once at the ends


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_the_gradient_of_a_mean_of_integers_is_no_integer(array: Any):
    found = ss.gradient("mean i+u -> i", "x", array([3, 6]), array([1, 2, 3, 4]), u=3)
    np.testing.assert_allclose(np.asarray(found), [1, 3, 3, 2])


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        (
            lambda: ss.gradient("i+u, u -> i", "v", np.ones(3), np.ones(5), np.ones(3)),
            UsageError,
            "the equation has no operand 'v'\n  Its arrays are x, w.\n  Name one of them.",
        ),
        (
            lambda: ss.gradient("i+u, u -> i", "a", np.ones(3), np.ones(5), np.ones(3)),
            UsageError,
            "the equation has no operand 'a'\n  Its arrays are x, w.\n  Name one of them.",
        ),
        (
            lambda: ss.gradient("i+u, u -> i", "x", np.ones(5), np.ones(5), np.ones(3)),
            SizeError,
            "the gradient by y has the shape (5,), and (3,) is expected\n"
            "  It says for every value of the result how much it counts, so it has the result's shape.\n"
            "  Give it that shape, or the padding, extent and sizes that the result was computed with.",
        ),
        (
            lambda: ss.gradient("i+u, o u -> o i", "a", np.ones((2, 3)), np.ones(5), np.ones((2, 3)), bias=np.ones(3)),
            SizeError,
            "the bias has the shape (3,), and (2,) is expected\n"
            "  A bias has one number for each filter, and is added to its whole map.\n"
            "  Give it that shape, or name its axes in the equation: '… + a[o]'.",
        ),
        (
            lambda: ss.gradient("i -> n i", "x", np.ones((2, 5)), np.ones(5), n="k"),
            SizeError,
            "the size n=k is a symbol\n  Symbols are enough to count, but not to compute: give a number.",
        ),
        (
            lambda: ss.gradient("i+u, u -> i", "x", torch.ones(3), np.ones(5), np.ones(3)),
            ArrayError,
            "a torch tensor meets a ndarray\n"
            "  All arrays of an equation belong to one library, so that nothing is copied unseen.\n"
            "  Convert one of them: torch.as_tensor(a), or t.detach().numpy().",
        ),
        (
            lambda: ss.gradient("i+u, u -> i", "x", torch.ones(3), torch.ones(5).double(), torch.ones(3).double()),
            ArrayError,
            "the tensors have the dtypes torch.float32 and torch.float64\n"
            "  torch doesn't promote in convolutions.\n"
            "  Convert one of them, for example with .to(torch.float32).",
        ),
    ],
)
def test_what_has_no_gradient_is_told(call: Any, kind: type[Exception], told: str):
    with pytest.raises(kind, match=re.escape(told.split("\n")[0])) as caught:
        call()
    assert str(caught.value) == told
