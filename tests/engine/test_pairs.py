"""Two works in one kernel: against the layers' plans in double precision, and who isn't paired."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_whole import ZOO, error, inputs, poisoned, spread, written_inside

import slidesum as ss
from slidesum.engine.whole import candidates, maps
from slidesum.zoo.catalogue import build

SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])


@st.composite
def separables(draw) -> ss.Network:
    """A filter a map, or a batch norm, before a 1×1 convolution."""
    net = ss.Network("separable")
    maps, side = draw(st.sampled_from([1, 5, 16, 24, 40])), st.integers(1, 17)
    x = net.input("b c i j", b=draw(st.integers(1, 3)), c=maps, i=draw(side), j=draw(side))
    x = net.activation(x, "relu") if draw(st.booleans()) else x
    stride, dilation, taps = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, 3, 5, 9]))
    low = dilation * (taps // 2)
    if draw(st.integers(0, 3)):
        pattern = f"b c {stride}*i+{dilation}*u-{low} {stride}*j+{dilation}*v-{low}, c u v -> b c i j"
        y = net.conv(x, pattern, u=taps, v=taps, bias="c")
    else:
        y = net.norm(x)
    if draw(st.booleans()):
        y = net.activation(y, draw(st.sampled_from(["relu6", "silu"])))
    y = net.conv(y, "b c i j, o c -> b o i j", o=draw(st.sampled_from([1, 16, 23, 48, 96, maps])), bias="o", name="point")
    if draw(st.booleans()):
        y = net.norm(y)
    if draw(st.booleans()) and tuple(y.shape) == tuple(x.shape):
        y = net.add(x, y)
    if draw(st.booleans()):
        y = net.activation(y, draw(st.sampled_from(["relu", "hard_swish"])))
    if draw(st.booleans()):
        net.conv(y, "b c i+u-1 j+v-1, o c u v -> b o i j", o=3, u=3, v=3)  # leaves a halo around y
    return spread(net)


def test_random_separable_layers():
    seen = 0

    @settings(SETTINGS, max_examples=60)
    @given(separables(), st.integers(1, 3))
    def check(net: ss.Network, threads: int):
        nonlocal seen
        fast = net.compile(threads=threads)
        x = inputs(net)
        written_inside(fast, x)
        poisoned(fast)
        assert error(net, fast, x) <= 1e-5
        seen += "separable" in {row["kernel"] for row in fast.rows()}

    check()
    assert seen >= 40


@pytest.mark.parametrize("asked", [True, False])
def test_a_filter_a_map_that_others_read_is_by_itself(asked: bool):
    net = ss.Network("read twice")
    x = net.activation(net.input("b c i j", b=1, c=16, i=5, j=5), "relu")
    y = net.conv(x, "b c i+u-1 j+v-1, c u v -> b c i j", u=3, v=3, name="single")
    z = net.conv(y, "b c i j, o c -> b o i j", o=16, name="point")
    net.output(z, y) if asked else net.add(z, y)
    fast = spread(net).compile(threads=1)
    assert {row["kernel"] for row in fast.rows()} >= {"depthwise", "direct"}
    assert error(net, fast, inputs(net)) <= 1e-5


@st.composite
def halved(draw, outputs: int, taps: int) -> ss.Network:
    """Filters before a pooling of 2×2; odd numbers of positions leave a row or a column out."""
    side, net = st.integers(outputs + taps, 19), ss.Network("halved")
    sides = {"i": draw(side), "j": draw(side)}
    low, b, c = draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.sampled_from([16, 17, 40]))
    sizes = {"o": draw(st.sampled_from([1, 16, 23, 48])), "u": taps, "v": taps, "bias": "o"}
    function = draw(st.sampled_from([None, "relu", "sigmoid", "silu"]))
    if draw(st.integers(0, 3)):
        x = net.input("b c i j", b=b, c=c, **sides)
        x = net.conv(x, f"b c i+u-{low} j+v-{low}, o c u v -> b o i j", **sizes)
        x = net.activation(x, function) if function else x
        net.pool(x, "max b c 2*i+u 2*j+v -> b c i j", u=2, v=2, name="pool")
    else:
        x = net.input("b c d i j", b=b, c=c, d=3, **sides)
        x = net.conv(x, f"b c d+t-1 i+u-{low} j+v-{low}, o c t u v -> b o d i j", t=2, **sizes)
        x = net.activation(x, function) if function else x
        net.pool(x, "max b c d 2*i+u 2*j+v -> b c d i j", u=2, v=2, name="pool")
    return spread(net)


@pytest.mark.parametrize(("outputs", "taps"), [(2, 3), (4, 3), (6, 3), (2, 5), (4, 5)])
def test_random_halved_layers(monkeypatch, outputs: int, taps: int):
    monkeypatch.setattr(candidates, "OUTPUTS", {taps: (outputs,)})
    monkeypatch.setattr(candidates, "WORTH", float("inf"))
    seen = 0

    @settings(SETTINGS, max_examples=12)
    @given(halved(outputs, taps), st.integers(1, 3))
    def check(net: ss.Network, threads: int):
        nonlocal seen
        fast, x = net.compile(threads=threads), inputs(net)
        written_inside(fast, x)
        poisoned(fast)
        assert error(net, fast, x) <= 1e-5
        seen += [row["kernel"] for row in fast.rows() if row["layer"] == "pool"] == ["winograd", "unpack"]

    check()
    assert seen >= 4


def halving(border: int = 0, sizes: int = 2, asked: bool = False, exact: bool = False) -> list[str]:
    """The kernels of a convolution and a pooling."""
    net = ss.Network("vgg")
    x = net.input("b c i j", b=1, c=64, i=28, j=28)
    x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=64, u=3, v=3, name="conv")
    y = net.pool(x, f"max b c 2*i+u-{border} 2*j+v-{border} -> b c i j", u=sizes, v=sizes, name="pool")
    net.output(y, x) if asked else None
    fast = spread(net).compile(threads=2, exact=exact)
    assert error(net, fast, inputs(net)) <= 1e-5
    asked = {str(row["kernel"]): row["macs asked"] for row in fast.rows() if row["macs asked"]}
    assert asked in ({"winograd": net.macs}, {"direct": net.macs})
    return [str(row["kernel"]) for row in fast.rows() if row["layer"] in ("conv", "pool") and row["kernel"] != "unpack"]


def test_which_poolings_are_one_with_the_filters():
    assert halving() == ["winograd"]
    assert halving(exact=True) == ["direct", "pool"]
    assert halving(asked=True) == halving(border=1) == halving(sizes=3) == ["winograd", "pool"]


@pytest.mark.parametrize("exact", [True, False])
def test_a_pooling_that_is_lowered_tells_what_its_filters_ask_for(exact: bool):
    net = ss.Network("turned")
    x = net.input("b c i j", b=1, c=32, i=28, j=28)
    x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=32, u=3, v=3, name="conv")
    net.pool(x, "max b c 2*i+u 2*j+v -> b c j i", u=2, v=2, name="pool")
    fast = spread(net).compile(threads=2, exact=exact)
    asked = {row["layer"]: row["macs asked"] for row in fast.rows() if row["macs asked"]}
    assert asked == {"conv" if exact else "pool": net.macs}
    assert error(net, fast, inputs(net)) <= 1e-5


def test_filters_are_measured_once_how_they_round(monkeypatch):
    seen = []

    def rounds_well(w, outputs):
        seen.append(outputs)
        return True

    monkeypatch.setattr("slidesum.engine.whole.emit_chosen.rounds_well", rounds_well)
    halving()
    assert len(seen) == 1


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("name", ["vgg11", "mobilenet-v2", "resnet18"])
def test_results_past_the_caches(monkeypatch, name: str, exact: bool):
    """Large results are written otherwise, and are the same."""
    net = spread(ss.Network.of(build(name, **ZOO[name])))
    x, small = inputs(net), net.compile(threads=2, exact=exact)
    monkeypatch.setattr(maps, "CACHED", 0)
    large = net.compile(threads=2, exact=exact)
    kinds = [{str(part.kernel) for part in fast.native.program.plan.parts} for fast in (small, large)]
    assert kinds[0] != kinds[1]
    written_inside(large, x)
    for _ in range(5):
        poisoned(large)
        assert np.array_equal(large(*x), small(*x))


def test_what_is_no_number_is_the_largest():
    net = ss.Network("nan")
    x = net.input("b c i j", b=1, c=64, i=28, j=28)
    x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=64, u=3, v=3)
    net.pool(x, "max b c 2*i+u 2*j+v -> b c i j", u=2, v=2)
    (image,) = inputs(spread(net))
    image[0, 2, 9, 9] = np.nan
    with np.errstate(invalid="ignore"):
        wanted = list(net.run(image).values())[-1]
    assert np.isnan(net.compile()(image))[np.isnan(wanted)].all()
