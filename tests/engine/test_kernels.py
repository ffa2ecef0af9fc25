"""Kernels on bare addresses: every tile against plain loops, nothing written or read beyond the arrays, whatever lies there."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slidesum.engine import layout
from slidesum.engine.choice import Kind, Tile, chosen, tiles
from slidesum.engine.compiled import compiled
from slidesum.engine.convolution import convolution
from slidesum.engine.host import host, known
from slidesum.engine.problem import Problem
from slidesum.engine.team import SCRATCH, team_address

HOST = host()
SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
GUARD = 64


def steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Steps between the values of an array that lies in order."""
    return tuple(math.prod(shape[k + 1 :]) for k in range(len(shape)))


def problem(
    batch: int, groups: int, channels: int, filters: int, cells, taps, strides=(1, 1, 1), dilations=(1, 1, 1), padding=(0, 0, 0)
):
    spans = [n + 2 * p - d * (k - 1) - 1 for n, p, d, k in zip(cells, padding, dilations, taps, strict=True)]
    positions = tuple(span // s + 1 for span, s in zip(spans, strides, strict=True))
    x, w = steps((batch, groups, channels, *cells)), steps((groups, filters, channels, *taps))
    return Problem(batch, groups, channels, filters, cells, positions, taps, strides, dilations, padding, x, w), min(spans) >= 0


@st.composite
def problems(draw) -> Problem:
    few = st.integers(1, 3)
    small = draw(st.booleans())
    three = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 21))
    taps = st.tuples(few, few, st.integers(1, 5)) if small else three
    made, fits = problem(
        draw(few),
        draw(few),
        draw(few),
        draw(st.integers(1, 9)),
        draw(st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 21))),
        draw(taps),
        *(draw(st.tuples(few, few, few)) if draw(st.booleans()) else (1, 1, 1) for _ in range(2)),
        draw(st.tuples(*[st.integers(0, 3)] * 3)),
    )
    return made if fits else problem(1, 1, 2, 3, (5, 1, 9), (3, 1, 3))[0]


