"""Plain loops, NumPy and torch say the same: the definition against the two backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from rounding import assert_same, drawn, largest_sum
from strategies import Problem, sized_problems

from slidesum.core.sized import Sized
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.run.backend import Backend
from slidesum.run.compute import DEFAULT, Options, compute, plan_for
from slidesum.run.execute import evaluate
from slidesum.run.met import numpy_backend, torch_backend
from slidesum.run.numpy import NumPy


def on_numpy(sized: Sized, arrays: list[Any], bias: Any = None) -> np.ndarray:
    return compute(numpy_backend(), sized, arrays, bias)


def on_torch(sized: Sized, arrays: list[Any], bias: Any = None) -> np.ndarray:
    tensors = [torch.from_numpy(x) for x in arrays]
    return compute(torch_backend(), sized, tensors, None if bias is None else torch.from_numpy(bias)).numpy()


def by_torch_windows(sized: Sized, arrays: list[Any], bias: Any = None) -> np.ndarray:
    tensors = [torch.from_numpy(x) for x in arrays]
    windows = "windows" in plan_for(torch_backend(), sized, 8, "f", "unwatched", DEFAULT).others  # else nothing slides
    options = Options(force="windows") if windows else DEFAULT
    return compute(torch_backend(), sized, tensors, None if bias is None else torch.from_numpy(bias), options).numpy()


WAYS = {"numpy": on_numpy, "torch": on_torch, "torch windows": by_torch_windows}


def assert_agreement(sized: Sized) -> None:
    arrays = drawn(sized.shapes)
    wanted, scale = reference.evaluate(sized, arrays), largest_sum(sized, arrays)
    for name, way in WAYS.items():
        assert_same(way(sized, arrays), wanted, scale, name)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sized_problems())
def test_random_equations(problem: Problem):
    assert_agreement(problem.solve())


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(sized_problems(kind="convolution"))
def test_a_product_a_tap_is_the_same(problem: Problem):
    sized = problem.solve()
    arrays = drawn(sized.shapes)
    plan = plan_for(numpy_backend(), sized, 8, "f", "unwatched", DEFAULT)
    assume("taps" in plan.others)
    found = compute(numpy_backend(), sized, arrays, options=Options(force="taps"))
    assert_same(found, reference.evaluate(sized, arrays), largest_sum(sized, arrays), "taps")


X1, X2, X3, X4 = (2, 4, 9), (2, 4, 6, 5), (1, 2, 5, 4, 4), (1, 2, 3, 3, 3, 3)
FULL = "b c i+u j+v, o c u v -> b o i j"
W2 = (3, 4, 3, 2)

NAMED: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any]]] = {
    # the rows of the design's table
    "type 1": ("b c i+u j+v, o u v -> b (c o) i j", [X2, (3, 3, 2)], {}),
    "type 1, other order": ("b c i+u j+v, o u v -> b (o c) i j", [X2, (3, 3, 2)], {}),
    "type 2.1": ("b c i+u j+v, o u v -> b o i j", [X2, (3, 3, 2)], {}),
    "type 2.2": (FULL, [X2, W2], {}),
    "depthwise": ("b c i+u j+v, c u v -> b c i j", [X2, (4, 3, 2)], {}),
    "depthwise, multiplier": ("b c i+u j+v, c o u v -> b (c o) i j", [X2, (4, 2, 3, 2)], {}),
    "grouped": ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", [X2, (6, 2, 3, 2)], {"sizes": {"g": 2}}),
    "1×1": ("b c i j, o c -> b o i j", [X2, (5, 4)], {}),
    "separable": ("b c i+u j+v, c u v, o c -> b o i j", [X2, (4, 3, 2), (5, 4)], {}),
    "over the stack": ("b d+t i+u j+v, t u v -> b d i j", [X2, (2, 3, 2)], {}),
    "over the stack, filters": ("b d+t i+u j+v, o t u v -> b (o d) i j", [X2, (3, 2, 3, 2)], {"padding": "same"}),
    "stride 2, pad 3": ("b c 2*i+u-3 2*j+v-3, o c u v -> b o i j", [X2, (2, 4, 5, 5)], {}),
    "dilated": ("b c i+2*u j+2*v, o c u v -> b o i j", [X2, W2], {}),
    "transposed, stride 2": ("b c i j, c o u v -> b o 2*i+u 2*j+v", [X2, (4, 3, 3, 2)], {}),
    "transposed, cropped, larger": (
        "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1",
        [X2, (4, 3, 3, 3)],
        {"extent": {"i": 12, "j": 9}},
    ),
    "transposed with gaps": ("b c i j, c o u v -> b o 3*i+u 4*j+2*v", [X2, (4, 3, 2, 2)], {}),
    "locally connected": ("b c i+u j+v, o c i j u v -> b o i j", [X2, (3, 4, 4, 4, 3, 2)], {}),
    "a filter per sample": ("b c i+u j+v, b o c u v -> b o i j", [X2, (2, 3, 4, 3, 2)], {}),
    "max pooling": ("max b c 2*i+u 2*j+v -> b c i j", [X2], {"sizes": {"u": 3, "v": 3}}),
    "max pooling, padded": ("max b c 2*i+u-1 2*j+v-1 -> b c i j", [X2], {"sizes": {"u": 3, "v": 3}}),
    "max pooling, dilated": ("max b c i+2*u -> b c i", [X1], {"sizes": {"u": 3}}),
    "min pooling": ("min b c 2*i+u 2*j+v -> b c i j", [X2], {"sizes": {"u": 3, "v": 3}, "padding": 1}),
    "mean pooling": ("mean b c 2*i+u 2*j+v -> b c i j", [X2], {"sizes": {"u": 3, "v": 3}, "padding": 1}),
    "sum pooling": ("sum b c 2*i+u -> b c i", [X1], {"sizes": {"u": 3}}),
    "maxout": ("max b (o p) i j -> b o i j", [X2], {"sizes": {"p": 2}}),
    "global mean": ("mean b c i j -> b c", [X2], {}),
    # where and what beyond the edge
    **{f"padding {p}": (FULL, [X2, W2], {"padding": p}) for p in ("valid", "same", "same_lower", "full", 2, (0, 3), (-1, 2))},
    "padding by position": (FULL, [X2, W2], {"padding": {"i": (2, 1), "j": "same"}}),
    **{f"border {b}": (FULL, [X2, W2], {"padding": "full", "border": b}) for b in ("circular", "reflect", "replicate", -1.5)},
    **{f"type 2.1, border {b}": ("b c i+u, o u -> b o i", [X1, (3, 4)], {"padding": 2, "border": b}) for b in ("circular", 7)},
    **{
        f"max, border {b}": ("max b c i+u -> b c i", [X1], {"sizes": {"u": 4}, "padding": 2, "border": b})
        for b in ("reflect", 0, 9)
    },
    "a border wider than the array": ("b c i+u, o c u -> b o i", [(1, 1, 3), (1, 1, 2)], {"padding": 8, "border": "reflect"}),
    "cropping": ("b c i+u+2, o c u -> b o i", [X1, (3, 4, 2)], {}),
    # steps
    "stride and dilation by name": ("b c s*i+d*u, o c u -> b o i", [X1, (3, 4, 3)], {"sizes": {"s": 2, "d": 3}}),
    "true convolution": ("b c i-u j-v, o c u v -> b o i j", [X2, W2], {}),
    "backwards": ("b c -2*i+u, o c u -> b o i", [X1, (3, 4, 3)], {}),
    "transposed, backwards": ("b c i, c o u -> b o 2*i-u", [X1, (4, 3, 3)], {}),
    "a bare stride": ("b c 2*i 3*j -> b c i j", [X2], {}),
    "a bare stride with filters": ("b c 2*i, o c -> b o i", [X1, (3, 4)], {}),
    # axes
    "any rank": ("... c i+u, o c u -> ... o i", [(2, 3, 4, 9), (5, 4, 3)], {}),
    "merged positions": ("b c i+u j+v, o c u v -> b (i j) o", [X2, W2], {}),
    "axes of one": ("b 1 i+u, o u -> b o 1 i", [(2, 1, 9), (3, 4)], {}),
    "one slid axis": ("b c i+u, o c u -> b o i", [X1, (3, 4, 3)], {}),
    "three slid axes": ("b c i+u j+v k+w, o c u v w -> b o i j k", [X3, (2, 2, 2, 2, 3)], {"padding": 1}),
    "four slid axes": ("b c i+u j+v k+w l+z, o c u v w z -> b o i j k l", [X4, (2, 2, 2, 2, 2, 2)], {}),
    "channels last": ("b i+u j+v c, u v c o -> b i j o", [(2, 6, 5, 4), (3, 2, 4, 3)], {}),
    # anything else
    "three operands": ("b c i+u, o r, r c u -> b o i", [X1, (5, 2), (2, 4, 3)], {}),
    "the filter first": ("o c u, b c i+u -> b o i", [(3, 4, 3), X1], {}),
    "several taps in an address": ("b c i+u+3*v, o c u v -> b o i", [X1, (3, 4, 2, 2)], {"padding": 1}),
    "an index twice on an operand": ("b i i -> b i", [(2, 4, 4)], {}),
    "an index twice on a filter": ("b c i+u, c c u -> b c i", [X1, (4, 4, 3)], {}),
    "unfold": ("b c i+u j+v -> b (c u v) (i j)", [X2], {"sizes": {"u": 3, "v": 2}}),
    "fold": ("b c i u -> b c 2*i+u", [(2, 3, 4, 3)], {}),
    "upsampling": ("b c i j -> b c 2*i+u 2*j+v", [X2], {"sizes": {"u": 2, "v": 2}}),
    "repeat": ("b c i -> b c n i", [X1], {"sizes": {"n": 3}}),
    "filters summed alone": ("b c i+u, o c u r -> b o i", [X1, (3, 4, 3, 2)], {}),
    "fewer positions than fit": ("b c i+u, o c u -> b o i", [X1, (3, 4, 3)], {"sizes": {"i": 2}}),
    "linear": ("b c i j, o c i j -> b o", [X2, (5, 4, 6, 5)], {}),
    "matrix product": ("i k, k j -> i j", [(3, 4), (4, 5)], {}),
    "a number": ("i, i ->", [(5,), (5,)], {}),
}


@pytest.mark.parametrize("name", NAMED)
def test_named_equations(name: str):
    pattern, shapes, options = NAMED[name]
    assert_agreement(solve(parse(pattern), shapes, **options))


def test_by_torch_kernels_or_by_windows():
    """Which rows torch's own convolutions and poolings can't compute: all that aren't shaped like one."""
    own = {"library", "transposed", "pooling"}
    left = []
    for name, (pattern, shapes, options) in NAMED.items():
        sized = solve(parse(pattern), shapes, **options)
        if sized.slides and own.isdisjoint(plan_for(torch_backend(), sized, 8, "f", "unwatched", DEFAULT).others):
            left.append(name)
    assert left == [
        "locally connected",
        "min pooling",
        "sum pooling",
        "type 2.1, border 7",
        "backwards",
        "a bare stride",
        "several taps in an address",
        "an index twice on a filter",
        "unfold",
        "fold",
        "upsampling",
    ]


