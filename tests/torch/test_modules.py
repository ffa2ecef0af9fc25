"""Layers and networks as modules of torch: initialised, printed, saved, copied, compiled and exported like torch's own."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from slidesum.api.network import Network
from slidesum.core.network import Graph
from slidesum.core.sized import Connections
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SizeError, SlidesumError, UsageError
from slidesum.notation.parse import parse
from slidesum.run.execute import evaluate
from slidesum.run.network import initial_values, run
from slidesum.torch import Conv, NetworkModule, Pool

CONV = "b c i+u j+v, o c u v -> b o i j"
POOL = "b c 2*i+u 2*j+v -> b c i j"


def conv(**options: Any) -> Conv:
    return Conv(CONV, **({"c": 3, "o": 4, "u": 3, "v": 3, "bias": "o", "padding": "same"} | options))


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


MODULES: dict[str, tuple[Any, tuple[int, ...], str]] = {
    "type 2.2": (
        conv,
        (2, 3, 8, 7),
        "Conv(b c i+u j+v, o c u v -> b o i j, c=3, o=4, u=3, v=3, bias=[o], padding='same': type 2.2)",
    ),
    "type 2.1": (
        lambda: Conv("b c i+u j+v, o u v -> b o i j", c=3, o=4, u=3, v=3),
        (2, 3, 8, 7),
        "Conv(b c i+u j+v, o u v -> b o i j, c=3, o=4, u=3, v=3: type 2.1)",
    ),
    "type 1": (
        lambda: Conv("b c i+u j+v, o u v -> b (c o) i j", o=4, u=3, v=3, bias=True),
        (2, 3, 8, 7),
        "Conv(b c i+u j+v, o u v -> b (c o) i j, o=4, u=3, v=3, bias=[o]: type 1)",
    ),
    "grouped": (
        lambda: Conv("b (g c) i+u, (g o) c u -> b (g o) i", g=2, c=3, o=2, u=3, bias=True),
        (2, 6, 9),
        "Conv(b (g c) i+u, (g o) c u -> b (g o) i, g=2, c=3, o=2, u=3, bias=[(g o)]: grouped, 1-D)",
    ),
    "depthwise": (
        lambda: Conv("b c 2*i+u-1, c u -> b c i", c=3, u=3, border="circular"),
        (2, 3, 9),
        "Conv(b c 2*i+u-1, c u -> b c i, c=3, u=3, border='circular': depthwise, 1-D, stride 2)",
    ),
    "separable": (
        lambda: Conv("b c i+u, c u, o c -> b o i", c=3, u=3, o=4, bias="o"),
        (2, 3, 9),
        "Conv(b c i+u, c u, o c -> b o i, c=3, u=3, o=4, bias=[o]: depthwise separable, 1-D)",
    ),
    "transposed": (
        lambda: Conv("b c i, c o u -> b o 2*i+u-1", c=3, o=4, u=3, extent={"i": 18}),
        (2, 3, 9),
        "Conv(b c i, c o u -> b o 2*i+u-1, c=3, o=4, u=3: transposed, 1-D, stride 2)",
    ),
    "locally connected": (
        lambda: Conv("b c i+u, o c i u -> b o i", c=3, o=4, i=7, u=3),
        (2, 3, 9),
        "Conv(b c i+u, o c i u -> b o i, c=3, o=4, i=7, u=3: locally connected, 1-D)",
    ),
    "stride by name": (
        lambda: Conv("b c s*i+u, o c u -> b o i", c=3, o=4, u=3, s=2),
        (2, 3, 9),
        "Conv(b c s*i+u, o c u -> b o i, c=3, o=4, u=3, s=2: type 2.2, 1-D, stride s)",
    ),
    "linear": (lambda: Conv("b f, o f -> b o", f=9, o=4, bias="o"), (2, 9), "Conv(b f, o f -> b o, f=9, o=4, bias=[o]: linear)"),
    "max": (
        lambda: Pool(POOL, "max", u=3, v=3, padding=1),
        (2, 3, 8, 7),
        "Pool(max b c 2*i+u 2*j+v -> b c i j, u=3, v=3, padding=1: max pooling, stride 2)",
    ),
    "mean": (lambda: Pool("mean b c i j -> b c"), (2, 3, 8, 7), "Pool(mean b c i j -> b c: global mean pooling)"),
    "upsampling": (
        lambda: Pool("b c i -> b c 2*i+u", u=1, extent={"i": 18}),
        (2, 3, 9),
        "Pool(b c i -> b c 2*i+u, u=1: upsampling, 1-D, stride 2)",
    ),
}


@pytest.fixture(params=MODULES)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, torch.Tensor, str]:
    made, shape, text = MODULES[request.param]
    torch.manual_seed(0)
    return made(), drawn(*shape), text


def test_a_module_prints_its_equation(case: Any):
    module, _, text = case
    assert repr(module) == text


def test_a_module_is_its_equation(case: Any):
    """The module, and the plain call with the module's arrays."""
    module, x, _ = case
    filters = [getattr(module, operand.name) for operand in module.equation.operands[1:]]
    options = {"sizes": module.sizes, "padding": module.padding, "border": module.border, "extent": module.extent}
    wanted = evaluate(module.equation, [x, *filters], getattr(module, "bias", None), **options)
    torch.testing.assert_close(module(x), wanted, rtol=0, atol=0)


