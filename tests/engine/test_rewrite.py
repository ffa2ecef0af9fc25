"""Rewritten networks: each rewrite against the network as it was, by the layers' plans in double precision, then compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import numpy as np
import pytest
from test_whole import error, inputs, spread

import slidesum as ss
from slidesum.core.network import Graph
from slidesum.core.ops import Activation, Input, Pad
from slidesum.engine.whole.rewrite import pads_folded, pooled_first, rewritten, wanted
from slidesum.run.network import result_of, walk

KINDS = ("conv", "depthwise", "point", "max", "max", "min", "mean", "sum")
BORDERS = ("zero", "zero", 0, 0.0, 1.0, "reflect")
NEVER = {"max": float("-inf"), "min": float("inf")}


def grown(chance: Random, net: ss.Network, x: ss.Tensor, kind: str) -> ss.Tensor:
    """One layer more."""
    stride, low = chance.randint(1, 2), chance.randint(0, 1)
    taps = max(chance.randint(1, 3), low + 1)
    slid = f"{stride}*i+u-{low} {stride}*j+v-{low}"
    match kind:
        case "conv":
            return net.conv(x, f"b c {slid}, o c u v -> b o i j", o=chance.randint(1, 20), u=taps, v=taps, bias="o")
        case "depthwise":
            return net.conv(x, f"b c {slid}, c u v -> b c i j", u=taps, v=taps, bias="c")
        case "point":
            return net.conv(x, "b c i j, o c -> b o i j", o=chance.randint(1, 20), bias="o")
        case _:
            return net.pool(x, f"{kind} b c {slid} -> b c i j", u=taps, v=taps)


def network(seed: int) -> ss.Network:
    """Paddings, functions and windows in any order, and layers that nobody reads."""
    chance, net = Random(seed), ss.Network(f"random {seed}")
    x = net.input("b c i j", b=chance.randint(1, 2), c=chance.randint(1, 18), i=chance.randint(6, 11), j=chance.randint(6, 11))
    made = [x]
    for _ in range(chance.randint(2, 6)):
        x = chance.choice(made[-2:])
        if min(x.shape[2:]) < 3:
            continue
        match chance.choice(["layer", "function", "pad"]):
            case "layer":
                made.append(grown(chance, net, x, chance.choice(KINDS)))
            case "function":
                made.append(net.activation(x, chance.choice(["relu", "relu", "sigmoid", "tanh", "leaky_relu"])))
            case _:
                kind, cells = chance.choice([*KINDS, None]), [chance.randint(0, 1) for _ in range(4)]
                border = NEVER[kind] if kind in NEVER and chance.random() < 0.5 else chance.choice(BORDERS)
                deep = (0, int(chance.random() < 0.2 and border != "reflect"))
                pad = net.pad(x, (0, 0), deep, cells[:2], cells[2:], border=border)
                made.append(grown(chance, net, pad, kind) if kind else pad)
    if chance.random() < 0.5 and len(made) > 2:
        net.output(*dict.fromkeys((chance.choice(made[1:]), made[-1])))
    return spread(net)


def computed(graph: Graph, values: Mapping[str, np.ndarray], x: list[np.ndarray]) -> dict[str, np.ndarray]:
    """What the outputs are by the layers' plans."""
    arrays = dict(zip((node.name for node in graph.inputs), x, strict=True))
    with np.errstate(invalid="ignore"):  # what is infinite around maps comes out of windows that hold nothing else
        found = walk(graph, arrays, lambda node, before: result_of(node, values, before, x[0]))
    return {node.name: found[node.name] for node in graph.outputs}


@pytest.mark.parametrize("rewrite", [wanted, pads_folded, pooled_first, rewritten])
def test_random_networks(rewrite: Callable[[Graph], Graph]):
    """The outputs are the same, names included; and rewritten it was, more than a few times."""
    changed = 0
    for seed in range(400):
        net = network(seed)
        graph = rewrite(net.graph)
        if graph == net.graph:
            continue
        changed += 1
        x = [array.astype("float64") for array in inputs(net)]
        values = {name: array.astype("float64") for name, array in net.values.items()}
        before, after = computed(net.graph, values, x), computed(graph, values, x)
        assert list(before) == list(after), seed
        for name, array in before.items():
            np.testing.assert_allclose(after[name], array, rtol=1e-12, atol=1e-12, err_msg=f"{name} of {seed}")
            assert graph[name].shape == net.graph[name].shape == array.shape, seed
    assert changed >= 10


def test_random_networks_compiled():
    for seed in range(40):
        net = network(seed)
        fast, x = net.compile(threads=2), inputs(net)
        y, outputs = fast(*x), net.graph.outputs
        expected = computed(net.graph, net.values, x)
        for node in outputs:
            found = y if len(outputs) == 1 else y[node.name]
            np.testing.assert_allclose(found, expected[node.name], rtol=2e-4, atol=2e-5, err_msg=f"{node.name} of {seed}")