def looped(p: Problem, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The sum over taps of shifted arrays, in double precision."""
    padded = np.pad(x, [(0, 0)] * 3 + [(n, n) for n in p.padding])
    y = np.zeros((p.batch, p.groups, p.filters, *p.positions))
    for tap in itertools.product(*map(range, p.taps)):
        begins = [d * u for d, u in zip(p.dilations, tap, strict=True)]
        part = padded[(..., *(slice(b, b + s * (n - 1) + 1, s) for b, s, n in zip(begins, p.strides, p.positions, strict=True)))]
        y += np.einsum("bgcijk,gfc->bgfijk", part.astype(float), w[(..., *tap)].astype(float))
    return y


def guarded(shape: tuple[int, ...], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """An array that doesn't begin at a multiple of a vector, and the memory around it."""
    memory = np.full(math.prod(shape) + 2 * GUARD + 1, np.nan, dtype)
    return memory[GUARD + 1 : GUARD + 1 + math.prod(shape)].reshape(shape), memory


def drawn(p: Problem, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x, _ = guarded((p.batch, p.groups, p.channels, *p.cells), dtype)
    w, _ = guarded((p.groups, p.filters, p.channels, *p.taps), dtype)
    y, memory = guarded((p.batch, p.groups, p.filters, *p.positions), dtype)
    x[...], w[...] = random.standard_normal(x.shape), random.standard_normal(w.shape)
    return x, w, y, memory


def assert_alike(p: Problem, x: np.ndarray, w: np.ndarray, y: np.ndarray, memory: np.ndarray) -> None:
    error = np.abs(y - looped(p, x, w)).max()
    assert error <= np.finfo(y.dtype).eps * 4 * p.channels * math.prod(p.taps) * np.abs(x).max() * np.abs(w).max(), p
    assert np.isnan(memory[: GUARD + 1]).all()
    assert np.isnan(memory[GUARD + 1 + y.size :]).all()


KINDS: set[Kind] = {"rows", "flat", "band", "reduce"}


def test_random_problems(monkeypatch):
    """Whichever tile would be chosen; NaN all around the operands shows what is read beyond them."""
    reached: set[Kind] = set()

    @settings(SETTINGS, max_examples=150)
    @given(problems(), st.sampled_from(["float32", "float64"]), st.integers(0, 99))
    def check(p: Problem, dtype: str, number: int):
        itemsize = np.dtype(dtype).itemsize
        possible = [tile for _, tile in tiles(p, HOST, HOST.bytes_wide // itemsize)]
        # of each kind now and then, and a few sizes only: each is compiled
        kind = sorted({tile.kind for tile in possible})[number % len({tile.kind for tile in possible})]
        tile = [tile for tile in possible if tile.kind == kind][-1 if number % 2 else 0]
        monkeypatch.setattr(layout, "chosen", lambda *given: tile)
        x, w, y, memory = drawn(p, dtype)
        laid = layout.laid_out(p, HOST, itemsize, 1 + number % 3)
        scratch, _held = SCRATCH.at_least(laid.scratch)
        compiled(tile, itemsize, HOST, team_address())(
            laid.numbers.ctypes.data, x.ctypes.data, w.ctypes.data, y.ctypes.data, scratch, 1
        )
        assert_alike(p, x, w, y, memory)
        reached.add(kind)

    check()
    assert reached == KINDS


LARGE = {
    "type 2.1": problem(1, 1, 1, 64, (56, 1, 56), (5, 1, 5), padding=(2, 0, 2))[0],
    "its gradient by the input": problem(1, 1, 64, 1, (56, 1, 56), (5, 1, 5), padding=(2, 0, 2))[0],
    "its gradient by the filters": problem(1, 1, 2, 7, (30, 1, 59), (28, 1, 56))[0],
    "many maps, in parts": problem(1, 1, 96, 3, (62, 1, 62), (60, 1, 60))[0],
    "a filter per sample": problem(1, 5, 16, 16, (28, 1, 28), (3, 1, 3), padding=(1, 0, 1))[0],
    "depthwise": problem(1, 3, 1, 1, (40, 1, 40), (31, 1, 31), padding=(15, 0, 15))[0],
    "strided": problem(1, 1, 3, 16, (41, 1, 41), (7, 1, 7), strides=(2, 1, 2), padding=(3, 0, 3))[0],
    "volumes": problem(2, 1, 4, 8, (9, 10, 11), (3, 3, 3), padding=(1, 1, 1))[0],
}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", LARGE)
def test_layers(name: str, threads: int):
    p = LARGE[name]
    x, w, y, memory = drawn(p, "float32")
    convolution(p, 4, threads)(x.ctypes.data, w.ctypes.data, y.ctypes.data)
    assert_alike(p, x, w, y, memory)


def test_what_is_chosen():
    def kind(name: str) -> Kind:
        return chosen(LARGE[name], HOST, HOST.bytes_wide // 4).kind

    assert kind("type 2.1") == "rows"
    assert kind("its gradient by the filters") == "reduce"
    assert kind("depthwise") == "band"
    assert kind("a filter per sample") == "flat"


def test_the_scratch_that_a_thread_keeps_is_bounded():
    many = problem(1, 1, 4096, 1, (64, 1, 64), (60, 1, 60))[0]
    assert layout.laid_out(many, HOST, 4, 1).scratch <= 2**21
    kept = SCRATCH.size
    SCRATCH.at_least(SCRATCH.most + 1)
    assert SCRATCH.size == kept


def test_many_threads_at_once():
    """Each has its own scratch; a kernel may be compiled by one while another one runs."""
    wrong = []

    def work(name: str) -> None:
        p = replace(LARGE[name], batch=1)
        x, w, y, memory = drawn(p, "float64")
        for _ in range(5):
            y[...] = np.nan
            convolution(p, 8, 2)(x.ctypes.data, w.ctypes.data, y.ctypes.data)
            try:
                assert_alike(p, x, w, y, memory)
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("type 2.1", "strided", "depthwise", "volumes") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_processors():
    assert known("x86_64-pc-windows-msvc", {"avx512vl": True, "avx2": True, "fma": True}) == (32, 32)
    assert known("x86_64-apple-darwin", {"avx2": True, "fma": True}) == (32, 16)
    assert known("arm64-apple-darwin", {}) == (16, 32)
    assert known("x86_64-unknown-linux-gnu", {"avx2": False, "fma": False}) is None
    assert known("wasm32-unknown-unknown", {}) is None


@pytest.mark.parametrize("bytes_wide", [16, 64])
def test_other_widths(bytes_wide: int):
    """The vectors of other processors: this one computes with several, or with half of one."""
    other = replace(HOST, bytes_wide=bytes_wide, vectors=16 if bytes_wide == 16 else 32)
    for name in ("type 2.1", "depthwise", "its gradient by the filters", "a filter per sample"):
        p = LARGE[name]
        x, w, y, memory = drawn(p, "float32")
        laid = layout.laid_out(p, other, 4, 1)
        scratch, _held = SCRATCH.at_least(laid.scratch)
        run = compiled(Tile(laid.tile.kind, laid.tile.high, laid.tile.wide), 4, other, 0)
        run(laid.numbers.ctypes.data, x.ctypes.data, w.ctypes.data, y.ctypes.data, scratch, 1)
        assert_alike(p, x, w, y, memory)
