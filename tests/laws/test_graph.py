"""The laws of a layer, asked of a network; what its layers keep; and the network as data."""

import re

import pytest

from slidesum.core.network import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Graph,
    Input,
    Layer,
    LocalResponseNorm,
    Node,
    Softmax,
)
from slidesum.core.sized import Connections
from slidesum.core.sizes import size
from slidesum.errors import MeaningError, NetworkError, SizeError
from slidesum.laws.count import Counts, count
from slidesum.laws.graph import node_counts, node_inputs_per_output, reaches, totals
from slidesum.laws.parameters import Parameter, check_connections, parameters, stored_shape
from slidesum.laws.reach import Reach
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

CONV = parse("y[b,o,i] = x[b,c,i+u-1] * w[o,c,u] + a[o]")


def layer(name, equation, before, shapes, **sizes):
    sized = solve(equation, shapes, sizes)
    return Node(name, Layer(equation, sizes), before, sized.result_shape, sized)


CONV1 = layer("conv1", CONV, ("input",), [(1, 2, 8), None], o=4, u=3)
NET = Graph(
    "small",
    (
        Node("input", Input(("b", "c", "i")), (), (1, 2, 8)),
        CONV1,
        Node("norm", BatchNorm(), ("conv1",), (1, 4, 8)),
        Node("relu", Activation("relu"), ("norm",), (1, 4, 8)),
        Node("lrn", LocalResponseNorm(size=3), ("relu",), (1, 4, 8)),
        Node("add", Add(), ("relu", "lrn"), (1, 4, 8)),
        Node("both", Concat(), ("conv1", "add"), (1, 8, 8)),
        Node("drop", Dropout(), ("both",), (1, 8, 8)),
        layer("linear", parse("b c i, o c i -> b o"), ("drop",), [(1, 8, 8), None], o=3),
        Node("classes", Softmax(), ("linear",), (1, 3)),
        Node("units", Distance(((0.0, 1.0, 2.0),) * 5), ("classes",), (1, 5)),
    ),
)


def test_a_network_is_the_sum_of_its_layers():
    counts = {node.name: node_counts(node) for node in NET}
    assert counts["conv1"] == count(CONV1.sized)
    assert counts["norm"] == Counts(weights=4, biases=4, outputs=32)
    assert counts["units"] == Counts(macs=15, macs_inside=15, connections=15, outputs=5)
    assert counts["relu"] == Counts(outputs=32)
    total = totals(NET)
    for name in Counts.__slots__:
        assert getattr(total, name) == sum(getattr(c, name) for layer_name, c in counts.items() if layer_name != "input")


def test_values_read_for_one_output_of_every_kind_of_layer():
    assert {node.name: node_inputs_per_output(NET, node) for node in NET} == {
        "input": 0,
        "conv1": 6,
        "norm": 1,
        "relu": 1,
        "lrn": 3,
        "add": 2,
        "both": 1,
        "drop": 1,
        "linear": 64,
        "classes": 3,
        "units": 3,
    }


def test_reach_is_followed_through_branches():
    found = reaches(NET)
    assert found["input"]["i"] == Reach(1, 1, 0, 2, 8)
    assert found["both"]["i"] == found["conv1"]["i"] == Reach(3, 1, 1, 2, 8)
    assert found["linear"]["i"] == found["units"]["i"] == Reach(10, 0, 1, None, 1)
    moved = Graph(
        "columns",
        (
            NET["input"],
            Node("columns", Softmax(2), ("input",), (1, 2, 8)),
            Node("far", Distance(((0.0,) * 2,)), ("input",), (1, 1, 8)),
        ),
    )
    assert reaches(moved)["columns"]["i"] == Reach(8, 0, 0, None, 1)
    assert reaches(moved)["far"]["c"] == Reach(2, 0, 0, None, 1)


