"""The method "direct": through `ss.conv` and autograd against the plain loops, and everywhere that it must not be taken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from rounding import assert_same, drawn, largest_sum
from strategies import Problem, sized_problems

import slidesum as ss
from slidesum.laws.gradient import gradient_of
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.run.compute import DEFAULT, Options, compute, plan_for
from slidesum.run.gradient import Gradients
from slidesum.run.met import numpy_backend, torch_backend

BACKENDS = (numpy_backend(), torch_backend())
TYPE_21 = "b c i+u j+v, o u v -> b o i j"
SAMPLES = "b c i+u j+v, b o c u v -> b o i j"
DIRECT = Options("direct")
LAYERS: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any]]] = {
    "type 2.1": (TYPE_21, [(1, 2, 4, 10), (3, 3, 3)], {"padding": "same"}),
    "type 1": ("b c i+u j+v, o u v -> b (c o) i j", [(1, 2, 4, 8), (3, 3, 2)], {"padding": 1}),
    "a filter per sample": (SAMPLES, [(2, 2, 4, 8), (2, 3, 2, 3, 2)], {"padding": {"i": (0, 2), "j": 1}}),
    "depthwise": ("b c i+u j+v, c u v -> b c i j", [(1, 2, 6, 11), (2, 5, 3)], {"padding": "same"}),
    "grouped, strided, dilated": (
        "b (g c) 2*i+u 3*j+2*v, (g o) c u v -> b (g o) i j",
        [(1, 4, 5, 19), (4, 2, 2, 4)],
        {"sizes": {"g": 2}, "padding": 2},
    ),
    "true convolution": ("b c i-u j-v, o c u v -> b o i j", [(1, 2, 4, 5), (2, 2, 3, 3)], {"padding": "full"}),
    "reflected": ("b c i+u j+v, o c u v -> b o i j", [(1, 2, 4, 5), (2, 2, 3, 3)], {"padding": 2, "border": "reflect"}),
    "one wide": ("b c i+u j+v, o c u v -> b o i j", [(1, 2, 7, 1), (3, 2, 3, 1)], {}),
    "larger than what it slides over": ("b c i+u j+v, o c u v -> b o i j", [(1, 2, 3, 2), (3, 2, 5, 6)], {"padding": 2}),
    "lines": ("b c i+u, o c u -> b o i", [(1, 2, 30), (3, 2, 9)], {"padding": "same"}),
    "volumes": ("b c i+u j+v k+w, o c u v w -> b o i j k", [(1, 1, 3, 4, 9), (2, 1, 2, 2, 3)], {"padding": 1}),
    "transposed, stride 1": ("b c i j, c o u v -> b o i+u j+v", [(1, 2, 4, 7), (2, 3, 3, 2)], {}),
}
SCATTERED = ("grouped, strided, dilated", "true convolution", "reflected")
"""Whose gradient by the input isn't a gathering, or begins beyond its edge."""


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_layers_and_their_gradients(backend: Any, name: str):
    pattern, shapes, options = LAYERS[name]
    sized = solve(parse(pattern), shapes, **options)
    arrays, (seed,) = drawn(sized.shapes), drawn([sized.result_shape])
    held = [backend.constant(x, torch.zeros(0, dtype=torch.float64) if backend.name == "torch" else x) for x in arrays]
    found = np.asarray(compute(backend, sized, held, options=DIRECT))
    assert_same(found, reference.evaluate(sized, arrays), largest_sum(sized, arrays), name, 1e-12)
    for k, operand in enumerate(sized.equation.operands):
        back = gradient_of(sized, operand.name)
        given = [*arrays[:k], seed, *arrays[k + 1 :]]
        wanted, scale = reference.evaluate(back, given), largest_sum(back, given)
        with_seed = [*held[:k], backend.constant(seed, held[k]), *held[k + 1 :]]
        own = [DIRECT] if "direct" in plan_for(backend, back, 8, "f", "unwatched", DEFAULT).others else []
        assert own or name in SCATTERED
        for how in (DEFAULT, *own):
            assert_same(np.asarray(compute(backend, back, with_seed, options=how)), wanted, scale, f"{name}, {operand}", 1e-12)


