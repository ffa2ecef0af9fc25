"""A run that checks what is told: shapes and finite numbers, and what can't be run."""

from dataclasses import replace

import numpy as np
import pytest

import slidesum as ss
from slidesum.core.network import Graph
from slidesum.core.ops import Opaque
from slidesum.errors import SizeError
from slidesum.run.verify import verify


def chain():
    net = ss.Network("chain")
    x = net.linear(net.input("b f", b=2, f=4), 3, name="first")
    net.activation(x, "relu", name="relu")
    return net


def test_a_sound_network_agrees():
    found = chain().verify()
    assert (found.agrees, found.ran, found.left_out) == (True, ("first", "relu"), ())
    assert str(found) == "2 of 2 layers were run on random numbers: every shape is the one told, and every number is finite"


def test_a_wrong_shape_is_found():
    net = chain()
    wrong = tuple(replace(node, shape=(2, 5)) if node.name == "relu" else node for node in net.graph)
    found = verify(Graph("wrong", wrong), net.values)
    assert found.wrong == ("relu has the shape 2×3, and 2×5 was told",)
    assert not found.agrees


def test_numbers_that_are_none_are_found():
    net = chain()
    net.values = {**net.values, "first.bias": np.array([0, np.inf, np.nan], dtype="float32")}
    found = net.verify()
    assert found.wrong[0] == "first has 4 values of 6 that are not finite"
    assert str(found).startswith("2 of 2 layers were run on random numbers: first has 4 values of 6 that are not finite; relu has ")


def test_what_is_known_by_its_shape_alone_is_left_out_with_all_behind_it():
    net = chain()
    x = net.place("mystery", Opaque("Mystery", (2, 3)), [net.tensor("relu")])
    net.linear(x, 2, name="behind")
    net.softmax(net.tensor("relu"), name="beside")
    net.output(net.tensor("behind"), net.tensor("beside"))
    found = verify(net.graph, {**chain().values, **behind_values()})
    assert (found.ran, found.left_out, found.agrees) == (("first", "relu", "beside"), ("mystery", "behind"), True)
    assert str(found).endswith("; not run: mystery, behind")


def behind_values():
    return {"behind.w": np.zeros((2, 3), "float32"), "behind.bias": np.zeros(2, "float32")}


def test_open_sizes_are_refused():
    with pytest.raises(SizeError) as error:
        verify(ss.load("type-2.2").graph, {})
    assert str(error.value) == (
        "type-2.2 has open sizes: k1, k2, m, n\n  Symbols are enough to count, but not to compute.\n"
        "  Give them numbers: net.with_sizes(k1=8, k2=8, m=8, n=8)."
    )
