"""Calls that are remembered give what the first call gave, and only calls that are the same are taken for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from rounding import drawn
from torch.autograd import gradcheck, gradgradcheck
from torch.utils.checkpoint import checkpoint

import slidesum as ss
from slidesum.errors import ArrayError, SizeError, UsageError
from slidesum.run import calls

CONV = "b c i+u, o c u -> b o i"
NAMED_STRIDE = "b c s*i+u, o c u -> b o i"
X, W = (2, 4, 9), (3, 4, 3)


def arrays(*shapes: tuple[int, ...], library: str = "numpy", dtype: str = "float64") -> list[Any]:
    found = [x.astype(dtype) for x in drawn(shapes or (X, W))]
    return found if library == "numpy" else [torch.from_numpy(x) for x in found]


@pytest.fixture(autouse=True)
def nothing_remembered():
    for library in ("numpy", "torch"):  # a library is met by its first call
        ss.conv("i, i ->", *arrays((2,), (2,), library=library))
    calls._calls.clear()


# What is the same call


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_call_is_remembered(library: str):
    x, w = arrays(library=library)
    first = ss.conv(CONV, x, w, padding=1)
    assert len(calls._calls) == 1
    second = ss.conv(CONV, x + 1, w, padding=1)
    assert len(calls._calls) == 1
    assert first.shape == second.shape == (2, 3, 9)
    assert not np.allclose(first, second)
    ss.conv(CONV, x[:1], w, padding=1)
    ss.conv(CONV, x, w, padding="same")
    ss.conv(CONV, x, w, border="circular", padding=1)
    assert len(calls._calls) == 4


def test_when_there_are_too_many_all_begin_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calls, "MOST", 3)
    x, w = arrays()
    for padding in range(8):
        assert ss.conv(CONV, x, w, padding=padding).shape == (2, 3, 7 + 2 * padding)
        assert len(calls._calls) <= 3


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = {
    "padding=True": (
        {"padding": 1},
        {"padding": True},
        UsageError,
        """\
