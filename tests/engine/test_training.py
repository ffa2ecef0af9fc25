"""A convolution that learns: y and both gradients by Winograd's transforms, against double precision."""

import itertools
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import slidesum as ss
from slidesum.engine.host import host
from slidesum.engine.training.choice import cut
from slidesum.engine.training.layer import learning
from slidesum.engine.whole.meaning import Convolution, Window
from slidesum.engine.whole.network import widest
from slidesum.errors import UsageError

pytestmark = pytest.mark.skipif(host() is None, reason="there is no engine here")
CLOSE = 1e-5


def convolution(channels, filters, cells, taps, low, high):
    """What the kernels are asked for: square windows with some padding before and behind."""
    positions = tuple(n + low + high - taps + 1 for n in cells)
    return Convolution(Window((1, *cells), (1, *positions), (1, taps, taps), low=(0, low, low)), 1, channels, filters, (), ())


def arrays(what, batch, seed=0):
    """x, w, bias, and y's gradient."""
    random = np.random.default_rng(seed)
    taps = what.window.taps[2]
    shapes = [
        (batch, what.channels, *what.window.cells[1:]),
        (what.filters, what.channels, taps, taps),
        (what.filters,),
        (batch, what.filters, *what.window.positions[1:]),
    ]
    return [random.standard_normal(shape).astype("float32") for shape in shapes]


def exact(what, x, w, bias, seed):
    """y, dx and dw in double precision."""
    low = what.window.low[1]
    taps = what.window.taps[2]
    high = what.window.positions[1] + taps - 1 - what.window.cells[1] - low
    x, w = (torch.from_numpy(a).double().requires_grad_() for a in (x, w))
    y = torch.conv2d(torch.nn.functional.pad(x, (low, high, low, high)), w, torch.from_numpy(bias).double())
    y.backward(torch.from_numpy(seed).double())
    return [a.detach().numpy() for a in (y, x.grad, w.grad)]


