"""A whole network on arrays: NumPy and torch say the same, layer by layer, and other layers are what torch says they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from slidesum.core.network import Graph
from slidesum.core.sized import Connections
from slidesum.draft.place import Tensor
from slidesum.draft.replay import with_sizes
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SizeError, SlidesumError, UsageError
from slidesum.laws.graph import totals
from slidesum.laws.parameters import parameters
from slidesum.run.met import torch_backend
from slidesum.run.network import initial_values, run
from slidesum.run.wiring import full_filters

CONV = "b c i+u j+v, o c u v -> b o i j"
POOL = "b c 2*i+u 2*j+v -> b c i j"


def question(**sizes: int) -> Graph:
    net = Draft("two layers")
    x = net.input("b c i j", b=1, c=1, i="n", j="m")
    x = net.conv(x, CONV, o="k1", u=3, v=3, padding="same", bias="o", name="conv1")
    x = net.activation(x, "relu")
    x = net.conv(x, CONV, o="k2", u=5, v=5, padding="same", bias="o", name="conv2")
    net.pool(x, POOL, "max", u=2, v=2, name="pool")
    return with_sizes(net.graph, sizes) if sizes else net.graph


SIZES = {"n": 8, "m": 6, "k1": 3, "k2": 4}


def everything() -> Graph:
    """A network in which every kind of layer stands once."""
    net = Draft("everything")
    x = net.input("b c i j", b=1, c=2, i=8, j=8)
    x = net.norm(net.conv(x, CONV, o=4, u=3, v=3, padding="same", bias="o"), epsilon=1e-3)
    x = net.add(net.activation(x, "relu"), net.norm(x, "lrn", size=3))
    x = net.concat([x, net.pool(x, "b c i+u-1 j+v-1 -> b c i j", "max", u=3, v=3)])
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u 2*j+v", o=3, u=1, v=1, extent={"i": 16})
    x = net.pool(x, "b c i j -> b c 2*i j", extent={"i": 32})
    x = net.dropout(net.linear(net.flatten(x), 4))
    net.softmax(net.distance(x, [[0, 1, 0, 0], [1, 0, 0, 1]]))
    return net.graph


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def values_of(graph: Graph) -> dict[str, np.ndarray]:
    """Values in which statistics and scales are no zeros and ones."""
    return {name: x + 0.1 * np.abs(drawn(*x.shape, seed=1)) for name, x in initial_values(graph).items()}


@pytest.mark.parametrize("graph", [question(**SIZES), everything()], ids=lambda graph: graph.name)
@pytest.mark.parametrize("batch", [1, 3])
def test_numpy_and_torch(graph: Graph, batch: int):
    x, values = drawn(batch, *graph.inputs[0].shape[1:]), values_of(graph)
    by_numpy, by_torch = run(graph, values, x), run(graph, values, torch.from_numpy(x))
    assert list(by_numpy) == list(by_torch) == [node.name for node in graph]
    for node in graph:
        assert by_numpy[node.name].shape == tuple(by_torch[node.name].shape) == (batch, *node.shape[1:]), node.name
        assert by_numpy[node.name].dtype == np.float32, node.name
        np.testing.assert_allclose(by_numpy[node.name], by_torch[node.name].numpy(), rtol=1e-4, atol=1e-5, err_msg=node.name)


def test_a_batch_is_its_samples():
    graph, values = everything(), values_of(everything())
    x = drawn(3, 2, 8, 8)
    whole = run(graph, values, x)
    for k in range(3):
        for name, part in run(graph, values, x[k : k + 1]).items():
            np.testing.assert_allclose(whole[name][k : k + 1], part, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("leading", [(), (1,), (1, 1)])
def test_leading_axes_may_be_left_out(leading: tuple[int, ...]):
    graph = question(**SIZES)
    x = drawn(8, 6)
    found = run(graph, initial_values(graph), x.reshape((*leading, 8, 6)))
    assert found["pool"].shape == (1, 4, 4, 3)
    np.testing.assert_array_equal(found["input"][0, 0], x)


def test_an_image_may_be_a_list():
    net = Draft("net")
    net.activation(net.input("b i", b=1, i=3), "relu")
    assert run(net.graph, {}, [[-1, 0, 2]])["relu1"].tolist() == [[0, 0, 2]]


def test_values_take_the_dtype_of_the_input():
    graph = question(**SIZES)
    found = run(graph, initial_values(graph), torch.zeros(1, 1, 8, 6, dtype=torch.float64))
    assert found["pool"].dtype == torch.float64


def test_several_inputs():
    net = Draft("two eyes")
    left, right = net.input("b c i", b=1, c=2, i=4, name="left"), net.input("b c i", b=1, c=2, i=4, name="right")
    net.add(left, net.activation(right, "relu"))
    x = drawn(1, 2, 4)
    np.testing.assert_allclose(run(net.graph, {}, x, -x)["add1"], x + np.maximum(-x, 0))


# Values


def test_initial_values():
    graph = everything()
    values = initial_values(graph, seed=7)
    assert {name: x.shape for name, x in values.items()} == {
        "conv1.w": (4, 2, 3, 3),
        "conv1.bias": (4,),
        "batchnorm1.scale": (4,),
        "batchnorm1.shift": (4,),
        "batchnorm1.mean": (4,),
        "batchnorm1.variance": (4,),
        "conv2.w": (8, 3, 1, 1),
        "linear1.w": (4, 3 * 32 * 15),
        "linear1.bias": (4,),
    }
    again, other = initial_values(graph, seed=7), initial_values(graph, seed=8)
    assert all(np.array_equal(values[name], again[name]) for name in values)
    assert not np.array_equal(values["conv1.w"], other["conv1.w"])
    assert values["batchnorm1.scale"].tolist() == values["batchnorm1.variance"].tolist() == [1] * 4
    assert values["batchnorm1.shift"].tolist() == values["batchnorm1.mean"].tolist() == [0] * 4
    assert {x.dtype for x in values.values()} == {np.dtype("float32")}
    assert {x.dtype for x in initial_values(graph, dtype="float64").values()} == {np.dtype("float64")}


def test_initial_values_are_spread_as_torch_spreads_them():
    net = Draft("net")
    net.conv(net.input("b c i j", b=1, c=16, i=9, j=9), CONV, o=64, u=3, v=3, bias="o", name="conv")
    values, bound = initial_values(net.graph), (16 * 9) ** -0.5
    for x in values.values():
        assert np.abs(x).max() <= bound
        assert np.abs(x).max() > 0.95 * bound
    assert values["conv.w"].std() == pytest.approx(bound / 3**0.5, rel=0.02)


@pytest.mark.parametrize("graph", [question(**SIZES), everything()], ids=lambda graph: graph.name)
def test_parameters_are_what_is_counted(graph: Graph):
    values = initial_values(graph)
    trainable = {f"{node.name}.{p.name}" for node in graph for p in parameters(node) if p.trainable}
    assert sum(x.size for name, x in values.items() if name in trainable) == totals(graph).parameters


ERRORS: dict[str, tuple[type[SlidesumError], Any, str]] = {
    "missing": (
        FileError,
        lambda values: {name: x for name, x in values.items() if name != "conv1.bias"},
        "the array 'conv1.bias' is missing\n  two layers needs 4 arrays.\n  Give the arrays that belong to this network.",
    ),
    "superfluous": (
        FileError,
        lambda values: values | {"conv3.w": values["conv1.w"]},
        "the array 'conv3.w' belongs to no layer\n"
        "  The layers of two layers are input, conv1, relu1, conv2, pool.\n"
        "  Give the arrays that belong to this network.",
    ),
    "of another shape": (
        FileError,
        lambda values: values | {"conv1.w": values["conv2.w"]},
        "the array 'conv1.w' has the shape (4, 3, 5, 5), and (3, 1, 3, 3) is needed\n"
        "  Give the arrays that belong to this network.",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_values_that_do_not_fit(name: str):
    kind, changed, text = ERRORS[name]
    graph = question(**SIZES)
    with pytest.raises(SlidesumError) as caught:
        run(graph, changed(initial_values(graph)), drawn(1, 1, 8, 6))
    assert type(caught.value) is kind
    assert str(caught.value) == text


def test_open_sizes():
    with pytest.raises(SizeError) as caught:
        initial_values(question())
    assert str(caught.value) == (
        "two layers has open sizes: k1, k2, m, n\n"
        "  Symbols are enough to count, but not to compute.\n"
        "  Give them numbers: net.with_sizes(k1=8, k2=8, m=8, n=8)."
    )


def test_an_input_that_does_not_fit():
    graph = question(**SIZES)
    with pytest.raises(SizeError) as caught:
        run(graph, initial_values(graph), drawn(1, 1, 8, 8))
    assert str(caught.value) == (
        "the input has the shape (1, 1, 8, 8), and the network expects (1, 1, 8, 6)\n"
        "  Its axes are b c i j; the first may have any extent.\n"
        "  Crop or scale the image, or give the network other sizes."
    )


def test_too_many_inputs():
    graph = question(**SIZES)
    with pytest.raises(UsageError) as caught:
        run(graph, initial_values(graph), drawn(8, 6), drawn(8, 6))
    assert str(caught.value) == "two layers has 1 inputs, and 2 were given\n  Give one array an input."


# Other layers against torch

X = drawn(2, 7, 5, 4)
FUNCTIONS = {
    "relu": F.relu,
    "relu6": lambda x: F.relu6(x),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "scaled_tanh": lambda x: 1.7159 * torch.tanh(2 * x / 3),
    "silu": F.silu,
    "gelu": F.gelu,
    "identity": lambda x: x,
}


def alone(verb: Any, x: np.ndarray = X, values: Any = None) -> tuple[np.ndarray, torch.Tensor]:
    """The result of a network of one layer on both libraries."""
    net = Draft("alone")
    last: Tensor = verb(net, net.input(" ".join("bcij"[: x.ndim]), **dict(zip("bcij", x.shape, strict=False))))
    values = {f"{last.layer}.{name}": value for name, value in (values or {}).items()}
    by_torch = run(net.graph, values, torch.from_numpy(x))[last.layer]
    by_numpy = run(net.graph, values, x)[last.layer]
    assert by_numpy.dtype == x.dtype
    return by_numpy, by_torch


def assert_both(found: tuple[np.ndarray, torch.Tensor], wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found[1], wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[0], wanted.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations(name: str):
    x = 4 * X
    assert_both(alone(lambda net, t: net.activation(t, name), x), FUNCTIONS[name](torch.from_numpy(x)))


@pytest.mark.parametrize("name", ["sigmoid", "silu", "tanh", "gelu"])
def test_activations_of_large_numbers(name: str):
    x = np.array([[-1e4, -100, 0, 100, 1e4]], "float32")
    assert_both(alone(lambda net, t: net.activation(t, name), x), FUNCTIONS[name](torch.from_numpy(x)))


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_softmax(axis: int):
    x = 100 * X  # exp alone would overflow
    assert_both(alone(lambda net, t: net.softmax(t, axis=axis), x), F.softmax(torch.from_numpy(x), axis))


@pytest.mark.parametrize("size", [1, 3, 5, 4])
def test_local_response_norm(size: int):
    """torch divides alpha by the size, the paper doesn't."""
    wanted = F.local_response_norm(torch.from_numpy(X), size, alpha=0.3 * size, beta=0.75, k=2.0)
    assert_both(alone(lambda net, t: net.norm(t, "lrn", size=size, alpha=0.3, beta=0.75, k=2.0)), wanted)


