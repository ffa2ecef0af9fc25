"""What a compiled network refuses, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

import slidesum as ss
from slidesum.errors import ArrayError, SizeError, UsageError


@pytest.fixture(scope="module")
def net() -> ss.Network:
    made = ss.Network("small")
    made.linear(made.input("b c i j", b=1, c=2, i=3, j=4), 5, name="fc")
    return made


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch": 0}, "batch= is a whole number from 1 on, not 0\n  Write batch=16, say."),
        ({"batch": True}, "batch= is a whole number from 1 on, not True\n  Write batch=16, say."),
        ({"threads": 0}, "threads= is a number from 1 to 1024, not 0\n  Write threads=2, say."),
        ({"threads": 1.5}, "threads= is a number from 1 to 1024, not 1.5\n  Write threads=2, say."),
        ({"exact": 1}, "exact= is True or False, not 1\n  Write exact=True to forbid Winograd's transforms."),
    ],
)
def test_options(net, options, text):
    with pytest.raises(UsageError) as caught:
        net.compile(**options)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("inputs", "kind", "text"),
    [
        ([], UsageError, "small has 1 inputs, and 0 were given\n  Give one array an input."),
        (
            [np.ones((3, 2, 3, 4))],
            SizeError,
            "the input has a batch of 3, and this program was compiled for 1\n  Compile it for that: net.compile(batch=3).",
        ),
        (
            [np.ones((1, 2, 3, 5))],
            SizeError,
            "the input has the shape (1, 2, 3, 5), and the network expects (1, 2, 3, 4)\n"
            "  Its axes are b c i j; the first may have any extent.\n"
            "  Crop or scale the image, or give the network other sizes.",
        ),
        (
            [np.ones((1, 2, 3, 4), "complex64")],
            ArrayError,
            "a compiled network computes in float32, and this array is complex\n  Use net.run.",
        ),
    ],
)
def test_inputs(net, inputs, kind, text):
    with pytest.raises(kind) as caught:
        net.compile()(*inputs)
    assert str(caught.value) == text


def test_tensors_elsewhere(net):
    torch = pytest.importorskip("torch")
    with pytest.raises(ArrayError) as caught:
        net.compile()(torch.empty(1, 2, 3, 4, device="meta"))
    assert str(caught.value) == "a compiled network runs on the processor, and this tensor is on meta\n  Move it: x.cpu()."


def test_open_sizes():
    net = ss.load("type-2.2")
    with pytest.raises(SizeError) as caught:
        net.compile()
    assert str(caught.value).startswith("type-2.2 has open sizes: k1, k2, m, n\n")


def test_inputs_without_a_batch_in_common():
    net = ss.Network("two")
    x, y = net.input("b f", b=1, f=3, name="x"), net.input("b f", b=2, f=3, name="y")
    net.output(net.linear(x, 2), net.linear(y, 2))
    with pytest.raises(UsageError) as caught:
        net.compile(batch=4)
    assert str(caught.value) == "the inputs of two have no batch in common\n  Compile it without batch=, as it was declared."