def test_random_equations():
    """Both backends, forward; and through autograd, whose gradients are equations with plans of their own."""
    reached = set()

    @settings(deadline=None, derandomize=True, max_examples=120, suppress_health_check=[*HealthCheck])
    @given(sized_problems())
    def check(problem: Problem):
        sized = problem.solve()
        for backend in BACKENDS:
            if "direct" not in plan_for(backend, sized, 8, "f", "unwatched", DEFAULT).others:
                continue
            reached.add(backend.name)
            arrays = drawn(sized.shapes)
            wanted, scale = reference.evaluate(sized, arrays), largest_sum(sized, arrays)
            if backend.name == "numpy":
                assert_same(compute(backend, sized, arrays, options=DIRECT), wanted, scale, str(sized.equation), 1e-12)
                continue
            tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
            y = compute(backend, sized, tensors, options=DIRECT)
            assert_same(y.detach().numpy(), wanted, scale, str(sized.equation), 1e-12)
            seed = torch.ones_like(y)
            found = torch.autograd.grad(y, tensors, seed)
            names = [operand.name for operand in sized.equation.operands]
            for name, one, other in zip(names, found, Gradients(numpy_backend(), sized)(arrays, seed.numpy(), names), strict=True):
                torch.testing.assert_close(one, torch.from_numpy(np.array(other)), msg=f"d{name} of {sized.equation}")

    check()
    assert reached == {"numpy", "torch"}


def test_twice_differentiable():
    x, w = torch.randn(1, 2, 3, 5, dtype=torch.float64), torch.randn(2, 2, 3, dtype=torch.float64)
    both = x.requires_grad_(), w.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x, w: ss.conv(TYPE_21, x, w, padding="same", plan="direct"), both)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_stays_in_its_windows(special: float):
    """As in the sum of products: where a window has it, and nowhere else, row ends and borders included."""
    x, w = np.ones((1, 2, 14, 14), "float32"), np.ones((3, 2, 3, 3), "float32")
    for place in ((0, 0), (13, 13), (7, 13), (8, 0), (5, 6)):
        given = x.copy()
        given[(0, 0, *place)] = special
        y = ss.conv(
            "b c i+u j+v, o c u v -> b o i j", torch.from_numpy(given), torch.from_numpy(w), padding=1, plan="direct"
        ).numpy()
        reached = np.zeros((14, 14), bool)
        reached[max(0, place[0] - 1) : place[0] + 2, max(0, place[1] - 1) : place[1] + 2] = True
        assert np.isfinite(y[0, :, ~reached]).all()
        assert ((y[0, :, reached] == special) | np.isnan(special)).all()
        assert not np.isfinite(y[0, :, reached]).any()


@pytest.mark.parametrize("pattern", [TYPE_21, "b c i+u j+v, o c u v -> b o i j"])
@pytest.mark.parametrize("shape", [(0, 2, 5, 5), (1, 0, 5, 5)])
def test_empty_arrays(pattern: str, shape: tuple[int, ...]):
    filters = torch.ones(3, 3, 3) if pattern == TYPE_21 else torch.ones(3, shape[1], 3, 3)
    y = ss.conv(pattern, torch.ones(shape), filters)
    assert y.shape == (shape[0], 3, 3, 3)
    assert not y.any()


def test_nothing_but_padding():
    y = ss.conv("b c i+u, o c u -> b o i", torch.ones(1, 2, 0), torch.ones(3, 2, 3), padding=4, plan="direct")
    assert y.shape == (1, 3, 6)
    assert not y.any()


