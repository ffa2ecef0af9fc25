"""The laws of a layer, asked of a network; what its layers keep; and the network as data."""

import re

import pytest
import torch

import slidesum as ss
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Add, BatchNorm, Concat, Distance, Dropout, Input, Layer, LocalResponseNorm, Softmax
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


CONV22, TYPE1 = "b c i+u j+v, o c u v -> b o i j", "b c i+u j+v, o u v -> b (c o) i j"
STRIDED, POOL = "b c 2*i+u 2*j+v, o c u v -> b o i j", "b c 2*i+u 2*j+v -> b c i j"
BRANCHES = {
    "residual": lambda net, x: net.add(x, net.conv(x, CONV22, o=2, u=3, v=3, padding="same")),
    "dense": lambda net, x: net.concat([x, net.conv(x, CONV22, o=3, u=3, v=3, padding="same")]),
    "reduction": lambda net, x: net.concat([net.conv(x, STRIDED, o=2, u=3, v=3), net.pool(x, POOL, "mean", u=3, v=3)]),
    "global": lambda net, x: net.concat([net.pool(x, "b c i j -> b c", "mean"), net.pool(x, "b c i j -> b c", "sum")]),
    "types": lambda net, x: net.concat([net.conv(x, CONV22, o=3, u=3, v=3), net.conv(x, TYPE1, o=2, u=3, v=3)]),
    "twice": lambda net, x: net.concat([net.activation(x, "silu"), net.activation(x, "silu")]),
    "strides": lambda net, x: net.add(
        net.conv(x, STRIDED, o=2, u=3, v=3), net.conv(x, "b c i+4*u j+4*v, o c u v -> b o i j", o=2, u=2, v=2)
    ),
    "transposed": lambda net, x: net.concat([x, net.conv(x, "b c i j, o c u v -> b o u-i v-j", o=1, u=7, v=7, padding=3)]),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_the_reach_where_branches_meet_holds_every_cell_that_is_read(name):
    net = ss.Network(name)
    BRANCHES[name](net, net.input("b c i j", b=1, c=2, i=7, j=7))
    image = torch.rand(tuple(net.graph.inputs[0].shape), dtype=torch.float64, requires_grad=True)
    result = net.run(image)[net.graph.output.name]
    reach = net.reach()
    for at in torch.cartesian_prod(*(torch.arange(n) for n in result.shape)).tolist():
        (slope,) = torch.autograd.grad(result[tuple(at)], image, retain_graph=True)
        for axis, cells in zip("bcij", slope.nonzero().T.tolist(), strict=True):
            found = reach[axis]
            first, last = found.window(0 if found.along is None else at[found.along])
            assert first <= min(cells)
            assert max(cells) <= last
    assert len(net.table()) == len(net.graph.nodes) - 1
    assert net.table().to_json().startswith("{")


def test_a_concat_reads_the_whole_of_the_axis_it_lays_side_by_side():
    net = ss.Network("dense")
    BRANCHES["dense"](net, net.input("b c i j", b=1, c=2, i=7, j=7))
    assert net.reach() == {
        "b": Reach(1, 1, 0, 0, 1),
        "c": Reach(2, 0, 0, None, 1),
        "i": Reach(3, 1, 1, 2, 7),
        "j": Reach(3, 1, 1, 3, 7),
    }


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