@pytest.mark.parametrize("axis", [1, 3])
def test_batch_norm(axis: int):
    random = np.random.default_rng(5)
    values = {name: random.uniform(0.5, 2, X.shape[axis]).astype("float32") for name in ("scale", "shift", "mean", "variance")}
    scale, shift, mean, variance = (torch.from_numpy(v) for v in values.values())
    moved = F.batch_norm(torch.from_numpy(X).movedim(axis, 1), mean, variance, scale, shift, eps=0.01).movedim(1, axis)
    assert_both(alone(lambda net, t: net.norm(t, "batch", epsilon=0.01, axis=axis), values=values), moved)


def test_dropout_does_nothing_when_nothing_is_trained():
    assert_both(alone(lambda net, t: net.dropout(t, 0.9)), torch.from_numpy(X))


@pytest.mark.parametrize("axis", [1, -1])
def test_concat(axis: int):
    x = torch.from_numpy(X)
    found = alone(lambda net, t: net.concat([t, net.activation(t, "relu"), t], axis=axis))
    assert_both(found, torch.cat([x, x.relu(), x], axis))


def test_add():
    x = torch.from_numpy(X)
    assert_both(alone(lambda net, t: net.add(t, net.activation(t, "relu"), t)), x + x.relu() + x)


def test_distance():
    centres = [[1.0, 0, 0, 0, 0, 0, -1], [0.5] * 7]
    wanted = torch.cdist(torch.from_numpy(X[:, :, 0, 0]), torch.tensor(centres)) ** 2
    assert_both(alone(lambda net, t: net.distance(t, centres), np.ascontiguousarray(X[:, :, 0, 0])), wanted)


