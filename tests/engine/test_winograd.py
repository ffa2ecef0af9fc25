"""Winograd's transforms: exact as fractions, and as kernels against the plans in double precision, on shapes of all kinds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_whole import error, inputs, poisoned, spread, written_inside

import slidesum as ss
from slidesum.engine.whole import candidates, emit_winograd
from slidesum.engine.whole.transforms import relative_error, transforms

SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
SIZES = [(2, 3), (4, 3), (6, 3), (2, 5), (4, 5)]


@pytest.mark.parametrize(("outputs", "taps"), SIZES)
def test_the_transforms_are_exact(outputs: int, taps: int):
    output, filters, cells = transforms(outputs, taps)

    def times(matrix, vector):
        return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]

    d, g = [Fraction(k * k + 3, 7) for k in range(outputs + taps - 1)], [Fraction(5 - k, 3) for k in range(taps)]
    found = times(output, [a * b for a, b in zip(times(filters, g), times(cells, d), strict=True)])
    assert found == [sum(g[u] * d[i + u] for u in range(taps)) for i in range(outputs)]


@pytest.mark.parametrize(("outputs", "taps"), SIZES)
def test_how_they_round(outputs: int, taps: int):
    w = np.random.default_rng(0).standard_normal((32, 64, taps, taps)).astype("float32")
    assert 1e-8 < relative_error(w, outputs) < 5e-6


@st.composite
def layers(draw, outputs: int, taps: int) -> ss.Network:
    """A convolution without stride that lies deep enough in a network to be in blocks."""
    deep = taps == 3 and draw(st.booleans())
    cells = [draw(st.integers(outputs + taps, 17)) for _ in range(2)]
    low = draw(st.integers(0, 2))
    net = ss.Network("random")
    maps, filters = draw(st.sampled_from([16, 17, 40])), draw(st.sampled_from([1, 16, 23, 48]))
    batch = draw(st.integers(1, 2))
    if deep:
        x = net.input("b c d i j", b=batch, c=maps, d=draw(st.integers(1, 4)), i=cells[0], j=cells[1])
        stride = draw(st.integers(1, 2))
        pattern = f"b c {stride}*d+t-1 i+u-{low} j+v-{low}, o c t u v -> b o d i j"
        y = net.conv(x, pattern, o=filters, t=3, u=taps, v=taps, bias="o")
    else:
        x = net.input("b c i j", b=batch, c=maps, i=cells[0], j=cells[1])
        y = net.conv(x, f"b c i+u-{low} j+v-{low}, o c u v -> b o i j", o=filters, u=taps, v=taps, bias="o")
    if draw(st.booleans()) and tuple(y.shape) == tuple(x.shape):
        y = net.add(x, y)
    if draw(st.booleans()):
        net.activation(y, draw(st.sampled_from(["relu", "silu"])))
    return spread(net)


@pytest.mark.parametrize(("outputs", "taps"), SIZES)
def test_random_layers(monkeypatch, outputs: int, taps: int):
    """Whatever would be cheaper, so that all sizes are reached."""
    monkeypatch.setattr(candidates, "OUTPUTS", {taps: (outputs,)})
    monkeypatch.setattr(candidates, "WORTH", float("inf"))

    @settings(SETTINGS, max_examples=12)
    @given(layers(outputs, taps), st.integers(1, 3))
    def check(net: ss.Network, threads: int):
        fast = net.compile(threads=threads)
        assert "winograd" in {row["kernel"] for row in fast.rows()}
        x = inputs(net)
        written_inside(fast, x)
        poisoned(fast)
        assert error(net, fast, x) <= 1e-5

    check()


def deep() -> ss.Network:
    net = ss.Network("deep")
    x = net.input("b c i j", b=1, c=64, i=28, j=28)
    net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=64, u=3, v=3, bias="o", name="conv")
    return spread(net)


def kernels(fast) -> list[tuple[str, str]]:
    return [(row["layer"], row["kernel"]) for row in fast.rows()]


def test_it_is_taken_where_it_pays_and_never_when_exact():
    net = deep()
    fast, exact = net.compile(threads=2), net.compile(threads=2, exact=True)
    assert ("conv", "winograd") in kernels(fast)
    assert ("conv", "direct") in kernels(exact)
    row = next(row for row in fast.rows() if row["kernel"] == "winograd")
    assert row["macs asked"] == net.macs > 2 * row["macs done"]
    assert error(net, exact, inputs(net)) < error(net, fast, inputs(net)) <= 1e-5


def test_filters_that_round_badly_are_left_to_the_sum(monkeypatch):
    monkeypatch.setattr(emit_winograd, "BOUND", 1e-9)
    assert ("conv", "direct") in kernels(deep().compile(threads=2))