BIASED = {
    "y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[o]": [(2, 4, 9), (3, 4, 3)],
    "y[b,(g o),i] = x[b,(g c),i+u] * w[(g o),c,u] + a[(g o)]": [(2, 4, 9), (6, 2, 3)],
    "y[b,(c o),i] = x[b,c,i+u] * w[o,u] + a[o]": [(2, 4, 9), (3, 3)],
    "y[b,(c o),i] = x[b,c,i+u] * w[o,u] + a[o,c]": [(2, 4, 9), (3, 3)],
    "y[b,o,2*i+u] = x[b,c,i] * w[c,o,u] + a[o]": [(2, 4, 9), (4, 3, 3)],
    "y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[i,o]": [(2, 4, 9), (3, 4, 3)],
    "y[b,c,i] = x[b,c,2*i+u] + a[c]": [(2, 4, 9)],
    "y[o] = x[c] * w[o,c] + a[1]": [(4,), (3, 4)],
}


@pytest.mark.parametrize("text", BIASED)
def test_biases(text: str):
    sizes = {"g": 2} if "g" in text else {"u": 2} if text.startswith("y[b,c") else {}
    sized = solve(parse(text), BIASED[text], sizes)
    arrays, (bias,) = drawn(sized.shapes), drawn([sized.bias_shape], seed=1)
    wanted = reference.evaluate(sized, arrays, bias)
    for name, way in WAYS.items():
        np.testing.assert_allclose(way(sized, arrays, bias), wanted, rtol=1e-12, atol=1e-12, err_msg=name)