def error(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@st.composite
def layers(draw):
    taps = draw(st.sampled_from([3, 3, 5]))
    low, high = (draw(st.integers(0, taps - 1)) for _ in range(2))
    cells = tuple(draw(st.integers(taps + 3, 21)) for _ in range(2))
    channels, filters = (draw(st.sampled_from([16, 17, 32, 40])) for _ in range(2))
    return convolution(channels, filters, cells, taps, low, high), draw(st.integers(1, 3))


@settings(max_examples=25, deadline=None)
@given(layers(), st.integers(1, 3))
def test_all_three_are_those_of_double_precision(layer, threads):
    what, batch = layer
    own = learning(what, batch, threads, widest(host()))
    if own is None:
        return
    x, w, bias, seed = arrays(what, batch)
    y, dx, dw = exact(what, x, w, bias, seed)
    assert error(own.forward(x, w, bias), y) < CLOSE
    found = own.backward(seed, x, w, True, True)
    assert error(found[0], dx) < CLOSE
    assert error(found[1], dw) < CLOSE
    assert np.array_equal(own.backward(seed, x, w, True, False)[0], found[0])
    assert np.array_equal(own.backward(seed, x, w, False, True)[1], found[1])
    assert own.backward(seed, x, w, False, False) == (None, None)


LARGE = [convolution(32, 48, (26, 30), 3, 1, 1), convolution(40, 20, (28, 25), 3, 0, 2), convolution(32, 32, (20, 20), 5, 2, 2)]


@pytest.mark.parametrize("what", LARGE, ids=["same", "odd", "five"])
def test_nothing_is_read_that_was_not_written_and_nothing_written_beside(what):
    own = learning(what, 2, 2, widest(host()))
    x, w, bias, seed = arrays(what, 2)
    wanted = [own.forward(x, w, bias), *own.backward(seed, x, w, True, True)]
    for program in (own._forward, own.backwards[True, True]):
        program.memory.array[: program.memory.array.size // 4 * 4].view(np.float32)[...] = np.nan
    held = []

    def guarded(program):
        def results():
            rooms = [np.full(int(np.prod(shape)) + 256, 7, np.float32) for shape in program.outputs]
            held.extend(rooms)
            return [room[128:-128].reshape(shape) for room, shape in zip(rooms, program.outputs, strict=True)]

        program.results = results

    for program in (own._forward, own.backwards[True, True]):
        guarded(program)
    found = [own.forward(x, w, bias), *own.backward(seed, x, w, True, True)]
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert all((room[:128] == 7).all() and (room[-128:] == 7).all() for room in held)


def test_a_value_that_is_not_finite_reaches_the_tiles_that_have_it_and_no_other_sample():
    what = LARGE[0]
    own = learning(what, 2, 2, widest(host()))
    x, w, bias, seed = arrays(what, 2)
    x[0, 3, 5, 5] = np.nan
    y = own.forward(x, w, bias)
    assert np.isnan(y[0, :, 4:7, 4:7]).all()
    assert np.isfinite(y[1]).all()
    dx, dw = own.backward(seed, x, w, True, True)
    assert np.isfinite(dx).all()
    assert np.isnan(dw[:, 3]).all()
    assert np.isfinite(dw[:, [0, 1, 2, *range(4, 32)]]).all()


def test_where_the_sum_itself_is_the_better_way_there_are_no_programs():
    here = widest(host())
    assert learning(convolution(3, 64, (56, 56), 3, 1, 1), 1, 2, here) is None  # few maps
    assert learning(convolution(64, 64, (2, 2), 3, 1, 1), 1, 2, here) is None  # no room for tiles
    assert learning(LARGE[0], 2, 2, here) is learning(LARGE[0], 2, 2, here)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_every_split_of_a_cut_has_tiles(threads):
    """A gradient is the sum of as many parts as a cut says; one that nobody computes would be whatever memory holds."""
    for batch, rows, columns in itertools.product((1, 2, 3), range(2, 30), (2, 6, 13)):
        found = cut(3, (rows, columns), batch, 1, 1, 16, 32, threads)
        tiles = batch * -(-rows // found.outputs) * -(-columns // found.outputs)
        assert -(-tiles // -(-tiles // found.splits)) == found.splits


def test_the_filters_gradient_of_many_samples_rounds_within_the_bound():
    what = convolution(32, 32, (56, 56), 3, 1, 1)
    x, w, bias, seed = arrays(what, 24)
    _, dw = learning(what, 24, 2, widest(host())).backward(seed, x, w, False, True)
    assert error(dw, exact(what, x, w, bias, seed)[2]) < 0.6 * CLOSE


def test_a_cut_keeps_to_its_scratch_where_it_can():
    found = cut(3, (56, 56), 8, 32, 32, 16, 32, 2)
    assert 4 * found.scratch(3, 16) <= 2**20
    assert cut(3, (7, 7), 1, 1, 1, 16, 32, 2).splits >= 1


# The module


def both(pattern="b c i+u j+v, o c u v -> b o i j", seed=0, **sizes):
    """A layer by its kernels, and the same by its plan."""
    torch.manual_seed(seed)
    native = ss.torch.Conv(pattern, engine="native", **sizes)
    plain = ss.torch.Conv(pattern, **sizes)
    plain.load_state_dict(native.state_dict())
    return native, plain


SAME = {"c": 32, "o": 48, "u": 3, "v": 3, "bias": "o", "padding": "same"}


def far(found, wanted):
    return float((found - wanted).detach().norm() / wanted.detach().norm())


@pytest.mark.parametrize(
    ("pattern", "more"),
    [
        ("b c i+u j+v, o c u v -> b o i j", {}),
        ("b c i+u j+v, u c v o -> b o i j", {}),
        ("n maps y+u x+v, maps filter v u -> n filter y x", {"maps": 32, "filter": 48, "c": None, "o": None, "bias": "filter"}),
        ("b c i+u j+v, o c u v -> b o i j", {"u": 5, "v": 5, "bias": None}),
        ("b c i+u j+v, o c u v -> b o i j", {"padding": "valid"}),
    ],
    ids=["usual", "filters last", "other names", "five", "valid"],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_module_gives_what_its_plan_gives(pattern, more, layout):
    sizes = {name: value for name, value in (SAME | more).items() if value is not None}
    native, plain = both(pattern, **sizes)
    assert native.engine_for(2, 32, 28, 28) == "native"
    assert plain.engine_for(2, 32, 28, 28) == "plans"
    x = torch.randn(2, 32, 28, 28).to(memory_format=layout)
    ours, theirs = (x.detach().clone().requires_grad_() for _ in range(2))
    y, wanted = native(ours), plain(theirs)
    seed = torch.randn_like(wanted)
    y.backward(seed)
    wanted.backward(seed)
    assert far(y, wanted) < CLOSE
    assert far(ours.grad, theirs.grad) < CLOSE
    for found, other in zip(native.parameters(), plain.parameters(), strict=True):
        assert far(found.grad, other.grad) < CLOSE


def test_it_says_who_computes():
    native, plain = both(**SAME)
    assert repr(native) == (
        "Conv(b c i+u j+v, o c u v -> b o i j, c=32, o=48, u=3, v=3, bias=[o], padding='same', engine='native': type 2.2)"
    )
    assert repr(plain) == "Conv(b c i+u j+v, o c u v -> b o i j, c=32, o=48, u=3, v=3, bias=[o], padding='same': type 2.2)"


def test_only_what_is_wanted_is_computed_and_seeds_may_lie_anyhow():
    native, plain = both(**SAME)
    x = torch.randn(2, 32, 28, 28)
    native(x).sum().backward()  # the seed is one number, seen everywhere
    plain(x).sum().backward()
    assert far(native.w.grad, plain.w.grad) < CLOSE
    native.w.requires_grad_(False)
    x.requires_grad_()
    native.w.grad = None
    native(x).sum().backward()
    assert native.w.grad is None
    (wanted,) = torch.autograd.grad(plain(x).sum(), x)
    assert far(x.grad, wanted) < CLOSE
    with torch.no_grad():
        assert far(native(x), plain(x)) < CLOSE


def test_a_gradient_of_the_gradient_is_the_plans():
    native, plain = both(**SAME)

    def twice(layer):
        x = torch.linspace(-1, 1, 2 * 32 * 28 * 28).reshape(2, 32, 28, 28).requires_grad_()
        (first,) = torch.autograd.grad((layer(x) ** 3).sum(), x, create_graph=True)
        return torch.autograd.grad((first**2).sum(), [x, layer.w])

    for found, wanted in zip(twice(native), twice(plain), strict=True):
        assert far(found, wanted) < 1e-4


def test_transforms_of_torch_and_other_numbers_go_by_the_plan():
    native, plain = both(**SAME)
    x = torch.randn(3, 2, 32, 28, 28)
    assert torch.equal(torch.vmap(native)(x), torch.vmap(plain)(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert native(x[0]).dtype == torch.bfloat16
    assert native.double()(x[0].double()).dtype == torch.float64


def test_filters_that_round_badly_go_by_the_plan(monkeypatch):
    native, plain = both(**SAME)
    monkeypatch.setattr("slidesum.engine.training.layer.BOUND", 1e-9)
    assert native.engine_for(2, 32, 28, 28) == "plans"
    x = torch.randn(2, 32, 28, 28)
    assert torch.equal(native(x), plain(x))


def test_it_learns_as_its_plan_does():
    native, plain = both(**SAME)
    x, target = torch.randn(4, 32, 28, 28), torch.randn(4, 48, 28, 28)
    losses = []
    for layer in (native, plain):
        steps = torch.optim.SGD(layer.parameters(), lr=0.5)
        for _ in range(5):
            loss = ((layer(x) - target) ** 2).mean()
            steps.zero_grad()
            loss.backward()
            steps.step()
        losses.append(loss.detach().item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert far(native.w, plain.w) < CLOSE


def test_what_is_asked_for_is_said():
    with pytest.raises(UsageError) as caught:
        ss.torch.Conv("b c i+u j+v, o c u v -> b o i j", engine="fast", c=3, o=4, u=3, v=3)
    assert str(caught.value) == "engine= is 'plans' or 'native', not 'fast'\n  Write engine=\"native\" for the engine's kernels."


def test_without_an_engine_it_is_said_and_the_plan_computes(monkeypatch):
    monkeypatch.setattr("slidesum.run.native.host", lambda: None)
    monkeypatch.setattr("slidesum.run.torch_learning.host", lambda: None)
    why = (
        "there is no engine here: llvmlite isn't installed (pip install 'slidesum[native]'), or the processor isn't known; "
        "the layer is computed by its plan"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(why)}$"):
        layer = ss.torch.Conv("b c i+u j+v, o c u v -> b o i j", engine="native", **{**SAME, "c": 33})
    assert layer.engine_for(1, 33, 29, 29) == "plans"
    assert layer(torch.zeros(1, 33, 29, 29)).shape == (1, 48, 29, 29)


def test_several_threads_take_turns():
    native, _ = both(**SAME)
    xs = [torch.randn(2, 32, 28, 28) for _ in range(4)]

    def learned(x):
        y = native(x)
        return [y.detach(), *torch.autograd.grad(y.square().sum(), list(native.parameters()))]

    wanted = [learned(x) for x in xs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = list(pool.map(learned, xs))
            assert all(torch.equal(a, b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True))


FORKED = """
import os
import numpy as np
import torch
from slidesum.torch import Conv
torch.manual_seed(0)
layer = Conv("b c i+u j+v, o c u v -> b o i j", c=32, o=48, u=3, v=3, padding="same", engine="native")
x, seed = torch.randn(2, 32, 28, 28), torch.randn(2, 48, 28, 28)
def learned():  # nothing that torch itself computes in parallel: in a forked process, that waits for ever
    y = layer(x)
    return y.detach().numpy(), torch.autograd.grad(y, layer.w, seed)[0].numpy()
wanted = learned()
child = os.fork()
if not child:
    os._exit(0 if all(np.array_equal(a, b) for a, b in zip(learned(), wanted)) else 1)
assert os.waitpid(child, 0)[1] == 0
assert all(np.array_equal(a, b) for a, b in zip(learned(), wanted))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_computes_the_same():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