def test_gradients_flow(case: Any):
    module, x, _ = case
    x.requires_grad_()
    module(x).square().sum().backward()
    for name, p in [("x", x), *module.named_parameters()]:
        assert p.grad is not None, name
        assert bool((p.grad != 0).any()), name


def test_states_are_saved_and_loaded(case: Any):
    module, x, _ = case
    saved = io.BytesIO()
    torch.save(module.state_dict(), saved)
    saved.seek(0)
    other = copy.deepcopy(module)
    for p in other.parameters():
        nn.init.zeros_(p)
    assert other.load_state_dict(torch.load(saved, weights_only=True)).missing_keys == []
    assert torch.equal(other(x), module(x))


def test_copies_and_pickles(case: Any):
    module, x, text = case
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(x), module(x))
        assert repr(other) == text
        for p in other.parameters():
            nn.init.zeros_(p)
    assert all(bool(p.any()) for p in module.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_other_precisions(case: Any, dtype: torch.dtype):
    module, x, _ = case
    wanted = module(x)
    found = copy.deepcopy(module).to(dtype)(x.to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), wanted, rtol=0.1, atol=0.1)


def test_export(case: Any):
    module, x, _ = case
    exported = torch.export.export(module, (x,)).module()
    assert torch.equal(exported(x), module(x))


def test_other_shapes_and_no_batch_at_all(case: Any):
    module, x, _ = case
    assert module(x[:1]).shape == (1, *module(x).shape[1:])
    assert module(x[:0]).shape == (0, *module(x).shape[1:])


# Conv beside nn.Conv2d

BESIDE: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "conv2d": (conv, lambda: nn.Conv2d(3, 4, 3, padding=1), (2, 3, 8, 7)),
    "conv1d": (
        lambda: Conv("b c i+u, o c u -> b o i", c=32, o=64, u=5, bias=True),
        lambda: nn.Conv1d(32, 64, 5),
        (2, 32, 9),
    ),
    "grouped": (
        lambda: Conv("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", g=4, c=8, o=8, u=3, v=3, bias=True),
        lambda: nn.Conv2d(32, 32, 3, groups=4),
        (2, 32, 8, 7),
    ),
    "linear": (lambda: Conv("b f, o f -> b o", f=300, o=40, bias="o"), lambda: nn.Linear(300, 40), (2, 300)),
}


@pytest.mark.parametrize("name", BESIDE)
def test_beside_torch(name: str):
    made, torchs, shape = BESIDE[name]
    ours, theirs = made(), torchs()
    assert ours.w.shape == theirs.weight.shape
    with torch.no_grad():
        theirs.weight.copy_(ours.w)
        theirs.bias.copy_(ours.bias)
    torch.testing.assert_close(ours(drawn(*shape)), theirs(drawn(*shape)), rtol=1e-5, atol=1e-6)