def test_tensors_that_lie_anyhow():
    random = np.random.default_rng(0)
    x, w = (torch.from_numpy(random.standard_normal(shape)) for shape in ((2, 3, 12, 14), (4, 3, 3, 5)))
    wanted = torch.conv2d(x, w)
    conv = lambda x, w: ss.conv("b c i+u j+v, o c u v -> b o i j", x, w, plan="direct")  # noqa: E731
    negative = torch.complex(torch.zeros_like(x), -x).conj().imag
    assert negative.is_neg()
    for other in (
        x.to(memory_format=torch.channels_last),
        x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
        torch.cat([x, x], 3)[..., :14],
        torch.stack([x, -x], 4)[..., 0],
        torch.cat([torch.zeros(1, dtype=x.dtype), x.flatten()])[1:].view(x.shape),
        negative,
    ):
        torch.testing.assert_close(conv(other, w), wanted)
        torch.testing.assert_close(conv(other, w.mT.contiguous().mT), wanted)
    torch.testing.assert_close(conv(x[:1].expand(2, -1, -1, -1), w), torch.conv2d(x[:1].expand(2, -1, -1, -1), w))


def test_arrays_that_lie_anyhow():
    random = np.random.default_rng(0)
    x, w = random.standard_normal((2, 3, 12, 14)), random.standard_normal((4, 3, 3, 5))
    conv = lambda x, w: ss.conv("b c i+u j+v, o c u v -> b o i j", x, w, plan="direct")  # noqa: E731
    wanted = conv(x, w)
    packed = np.zeros(x.shape, np.dtype([("a", "i1"), ("x", "f8")]))
    packed["x"] = x
    for other in (x[..., ::-1][..., ::-1], np.asfortranarray(x), x.astype(">f8"), packed["x"], np.flip(np.flip(x, 1).copy(), 1)):
        np.testing.assert_allclose(conv(other, w), wanted)
    np.testing.assert_allclose(conv(x.astype("float32"), w), wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(conv(np.ones((1, 1, 3, 3), int), np.ones((1, 1, 2, 2))), np.full((1, 1, 2, 2), 4.0))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_where_it_must_not_be_taken():
    x, w = torch.ones(8, 20, 28, 28), torch.ones(8, 20, 20, 3, 3)

    def methods(*given: torch.Tensor) -> tuple[str, ...]:
        return ss.plan(SAMPLES, *given).methods

    assert methods(x, w) == ("direct",)
    assert methods(x.double(), w.double()) == ("direct",)
    for dtype in (torch.float16, torch.bfloat16, torch.complex64, torch.int32):
        assert "direct" not in ss.plan(SAMPLES, x.to(dtype), w.to(dtype)).others
    assert "direct" not in ss.plan(SAMPLES, x.to("meta"), w.to("meta")).others
    assert ss.conv(SAMPLES, x.to("meta"), w.to("meta")).device.type == "meta"
    assert ss.conv(SAMPLES, x, w).shape == (8, 20, 26, 26)
    subclass = type("Mine", (torch.Tensor,), {})
    assert "direct" not in ss.plan(SAMPLES, x.as_subclass(subclass), w).others
    with torch.autograd.forward_ad.dual_level():
        assert "direct" not in ss.plan(SAMPLES, x, w).others
    wanted = ss.conv(SAMPLES, x, w, plan="library")
    mapped = torch.vmap(lambda x, w: ss.conv("c i+u j+v, o c u v -> o i j", x, w))(x, w)
    torch.testing.assert_close(mapped, wanted)
    jacobian = torch.func.jvp(lambda x: ss.conv(SAMPLES, x, w), (x,), (x,))[1]
    torch.testing.assert_close(jacobian, wanted)
    zeros = torch._efficientzerotensor(x.shape)
    assert not ss.conv(SAMPLES, zeros, w).any()


def test_the_same_function_for_tensors_that_are_watched_later():
    x, w = torch.randn(4, 8, 16, 16), torch.randn(4, 8, 8, 3, 3)
    first = ss.conv(SAMPLES, x, w)
    torch.testing.assert_close(torch.vmap(lambda s: ss.conv(SAMPLES, x, w * s))(torch.ones(2))[1], first)
    y = ss.conv(SAMPLES, x.requires_grad_(), w)
    y.sum().backward()
    torch.testing.assert_close(y, first)
    assert x.grad is not None


def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch):
    from slidesum.engine import host

    monkeypatch.setattr(host.importlib.util, "find_spec", lambda name: None)
    host.host.cache_clear()
    try:
        for backend in ("numpy", "torch"):
            plan = ss.plan(SAMPLES, (4, 8, 16, 16), (4, 8, 8, 3, 3), backend=backend)
            assert "direct" not in plan.others
            with pytest.raises(ss.errors.UsageError) as caught:
                ss.plan("b c i+u, o c u -> b o i", (1, 3, 9), (4, 3, 3), plan="direct")
            assert (
                str(caught.value)
                == """\
no plan computes this equation by 'direct'
  Those that can be forced here: unfolded, windows.
  Name one of them, or leave plan= out."""
            )
    finally:
        monkeypatch.undo()
        host.host.cache_clear()
    assert "direct" in ss.plan(SAMPLES, (4, 8, 16, 16), (4, 8, 8, 3, 3)).others