def kinds(graph: Graph) -> list[str]:
    return [type(node.op).__name__ for node in graph]


def padded(border: float | str, function: str | None, layer: str) -> ss.Network:
    net = ss.Network("padded")
    x = net.input("b c i j", b=1, c=3, i=7, j=7)
    x = net.activation(x, function) if function else x
    x = net.pad(x, (0, 0), (0, 0), (1, 2), (0, 1), border=border)
    if layer == "conv":
        net.conv(x, "b c 2*i+u 2*j+v, o c u v -> b o i j", o=4, u=3, v=3)
    else:
        net.pool(x, f"{layer} b c 2*i+u 2*j+v -> b c i j", u=3, v=3)
    return net


@pytest.mark.parametrize(
    ("border", "function", "layer", "folds"),
    [
        ("zero", None, "conv", True),
        (0.0, None, "mean", True),
        (1.0, None, "conv", False),
        ("reflect", None, "conv", False),
        ("zero", None, "max", False),
        ("zero", "relu", "max", True),
        ("zero", "leaky_relu", "max", False),
        (float("-inf"), None, "max", True),
        (float("-inf"), None, "min", False),
        ("zero", "relu", "min", False),
    ],
)
def test_which_paddings_are_folded(border, function, layer, folds):
    assert ("Pad" not in kinds(rewritten(padded(border, function, layer).graph))) == folds


def test_a_window_of_nothing_but_padding_keeps_it():
    net = ss.Network("beyond")
    x = net.activation(net.input("b c i", b=1, c=1, i=4), "relu")
    net.pool(net.pad(x, (0, 0), (0, 0), (3, 0)), "max b c i+u -> b c i", u=2)
    assert "Pad" in kinds(rewritten(net.graph))


def test_a_padding_that_others_read_stays_for_them():
    net = ss.Network("both")
    x = net.pad(net.input("b c i j", b=1, c=3, i=5, j=5), (0, 0), (0, 0), (1, 1), (1, 1))
    y = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=4, u=3, v=3)
    net.output(y, net.activation(x, "exp"))
    graph = rewritten(net.graph)
    assert kinds(graph) == ["Input", "Pad", "Layer", "Activation"]
    assert graph["conv1"].inputs == ("input",)


@pytest.mark.parametrize(("function", "moves"), [("sigmoid", True), ("leaky_relu", True), ("silu", False), ("abs", False)])
def test_a_function_behind_the_largest_value(function: str, moves: bool):
    net = ss.Network("pooled")
    x = net.conv(net.input("b c i j", b=1, c=3, i=8, j=8), "b c i+u-1 j+v-1, o c u v -> b o i j", o=4, u=3, v=3)
    net.pool(net.activation(x, function), "max b c 2*i+u 2*j+v -> b c i j", u=2, v=2, name="pool")
    graph = rewritten(net.graph)
    assert isinstance(graph["pool"].op, Activation) == moves
    assert graph["pool"].shape == (1, 4, 4, 4)


def test_what_nobody_asks_for_is_not_computed():
    """Nor is what shares its arrays lost with it."""
    net = ss.Network("dead")
    x = net.input("b f", b=2, f=5, name="x")
    net.input("b f", b=2, f=7, name="unread")
    net.linear(x, 5, name="first")
    again = net.place("again", net.graph["first"].op, (x,), shares="first")
    net.output(again)
    spread(net)
    graph = wanted(net.graph)
    assert [node.name for node in graph] == ["x", "unread", "again"]
    assert all(isinstance(node.op, Input) for node in graph.inputs)
    fast, arrays = net.compile(threads=1), inputs(net)
    assert {row["layer"] for row in fast.rows()} <= {"x", "again", "halo"}
    assert error(net, fast, arrays) <= 1e-5


def test_pads_are_gone_from_readers_networks():
    """What Keras writes before strided windows."""
    net = ss.Network("keras")
    x = net.activation(net.input("b c i j", b=1, c=8, i=9, j=9), "relu")
    x = net.pad(x, (0, 0), (0, 0), (0, 1), (0, 1))
    x = net.conv(x, "b c 2*i+u 2*j+v, c u v -> b c i j", u=3, v=3)
    x = net.pad(net.activation(x, "relu6"), (0, 0), (0, 0), (1, 1), (1, 1))
    net.pool(x, "max b c 2*i+u 2*j+v -> b c i j", u=3, v=3)
    fast = spread(net).compile(threads=1)
    assert not any(isinstance(node.op, Pad) for node in rewritten(net.graph))
    assert "plan" not in {row["kernel"] for row in fast.rows()}
    assert error(net, fast, inputs(net)) <= 1e-5
