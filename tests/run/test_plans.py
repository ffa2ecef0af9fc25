"""Whatever way a plan takes, the result is the same: every method that can be forced against plain loops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from rounding import assert_same, drawn, largest_sum
from run.test_agreement import NAMED
from strategies import Problem, sized_problems

import slidesum as ss
from slidesum.core.sized import Sized
from slidesum.errors import UsageError
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import compute as computing
from slidesum.run import reference
from slidesum.run.backend import Backend
from slidesum.run.compute import Options, compute, plan_for
from slidesum.run.met import numpy_backend, torch_backend

EXACT = 1e-12
BACKENDS = (numpy_backend(), torch_backend())
PIECES = ("plans.candidates.PIECE", "plans.candidates.UNFOLDED", "run.numpy_convolution.PIECE", "run.torch_convolution.PIECE")


@pytest.fixture
def in_small_pieces() -> Iterator[None]:
    """Everything that is done piece by piece is done in pieces of a few values."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PIECES:
            patch.setattr(f"slidesum.{name}", 512)
        computing._made.cache_clear()
        yield
    computing._made.cache_clear()


def of(backend: Backend, arrays: list[np.ndarray]) -> list[Any]:
    return arrays if backend.name == "numpy" else [torch.from_numpy(x) for x in arrays]


def assert_all_ways(sized: Sized, budget: int | None = None) -> None:
    """Every method that could be asked for instead."""
    arrays = drawn(sized.shapes)
    wanted, scale = reference.evaluate(sized, arrays), largest_sum(sized, arrays)
    largest = float(np.prod([np.linalg.norm(x) for x in arrays]))  # a transform's error is relative to that
    for backend in BACKENDS:
        others = plan_for(backend, sized, 8, "f", "unwatched", Options(budget=budget)).others
        assert others
        for method in (None, *others):
            found = compute(backend, sized, of(backend, arrays), options=Options(method, budget=budget))
            fourier = method in (None, "fft") and "fft" in others
            assert_same(np.asarray(found), wanted, largest if fourier else scale, f"{backend.name}, {method}", EXACT)


SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])


@settings(SETTINGS, max_examples=60)
@given(sized_problems())
def test_random_equations(problem: Problem):
    assert_all_ways(problem.solve())


@settings(SETTINGS, max_examples=40)
@given(sized_problems())
def test_random_equations_in_small_pieces(in_small_pieces: None, problem: Problem):
    assert_all_ways(problem.solve(), budget=1000)


@pytest.mark.parametrize("name", NAMED)
def test_named_equations(name: str):
    pattern, shapes, options = NAMED[name]
    assert_all_ways(solve(parse(pattern), shapes, **options))


@pytest.mark.parametrize("name", [*NAMED][::5])
def test_named_equations_in_small_pieces(in_small_pieces: None, name: str):
    pattern, shapes, options = NAMED[name]
    assert_all_ways(solve(parse(pattern), shapes, **options), budget=1000)


PIECED = {
    "pieces that are put together": ("b c i+u j+v, o c i j u v -> b o i j", [(2, 4, 6, 5), (3, 4, 4, 4, 3, 2)], {}),
    "pieces that are summed": ("b c i+u+2*v, o c u v -> b o i", [(1, 9, 9), (2, 9, 3, 2)], {}),
    "only summed": ("i+u+2*v, u v -> i", [(12,), (5, 4)], {}),
    "of a result with addresses": ("b c i u -> b c 2*i+u", [(2, 3, 4, 3)], {}),
    "an index twice on the result": ("b c i+u+2*v, o c u v -> b (o c) i", [(2, 3, 9), (2, 3, 3, 2)], {}),
    "of maxima": ("max b c i+u+2*v -> b c i", [(2, 3, 12)], {"sizes": {"u": 3, "v": 2}}),
    "padded": ("b c i+u+2*v, o c u v -> b o i", [(2, 3, 9), (2, 3, 3, 2)], {"padding": 3, "border": "reflect"}),
}