INITIALISED: dict[str, tuple[Any, Any]] = {
    **{name: (made, torchs) for name, (made, torchs, _) in BESIDE.items() if name != "conv2d"},
    "conv2d": (lambda: conv(c=32, o=64), lambda: nn.Conv2d(32, 64, 3)),
    "depthwise": (
        lambda: Conv("b c i+u j+v, c u v -> b c i j", c=600, u=3, v=3, bias=True),
        lambda: nn.Conv2d(600, 600, 3, groups=600),
    ),
}


@pytest.mark.parametrize("name", INITIALISED)
def test_initialised_as_torch_does(name: str):
    """Uniform in the same bounds, for filters and bias."""
    torch.manual_seed(1)
    ours, theirs = (make() for make in INITIALISED[name])
    for mine, its in ((ours.w, theirs.weight), (ours.bias, theirs.bias)):
        bound = ours.fan_in**-0.5
        assert float(mine.detach().abs().max()) <= bound
        assert float(its.detach().abs().max()) <= bound * (1 + 1e-6)
        assert float(mine.detach().abs().max()) == pytest.approx(float(its.detach().abs().max()), rel=0.15)
    assert float(ours.w.detach().std()) == pytest.approx(float(theirs.weight.detach().std()), rel=0.05)


def test_drawn_anew_and_by_seed():
    torch.manual_seed(3)
    first = conv()
    torch.manual_seed(3)
    second = conv()
    assert torch.equal(first.w, second.w)
    second.reset_parameters()
    assert not torch.equal(first.w, second.w)


def test_the_keys_of_a_state():
    assert list(conv().state_dict()) == ["w", "bias"]
    assert list(conv(bias=None).state_dict()) == ["w"]
    assert list(Conv("b c i+u, c u, o c -> b o i", c=3, u=3, o=4, bias="o").state_dict()) == ["w", "w2", "bias"]
    assert list(Conv("y[b,o,i] = x[b,c,i+u] * kernel[o,c,u] + a[o]", c=3, u=3, o=4).state_dict()) == ["kernel", "bias"]
    assert list(Pool(POOL, "max", u=2, v=2).state_dict()) == []


def test_devices_and_dtypes_as_given():
    made = conv(device="meta", dtype=torch.float64)
    assert made.w.device.type == made.bias.device.type == "meta"
    assert made.w.dtype == torch.float64


