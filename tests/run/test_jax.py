"""The JAX backend: every verb says what NumPy's says, every equation what its definition says, and all can be traced."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from run.test_agreement import BIASED, NAMED, TYPED, assert_same, drawn, largest_sum, typed
from strategies import Problem, sized_problems

from slidesum.core.sized import Sized
from slidesum.errors import ArrayError
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.plans.geometry import Geometry
from slidesum.run import jax_convolution, reference
from slidesum.run.compute import compute
from slidesum.run.jax import MOST_SLICES, Jax
from slidesum.run.numpy import NumPy
from slidesum.run.torch import Torch

JAX, NUMPY, TORCH = Jax(), NumPy(), Torch()


@pytest.fixture
def wide():
    with jax.enable_x64(True):
        yield


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def same(found: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * max(1, np.abs(wanted).max(initial=0)))


# Every verb against NumPy's

X = values(2, 4, 9, 5)
VERBS: dict[str, Any] = {
    "constant": lambda b, x: b.constant([1, 2.5], x),
    "copied": lambda b, x: b.copied(x),
    "reshape": lambda b, x: b.reshape(x, [8, 45]),
    "transpose": lambda b, x: b.transpose(x, [3, 0, 2, 1]),
    "take": lambda b, x: b.take(x, 2, [8, 0, 0, 3]),
    "take nothing": lambda b, x: b.take(x, 2, []),
    "pad": lambda b, x: b.pad(x, 2, 2, 1, 7.5),
    "a border of -∞": lambda b, x: b.exp(b.pad(x, 2, 1, 0, -math.inf)),
    "crop": lambda b, x: b.pad(x, 2, -2, 3, -1),
    "windows": lambda b, x: b.windows(x, 2, 1, [2, 1], [3, 4]),
    "windows backwards": lambda b, x: b.windows(x, 2, 8, [-1, -2], [2, 3]),
    "windows of three": lambda b, x: b.windows(x, 2, 2, [1, -1, 3], [2, 3, 2]),
    "windows of one": lambda b, x: b.windows(x, 2, 1, [3], [3]),
    "windows of nothing": lambda b, x: b.windows(x, 2, 1, [3, 1], [0, 2]),
    "fold": lambda b, x: b.fold(x, 2, 1, [2, 1], 22),
    "fold, cropped": lambda b, x: b.fold(x, 2, -3, [2, 1], 12),
    "fold backwards": lambda b, x: b.fold(x, 2, 9, [-1, 2], 12),
    "fold far away": lambda b, x: b.fold(x, 2, 100, [1, 1], 12),
    "fold of one": lambda b, x: b.fold(x, 2, 0, [10], 81),
    "einsum": lambda b, x: b.einsum([(x, [0, 1, 2, 3]), (x[0, :, :, 0], [1, 4])], [0, 4, 3]),
    "einsum of one": lambda b, x: b.einsum([(x, [0, 1, 2, 3])], [3, 1]),
    "einsum of three": lambda b, x: b.einsum([(x, [0, 1, 2, 3]), (x[:, :, 0, 0], [0, 1]), (x[0, 0], [2, 3])], [1]),
    **{f"reduce {how}": lambda b, x, how=how: b.reduce(x, [1, 3], how) for how in ("sum", "max", "mean", "min")},
    "lowest": lambda b, x: b.constant([b.lowest(x), b.lowest(x, highest=True)], x),
    "concat": lambda b, x: b.concat([x, x[:, :1]], 1),
    **{
        f"apply {name}": lambda b, x, name=name: b.apply(name, 4 * x)
        for name in ("relu", "relu6", "sigmoid", "tanh", "scaled_tanh", "silu", "gelu", "identity")
    },
    "exp": lambda b, x: b.exp(x),
    "flip": lambda b, x: b.flip(x, [1, 3]),
    "repeat": lambda b, x: b.repeat(x[:, :1], [2, 3, 9, 5]),
    "stitched": lambda b, x: b.stitched((x[:, k : k + 2] for k in (0, 2)), 1, x.shape, x),
    "spectrum": lambda b, x: b.spectrum(x, [2, 3], [12, 8]).astype("complex64"),
    "signal": lambda b, x: b.signal(b.spectrum(x, [2, 3], [12, 9]), [2, 3], [12, 9], x),
    "spectrum of complex numbers": lambda b, x: b.spectrum(x * 1j, [1, 2, 3], [4, 9, 6]).astype("complex64"),
    "signal of complex numbers": lambda b, x: b.signal(x * 1j, [1, 2, 3], [4, 9, 5], x * 1j).astype("complex64"),
}


@pytest.mark.parametrize("name", VERBS)
def test_verbs(name: str):
    same(VERBS[name](JAX, jnp.asarray(X)), VERBS[name](NUMPY, X))


def test_many_slices_are_a_gather():
    x = values(2, 700)
    extents = [MOST_SLICES + 40, MOST_SLICES + 30]
    same(JAX.windows(jnp.asarray(x), 1, 3, [1, 1], extents), NUMPY.windows(x, 1, 3, [1, 1], extents))
    x = values(2, *extents)
    same(JAX.fold(jnp.asarray(x), 1, -5, [1, 1], 500), NUMPY.fold(x, 1, -5, [1, 1], 500))


def test_numbers_and_promotion(wide: None):
    arrays = {dtype: jnp.ones(3, dtype) for dtype in ("int8", "uint8", "int32", "float16", "bfloat16", "float64", "complex64")}
    assert {name: JAX.number([x]) for name, x in arrays.items()} == {
        "int8": (1, "i"),
        "uint8": (1, "i"),
        "int32": (4, "i"),
        "float16": (2, "f"),
        "bfloat16": (2, "f"),
        "float64": (8, "f"),
        "complex64": (8, "c"),
    }
    assert JAX.number([arrays["int32"], arrays["bfloat16"]]) == (2, "f")
    promoted = {name: str(JAX.promoted(x, "float64").dtype) for name, x in arrays.items() if name != "int8"}
    assert promoted == {**{n: n for n in promoted}, "uint8": "float64", "int32": "float64"}
    assert JAX.promoted(arrays["float64"], "complex64").dtype == "complex128"
    assert JAX.lowest(arrays["bfloat16"]) == -math.inf
    assert JAX.free_bytes() > 0


def test_without_64_bits_nothing_warns():
    assert JAX.promoted(jnp.ones(3, "int8"), "float64").dtype == "float32"
    assert JAX.promoted(jnp.ones(3, "bfloat16"), "complex128").dtype == "complex64"


# Convolutions and poolings against torch's

CONVOLUTIONS = {
    "plain": ((2, 6, 9, 8), (4, 6, 3, 2), Geometry((1, 2), (1, 0), (2, 1))),
    "grey": ((2, 1, 9, 8), (4, 1, 3, 2), Geometry((2, 1), (1, 2), (1, 2))),
    "two groups": ((2, 12, 9, 8), (4, 6, 3, 2), Geometry((2, 1), (1, 2), (1, 2), 2)),
    "depthwise": ((2, 6, 9, 8), (6, 1, 3, 2), Geometry((2, 1), (1, 2), (1, 2), 6)),
    "depthwise, multiplier": ((2, 6, 9), (18, 1, 3), Geometry((2,), (1,), (2,), 6)),
    "few channels a group": ((2, 6, 9, 8), (4, 3, 3, 2), Geometry((2, 1), (1, 2), (1, 2), 2)),
    "many groups": ((2, 200, 5, 4), (80, 5, 3, 2), Geometry((2, 1), (1, 2), (1, 2), 40)),
    "many groups, many taps": ((1, 200, 4, 4), (40, 5, 15, 15), Geometry((1, 1), (7, 7), (1, 1), 40)),
    "three slid axes": ((1, 6, 5, 4, 5), (3, 6, 2, 2, 2), Geometry((1, 2, 1), (1, 0, 1), (1, 1, 2))),
    "one slid axis": ((2, 6, 9), (4, 6, 3), Geometry((3,), (2,), (2,))),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolve(name: str):
    x_shape, w_shape, geometry = CONVOLUTIONS[name]
    x, w = values(*x_shape), values(*w_shape, seed=1)
    wanted = TORCH.convolution(geometry, "library")(torch.from_numpy(x), torch.from_numpy(w))
    same(JAX.convolution(geometry, "library")(jnp.asarray(x), jnp.asarray(w)), wanted)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_transposed(name: str):
    """It is the adjoint: from what `convolve` makes back to what it is given."""
    x_shape, w_shape, geometry = CONVOLUTIONS[name]
    x, w = values(x_shape[0], w_shape[0], *x_shape[2:]), values(*w_shape, seed=1)
    wanted = TORCH.transposed(torch.from_numpy(x), torch.from_numpy(w), geometry, "transposed")
    same(JAX.transposed(jnp.asarray(x), jnp.asarray(w), geometry, "transposed"), wanted)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_an_accelerator_leaves_it_to_the_library(monkeypatch: pytest.MonkeyPatch, groups: int):
    x, w, geometry = values(2, 6, 7, 5), values(6, 6 // groups, 3, 2, seed=1), Geometry((2, 1), (1, 1), (1, 2), groups)
    ours, theirs = (jnp.asarray(x), jnp.asarray(w)), (torch.from_numpy(x), torch.from_numpy(w))
    monkeypatch.setattr(jax_convolution.jax, "default_backend", lambda: "gpu")
    jax.clear_caches()
    found = JAX.convolution(geometry, "library")(*ours), JAX.transposed(*ours, geometry, "transposed")
    jax.clear_caches()
    same(found[0], TORCH.convolution(geometry, "library")(*theirs))
    same(found[1], TORCH.transposed(*theirs, geometry, "transposed"))


@pytest.mark.parametrize("how", ["max", "min", "mean", "sum"])
def test_pooled(how: Any):
    x, geometry = values(2, 3, 9, 8), Geometry((2, 1), (0, 0), (1, 3))
    same(JAX.pooled(jnp.asarray(x), how, [3, 2], geometry), NUMPY.pooled(x, how, [3, 2], geometry))


def test_a_maximum_of_nan_is_nan():
    x = jnp.asarray([[[1.0, jnp.nan, 0.0, 2.0, 3.0]]])
    found = JAX.pooled(x, "max", [2], Geometry((1,), (0,), (1,)))
    np.testing.assert_array_equal(found[0, 0], [np.nan, np.nan, 2, 3])


def test_the_first_of_equals_takes_the_gradient():
    x = jnp.zeros((1, 1, 2, 2))
    pooled = jax.grad(lambda x: JAX.pooled(x, "max", [2, 2], Geometry((1, 1), (0, 0), (1, 1))).sum())(x)
    reduced = jax.grad(lambda x: JAX.reduce(x, [2, 3], "min").sum())(x)
    assert pooled.ravel().tolist() == reduced.ravel().tolist() == [1, 0, 0, 0]


# Equations against their definition


def on_jax(sized: Sized, arrays: list[Any], bias: Any = None) -> np.ndarray:
    return np.asarray(compute(JAX, sized, [jnp.asarray(x) for x in arrays], None if bias is None else jnp.asarray(bias)))


@pytest.mark.parametrize("name", NAMED)
def test_named_equations(wide: None, name: str):
    pattern, shapes, options = NAMED[name]
    sized = solve(parse(pattern), shapes, **options)
    arrays = drawn(sized.shapes)
    assert_same(on_jax(sized, arrays), reference.evaluate(sized, arrays), largest_sum(sized, arrays), name)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sized_problems())
def test_random_equations(wide: None, problem: Problem):
    sized = problem.solve()
    arrays = drawn(sized.shapes)
    assert_same(on_jax(sized, arrays), reference.evaluate(sized, arrays), largest_sum(sized, arrays), "jax")


@pytest.mark.parametrize("text", BIASED)
def test_biases(wide: None, text: str):
    sizes = {"g": 2} if "g" in text else {"u": 2} if text.startswith("y[b,c") else {}
    sized = solve(parse(text), BIASED[text], sizes)
    arrays, (bias,) = drawn(sized.shapes), drawn([sized.bias_shape], seed=1)
    same(on_jax(sized, arrays, bias), reference.evaluate(sized, arrays, bias), 1e-12)


DTYPES = {"int32": 0, "int8": 0, "uint8": 0, "float32": 1e-5, "float16": 1e-2, "complex64": 1e-5}


@pytest.mark.parametrize(("dtype", "name"), [(d, n) for d in DTYPES for n in TYPED if d != "complex64" or n not in ("max", "min")])
def test_dtypes(dtype: str, name: str):
    pattern, shapes, sizes = TYPED[name]
    sized, arrays = solve(parse(pattern), shapes, sizes), typed(shapes, dtype)
    wanted = reference.evaluate(sized, arrays)
    mean = name == "mean" and not DTYPES[dtype]
    same(on_jax(sized, arrays), wanted.astype("float32") if mean else wanted, 1e-6 if mean else DTYPES[dtype])


def test_mixed_dtypes_promote():
    sized = solve(parse("b c i+u, o c u -> b o i"), [(2, 6, 9), (3, 6, 3)])
    x, w = values(2, 6, 9), np.arange(54).reshape(3, 6, 3)
    found = compute(JAX, sized, [jnp.asarray(x), jnp.asarray(w, "int8")])
    same(found, reference.evaluate(sized, [x, w.astype("float32")]))
    assert compute(JAX, sized, [jnp.asarray(x, "bfloat16"), jnp.asarray(w, "int32")]).dtype == jnp.bfloat16


@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32", "bfloat16"])
def test_an_edge_never_wins(dtype: str, reduce: str):
    edge = (jnp.finfo if "float" in dtype else jnp.iinfo)(dtype)
    x = jnp.asarray([edge.min, edge.max, edge.min], dtype)
    found = compute(JAX, solve(parse(f"{reduce} i+u-1 -> i"), [(3,)], {"u": 3}), [x])
    assert found.tolist() == [float(edge.max if reduce == "max" else edge.min)] * 3


def test_what_is_refused():
    JAX.check([jnp.ones(3), jnp.ones(3, "int8"), jnp.ones(3, "bfloat16")], "sum")
    with pytest.raises(ArrayError) as refused:
        JAX.check([jnp.ones(3) > 0], "sum")
    assert str(refused.value).splitlines() == [
        "no sums and products of dtype bool",
        "  Convert the array to numbers, for example with x.astype('float32').",
    ]
    with pytest.raises(ArrayError, match="no sums and products of dtype key<"):
        JAX.check([jax.random.key(0)], "sum")
    with pytest.raises(ArrayError, match="complex numbers have no max"):
        JAX.check([jnp.ones(3) * 1j], "max")


# jit, grad, vmap, jvp

LAYERS = (
    "type 1",
    "type 2.1",
    "type 2.2",
    "depthwise",
    "grouped",
    "separable",
    "transposed, cropped, larger",
    "locally connected",
    "a filter per sample",
    "max pooling, padded",
    "min pooling",
    "mean pooling",
    "border circular",
    "true convolution",
    "four slid axes",
    "unfold",
    "fold",
    "three operands",
)


def layer(name: str) -> tuple[Any, list[np.ndarray]]:
    pattern, shapes, options = NAMED[name]
    sized = solve(parse(pattern), shapes, **options)
    return lambda *arrays: compute(JAX, sized, arrays), drawn(sized.shapes)


@pytest.mark.parametrize("name", LAYERS)
def test_traced(wide: None, name: str):
    """jit, grad and jvp: the gradient is torch's, and along a direction it is the derivative."""
    call, arrays = layer(name)
    pattern, shapes, options = NAMED[name]
    sized = solve(parse(pattern), shapes, **options)
    ours = [jnp.asarray(x) for x in arrays]
    y = jax.jit(call)(*ours)
    same(y, reference.evaluate(sized, arrays), 1e-12)
    seed = drawn([y.shape], seed=1)[0]
    gradients = jax.jit(jax.grad(lambda *a: (call(*a) * seed).sum(), argnums=tuple(range(len(ours)))))(*ours)
    theirs = [torch.from_numpy(x).requires_grad_() for x in arrays]
    (compute(TORCH, sized, theirs) * torch.from_numpy(seed)).sum().backward()
    for gradient, x in zip(gradients, theirs, strict=True):
        same(gradient, x.grad, 1e-10)
    directions = [jnp.asarray(d) for d in drawn(sized.shapes, seed=2)]
    _, moved = jax.jvp(call, tuple(ours), tuple(directions))
    along = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    same((moved * seed).sum(), along, 1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_mapped(wide: None, name: str):
    call, arrays = layer(name)
    stacked = [jnp.stack([jnp.asarray(x), 2 * jnp.asarray(x), jnp.flip(x)]) for x in arrays]
    found = jax.jit(jax.vmap(call))(*stacked)
    for k in range(3):
        same(found[k], call(*(x[k] for x in stacked)), 1e-12)


def test_second_derivatives(wide: None):
    call, (x, w) = layer("depthwise")
    energy = lambda w: (call(jnp.asarray(x), w) ** 2).sum() / 2  # noqa: E731
    direction = jnp.asarray(drawn([w.shape], seed=3)[0])
    _, curved = jax.jvp(jax.grad(energy), (jnp.asarray(w),), (direction,))
    same(curved, jax.grad(energy)(direction), 1e-12)  # a square's gradient is linear


def test_float32_stays():
    call, arrays = layer("type 2.2")
    assert call(*(jnp.asarray(x, "float32") for x in arrays)).dtype == "float32"