# Dtypes

TYPED = {
    "conv": ("b c 2*i+u-1, o c u -> b o i", [(2, 4, 9), (3, 4, 3)], {}),
    "transposed": ("b c i, c o u -> b o 2*i+u", [(2, 4, 5), (4, 3, 3)], {}),
    "separable": ("b c i+u, c u, o c -> b o i", [(2, 4, 9), (4, 3), (5, 4)], {}),
    "sum": ("sum b c 2*i+u -> b c i", [(2, 4, 9)], {"u": 3}),
    "mean": ("mean b c 2*i+u-1 -> b c i", [(2, 4, 9)], {"u": 3}),
    "max": ("max b c 2*i+u-1 -> b c i", [(2, 4, 9)], {"u": 3}),
    "min": ("min b c 2*i+u-1 -> b c i", [(2, 4, 9)], {"u": 3}),
}
TOLERANCE = {"float32": 1e-5, "complex64": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}


def typed(shapes: Any, dtype: str) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    if np.dtype(dtype).kind in "iu":
        low, high = (0, 3) if dtype == "uint8" else (-2, 3) if dtype == "int8" else (-9, 9)  # sums of 12 must fit
        return [random.integers(low, high, shape).astype(dtype) for shape in shapes]
    if np.dtype(dtype).kind == "c":
        return [(random.standard_normal(s) + 1j * random.standard_normal(s)).astype(dtype) for s in shapes]
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


