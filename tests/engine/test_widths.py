"""Weights in half the bytes: what is stored, what comes out, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import slidesum as ss
from slidesum.engine.host import Host, host
from slidesum.engine.whole.widths import ENDS, can_widen, narrowed, weight_error, widened
from slidesum.errors import ArrayError, UsageError

native = pytest.mark.skipif(host() is None, reason="there is no engine for this processor")


def network(batch: int = 1) -> ss.Network:
    """A convolution that isn't streamed, and two fully connected layers that are, of sizes that fill no blocks."""
    net = ss.Network("streamed")
    x = net.conv(net.input("b c i j", b=batch, c=3, i=10, j=10), "b c i+u j+v, o c u v -> b o i j", o=16, u=3, v=3, name="conv")
    x = net.linear(net.activation(x, "relu"), 300, name="fc1")
    net.linear(net.activation(x, "relu"), 901, name="fc2")
    random = np.random.default_rng(0)
    net.values = {name: (0.05 * random.standard_normal(w.shape)).astype("float32") for name, w in net.values.items()}
    return net


def image(batch: int = 1) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((batch, 3, 10, 10)).astype("float32")


@native
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("width", ["float16", "bfloat16"])
def test_it_computes_with_the_rounded_weights(width: str, batch: int):
    net, x = network(batch), image(batch)
    fast = net.compile(threads=2, weights=width)
    rounded = {k: widened(narrowed(w, width, k)) if k.startswith("fc") and k.endswith(".w") else w for k, w in net.values.items()}
    exact = ss.Network.of(net.graph, {name: w.astype("float64") for name, w in rounded.items()})
    wanted = list(exact.run(x.astype("float64")).values())[-1]
    assert np.linalg.norm(fast(x) - wanted) <= 1e-6 * np.linalg.norm(wanted)
    whole = net.compile(threads=2)(x)
    change = np.linalg.norm(fast(x) - whole) / np.linalg.norm(whole)
    assert 0 < change < 3 * max(fast.weight_errors.values())


@native
def test_what_is_told():
    fast = network().compile(threads=1, weights="float16")
    assert list(fast.weight_errors) == ["relu2", "fc2"]
    assert all(1e-4 < error < 3e-4 for error in fast.weight_errors.values())
    tiles = {str(row["layer"]): str(row["tile"]) for row in fast.rows() if row["kernel"] == "direct"}
    assert {layer for layer, tile in tiles.items() if tile.endswith("float16 2e-04")} == {"relu2", "fc2"}
    assert str(fast).splitlines()[0] == "streamed, 1 threads, float32, weights of 2 layers in float16"
    plain = network().compile(threads=1)
    assert plain.weight_errors == {}
    assert sum(int(row["bytes"]) for row in fast.rows()) < 0.6 * sum(int(row["bytes"]) for row in plain.rows())


@native
def test_pickled_as_it_was():
    fast = network().compile(threads=1, weights="bfloat16")
    again = pickle.loads(pickle.dumps(fast))
    assert again.weights == "bfloat16"
    assert np.array_equal(again(image()), fast(image()))


@native
def test_weights_that_are_no_numbers_stay():
    net = network()
    w = net.values["fc2.w"].copy()
    w[0, 0], w[1, 0], w[2, 0] = np.nan, np.inf, -np.inf
    net.values = {**net.values, "fc2.w": w, "fc1.bias": np.full(300, 9, "float32")}
    for width in ("float16", "bfloat16"):
        y = net.compile(weights=width)(image())[0]
        assert np.isnan(y[0])
        assert (y[1], y[2]) == (np.inf, -np.inf)
        assert np.isfinite(y[3:]).all()


@native
@pytest.mark.parametrize(
    ("width", "value", "text"),
    [
        (
            "float16",
            -7e4,
            "a weight of 'fc2' is 70000 in magnitude, and float16 ends at 65504\n"
            "  Batch norms behind the layer are part of its weights.\n"
            '  Compile it with weights="bfloat16", which has the range of float32.',
        ),
        (
            "bfloat16",
            3.4e38,
            "a weight of 'fc2' is 3.4e+38 in magnitude, and bfloat16 ends at 3.38953e+38\n"
            "  Batch norms behind the layer are part of its weights.\n  Leave the weights in float32.",
        ),
    ],
)
def test_weights_beyond_the_last_number(width: str, value: float, text: str):
    net = network()
    w = net.values["fc2.w"].copy()
    w[5, 7] = value
    net.values = {**net.values, "fc2.w": w}
    with pytest.raises(ArrayError) as caught:
        net.compile(weights=width)
    assert str(caught.value) == text
    net.compile()


def test_an_option_that_is_none():
    with pytest.raises(UsageError) as caught:
        network().compile(weights="int8")
    assert str(caught.value) == (
        "weights= is 'float32', 'float16' or 'bfloat16', not 'int8'\n"
        "  It is how weights are stored that a layer waits for; they are computed with in float32.\n"
        '  Write weights="float16" to halve the time of fully connected layers.'
    )


def test_a_processor_that_widens_nothing():
    with pytest.raises(UsageError) as caught:
        can_widen(Host("old", "+avx2,+fma", 32, 16), "float16")
    assert str(caught.value) == (
        "this processor has no instruction that widens float16\n"
        '  Compile it with weights="bfloat16", or leave the weights in float32.'
    )
    can_widen(Host("old", "+avx2,+fma", 32, 16), "bfloat16")
    can_widen(Host("new", "+avx2,+f16c,+fma", 32, 16), "float16")


def test_rounding_is_to_nearest_ties_to_even():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    w = np.concatenate([random.standard_normal(5000), [1 + 2**-8, 1 + 3 * 2**-8, 0.0, -0.0, 1e-40, ENDS["bfloat16"]]]).astype(
        "float32"
    )
    found = widened(narrowed(w, "bfloat16", "any"))
    assert np.array_equal(found, torch.from_numpy(w).bfloat16().float().numpy())
    assert weight_error(w, narrowed(w, "bfloat16", "any")) < 2**-8
    halves = w[:-2]
    assert weight_error(halves, narrowed(halves, "float16", "any")) < 2**-11
