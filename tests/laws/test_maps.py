"""Which axis of a result holds its maps."""

import csv
import io
import json

import pytest
import torch

import slidesum as ss
from slidesum.laws.maps import maps_axes, maps_of_equation
from slidesum.notation.parse import parse
from slidesum.zoo.catalogue import ZOO


def shown(net):
    return {row["name"]: (row["maps"], row["size"]) for row in net.table()}


def test_channels_last():
    net = ss.Network("channels last")
    x = net.pad(net.input("b i j c", b=1, i=26, j=26, c=3), (0, 0), (1, 1), (1, 1), (0, 0), name="pad")
    x = net.conv(x, "b i+u j+v c, u v c o -> b i j o", u=3, v=3, o=8, bias="o", name="conv")
    x = net.activation(net.norm(x, axis=-1, name="norm"), "relu", name="relu")
    x = net.pool(x, "max b 2*i+u 2*j+v c -> b i j c", u=2, v=2, name="pool")
    x = net.conv(x, "b i+u j+v c, u v c m -> b i j (c m)", u=3, v=3, m=2, name="depthwise")
    gate = net.conv(net.pool(x, "mean b i j c -> b 1 1 c", name="mean"), "b i j c, c o -> b i j o", o=16, name="gate")
    x = net.combine("multiply", x, gate, name="gated")
    x = net.concat([x, x], axis=3, name="both")
    x = net.reshape(x, 1, 121, 32, name="places")
    net.linear(net.flatten(x, name="flat"), 10, name="out")
    assert shown(net) == {
        "pad": (3, (28, 28)),
        "conv": (8, (26, 26)),
        "norm": (8, (26, 26)),
        "relu": (8, (26, 26)),
        "pool": (8, (13, 13)),
        "depthwise": (16, (11, 11)),
        "mean": (16, (1, 1)),
        "gate": (16, (1, 1)),
        "gated": (16, (11, 11)),
        "both": (32, (11, 11)),
        "places": (32, (121,)),
        "flat": (121 * 32, ()),
        "out": (10, ()),
    }
    conv = json.loads(net.table().to_json())["layers"][1]
    assert (conv["maps"], conv["size"], conv["shape"], list(conv["reach"])) == (8, [26, 26], [1, 26, 26, 8], ["i", "j"])
    row = next(csv.DictReader(io.StringIO(net.table(sort="name").to_csv())))
    assert (row["name"], row["maps"], row["size"], row["shape"]) == ("both", "32", "11×11", "1×11×11×32")
    assert "| conv | type 2.2 | b i+u j+v c, u v c o -> b i j o | 8 | 26×26 |" in net.table().to_markdown()


def test_a_sum_follows_the_branch_that_tells():
    layer = torch.nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
    found = shown(ss.load(layer, example=torch.zeros(1, 5, 16)))
    assert {name: found[name] for name in ("add", "norm1", "linear1", "linear2", "add-2", "norm2")} == {
        **dict.fromkeys(("add", "norm1", "linear2", "add-2", "norm2"), (16, (5,))),
        "linear1": (24, (5,)),
    }


@pytest.mark.parametrize(
    ("pattern", "axis"),
    [
        ("b c i+u j+v, o c u v -> b o i j", 1),
        ("b i+u j+v c, u v c o -> b i j o", 3),
        ("b c i+u j+v, o u v -> b (c o) i j", 1),
        ("b c i+u j+v, o u v -> b c o i j", 1),
        ("b (g c) i+u, (g o) c u -> b (g o) i", 1),
        ("b c i+u j+v, o c i j u v -> b o i j", 1),
        ("b i+u j+v c, o c i j u v -> b i j o", 3),
        ("b c i+u j+v, b o c u v -> b o i j", 1),
        ("b i j c, u v c o -> b 2*i+u 2*j+v o", 3),
        ("b d+t i+u j+v, t u v -> b d i j", 1),
        ("b t c, o c -> b t o", 2),
        ("i+u, u -> i", None),
        ("max b 2*i+u 2*j+v c -> b i j c", 3),
        ("max b (o p) i j -> b o i j", 1),
        ("b c i j -> b i j c", 3),
        ("mean b i j c ->", None),
    ],
)
def test_equations(pattern, axis):
    assert maps_of_equation(parse(pattern)) == axis


def test_the_maps_of_the_input_are_followed():
    assert [maps_of_equation(parse("b i j c -> b c i j"), before) for before in (3, 2, None)] == [1, 3, 2]


@pytest.mark.parametrize("name", ZOO)
def test_in_the_zoo_the_maps_are_the_second_axis(name):
    graph = ss.load(name).graph
    assert maps_axes(graph) == {node.name: 1 for node in graph}
