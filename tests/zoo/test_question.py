"""The network of the question: counts of the three types, as formulas and as numbers of real arrays."""

import random
import re

import pytest

from slidesum.core.sizes import size
from slidesum.errors import SizeError, UsageError
from slidesum.laws.graph import node_counts, node_inputs_per_output, totals
from slidesum.run.network import initial_values, run
from slidesum.zoo import TYPES, question

CONVOLUTIONS = {  # weights, biases, maps out, input values per output value of the second layer
    "1": ("9*k1 + 25*k2", "k1 + k2", "k1*k2", "25"),
    "2.1": ("9*k1 + 25*k2", "k1 + k2", "k2", "25*k1"),
    "2.2": ("9*k1 + 25*k1*k2", "k1 + k2", "k2", "25*k1"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_formulas(kind):
    net = question(kind)
    weights, biases, maps, read = map(size, CONVOLUTIONS[kind])
    first, second = node_counts(net["conv1"]), node_counts(net["conv2"])
    assert first.weights + second.weights == weights
    assert first.biases + second.biases == biases
    assert net["conv2"].shape == (1, maps, size("n"), size("m"))
    assert node_inputs_per_output(net, net["conv2"]) == read
    assert net.symbols == ("k1", "k2", "m", "n")
    assert [node.name for node in net] == ["input", "conv1", "relu1", "conv2", "relu2", "pool", "linear"]


@pytest.mark.parametrize("kind", TYPES)
def test_formulas_count_the_elements_of_real_arrays(kind):
    draw = random.Random(kind)
    for _ in range(10):
        k1, k2 = draw.randint(1, 9), draw.randint(1, 9)
        net = question(kind, k1=k1, k2=k2, n=6, m=7)
        values = initial_values(net)
        kept = {name: sum(values[f"{layer}.{name}"].size for layer in ("conv1", "conv2")) for name in ("w", "bias")}
        assert kept["w"] == 9 * k1 + 25 * k2 * (k1 if kind == "2.2" else 1)
        assert kept["bias"] == k1 + k2
        assert sum(array.size for array in values.values()) == totals(net).parameters


def test_it_runs():
    net = question("1", k1=2, k2=3, n=6, m=7, classes=4, colours=2)
    found = run(net, initial_values(net), [[[[0.0] * 7] * 6] * 2])
    assert {name: x.shape for name, x in found.items()} == {
        "input": (1, 2, 6, 7),
        "conv1": (1, 4, 6, 7),
        "relu1": (1, 4, 6, 7),
        "conv2": (1, 12, 6, 7),
        "relu2": (1, 12, 6, 7),
        "pool": (1, 12, 3, 3),
        "linear": (1, 4),
    }


def test_an_unknown_type():
    told = """there is no type '3'
  The types are 1, 2.1, 2.2.
  Write question("2.2") for the layer that everybody uses."""
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        question("3")


def test_a_size_that_is_none():
    with pytest.raises(SizeError, match=r"a size is a whole number or a symbol, not 1\.5"):
        question("1", k1=1.5)
