"""Every layer that is no equation, on all libraries, against torch's own; saved, shared, explained, trained."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from slidesum.api.network import Network
from slidesum.core.ops import COMBINATIONS, FUNCTIONS, OPTIONS, Opaque
from slidesum.draft.verbs import Draft
from slidesum.errors import NetworkError
from slidesum.laws.parameters import kept_parameters
from slidesum.read.document import from_json, to_json
from slidesum.run.network import initial_values, run

X = np.random.default_rng(1).normal(size=(2, 6, 5, 4))
LIBRARIES = {"numpy": (np.asarray, 1e-9), "torch": (torch.as_tensor, 1e-9), "jax": (jnp.asarray, 1e-4)}
"""How an array is made, and how closely results agree; JAX computes in float32."""
POSITIVE = {"log", "sqrt", "power", "reciprocal"}
TORCH = {
    "identity": lambda x: x,
    "affine": lambda x, scale, shift: x * scale + shift,
    "hard_sigmoid": lambda x, slope, shift: F.hardsigmoid(x),
    "hard_swish": F.hardswish,
    "clip": torch.clip,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "celu": F.celu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "scaled_tanh": lambda x: 1.7159 * torch.tanh(x * 2 / 3),
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "power": torch.pow,
    "negative": torch.neg,
}

LAYERS = {
    "layer norm": (lambda net, x: net.norm(x, "layer"), lambda x, p: F.layer_norm(x, (4,), p["scale"], p["shift"])),
    "layer norm, first axis": (
        lambda net, x: net.norm(x, "layer", axis=1, shift=False),
        lambda x, p: F.layer_norm(x.movedim(1, -1), (6,), p["scale"]).movedim(-1, 1),
    ),
    "root mean square norm": (
        lambda net, x: net.norm(x, "layer", centred=False, shift=False, epsilon=1e-3),
        lambda x, p: F.rms_norm(x, (4,), p["scale"], 1e-3),
    ),
    "group norm": (lambda net, x: net.norm(x, "group", groups=3), lambda x, p: F.group_norm(x, 3, p["scale"], p["shift"])),
    "instance norm": (lambda net, x: net.norm(x, "instance", affine=False), lambda x, p: F.instance_norm(x)),
    "batch norm without scale": (
        lambda net, x: net.norm(x, "batch", affine=False),
        lambda x, p: F.batch_norm(x, p["mean"], p["variance"]),
    ),
    "slice": (lambda net, x: net.slice(x, 2, 1, 5, 3), lambda x, p: x[:, :, 1:5:3]),
    "take": (lambda net, x: net.take(x, 1, [5, 0, 0]), lambda x, p: x[:, [5, 0, 0]]),
    "pad": (lambda net, x: net.pad(x, (0, 0), (0, 0), (1, 2), (-1, 1)), lambda x, p: F.pad(x, (-1, 1, 1, 2))),
    "pad, reflected": (
        lambda net, x: net.pad(x, (0, 0), (0, 0), (2, 1), (1, 1), border="reflect"),
        lambda x, p: F.pad(x, (1, 1, 2, 1), "reflect"),
    ),
    "reshape": (lambda net, x: net.reshape(x, -1, 3, 40), lambda x, p: x.reshape(2, 3, 40)),
    "stored": (lambda net, x: net.combine("add", x, net.stored((6, 1, 1), name="shift")), lambda x, p: x + p["value"]),
    "two results": (
        lambda net, x: net.conv([x, net.slice(x, 1, 0, 3)], "b c i j, b d i j -> b c d"),
        lambda x, p: torch.einsum("bcij,bdij->bcd", x, x[:, :3]),
    ),
}


def assert_close(found, wanted, tolerance):
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=tolerance, atol=tolerance)


def built(verb):
    net = Draft("one")
    verb(net, net.input("b c i j", b=2, c=6, i=5, j=4))
    return net.graph


def valued(graph):
    random = np.random.default_rng(2)
    return {name: random.uniform(0.5, 1.5, a.shape) for name, a in initial_values(graph, dtype="float64").items()}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", LAYERS)
def test_as_torch_computes_it(name, library):
    verb, judge = LAYERS[name]
    graph = built(verb)
    values = valued(graph)
    short = {key.split(".")[1]: torch.tensor(a) for key, a in values.items()}
    found = run(graph, values, LIBRARIES[library][0](X))[graph.output.name]
    assert_close(found, judge(torch.tensor(X), short).numpy(), LIBRARIES[library][1])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function(function, library):
    x = np.abs(X) + 0.1 if function in POSITIVE else X
    net = Draft("one")
    net.activation(net.input("b c i j", b=2, c=6, i=5, j=4), function)
    judge = TORCH.get(function) or getattr(torch, function, None) or getattr(F, function)
    found = run(net.graph, {}, LIBRARIES[library][0](x))[net.graph.output.name]
    wanted = judge(torch.tensor(x), *(number for _, number in OPTIONS.get(function, ())))
    assert_close(found, wanted.numpy(), LIBRARIES[library][1])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("function", ["softplus", "mish", "sigmoid", "tanh", "elu", "selu", "celu", "silu", "softsign"])
def test_functions_of_what_is_far_away(function, library):
    """Infinite values, and those whose powers have none: as torch has it, 0 · inf included."""
    x = np.array([-np.inf, -1e4, 0, 1e4, np.inf, np.nan], "float32")
    net = Draft("one")
    net.activation(net.input("f", f=6), function)
    judge = TORCH.get(function) or getattr(torch, function, None) or getattr(F, function)
    with np.errstate(invalid="ignore"):
        found = run(net.graph, {}, LIBRARIES[library][0](x))[net.graph.output.name]
    wanted = judge(torch.tensor(x), *(number for _, number in OPTIONS.get(function, ())))
    assert_close(found, wanted.numpy(), 1e-6)
    assert np.asarray(found).dtype == np.float32


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("function", COMBINATIONS)
def test_every_combination(function, library):
    graph = built(lambda net, x: net.combine(function, net.activation(x, "exp"), net.stored((5, 1))))
    values = valued(graph)
    judge = {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div, "power": torch.pow}
    wanted = (judge.get(function) or getattr(torch, function))(torch.tensor(X).exp(), torch.tensor(values["stored1.value"]))
    found = run(graph, values, LIBRARIES[library][0](X))[graph.output.name]
    assert_close(found, wanted.numpy(), LIBRARIES[library][1])


@pytest.mark.parametrize("name", LAYERS)
def test_saved_trained_and_explained_alike(name):
    graph = built(LAYERS[name][0])
    assert from_json(to_json(graph)) == graph
    net = Network.of(graph, valued(graph))
    maps = net.run(X)
    module = net.to_torch().double().eval()
    module.load_values(net.values)
    y = module(torch.tensor(X))
    np.testing.assert_allclose(y.detach().numpy(), maps[graph.output.name], rtol=1e-6, atol=1e-6)
    assert sum(p.numel() for p in module.parameters()) == net.parameters
    for layer in (node.name for node in graph.nodes[1:]):
        at = tuple(n - 1 for n in maps[layer].shape)
        assert abs(net.explain(layer, at, given=maps).residual) < 1e-6, layer


def test_weights_used_twice_are_kept_and_counted_once():
    net = Network("twice")
    x = net.input("b c i", b=1, c=3, i=9)
    y = net.conv(x, "b c i+u, o c u -> b o i", o=3, u=3, padding="same", bias="o", name="first")
    net.conv(y, "b c i+u, o c u -> b o i", o=3, u=3, padding="same", bias="o", name="second", shares="first")
    assert (net.weights, net.biases, net.macs) == (27, 3, 2 * 27 * 9)
    assert [row["weights"] for row in net.table()] == [27, 0]
    assert sorted(net.values) == ["first.bias", "first.w"]
    assert net.to_torch()(torch.ones(1, 3, 9)).shape == (1, 3, 9)
    assert sum(p.numel() for p in net.to_torch().parameters()) == 30
    assert from_json(to_json(net.graph)) == net.graph
    maps = net.run(np.ones((1, 3, 9)))
    assert abs(net.explain("second", (0, 1, 4), given=maps).residual) < 1e-9


def test_several_outputs():
    net = Network("two heads")
    x = net.input("b f", b=1, f=4)
    a, b = net.linear(x, 2, name="a"), net.linear(x, 3, name="b")
    net.output(a, b)
    assert [node.name for node in net.graph.outputs] == ["a", "b"]
    first, second = net.to_torch()(torch.ones(5, 4))
    assert (first.shape, second.shape) == ((5, 2), (5, 3))
    assert from_json(to_json(net.graph)) == net.graph


def test_a_layer_that_only_its_name_is_known_of():
    net = Network("foreign")
    x = net.input("b t f", b=1, t=7, f=4)
    net.place("memory", Opaque("LSTM", (1, 7, 8), (("weight_ih", (32, 4)), ("weight_hh", (32, 8)))), (x,))
    assert net.parameters == 32 * 12
    assert {p.name for node in net.graph for p in kept_parameters(node)} == {"weight_ih", "weight_hh"}
    told = (
        "'memory' is LSTM, which slidesum can count and not compute\n"
        "  The model it was read from has an operation that is no equation, and none of the other layers known here.\n"
        "  Run the original model, or take a part of the network without it."
    )
    with pytest.raises(NetworkError) as caught:
        net.run(np.ones((1, 7, 4)))
    assert str(caught.value) == told
    assert from_json(to_json(net.graph)) == net.graph