def test_a_network_finds_its_layers():
    assert NET["relu"].op == Activation("relu")
    assert "relu" in NET
    assert "tanh" not in NET
    assert [node.name for node in NET.inputs] == ["input"]
    assert NET.output.name == "units"
    assert [node.name for node in NET.users("relu")] == ["lrn", "add"]
    assert NET.symbols == ()


def test_symbols_are_found_where_no_shape_shows_them():
    sized = solve(CONV, [(1, 2, size("n")), None], {"o": "k", "u": 3})
    hidden = layer("conv2", parse("b c i+u, c u -> b c i"), ("input",), [(1, 2, size("n")), None], u="f")
    net = Graph(
        "symbols",
        (
            Node("input", Input(("b", "c", "i")), (), (1, 2, size("n"))),
            Node("conv1", Layer(CONV, {}), ("input",), sized.result_shape, sized),
            hidden,
        ),
    )
    assert net.symbols == ("f", "k", "n")


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda: NET["pool"],
            f"small has no layer 'pool'\n  Its layers are {', '.join(node.name for node in NET)}.\n  Name one of them.",
        ),
        (lambda: Graph("new")["pool"], "new has no layer 'pool'\n  Its layers are none.\n  Name one of them."),
        (lambda: Graph("new").output, "new has no layers\n  Begin with net.input(…)."),
    ],
)
def test_what_a_network_does_not_have(ask, text):
    with pytest.raises(NetworkError, match=re.escape(text)) as caught:
        ask()
    assert str(caught.value) == text


# What layers keep


def test_the_arrays_of_a_layer():
    assert parameters(CONV1) == (Parameter("w", (4, 2, 3), "weights", fan_in=6), Parameter("bias", (4,), "biases", fan_in=6))
    assert [(p.name, p.shape, p.start, p.trainable) for p in parameters(NET["norm"])] == [
        ("scale", (4,), 1.0, True),
        ("shift", (4,), 0.0, True),
        ("mean", (4,), 0.0, False),
        ("variance", (4,), 1.0, False),
    ]
    assert parameters(NET["relu"]) == ()
    assert [p.name for p in parameters(NET["linear"])] == ["w"]


def wired(pairs, names=("o", "c"), text="b c i+u, o c u -> b o i", shapes=((1, 2, 5), (3, 2, 3))):
    return solve(parse(text), list(shapes), connections=Connections(names, pairs))


def test_what_is_not_connected_is_not_kept():
    sized = wired(((0, 0), (2, 1)))
    check_connections(sized)
    check_connections(CONV1.sized)
    assert stored_shape(sized, 1) == (2, 3)
    assert stored_shape(CONV1.sized, 1) == (4, 2, 3)
    unconnected = wired(((0, 0),), text="b c i+u, o c, u -> b o i", shapes=((1, 2, 5), (3, 2), (3,)))
    assert [stored_shape(unconnected, k) for k in (1, 2)] == [(1,), (3,)]


@pytest.mark.parametrize(("pairs", "at"), [(((0, 0), (3, 0)), "(3, 0)"), (((0, -1),), "(0, -1)"), (((1, 1), (1, 1)), "(1, 1)")])
def test_a_connection_that_there_is_none_of(pairs, at):
    text = (
        f"there is no connection {at}, or it is given twice\n"
        "  'o' has 3 and 'c' has 2.\n"
        "  Count from 0, and give every connection once."
    )
    with pytest.raises(SizeError, match=re.escape(text)) as caught:
        check_connections(wired(pairs))
    assert str(caught.value) == text


@pytest.mark.parametrize("names", [("c", "o"), ("o", "u"), ("b", "c")])
def test_connections_lie_on_the_first_axes_of_a_filter(names):
    first, second = names
    text = (
        f"the connections are between {first!r} and {second!r}, which are no filter's first two axes\n"
        "  A filter keeps one entry a connection in place of these two axes.\n"
        "  Write them first on the filter, in this order."
    )
    with pytest.raises(MeaningError, match=re.escape(text)) as caught:
        check_connections(wired(((0, 0),), names))
    assert str(caught.value) == text