def test_threads_that_call_at_once():
    random = np.random.default_rng(0)
    x, w = (torch.from_numpy(random.standard_normal(shape)) for shape in ((8, 16, 28, 28), (8, 16, 16, 3, 3)))
    wanted = torch.stack([torch.conv2d(a, b, padding=1) for a, b in zip(x, w, strict=True)])
    wrong = []

    def work() -> None:
        for _ in range(10):
            y = ss.conv(SAMPLES, x, w, padding="same", plan="direct")
            if not torch.allclose(y, wanted):
                wrong.append(y)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


FORKED = """
import os, signal
import numpy as np, torch
import slidesum as ss

pattern, x, w = "b c i+u j+v, b o c u v -> b o i j", torch.ones(8, 16, 28, 28), torch.ones(8, 16, 16, 3, 3)
wanted = ss.conv(pattern, x, w, plan="direct").numpy()
child = os.fork()
if child == 0:
    code = 1
    signal.alarm(30)  # rather than to wait for threads for ever
    try:
        code = int(not np.array_equal(ss.conv(pattern, x, w, plan="direct").numpy(), wanted))
    finally:
        os._exit(code)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_was_forked():
    """The threads of the one before don't exist in it; it computes in its own. In a process without JAX, which can't be forked."""
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=120)


def test_as_many_threads_as_torch_may_use():
    from slidesum.engine import convolution

    before, x, w = torch.get_num_threads(), torch.ones(8, 16, 28, 28), torch.ones(8, 16, 16, 3, 3)
    asked = []
    original = convolution.laid_out
    try:
        convolution.laid_out = lambda p, h, n, threads: asked.append(threads) or original(p, h, n, threads)  # type: ignore[assignment]
        for threads in (1, 2):
            convolution.convolution.cache_clear()
            torch.set_num_threads(threads)
            ss.conv(SAMPLES, x, w, padding=1, plan="direct")
    finally:
        convolution.laid_out = original
        torch.set_num_threads(before)
    assert asked == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer here")
def test_ctrl_c_waits_for_the_kernel():
    """The interrupt comes between two calls, and the next call is right."""
    x, w = torch.randn(8, 16, 28, 28), torch.randn(8, 16, 16, 3, 3)
    wanted = ss.conv(SAMPLES, x, w, plan="direct")

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt("the alarm")

    def for_ever() -> None:
        while True:
            ss.conv(SAMPLES, x, w, plan="direct")

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in (0.002, 0.005, 0.011):
            signal.setitimer(signal.ITIMER_REAL, delay)
            with pytest.raises(KeyboardInterrupt, match=r"^the alarm$"):
                for_ever()
            assert torch.equal(ss.conv(SAMPLES, x, w, plan="direct"), wanted)
    finally:
        signal.signal(signal.SIGALRM, before)