DTYPES = ("float64", "float32", "float16", "int64", "int32", "int8", "uint8", "complex128", "complex64")
ORDERLESS = {("complex128", "max"), ("complex128", "min"), ("complex64", "max"), ("complex64", "min")}


@pytest.mark.parametrize(("dtype", "name"), sorted({(dtype, name) for dtype in DTYPES for name in TYPED} - ORDERLESS))
def test_dtypes(dtype: str, name: str):
    pattern, shapes, sizes = TYPED[name]
    sized, arrays = solve(parse(pattern), shapes, sizes), typed(shapes, dtype)
    wanted = reference.evaluate(sized, arrays)
    found, torch_found = on_numpy(sized, arrays), on_torch(sized, arrays)
    real_mean = name == "mean" and wanted.dtype == np.float64 and dtype != "float64" and not dtype.startswith("complex")
    assert found.dtype == wanted.dtype == (np.float64 if real_mean else np.dtype(dtype))
    assert torch_found.dtype == (np.float32 if real_mean else np.dtype(dtype))
    tolerance = 1e-6 if real_mean else TOLERANCE.get(dtype, 1e-12)
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=5 * tolerance)
    np.testing.assert_allclose(torch_found, wanted, rtol=tolerance, atol=5 * tolerance)


@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(name: str, dtype: torch.dtype):
    pattern, shapes, sizes = TYPED[name]
    halves = [torch.from_numpy(x).to(dtype) for x in typed(shapes, "float32")]
    found = evaluate(parse(pattern), halves, sizes=sizes)
    assert found.dtype == dtype
    wanted = evaluate(parse(pattern), [x.float() for x in halves], sizes=sizes)
    tolerance = TOLERANCE[str(dtype).removeprefix("torch.")]
    torch.testing.assert_close(found.float(), wanted, rtol=tolerance, atol=5 * tolerance)


def test_numpy_promotes():
    found = evaluate(parse("i+u, u -> i"), [np.arange(4), np.array([0.5, 1], "float32")])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1, 2.5, 4])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "float32"])
@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.parametrize("backend", [numpy_backend(), torch_backend()], ids=lambda b: b.name)
def test_an_edge_never_wins(backend: Backend, reduce: str, dtype: str):
    edge = (np.iinfo if dtype != "float32" else np.finfo)(dtype)
    x = np.array([edge.min, edge.max, edge.min], dtype)
    sized = solve(parse(f"{reduce} i+u-1 -> i"), [(3,)], {"u": 3})
    found = np.asarray(compute(backend, sized, [x if isinstance(backend, NumPy) else torch.from_numpy(x)]))
    assert found.tolist() == ([edge.max] * 3 if reduce == "max" else [edge.min] * 3)


@pytest.mark.parametrize(
    "name", [name for name in NAMED if NAMED[name][0].startswith(("b ", "max b ", "mean b ", "min b ", "sum b "))]
)
def test_an_empty_batch_gives_an_empty_result(name: str):
    pattern, shapes, options = NAMED[name]
    empty = [(0, *shape[1:]) if axes.split()[0] == "b" else shape for axes, shape in zip(_operands(pattern), shapes, strict=True)]
    sized = solve(parse(pattern), empty, **options)
    assert 0 in sized.result_shape
    for way in WAYS.values():
        assert way(sized, drawn(sized.shapes)).shape == sized.result_shape


def _operands(pattern: str) -> list[str]:
    return pattern.removeprefix("max ").removeprefix("mean ").removeprefix("min ").removeprefix("sum ").split(" -> ")[0].split(", ")


def test_lists_are_arrays():
    np.testing.assert_array_equal(evaluate(parse("i+u, u -> i"), [[1, 2, 3], [10, 1]]), [12, 23])


def test_strided_and_read_only_arrays():
    whole = np.arange(40.0).reshape(2, 4, 5)
    w = np.broadcast_to(np.array([1.0, 2.0]), (3, 4, 2))
    turned = whole.transpose(0, 2, 1)[:, ::-1]
    sized = solve(parse("b i+u c, o c u -> b o i"), [turned.shape, w.shape])
    np.testing.assert_allclose(on_numpy(sized, [turned, w]), reference.evaluate(sized, [turned, w]))


def test_arrays_are_left_alone():
    arrays = drawn([X2, W2])
    before = [x.copy() for x in arrays]
    for options in ({}, {"padding": "same"}, {"padding": 2, "border": "circular"}):
        evaluate(parse(FULL), arrays, **options)
        evaluate(parse(FULL), [torch.from_numpy(x) for x in arrays], **options)
    for x, y in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, y)