True is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    "padding=1.0": (
        {"padding": 1},
        {"padding": 1.0},
        UsageError,
        """\
1.0 is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    "border=True": (
        {"padding": 1, "border": 1},
        {"padding": 1, "border": True},
        UsageError,
        """\
True is no border
  Write one of zero, circular, reflect, replicate, or a number.""",
    ),
    "a size of True": (
        {"s": 1},
        {"s": True},
        SizeError,
        """\
a size is a whole number or a symbol, not True
  Write a size such as o=64 or o="k1".""",
    ),
    "exact=1": (
        {"exact": True},
        {"exact": 1},
        UsageError,
        """\
exact= is True or False, not 1
  Write exact=False to allow Fourier transforms.""",
    ),
    "exact=0": (
        {"exact": False},
        {"exact": 0},
        UsageError,
        """\
exact= is True or False, not 0
  Write exact=False to allow Fourier transforms.""",
    ),
    "memory=True": (
        {"memory": 1},
        {"memory": True},
        UsageError,
        """\
memory= is a number of bytes, not True
  Write memory=2**30, say.""",
    ),
    "memory=1.0": (
        {"memory": 1},
        {"memory": 1.0},
        UsageError,
        """\
memory= is a number of bytes, not 1.0
  Write memory=2**30, say.""",
    ),
    "memory=[1]": (
        {"memory": 1},
        {"memory": [1]},
        UsageError,
        """\
memory= is a number of bytes, not [1]
  Write memory=2**30, say.""",
    ),
    "plan=[…]": (
        {"plan": "windows"},
        {"plan": ["windows"]},
        UsageError,
        """\
plan= is the name of a method, not ['windows']
  Write one of library, channels-last, direct, unfolded, taps, fft, transposed, folded, pooling, windows, matmul, sum.""",
    ),
}


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_equal_but_not_the_same_is_refused_after_it_too(name: str, library: str):
    """1 and True are equal, and only one of them is a padding."""
    good, bad, kind, text = REFUSED[name]
    x, w = arrays(library=library)
    pattern = NAMED_STRIDE if "s" in good else CONV
    ss.conv(pattern, x, w, **good)
    for _ in range(2):
        with pytest.raises(kind) as caught:
            ss.conv(pattern, x, w, **bad)
        assert str(caught.value) == text


def test_borders_of_equal_numbers():
    x, w = arrays(dtype="float32")
    for border in (1, 1.0, np.float64(1)):
        np.testing.assert_allclose(ss.conv(CONV, x, w, padding=2, border=border), ss.conv(CONV, x, w, padding=2, border=1.0))
    assert ss.conv(CONV, x, w, padding=2, border=0).sum() != ss.conv(CONV, x, w, padding=2, border=1).sum()


def test_dtypes_devices_and_shapes_are_told_apart():
    for dtype in ("float32", "float64", "int64", "complex64", "float16"):
        for library in ("numpy", "torch"):
            y = ss.conv(CONV, *arrays(library=library, dtype=dtype))
            assert dtype in str(y.dtype)
    meta = [x.to("meta") for x in arrays(library="torch")]
    assert ss.conv(CONV, *meta).device.type == "meta"


@pytest.mark.parametrize("bias", [False, True])
def test_libraries_are_never_mixed(bias: bool):
    (x, w), (tx, tw) = arrays(), arrays(library="torch")
    ss.conv(CONV, x, w, bias=np.zeros(3) if bias else None)
    ss.conv(CONV, tx, tw, bias=torch.zeros(3, dtype=torch.float64) if bias else None)
    for given, other in (((x, tw), None), ((tx, w), None), ((tx, tw), np.zeros(3)), ((x, w), torch.zeros(3))):
        if other is None or bias:
            with pytest.raises(ArrayError) as caught:
                ss.conv(CONV, *given, bias=other)
            assert str(caught.value).startswith("a torch tensor meets a ndarray\n")


def test_a_bias_is_checked_by_every_call():
    x, w = arrays()
    assert ss.conv(CONV, x, w, bias=np.ones(3)).shape == (2, 3, 7)
    with pytest.raises(SizeError) as caught:
        ss.conv(CONV, x, w, bias=np.ones(4))
    assert str(caught.value).startswith("the bias has the shape (4,), and (3,) is expected\n")


# How torch watches

EQUATIONS: dict[str, tuple[str, list[tuple[int, ...]]]] = {
    "type 1": ("b c i+u, o u -> b (c o) i", [(2, 2, 5), (2, 3)]),
    "depthwise, large": ("b c i+u j+v, c u v -> b c i j", [(1, 2, 6, 6), (2, 5, 5)]),
    "locally connected": ("b c i+u, o c i u -> b o i", [(1, 2, 5), (2, 2, 3, 3)]),
    "a filter per sample": ("b c i+u, b o c u -> b o i", [(2, 2, 5), (2, 2, 2, 3)]),
    "separable": ("b c i+u, c u, o c -> b o i", [(1, 2, 5), (2, 3), (2, 2)]),
    "transposed": ("b c i, c o u -> b o 2*i+u", [(1, 2, 3), (2, 2, 3)]),
}


def leaves(name: str) -> list[torch.Tensor]:
    return [torch.from_numpy(x).requires_grad_() for x in drawn(EQUATIONS[name][1])]


def wholes(name: str) -> Callable[..., torch.Tensor]:
    return lambda *given: ss.conv(EQUATIONS[name][0], *given)


@pytest.mark.parametrize("name", EQUATIONS)
def test_gradients_and_their_gradients(name: str):
    for method in (None, *ss.plan(EQUATIONS[name][0], *leaves(name)).others):
        call = lambda *given, method=method: ss.conv(EQUATIONS[name][0], *given, plan=method)  # noqa: E731
        assert gradcheck(call, leaves(name), fast_mode=True), method
    assert gradgradcheck(wholes(name), leaves(name), fast_mode=True)


@pytest.mark.parametrize("name", EQUATIONS)
def test_requires_grad_may_change_between_calls(name: str):
    call, given = wholes(name), leaves(name)
    plain = [x.detach() for x in given]
    wanted = call(*given)
    assert wanted.requires_grad
    assert not call(*plain).requires_grad
    for k in range(len(given)):
        some = [x if n == k else x.detach() for n, x in enumerate(given)]
        torch.testing.assert_close(
            torch.autograd.grad(call(*some).square().sum(), some[k])[0],
            torch.autograd.grad(call(*given).square().sum(), given[k])[0],
        )
    with torch.no_grad():
        assert not call(*given).requires_grad
    with torch.inference_mode():
        assert call(*given).is_inference()
    torch.testing.assert_close(call(*given), wanted)


def test_a_bias_alone_may_require_a_gradient():
    x, w = arrays(library="torch")
    for bias in (torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64, requires_grad=True)) * 2:
        y = ss.conv(CONV, x, w, bias=bias)
        assert y.requires_grad == bias.requires_grad
        if bias.requires_grad:
            (gradient,) = torch.autograd.grad(y.sum(), bias)
            assert gradient.tolist() == [14, 14, 14]


@pytest.mark.parametrize("name", EQUATIONS)
def test_checkpoints(name: str):
    given = leaves(name)
    wanted = torch.autograd.grad(wholes(name)(*given).square().sum(), given)
    again = torch.autograd.grad(checkpoint(wholes(name), *given, use_reentrant=False).square().sum(), given)
    checkpoint(wholes(name), *given, use_reentrant=True).square().sum().backward()
    for one, other, x in zip(wanted, again, given, strict=True):
        torch.testing.assert_close(one, other)
        torch.testing.assert_close(one, x.grad)


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")  # of vmap, not of ours
@pytest.mark.parametrize("name", EQUATIONS)
def test_transforms_of_functions(name: str):
    call, given = wholes(name), [x.detach() for x in leaves(name)]
    call(*given)  # what is remembered isn't for tensors that are traced
    x, *filters = given
    stacked = torch.stack([x, 2 * x, -x])
    torch.testing.assert_close(
        torch.vmap(lambda one: call(one, *filters))(stacked), torch.stack([call(one, *filters) for one in stacked])
    )
    torch.testing.assert_close(
        torch.vmap(call)(stacked, *[torch.stack([w] * 3) for w in filters]), torch.stack([call(one, *filters) for one in stacked])
    )
    loss = lambda *operands: call(*operands).square().sum()  # noqa: E731
    numbers = tuple(range(len(given)))
    wanted = torch.autograd.grad(loss(*(watched := leaves(name))), watched)
    for one, other in zip(torch.func.grad(loss, numbers)(*given), wanted, strict=True):
        torch.testing.assert_close(one, other)
    jacobian = torch.func.jacrev(call)(*given)
    torch.testing.assert_close(jacobian.flatten(-x.ndim).matmul(x.flatten()), call(*given))  # linear in x


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("name", EQUATIONS)
def test_forward_derivatives(name: str, watched: bool):
    call, given = wholes(name), leaves(name) if watched else [x.detach() for x in leaves(name)]
    tangents = [torch.from_numpy(x) for x in drawn(EQUATIONS[name][1], seed=1)]
    value, found = torch.func.jvp(call, tuple(given), tuple(tangents))
    torch.testing.assert_close(value, call(*given))
    wanted = sum(call(*given[:k], tangent, *given[k + 1 :]) for k, tangent in enumerate(tangents))  # linear in every operand
    torch.testing.assert_close(found, wanted)
    with torch.autograd.forward_ad.dual_level():
        duals = [torch.autograd.forward_ad.make_dual(x, t) for x, t in zip(given, tangents, strict=True)]
        torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(call(*duals)).tangent, wanted)


class Kept(torch.Tensor):
    """A tensor of another class."""


@pytest.mark.parametrize("name", EQUATIONS)
def test_subclasses_stay(name: str):
    given = [x.detach() for x in leaves(name)]
    wanted = wholes(name)(*given)
    for k in range(len(given)):
        found = wholes(name)(*[x.as_subclass(Kept) if n == k else x for n, x in enumerate(given)])
        assert type(found) is Kept
        torch.testing.assert_close(found.as_subclass(torch.Tensor), wanted)
    parameters = [torch.nn.Parameter(x) for x in given]
    torch.testing.assert_close(wholes(name)(*parameters), wanted)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", EQUATIONS)
def test_half_precision(name: str, dtype: torch.dtype):
    halves = [x.detach().to(dtype) for x in leaves(name)]
    wanted = wholes(name)(*[x.double() for x in halves])
    for method in (None, *ss.plan(EQUATIONS[name][0], *halves).others):
        found = ss.conv(EQUATIONS[name][0], *halves, plan=method)
        assert found.dtype == dtype
        assert (found.double() - wanted).abs().max() <= (0.01 if dtype == torch.float16 else 0.05) * wanted.abs().max(), method


@pytest.mark.parametrize("name", EQUATIONS)
def test_without_values(name: str):
    """Tensors of the device "meta" have a shape, and so does the result, by every method."""
    pattern, shapes = EQUATIONS[name]
    given = [torch.empty(shape, device="meta") for shape in shapes]
    wanted = ss.conv(pattern, *[torch.zeros(shape) for shape in shapes]).shape
    for method in (None, *ss.plan(pattern, *given).others):
        found = ss.conv(pattern, *given, plan=method)
        assert (found.shape, found.device.type) == (wanted, "meta"), method


def test_a_mode_that_looks_on_sees_every_call():
    """A mode that looks at every operation sees them, remembered call or not."""
    from torch.utils.flop_counter import FlopCounterMode

    x, w = arrays((2, 4, 9), (3, 4, 3), library="torch")
    for _ in range(2):
        with FlopCounterMode(display=False) as counter:
            ss.conv(CONV, x, w, plan="library")
        assert counter.get_total_flops() == 2 * 2 * 3 * 7 * 4 * 3
