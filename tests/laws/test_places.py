"""Which axes are places and which holds the maps, read off equations."""

import pytest

from slidesum.draft.verbs import Draft
from slidesum.laws.places import Places, places
from slidesum.zoo.googlenet import googlenet
from slidesum.zoo.lenet5 import lenet5
from slidesum.zoo.maxout import maxout


def of(pattern, shape, **more):
    net = Draft("one")
    letters = pattern.split(",")[0].split("->")[0].replace("max ", "").split()
    x = net.input(" ".join(f"a{k}" for k in range(len(letters))), **{f"a{k}": n for k, n in enumerate(shape)})
    net.conv(x, pattern, name="conv", **more)
    found = places(net.graph)
    return found["input"], found["conv"]


@pytest.mark.parametrize(
    ("pattern", "shape", "sizes", "before", "after"),
    [
        ("b c i+u j+v, o c u v -> b o i j", (1, 3, 8, 8), {"o": 4, "u": 3, "v": 3}, (4, (2, 3), 1), (4, (2, 3), 1)),
        ("b i+u j+v c, u v c o -> b i j o", (1, 8, 8, 3), {"o": 4, "u": 3, "v": 3}, (4, (1, 2), 3), (4, (1, 2), 3)),
        ("b c i+u j+v, o u v -> b (c o) i j", (1, 3, 8, 8), {"o": 4, "u": 3, "v": 3}, (4, (2, 3), 1), (4, (2, 3), 1)),
        ("b d+t i+u j+v, t u v -> b d i j", (1, 8, 8, 8), {"t": 3, "u": 3, "v": 3}, (4, (1, 2, 3), None), (4, (1, 2, 3), None)),
        ("b c i, c o u -> b o 2*i+u", (1, 3, 8), {"o": 4, "u": 2}, (3, (2,), 1), (3, (2,), 1)),
        ("i+u, u -> i", (8,), {"u": 3}, (1, (0,), None), (1, (0,), None)),
        ("b f, o f -> b o", (1, 8), {"o": 4}, (2, (), 1), (2, (), 1)),
    ],
)
def test_equations(pattern, shape, sizes, before, after):
    assert of(pattern, shape, **sizes) == (Places(*before), Places(*after))


def test_whole_networks():
    for graph in (lenet5(), googlenet()):
        found = places(graph)
        for node in graph:
            wanted = Places(4, (2, 3), 1) if len(node.shape) == 4 else Places(2, (), 1)
            assert found[node.name] == wanted, node.name


def test_pooling_across_maps_keeps_the_places():
    graph = maxout()
    assert {found.axes for found in places(graph).values() if found.rank == 4} == {(2, 3)}