@pytest.mark.parametrize("name", PIECED)
def test_every_size_of_a_piece(name: str):
    """Budgets from one byte up: pieces of every shape, nested."""
    pattern, shapes, options = PIECED[name]
    sized = solve(parse(pattern), shapes, **options)
    arrays = drawn(sized.shapes)
    wanted, scale = reference.evaluate(sized, arrays), largest_sum(sized, arrays)
    pieces = set()
    for budget in (1, 40, 100, 400, 1000, 4000, 10000):
        for backend in BACKENDS:
            options = Options("windows", budget=budget)
            plan = plan_for(backend, sized, 8, "f", "unwatched", options)
            pieces |= {step.pieces for step in plan.steps}
            found = compute(backend, sized, of(backend, arrays), options=options)
            assert_same(np.asarray(found), wanted, scale, f"{backend.name}, {plan}", EXACT)
    assert len(pieces) > 2, pieces
    assert any(len(nested) > 1 for nested in pieces), pieces


TYPED = {
    "conv": ("b c 2*i+u-1 j+v, o c u v -> b o i j", [(2, 4, 9, 5), (3, 4, 3, 2)], {}),
    "depthwise": ("b c i+u j-v, c u v -> b c i j", [(2, 4, 9, 5), (4, 3, 2)], {}),
    "transposed": ("b c i, c o u -> b o 2*i+u", [(2, 4, 5), (4, 3, 3)], {}),
    "transposed, stride 1": ("b c i, c o u -> b o i+u-1", [(2, 4, 5), (4, 3, 3)], {}),
    "separable": ("b c i+u, c u, o c -> b o i", [(2, 4, 9), (4, 3), (5, 4)], {}),
    "four axes": NAMED["four slid axes"],
}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64", "complex128", "int64"])
@pytest.mark.parametrize("name", TYPED)
def test_dtypes(name: str, dtype: str, exact: bool):
    """Complex filters aren't conjugated, integers stay exact, and nothing changes its dtype."""
    pattern, shapes, options = TYPED[name]
    sized, random = solve(parse(pattern), shapes, **options), np.random.default_rng(0)
    arrays = [random.integers(-9, 9, shape).astype(dtype) for shape in sized.shapes]
    if dtype.startswith("complex"):
        arrays = [x + 1j * random.integers(-9, 9, x.shape).astype(dtype) for x in arrays]
    wide = {"float16": "float64", "float32": "float64", "complex64": "complex128"}.get(dtype, dtype)
    wanted = reference.evaluate(sized, [x.astype(wide) for x in arrays])
    may_be_transformed = ("complex128",) if exact else ("complex128", "complex64", "float32")
    rounding = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5, "complex128": 1e-12, "int64": 0}[dtype]
    for backend in BACKENDS:
        held = of(backend, arrays)
        itemsize, kind = backend.number(held)
        plan = plan_for(backend, sized, itemsize, kind, "unwatched", Options(exact=exact))
        assert ("fft" in plan.others) == (dtype in may_be_transformed and name != "transposed")
        for method in plan.others:
            found = np.asarray(compute(backend, sized, held, options=Options(method, exact)))
            assert found.dtype == dtype
            error = np.abs(found.astype(wide) - wanted).max()
            assert error <= rounding * np.abs(wanted).max(), f"{backend.name}, {method}: off by {error}"


