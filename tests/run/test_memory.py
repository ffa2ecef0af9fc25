"""Memory that is used again and never twice at once; what doesn't fit is refused before it is allocated."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

import slidesum as ss
from slidesum.errors import SpaceError
from slidesum.run.memory import SMALLEST, Buffers, default_budget, free_bytes, shown_bytes

MB = 2**20


def place(x: Any) -> int:
    return x.ctypes.data if isinstance(x, np.ndarray) else x.data_ptr()


# Buffers


def test_what_nobody_refers_to_is_used_again():
    buffers = Buffers(most=16 * MB)
    first = buffers.empty((MB,), "float32")
    where = place(first)
    del first
    again = buffers.empty((1024, 256, 2), "float64")
    assert place(again) == where
    assert again.shape == (1024, 256, 2)
    assert again.dtype == np.float64
    assert where % 64 == 0


@pytest.mark.parametrize(
    "kept",
    [
        lambda x: x[5:6],
        lambda x: x.T,
        lambda x: x.reshape(-1).view("uint8"),
        lambda x: memoryview(x),
        lambda x: torch.from_numpy(x),
        lambda x: torch.from_numpy(x)[3:, None],
        lambda x: torch.from_numpy(x).numpy(),
        lambda x: torch.from_numpy(x).view(torch.int32).untyped_storage(),
        lambda x: np.from_dlpack(torch.from_numpy(x)),
        lambda x: [torch.from_numpy(x).requires_grad_()],
    ],
)
def test_what_shares_a_buffer_keeps_it(kept: Any):
    buffers = Buffers(most=32 * MB)
    first = buffers.empty((1024, 1024), "float32")
    where = place(first)
    view = kept(first)
    del first
    assert place(buffers.empty((1024, 1024), "float32")) != where
    del view
    assert where in [place(x) for x in [buffers.empty((1024, 1024), "float32") for _ in range(2)]]


def test_small_and_huge_arrays_are_not_kept():
    buffers = Buffers(most=4 * MB)
    small, huge = buffers.empty((SMALLEST // 4 - 1,), "float32"), buffers.empty((MB + 1,), "float32")
    assert buffers._kept == []
    assert small.base is None
    assert huge.base is None
    assert buffers.empty((0, 5), "float32").shape == (0, 5)


def test_no_more_is_kept_than_allowed():
    buffers = Buffers(most=8 * MB)
    alive = [buffers.empty((3 * MB,), "uint8") for _ in range(5)]
    assert len({place(x) for x in alive}) == 5
    assert sum(x.nbytes for x in buffers._kept) <= 8 * MB
    del alive
    for k in range(1, 8):
        buffers.empty((k * MB,), "uint8")
        assert sum(x.nbytes for x in buffers._kept) <= 8 * MB


def test_a_buffer_far_too_large_is_not_taken():
    buffers = Buffers(most=64 * MB)
    where = place(buffers.empty((16 * MB,), "uint8"))
    assert place(buffers.empty((4 * MB,), "uint8")) != where


def test_release_gives_back_what_is_not_in_use():
    buffers = Buffers(most=64 * MB)
    used, unused = buffers.empty((4 * MB,), "uint8"), buffers.empty((9 * MB,), "uint8")
    del unused
    assert len(buffers._kept) == 2
    buffers.release()
    assert len(buffers._kept) == 1
    assert np.shares_memory(buffers._kept[0], used)


def test_threads_never_share_a_buffer():
    buffers = Buffers(most=64 * MB)

    def fill(number: int) -> bool:
        for turn in range(60):
            x = buffers.empty((MB + 1000 * number,), "uint8")
            x[::4096] = number
            other = buffers.empty((MB,), "uint8")
            other[::4096] = 100 + turn % 50
            if not ((x[::4096] == number).all() and (other[::4096] == 100 + turn % 50).all()):
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(fill, range(8)))


# Results


TYPE_1 = "b c i+u j+v, o u v -> b (c o) i j"


@pytest.mark.parametrize("method", ["unfolded", "windows"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_later_call_leaves_earlier_results_alone(library: str, method: str):
    """Views, tensors, and arrays of tensors: whatever was made of a result."""
    random = np.random.default_rng(0)
    w = random.standard_normal((8, 3, 3))
    seen = []
    for k in range(12):
        x = random.standard_normal((1, 4, 70, 70))
        arrays = [x, w] if library == "numpy" else [torch.from_numpy(x), torch.from_numpy(w)]
        y = ss.conv(TYPE_1, *arrays, plan=method)
        assert y.nbytes >= SMALLEST
        if library == "numpy":
            kept = (y, y[0, 3:5], y.T[::2], y.view("int64"))[k % 4]
        else:
            kept = (y, y[0, 3:5], y.numpy(), y.detach().unsqueeze(0))[k % 4]
        seen.append((kept, np.asarray(kept).copy()))
        del y
    for kept, copy in seen:
        np.testing.assert_array_equal(np.asarray(kept), copy)


def test_what_autograd_has_saved_is_left_alone():
    x = torch.randn(1, 4, 70, 70, dtype=torch.float64, requires_grad=True)
    w = torch.randn(8, 3, 3, dtype=torch.float64)
    losses = [ss.conv(TYPE_1, x * k, w).square().sum() for k in range(1, 5)]
    found = [torch.autograd.grad(loss, x)[0] for loss in losses]
    for k, gradient in enumerate(found, start=1):
        torch.testing.assert_close(gradient, found[0] * k * k)


def test_several_threads_compute_at_once():
    random = np.random.default_rng(0)
    xs, w = random.standard_normal((8, 1, 4, 70, 70)), random.standard_normal((8, 3, 3))
    wanted = [ss.conv(TYPE_1, x, w).copy() for x in xs]
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda x: ss.conv(TYPE_1, x, w), [*xs] * 3)]
    for k, y in enumerate(found):
        np.testing.assert_array_equal(y, wanted[k % 8])


# How much there is


def test_bytes_as_people_say_them():
    assert [shown_bytes(n) for n in (0, 999, 1000, 12_345_678, 10**12, 10**18)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "12.3 MB",
        "1.0 TB",
        "1,000.0 PB",
    ]


def test_a_quarter_of_what_is_free_may_be_held():
    assert 0 < default_budget() <= free_bytes()


def run(script: str, *arguments: str) -> list[float]:
    """The numbers that a Python of its own prints."""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}  # what is freed is given back at once
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def test_a_limit_on_the_process_counts():
    limited, unlimited = run("""
