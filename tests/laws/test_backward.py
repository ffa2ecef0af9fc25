"""Backward multiply-adds of networks: which gradients there are, and that each counts what its equation says."""

import pytest

import slidesum as ss
from slidesum.core.ops import Layer
from slidesum.laws.backward import backward_macs
from slidesum.laws.count import backward_macs as layer_backward_macs
from slidesum.laws.count import count
from slidesum.laws.gradient import gradient_of
from slidesum.notation.parse import parse

CONV = "b c i+u j+v, o c u v -> b o i j"


def network():
    net = ss.Network("net")
    x = net.input("b c i j", b=2, c=3, i=9, j=9)
    x = net.activation(net.conv(x, CONV, o=4, u=3, v=3, bias="o", name="conv1"), "relu", name="relu")
    x = net.pool(x, "b c 2*i+u 2*j+v -> b c i j", "max", u=3, v=3, name="pool")
    net.linear(x, 5, name="linear")
    return net


def test_the_first_layer_has_no_gradient_by_the_image_unless_asked():
    graph = network().graph
    conv, linear, pool = (graph[name].sized for name in ("conv1", "linear", "pool"))
    found, asked = backward_macs(graph), backward_macs(graph, inputs=True)
    assert found["conv1"] == count(gradient_of(conv, "w")).macs == count(conv).macs
    assert asked["conv1"] == layer_backward_macs(conv) == 2 * count(conv).macs
    assert found["linear"] == layer_backward_macs(linear) == 2 * count(linear).macs
    assert found["pool"] == layer_backward_macs(pool) == 2 * 4 * 3 * 3 * 9
    assert found["relu"] == found["input"] == 0
    assert {name: n for name, n in asked.items() if name != "conv1"} == {name: n for name, n in found.items() if name != "conv1"}


def test_what_nothing_learns_in_front_of_has_no_gradient():
    net = ss.Network("pooled first")
    x = net.pool(net.input("b c i", b=1, c=2, i=8), "b c 2*i+u -> b c i", "mean", u=2, name="pool")
    net.linear(x, 3, name="linear")
    found = backward_macs(net.graph)
    assert (found["pool"], found["linear"]) == (0, 2 * 4 * 3)
    assert backward_macs(net.graph, inputs=True)["pool"] == 2 * 8


def test_products_of_two_results_have_two_gradients_and_stored_arrays_one():
    net = ss.Network("attention")
    x = net.input("b n f", b=1, n=4, f=6)
    q = net.conv(x, "b n f, h f -> b n h", h=5, name="q")
    k = net.conv(x, "b n f, h f -> b n h", h=5, name="k")
    net.place("scores", Layer(parse("b n h, b m h -> b n m"), {}), [q, k])
    table = net.stored((5, 3), name="table")
    net.place("mixed", Layer(parse("b n h, h r -> b n r"), {}), [q, table])
    fixed = net.stored((5, 3), trainable=False, name="fixed")
    net.place("moved", Layer(parse("b n h, h r -> b n r"), {}), [q, fixed])
    found = backward_macs(net.graph)
    scores = net.graph["scores"].sized
    assert found["scores"] == 2 * count(scores).macs
    assert found["q"] == count(net.graph["q"].sized).macs
    assert (found["mixed"], found["moved"]) == (2 * 4 * 5 * 3, 4 * 5 * 3)


def test_distances_and_the_total_of_lenet5():
    graph = ss.load("lenet5").graph
    found = backward_macs(graph)
    assert found["OUTPUT"] == 840
    convolutions = ["C3", "C5", "F6", "S2", "S4"]
    assert all(found[name] == layer_backward_macs(graph[name].sized) for name in convolutions)
    assert sum(found.values()) == ss.load("lenet5").table().totals["backward_macs"] == 547_208


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet18"])
def test_the_total_of_a_network_is_that_of_its_layers_less_the_gradient_by_the_image(name):
    graph = ss.load(name).graph
    by_layer = sum(layer_backward_macs(node.sized) for node in graph if node.sized)
    first = next(node for node in graph if node.sized)
    image = count(gradient_of(first.sized, "x")).macs
    assert sum(backward_macs(graph).values()) == by_layer - image
    assert sum(backward_macs(graph, inputs=True).values()) == by_layer