ERRORS: dict[str, tuple[type[SlidesumError], Any, str]] = {
    "a missing size": (
        SizeError,
        lambda: Conv(CONV, c=3, u=3, v=3),
        """\
the extent of 'o' is open
    b c i+u j+v, o c u v -> b o i j
                 ^
  Nothing that was given has an axis of that name alone.
  Give it beside the pattern: o=3.""",
    ),
    "a symbol": (
        SizeError,
        lambda: Conv(CONV, c=3, o="k", u=3, v=3),
        "the size o=k is a symbol\n  A module needs numbers: its filters are arrays.",
    ),
    "a taken name": (
        UsageError,
        lambda: Conv("y[b,o] = x[b,c] * padding[o,c]", c=3, o=3),
        "a module's filter can't be called 'padding'\n"
        "  The module has an attribute of that name already.\n"
        "  Give it another name in the equation, such as w.",
    ),
    "an unknown size": (
        SizeError,
        lambda: Conv("b c, o c -> b o", c=3, o=3, q=1),
        """\
the size q=1 belongs to no index
    b c, o c -> b o
    ^^^^^^^^^^^^^^^
  The names of this pattern are b, o, c.
  Take the size away, or correct its name.""",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_whole_text(name: str):
    kind, made, text = ERRORS[name]
    with pytest.raises(SlidesumError) as caught:
        made()
    assert type(caught.value) is kind
    assert str(caught.value) == text


def test_a_filter_per_map_that_is_not_connected():
    pairs = ((0, 0), (0, 1), (1, 1), (2, 0), (2, 2))
    layer = Conv(CONV, c=3, o=3, u=2, v=2, bias="o", connections=Connections(("o", "c"), pairs))
    assert layer.w.shape == (5, 2, 2)
    full = torch.zeros(3, 3, 2, 2)
    for k, pair in enumerate(pairs):
        full[pair] = layer.w[k]
    x = drawn(2, 3, 5, 5)
    torch.testing.assert_close(layer(x), F.conv2d(x, full, layer.bias))
    assert torch.equal(torch.export.export(layer, (x,)).module()(x), layer(x))


# Networks


def everything() -> Graph:
    """Every kind of layer, and connections; "values" is a name that torch's own containers have taken."""
    net = Draft("everything")
    x = net.input("b c i j", b=1, c=2, i=8, j=8)
    x = net.norm(net.conv(x, CONV, o=4, u=3, v=3, padding="same", bias="o", name="values"), epsilon=1e-3)
    x = net.add(net.activation(x, "relu"), net.norm(x, "lrn", size=3))
    x = net.concat([x, net.pool(x, "b c i+u-1 j+v-1 -> b c i j", "max", u=3, v=3)])
    pairs = tuple((o, c) for o in range(3) for c in range(8) if (o + c) % 3)
    x = net.conv(x, CONV, o=3, u=2, v=2, bias="o", connections=Connections(("o", "c"), pairs), name="C3")
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u 2*j+v", o=3, u=2, v=2, extent={"i": 15})
    x = net.pool(x, "b c i j -> b c 2*i j", extent={"i": 30})
    x = net.dropout(net.linear(net.flatten(x), 4), 0.5)
    net.softmax(net.distance(x, [[0, 1, 0, 0], [1, 0, 0, 1]]))
    return net.graph


@pytest.fixture
def network() -> tuple[Graph, dict[str, Any], NetworkModule]:
    graph = everything()
    values = {name: x + 0.1 * np.abs(drawn(*x.shape, seed=1).numpy()) for name, x in initial_values(graph).items()}
    return graph, values, NetworkModule(graph, values).eval()


X = drawn(3, 2, 8, 8)


def test_a_network_and_its_module(network: Any):
    graph, values, module = network
    wanted, found = run(graph, values, X), module.activations(X)
    assert list(found) == list(wanted)
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-4, atol=1e-5, msg=name)
    assert torch.equal(module(X), found[graph.output.name])


def test_values_come_back(network: Any):
    graph, values, module = network
    found = module.values()
    assert list(found) == list(values)
    for name, x in values.items():
        np.testing.assert_array_equal(found[name], x)
    assert sum(p.numel() for p in module.parameters()) == sum(
        x.size for n, x in values.items() if n.split(".")[1] not in STATISTICS
    )
    other = NetworkModule(graph, initial_values(graph, seed=9)).eval()
    other.load_values(found)
    assert torch.equal(other(X), module(X))
    assert module.bfloat16().values()["C3.w"].dtype == np.float32


STATISTICS = ("mean", "variance")


def test_the_keys_of_a_network(network: Any):
    _, _, module = network
    assert list(module.state_dict()) == [
        "layers.values_.w",
        "layers.values_.bias",
        "layers.batchnorm1.weight",
        "layers.batchnorm1.bias",
        "layers.batchnorm1.running_mean",
        "layers.batchnorm1.running_var",
        "layers.C3.w",
        "layers.C3.bias",
        "layers.conv1.w",
        "layers.linear1.w",
        "layers.linear1.bias",
    ]
    assert module.layers["C3"].w.shape == (16, 2, 2)


def test_values_that_do_not_fit(network: Any):
    graph, values, _ = network
    with pytest.raises(FileError, match=r"the array 'C3.w' is missing"):
        NetworkModule(graph, {name: x for name, x in values.items() if name != "C3.w"})
    with pytest.raises(FileError, match=r"the array 'C3.w' has the shape \(3, 8, 2, 2\), and \(16, 2, 2\) is needed"):
        NetworkModule(graph, values | {"C3.w": np.zeros((3, 8, 2, 2))})
    with pytest.raises(UsageError) as caught:
        NetworkModule(graph, values)(X, X)
    assert str(caught.value) == "everything has 1 inputs, and 2 were given\n  Give one array an input."


def test_training_differs(network: Any):
    graph, values, module = network
    before = module(X)
    torch.manual_seed(0)
    module.train()
    first, second = module.activations(X), module.activations(X)
    assert not torch.equal(first["dropout1"], second["dropout1"])
    assert torch.allclose(first["batchnorm1"], second["batchnorm1"])
    kept = first["dropout1"] != 0
    torch.testing.assert_close(first["dropout1"][kept], 2 * first["linear1"][kept])
    after, maps = module.values(), first["values"]
    mean, variance = maps.mean((0, 2, 3)).detach().numpy(), maps.var((0, 2, 3)).detach().numpy()
    for name, batch in (("mean", mean), ("variance", variance)):  # two steps of momentum 0.1
        wanted = 0.81 * values[f"batchnorm1.{name}"] + 0.19 * batch
        np.testing.assert_allclose(after[f"batchnorm1.{name}"], wanted, rtol=1e-4, atol=1e-5)
    module.eval()
    assert not torch.equal(module(X), before)
    torch.testing.assert_close(run(graph, after, X)[graph.output.name], module(X), rtol=1e-4, atol=1e-5)


def test_a_step_of_training(network: Any):
    _, values, module = network
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    module.activations(X)["distance1"].sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    optimiser.step()
    changed = [name for name, x in module.values().items() if not np.array_equal(x, values[name])]
    assert {name.split(".")[0] for name in changed} == {"values", "batchnorm1", "C3", "conv1", "linear1"}


def test_a_network_is_copied_pickled_and_exported(network: Any):
    _, _, module = network
    wanted = module(X)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.export.export(module, (X,)).module()):
        torch.testing.assert_close(other(X), wanted, rtol=0, atol=0)