import os, resource
from slidesum.run.memory import free_bytes
unlimited = free_bytes()
used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, resource.RLIM_INFINITY))
print(free_bytes(), unlimited)
""")
    assert 2**25 < limited <= 2**26 < unlimited


def test_under_a_limit_what_does_not_fit_is_refused():
    script = """
import resource
import numpy as np, slidesum as ss
from slidesum.errors import SpaceError
ss.conv("i, j -> i j", np.ones(2), np.ones(2))
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, resource.RLIM_INFINITY))
try:
    ss.conv("i, j -> i j", np.ones(2**13), np.ones(2**13))
except SpaceError as error:
    words = str(error).split()
    print(words[2], words[5])
"""
    needed, free = run(script)
    assert needed == 536.9
    assert 50 < free < 134.3


HUGE = {
    "a product": (
        "i, j -> i j",
        [(10**7,), (10**6,)],
        {},
        """\
this takes 80.0 TB, and 5.0 GB are free
  The result, 10000000×1000000, has 80.0 TB; 0 bytes are needed on the way.
  Compute it in parts along an axis that the result keeps, or with dask arrays.""",
    ),
    "a convolution": (
        "b c i+u, o c u -> b o i",
        [(10**4, 1, 10**8), (2, 1, 1)],
        {"plan": "windows", "memory": 2**20},
        """\
this takes 16.0 TB, and 5.0 GB are free
  The result, 10000×2×100000000, has 16.0 TB; 960.0 kB are needed on the way.
  Compute it in parts along an axis that the result keeps, or with dask arrays.""",
    ),
    "a repetition": (
        "b i -> b n i",
        [(10, 10)],
        {"n": 10**11},
        """\
this takes 80.0 TB, and 5.0 GB are free
  The result, 10×100000000000×10, has 80.0 TB; 0 bytes are needed on the way.
  Compute it in parts along an axis that the result keeps, or with dask arrays.""",
    ),
}


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", HUGE)
def test_what_does_not_fit_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch, library: str, name: str):
    monkeypatch.setattr(f"slidesum.run.{library}.free_bytes", lambda: 5 * 10**9)
    pattern, shapes, options, text = HUGE[name]
    arrays = [np.broadcast_to(np.zeros(()), shape) for shape in shapes]
    if library == "torch":
        arrays = [torch.zeros((), dtype=torch.float64).expand(shape) for shape in shapes]
    for _ in range(2):  # a call that is remembered is refused again
        with pytest.raises(SpaceError) as caught:
            ss.conv(pattern, *arrays, **options)
        assert str(caught.value) == text


def test_what_fits_again_is_computed(monkeypatch: pytest.MonkeyPatch):
    x = np.ones(2**12)
    with monkeypatch.context() as patch:
        patch.setattr("slidesum.run.numpy.free_bytes", lambda: 10**8)
        with pytest.raises(SpaceError) as caught:
            ss.conv("i, j -> i j", x, x)
        assert str(caught.value) == (
            "this takes 134.2 MB, and 100.0 MB are free\n  The result, 4096×4096, has 134.2 MB; 0 bytes are needed on the way.\n"
            "  Compute it in parts along an axis that the result keeps, or with dask arrays."
        )
    assert ss.conv("i, j -> i j", x, x).shape == (2**12, 2**12)


# What is held beside operands and result

GROWTH = """
import sys
import numpy as np, slidesum as ss
from slidesum.run.memory import BUFFERS
library, method, memory, pattern, *shapes = eval(sys.argv[1])
arrays = [np.ones(shape, "float32") for shape in shapes]
if library == "torch":
    import torch
    torch.set_num_threads(1)
    arrays = [torch.from_numpy(x) for x in arrays]
def status(name):
    return int(open("/proc/self/status").read().split(name + ":")[1].split()[0]) * 1024
def call():
    return ss.conv(pattern, *arrays, plan=method, memory=memory)
call()
BUFFERS.release()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
y = call()
print(status("VmHWM") - before - y.nbytes, ss.plan(pattern, *arrays, plan=method, memory=memory).bytes_held)
"""
LOCAL = ("b c i+u j+v, o c i j u v -> b o i j", (1, 16, 34, 34), (64, 16, 32, 32, 3, 3))
TWO_TAPS = ("b c i+u+3*v, o c u v -> b o i", (8, 32, 4000), (8, 32, 3, 3))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(("pattern", "x", "w"), [LOCAL, TWO_TAPS], ids=["locally connected", "several taps"])
def test_memory_is_what_is_held_at_most(library: str, pattern: str, x: Any, w: Any):
    """Weights that no place shares (38 MB) are never copied whole, nor windows (37 MB) opened whole."""
    budget = 8 * MB
    grown, held = run(GROWTH, repr((library, "windows", budget, pattern, x, w)))
    assert held <= budget
    assert grown <= budget