STRIDED = {
    "conv": ("b c i+u j+v, o c u v -> b o i j", [(2, 4, 6, 5), (6, 4, 3, 2)], {}),
    "grouped": ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", [(2, 4, 6, 5), (6, 2, 3, 2)], {"sizes": {"g": 2}}),
    "depthwise": ("b c i+u j+v, c u v -> b c i j", [(2, 4, 6, 5), (4, 3, 2)], {"padding": 1}),
    "type 1": ("b c i+u j+v, o u v -> b (c o) i j", [(2, 4, 6, 5), (3, 3, 2)], {}),
    "transposed": ("b c i j, c o u v -> b o 2*i+u j+v", [(2, 4, 6, 5), (4, 3, 3, 2)], {}),
    "locally connected": ("b c i+u j+v, o c i j u v -> b o i j", [(2, 4, 4, 3), (3, 4, 2, 2, 3, 2)], {}),
    "separable": ("b c i+u j+v, c u v, o c -> b o i j", [(2, 4, 6, 5), (4, 3, 2), (5, 4)], {}),
    "max": ("max b c 2*i+u 2*j+v -> b c i j", [(2, 4, 6, 5)], {"sizes": {"u": 3, "v": 2}}),
}
LAYOUTS = {
    "turned": lambda x: np.ascontiguousarray(x.T).T,
    "every other cell": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "every other map": lambda x: np.repeat(x, 2, axis=1)[:, ::2] if x.ndim > 1 else x,
    "repeated": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("layout", [*LAYOUTS, "channels last", "backwards"])
@pytest.mark.parametrize("name", STRIDED)
def test_any_layout_of_the_operands(name: str, layout: str):
    pattern, shapes, options = STRIDED[name]
    sized, plain = solve(parse(pattern), shapes, **options), drawn(shapes)
    arrays = [LAYOUTS[layout](x) for x in plain] if layout in LAYOUTS else plain
    tensors = (
        [torch.from_numpy(x) for x in arrays]
        if layout != "repeated"
        else [torch.from_numpy(x[:1].copy()).expand(x.shape) for x in plain]
    )
    if layout == "channels last":
        tensors = [x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in tensors]
    elif layout == "backwards":
        arrays = [np.flip(np.ascontiguousarray(np.flip(x))) for x in plain]
    wanted, scale = reference.evaluate(sized, arrays), largest_sum(sized, arrays)
    largest = float(np.prod([np.linalg.norm(x) for x in arrays]))
    for backend, held in zip(BACKENDS, (arrays, tensors), strict=True):
        for method in plan_for(backend, sized, 8, "f", "unwatched", Options()).others:
            found = compute(backend, sized, held, options=Options(method))
            assert_same(np.asarray(found), wanted, largest if method == "fft" else scale, f"{backend.name}, {method}", EXACT)


def test_a_complex_tensor_that_is_conjugated_later():
    x, w = (torch.randn(shape, dtype=torch.complex128) for shape in ((2, 4, 9), (3, 4, 3)))
    pattern = "b c i+u, o c u -> b o i"
    wanted = ss.conv(pattern, x, w).conj().resolve_conj()
    for method in ss.plan(pattern, x, w).others:
        torch.testing.assert_close(ss.conv(pattern, x.conj(), w.conj(), plan=method), wanted)


# What can't be forced


@pytest.mark.parametrize(
    ("pattern", "shapes", "options", "text"),
    [
        (
            "b c i+u, o c u -> b o i",
            [(1, 3, 9), (4, 3, 3)],
            {"plan": "fourier"},
            """\
'fourier' is no way to compute an equation
  Those that can be forced here: direct, unfolded, windows.
  Name one of them, or leave plan= out.""",
        ),
        (
            "b c i+u, o c u -> b o i",
            [(1, 3, 9), (4, 3, 3)],
            {"plan": "fft"},
            """\
no plan computes this equation by 'fft'
  Those that can be forced here: direct, unfolded, windows.
  Name one of them, or leave plan= out.""",
        ),
        (
            "b c i, o c -> b o i",
            [(1, 3, 9), (4, 3)],
            {"plan": "fft", "exact": False},
            """\
no plan computes this equation by 'fft'
  Those that can be forced here: matmul.
  Name one of them, or leave plan= out.""",
        ),
        (
            "b c i+u+2*v, o c u v -> b o i",
            [(1, 3, 9), (4, 3, 3, 2)],
            {"plan": "unfolded"},
            """\
no plan computes this equation by 'unfolded'
  Those that can be forced here: windows.
  Name one of them, or leave plan= out.""",
        ),
    ],
)
def test_what_can_not_be_forced(pattern: str, shapes: list[tuple[int, ...]], options: dict[str, Any], text: str):
    arrays = [np.zeros(shape, "float32") for shape in shapes]
    for call, held in ((ss.plan, shapes), (ss.plan, arrays), (ss.conv, arrays)):
        with pytest.raises(UsageError) as caught:
            call(pattern, *held, **options)
        assert str(caught.value) == text