def test_linear_and_flatten():
    w, a = drawn(3, 7, 5, 4, seed=1), drawn(3, seed=2)
    wanted = F.linear(torch.from_numpy(X).flatten(1), torch.from_numpy(w).flatten(1), torch.from_numpy(a))
    assert_both(alone(lambda net, t: net.linear(t, 3), values={"w": w, "bias": a}), wanted)
    assert_both(alone(lambda net, t: net.flatten(t)), torch.from_numpy(X).flatten(1))


# Connections

PAIRS = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2))


def wired() -> Graph:
    net = Draft("wired")
    x = net.input("b c i j", b=1, c=3, i=6, j=5)
    net.conv(x, CONV, o=3, u=2, v=2, bias="o", connections=Connections(("o", "c"), PAIRS), name="C3")
    return net.graph


def test_a_filter_keeps_one_entry_a_connection():
    graph = wired()
    values = initial_values(graph)
    assert values["C3.w"].shape == (7, 2, 2)
    assert totals(graph).weights == 28
    full = np.zeros((3, 3, 2, 2), "float32")
    for k, pair in enumerate(PAIRS):
        full[pair] = values["C3.w"][k]
    sized = graph["C3"].sized
    assert sized is not None
    spread = full_filters(torch_backend(), sized, [torch.from_numpy(values["C3.w"])])[0]
    np.testing.assert_array_equal(spread.numpy(), full)
    x = drawn(2, 3, 6, 5)
    wanted = F.conv2d(torch.from_numpy(x), torch.from_numpy(full), torch.from_numpy(values["C3.bias"]))
    for given in (x, torch.from_numpy(x)):
        np.testing.assert_allclose(np.asarray(run(graph, values, given)["C3"]), wanted.numpy(), rtol=1e-5, atol=1e-6)
