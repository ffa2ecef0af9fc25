"""Which type? The line under the table, for networks of all types."""

import json

import pytest

import slidesum as ss
from slidesum.laws.types import types

SPANS = "Type 2.2: a filter spans all maps and has weights of its own for each; k2 filters give k2 maps."
LINEAR = "Linear: every output has a weight for every value that it reads."
AFTER = "ReLU stands after the sum over the maps."

SAID = {
    "alexnet": (
        "8 weighted layers: 5 convolutions of type 2.2 (3 of them in 2 groups), 3 linear.",
        "Type 2.2: a filter spans all maps (of its group, where there are groups) and has weights of its own for each; "
        "k2 filters give k2 maps.",
        LINEAR,
        "Pooling mixes no maps.",
        AFTER,
    ),
    "type-1": (
        "3 weighted layers: 2 convolutions of type 1, 1 linear.",
        "Type 1: every filter runs over every map separately, and the maps share its weights; "
        "k1 maps and k2 filters give k1·k2 maps.",
        LINEAR,
        "Pooling mixes no maps.",
        "ReLU stands where no maps were summed.",
    ),
    "type-2.1": (
        "3 weighted layers: 2 convolutions of type 2.1, 1 linear.",
        "Type 2.1: a flat filter runs over the sum of all maps, which share its weights; k2 filters give k2 maps.",
        LINEAR,
        "Pooling mixes no maps.",
        AFTER,
    ),
    "type-2.2": ("3 weighted layers: 2 convolutions of type 2.2, 1 linear.", SPANS, LINEAR, "Pooling mixes no maps.", AFTER),
    "lenet5": (
        "6 weighted layers: 3 convolutions of type 2.2 (1 of them with a table of connections), 2 trainable subsampling, 1 linear.",
        SPANS,
        "Trainable subsampling: windows are summed without weights, then every map is scaled.",
        LINEAR,
        "scaled_tanh stands 4 times after the sum over the maps, 2 times where none were summed.",
    ),
    "mobilenet": (
        "28 weighted layers: 1 convolution of type 2.2, 13 depthwise convolutions, 13 1×1 convolutions, 1 linear.",
        SPANS,
        "Depthwise: every map has flat filters of its own and is summed with no other.",
        "1×1: a filter spans all maps, with one weight for each, and looks at no neighbours; k2 filters give k2 maps.",
        LINEAR,
        "Global pooling makes one number of every map.",
        "ReLU stands 14 times after the sum over the maps, 13 times where none were summed.",
    ),
    "maxout": (
        "5 weighted layers: 3 convolutions of type 2.2, 2 linear.",
        SPANS,
        LINEAR,
        "Pooling within a map mixes no maps.",
        "Pooling across maps makes one map of several.",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_of_a_network(name):
    table = ss.load(name).table()
    assert table.types.sentences == SAID[name]
    assert " ".join(SAID[name]) in " ".join(str(table).split())
    assert json.loads(table.to_json())["types"]["sentences"] == list(SAID[name])
    assert " ".join(SAID[name]) in table.to_markdown()


def test_kinds_are_counted_one_by_one_in_json():
    document = json.loads(ss.load("alexnet").table().to_json())["types"]
    assert (document["weighted_layers"], document["kinds"]) == (8, {"type 2.2": 2, "grouped": 3, "linear": 3})


def test_other_families_are_told_by_their_gist():
    net = ss.Network("others")
    x = net.input("b c i j", b=1, c=4, i=8, j=8)
    x = net.conv(x, "b c i+u j+v, o c i j u v -> b o i j", o=2, u=2, v=2, name="local")
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u 2*j+v", o=4, u=2, v=2, name="up")
    net.conv(x, "b (g c) i j, (g o) c -> b (g o) i j", g=2, o=3, name="mix")
    assert types(net.graph).sentences == (
        "3 weighted layers: 1 locally connected, 1 transposed convolution, 1 1×1 convolution (all in 2 groups).",
        "Locally connected: every place has filters of its own: nothing is shared.",
        "Transposed: every value is spread over a window of every output map, with weights of its own for each.",
        "1×1: a filter spans all maps of its group, with one weight for each, and looks at no neighbours; k2 filters give k2 maps.",
    )


def test_a_layer_used_twice_is_one_and_an_activation_on_the_input_says_nothing():
    net = ss.Network("twice")
    x = net.activation(net.input("b f", b=1, f=4), "tanh")
    x = net.linear(x, 4, name="first")
    op = net.graph["first"].op
    net.activation(net.place("again", op, [x], shares="first"), "relu")
    assert types(net.graph).sentences == ("1 weighted layer: 1 linear.", LINEAR, AFTER)


def test_a_network_without_weights():
    net = ss.Network("none")
    net.softmax(net.input("b f", b=1, f=4))
    assert types(net.graph).sentences == ("0 weighted layers.",)