def test_a_network_in_other_precisions(network: Any):
    _, _, module = network
    wanted = module(X)
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        found = copy.deepcopy(module).to(dtype)(X.to(dtype))
        assert found.dtype == dtype
        torch.testing.assert_close(found.float(), wanted, rtol=0.1, atol=0.1)


# Compilation: one graph without a break. Slow, so all layers of a kind are compiled together.

torchs_own = pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # inductor, importing


@torchs_own
def test_compiled_layers():
    layers = nn.Sequential(
        conv(),
        nn.ReLU(),
        Pool(POOL, "max", u=2, v=2),
        Conv("b c i+u j+v, c u v, o c -> b o i j", c=4, u=2, v=2, o=3, padding={"i": 1}),
        Conv("b c i j, o c i j -> b o", c=3, i=5, j=2, o=2, bias="o"),
    )
    x, y = drawn(2, 3, 8, 7).requires_grad_(), drawn(2, 3, 8, 7).requires_grad_()
    compiled = torch.compile(layers, fullgraph=True)
    wanted, found = layers(x), compiled(y)
    torch.testing.assert_close(found, wanted)
    wanted.sum().backward()
    found.sum().backward()
    torch.testing.assert_close(y.grad, x.grad)


@torchs_own
def test_a_compiled_network(network: Any):
    _, _, module = network
    compiled = torch.compile(module, fullgraph=True)
    torch.testing.assert_close(compiled(X), module(X), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(compiled(X[:2]), module(X[:2]), rtol=1e-4, atol=1e-5)


def test_equations_may_come_parsed():
    assert repr(Conv(parse(CONV), c=3, o=4, u=3, v=3)) == repr(Conv(CONV, c=3, o=4, u=3, v=3))


def test_a_bias_along_an_axis_that_no_filter_has():
    """The bias of type 1 along maps and filters: its shape depends on the maps of the input."""
    net = Network("one")
    x = net.input("b c i j", b=1, c=3, i=4, j=4)
    net.conv(x, "b c i+u j+v, o u v -> b (c o) i j", o=2, u=3, v=3, bias="(c o)", name="f")
    module = net.to_torch()
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype("float32")
    np.testing.assert_allclose(module(torch.as_tensor(x)).detach().numpy(), net.run(x)["f"], atol=1e-5)
