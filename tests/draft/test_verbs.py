"""The builder: every verb, what it says when it can't, and symbols."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import sympy

from slidesum.core.network import Graph
from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    GroupNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sized import Connections
from slidesum.draft.asked import with_bias, with_reduction
from slidesum.draft.place import Tensor
from slidesum.draft.replay import with_sizes
from slidesum.draft.verbs import Draft
from slidesum.errors import MeaningError, NetworkError, NotationError, RankError, SizeError, SlidesumError, UsageError
from slidesum.laws.graph import node_counts, node_inputs_per_output, reaches, totals
from slidesum.laws.parameters import parameters
from slidesum.notation.parse import parse

CONV = "b c i+u j+v, o c u v -> b o i j"
POOL = "b c 2*i+u 2*j+v -> b c i j"


def started(**sizes: Any) -> tuple[Draft, Tensor]:
    net = Draft("net")
    return net, net.input("b c i j", **({"b": 1, "c": 4, "i": 8, "j": 6} | sizes))


VERBS: dict[str, tuple[Callable[[Draft, Tensor], Tensor], str, tuple[int, ...], type]] = {
    "conv": (lambda net, x: net.conv(x, CONV, o=5, u=3, v=3), "conv1", (1, 5, 6, 4), Layer),
    "conv, same": (lambda net, x: net.conv(x, CONV, o=5, u=3, v=3, padding="same", bias="o"), "conv1", (1, 5, 8, 6), Layer),
    "conv, equation": (lambda net, x: net.conv(x, parse(CONV), o=5, u=3, v=3, name="C1"), "C1", (1, 5, 6, 4), Layer),
    "conv, extent": (
        lambda net, x: net.conv(x, "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", o=2, u=3, v=3, extent={"i": 16, "j": 12}),
        "conv1",
        (1, 2, 16, 12),
        Layer,
    ),
    "pool": (lambda net, x: net.pool(x, POOL, "max", u=2, v=2), "pool1", (1, 4, 4, 3), Layer),
    "pool, said in the pattern": (lambda net, x: net.pool(x, f"mean {POOL}", u=2, v=2), "pool1", (1, 4, 4, 3), Layer),
    "upsampling": (lambda net, x: net.pool(x, "b c i j -> b c 2*i 2*j", extent={"i": 16}), "pool1", (1, 4, 16, 11), Layer),
    "linear": (lambda net, x: net.linear(x, 10), "linear1", (1, 10), Layer),
    "flatten": (lambda net, x: net.flatten(x), "flatten1", (1, 192), Layer),
    "flatten and linear": (lambda net, x: net.linear(net.flatten(x), 7, bias=False), "linear1", (1, 7), Layer),
    "activation": (lambda net, x: net.activation(x, "relu"), "relu1", (1, 4, 8, 6), Activation),
    "batch norm": (lambda net, x: net.norm(x), "batchnorm1", (1, 4, 8, 6), BatchNorm),
    "local response norm": (lambda net, x: net.norm(x, "lrn", size=3), "lrn1", (1, 4, 8, 6), LocalResponseNorm),
    "softmax": (lambda net, x: net.softmax(x, axis=1), "softmax1", (1, 4, 8, 6), Softmax),
    "dropout": (lambda net, x: net.dropout(x, 0.25), "dropout1", (1, 4, 8, 6), Dropout),
    "concat": (lambda net, x: net.concat([x, net.activation(x, "relu"), x]), "concat1", (1, 12, 8, 6), Concat),
    "concat, last axis": (lambda net, x: net.concat([x, x], axis=-1, name="beside"), "beside", (1, 4, 8, 12), Concat),
    "add": (lambda net, x: net.add(x, net.activation(x, "tanh")), "add1", (1, 4, 8, 6), Add),
    "distance": (lambda net, x: net.distance(net.linear(x, 3), [[1, 0, 0], [0, 1, 0]]), "distance1", (1, 2), Distance),
    "activation with a number": (lambda net, x: net.activation(x, "elu", alpha=2), "elu1", (1, 4, 8, 6), Activation),
    "layer norm": (lambda net, x: net.norm(x, "layer"), "layernorm1", (1, 4, 8, 6), LayerNorm),
    "group norm": (lambda net, x: net.norm(x, "group", groups=2), "groupnorm1", (1, 4, 8, 6), GroupNorm),
    "instance norm": (lambda net, x: net.norm(x, "instance", affine=False), "instancenorm1", (1, 4, 8, 6), GroupNorm),
    "combine": (lambda net, x: net.combine("multiply", x, net.stored((4, 1, 1))), "multiply1", (1, 4, 8, 6), Elementwise),
    "stored": (lambda net, x: net.stored((2, 3), trainable=False), "stored1", (2, 3), Stored),
    "slice": (lambda net, x: net.slice(x, 2, 1, None, 3), "slice1", (1, 4, 3, 6), Slice),
    "take": (lambda net, x: net.take(x, 1, [3, 0, 0]), "take1", (1, 3, 8, 6), Take),
    "pad": (lambda net, x: net.pad(x, (0, 0), (0, 0), (1, 2), (-1, 0)), "pad1", (1, 4, 11, 5), Pad),
    "reshape": (lambda net, x: net.reshape(x, -1, 2, 2, 48), "reshape1", (1, 2, 2, 48), Reshape),
    "two results": (lambda net, x: net.conv([x, x], "b c i j, b d i j -> b c d"), "conv1", (1, 4, 4), Layer),
}


@pytest.mark.parametrize("name", VERBS)
def test_every_verb(name: str):
    verb, layer, shape, op = VERBS[name]
    net, x = started()
    found = verb(net, x)
    assert (found.layer, found.shape) == (layer, shape)
    assert net.graph.output.name == layer
    assert type(net.graph.output.op) is op
    assert net.graph[layer].shape == shape
    assert layer in net.graph


def test_axes_are_counted_from_the_front():
    net, x = started()
    net.softmax(x)
    net.concat([x, x], axis=-1)
    net.norm(x, axis=-3)
    assert [node.op for node in net.graph][1:] == [Softmax(3), Concat(3), BatchNorm(1)]


def test_names_are_fresh():
    net, x = started()
    net.activation(x, "relu", name="relu2")
    assert [net.activation(x, "relu").layer for _ in range(3)] == ["relu1", "relu3", "relu4"]


def test_tensors_print_their_shape():
    net, x = started(i="n")
    assert repr(net.conv(x, CONV, o="k", u=3, v=3)) == "conv1 (1, k, n - 2, 4)"


def test_users_and_inputs():
    net, x = started()
    left, right = net.activation(x, "relu"), net.activation(x, "tanh")
    net.add(left, right)
    assert [node.name for node in net.graph.users("input")] == ["relu1", "tanh1"]
    assert [node.name for node in net.graph.inputs] == ["input"]
    assert "nothing" not in net.graph


ERRORS: dict[str, tuple[type[SlidesumError], Callable[[Draft, Tensor], Any], str]] = {
    "input, address": (
        UsageError,
        lambda net, x: net.input("b i+u", b=1, i=3, u=2),
        "the axes of an input are plain names, not 'b i+u'\n  Write for example 'b c i j'.",
    ),
    "input, twice": (
        UsageError,
        lambda net, x: net.input("b b", b=1),
        "the axes of an input are named apart, not 'b b'\n  Write for example 'b c i j'.",
    ),
    "input, missing": (
        SizeError,
        lambda net, x: net.input("b c i", b=1, c=3),
        "the input's axes are b c i, and sizes were given for b, c\n  Give every axis one extent; the odd one is i.",
    ),
    "input, superfluous": (
        SizeError,
        lambda net, x: net.input("b", b=1, q=3),
        "the input's axes are b, and sizes were given for b, q\n  Give every axis one extent; the odd one is q.",
    ),
    "input, twice the same name": (
        NetworkError,
        lambda net, x: net.input("b", b=1),
        "net has a layer 'input' already\n  Give every layer a name of its own.",
    ),
    "a bad name": (
        NetworkError,
        lambda net, x: net.activation(x, "relu", name="a.b"),
        "'a.b' can't be a layer's name\n  Use letters, digits, '_', '-' and '/'.",
    ),
    "a stranger": (
        NetworkError,
        lambda net, x: net.activation(Tensor("elsewhere", (1, 2)), "relu"),
        "elsewhere (1, 2) isn't a result of this network\n  Pass what a verb of net returned.",
    ),
    "a stranger of the same name": (
        NetworkError,
        lambda net, x: net.activation(Tensor("input", (1, 2)), "relu"),
        "input (1, 2) isn't a result of this network\n  Pass what a verb of net returned.",
    ),
    "conv, open": (
        SizeError,
        lambda net, x: net.conv(x, CONV, u=3, v=3),
        """\
the extent of 'o' is open
    b c i+u j+v, o c u v -> b o i j
                 ^
  Nothing that was given has an axis of that name alone.
  Give it beside the pattern: o=3.""",
    ),
    "conv, bias": (
        UsageError,
        lambda net, x: net.conv(x, CONV, o=5, u=3, v=3, bias=3),
        'a layer\'s bias is named by its axes, not 3\n  Write bias="o", or bias=True.',
    ),
    "a filter called bias": (
        UsageError,
        lambda net, x: net.conv(x, "y[b,o,i,j] = x[b,c,i,j] * bias[o,c]", o=5),
        "a filter can't be called 'bias', as the layer's bias is\n  Give it another name, such as w.",
    ),
    "pool, reduction": (
        UsageError,
        lambda net, x: net.pool(x, POOL, "median", u=2, v=2),
        "there is no reduction 'median'\n  There are sum, max, mean, min.\n  Write one of them.",
    ),
    "pool, two reductions": (
        UsageError,
        lambda net, x: net.pool(x, f"max {POOL}", "mean", u=2, v=2),
        "the pattern says 'max', and the call 'mean'\n  Say it once.",
    ),
    "linear": (
        RankError,
        lambda net, x: net.linear(net.input("f", f=3, name="flat"), 2),
        "a linear layer needs a batch and at least one more axis, and flat (3) has none\n  Keep the batch axis.",
    ),
    "flatten": (
        RankError,
        lambda net, x: net.flatten(net.input("f", f=3, name="flat")),
        "there is nothing to flatten: flat (3) has one axis\n  Pass x on as it is.",
    ),
    "activation": (
        UsageError,
        lambda net, x: net.activation(x, "rely"),
        "there is no activation 'rely'\n"
        "  There are identity, affine, relu, relu6, leaky_relu, elu, selu, celu, clip, sigmoid, hard_sigmoid, tanh, scaled_tanh, "
        "silu, hard_swish, mish, gelu, gelu_tanh, softplus, softsign, exp, log, sqrt, power, reciprocal, abs, negative, sign, "
        "floor, ceil, round, erf, sin, cos.\n"
        "  Write one of them.",
    ),
    "activation, option": (
        UsageError,
        lambda net, x: net.activation(x, "leaky_relu", alpha=1),
        "leaky_relu takes no alpha=1\n  Its options: slope=0.01.\n  Give numbers for these.",
    ),
    "activation, no options": (
        UsageError,
        lambda net, x: net.activation(x, "relu", slope=1),
        "relu takes no slope=1\n  Its options: none.\n  Give numbers for these.",
    ),
    "activation, numbers": (
        UsageError,
        lambda net, x: net.place("slope", Activation("leaky_relu"), (x,)),
        "slope: leaky_relu takes 1 numbers, and 0 were given\n  They are slope.\n  Give each, in this order.",
    ),
    "combine": (
        UsageError,
        lambda net, x: net.combine("plus", x, x),
        "there is no combination 'plus'\n"
        "  There are add, subtract, multiply, divide, maximum, minimum, power.\n"
        "  Write one of them.",
    ),
    "combine, shapes": (
        SizeError,
        lambda net, x: net.combine("add", x, net.pool(x, POOL, "max", u=2, v=2)),
        "add1 combines 1×4×8×6 and 1×4×4×3\n"
        "  Axes are compared from the last; they are equal, or one of them has the extent one.\n"
        "  Reshape one of them first.",
    ),
    "slice": (
        SizeError,
        lambda net, x: net.slice(x, 2, 3, 9),
        "slice1 takes the cells 3 to 9 by steps of 1 of an axis of 8\n  Let 0 ≤ start ≤ stop ≤ 8, and the step be at least one.",
    ),
    "take": (
        SizeError,
        lambda net, x: net.take(x, 1, [0, 4]),
        "take1 takes the cell 4 of an axis of 4\n  Name cells from 0 to 3.",
    ),
    "pad, axes": (
        RankError,
        lambda net, x: net.pad(x, (1, 1)),
        "pad1 pads 1 axes, and its input has 4\n  Give (before, after) for every axis.",
    ),
    "pad, cropped": (
        SizeError,
        lambda net, x: net.pad(x, (0, 0), (0, 0), (-5, -4), (0, 0)),
        "pad1 crops more than 1×4×8×6 has\n  Crop less.",
    ),
    "reshape": (
        SizeError,
        lambda net, x: net.reshape(x, 1, 5, -1),
        "reshape1 makes 1×5×-1 of 1×4×8×6\n  They don't have as many values.\n  Give extents whose product is that of the input.",
    ),
    "reshape, open": (
        SizeError,
        lambda net, x: net.reshape(x, -1, -1),
        "reshape1 can't have the shape -1×-1\n  Leave at most one extent open, as -1.",
    ),
    "group norm": (
        SizeError,
        lambda net, x: net.norm(x, "group", groups=3),
        "groupnorm1 can't make 3 groups of 4 maps\n  Let the groups divide the maps.",
    ),
    "shares": (
        NetworkError,
        lambda net, x: net.conv(net.activation(x, "relu", name="r"), CONV, o=5, u=3, v=3, name="again", shares="r"),
        "'again' can't share the arrays of 'r'\n"
        "  They share when both keep arrays of the same names and shapes.\n"
        "  Name a layer of the same kind and sizes.",
    ),
    "too many arrays": (
        UsageError,
        lambda net, x: net.conv([x, x, x], "b c i j, b c i j -> b i j"),
        "conv1 has the equation 'b c i j, b c i j -> b i j', and 3 arrays were given for its 2 operands\n"
        "  Pass one result an operand; operands without one are filters.",
    ),
    "norm, kind": (
        UsageError,
        lambda net, x: net.norm(x, "spectral"),
        "there is no normalisation 'spectral'\n  There are batch, layer, group, instance and lrn.\n  Write one of them.",
    ),
    "norm, option": (
        UsageError,
        lambda net, x: net.norm(x, "lrn", epsilon=1),
        "lrn normalisation has the options size, alpha, beta, k\n  Take the others away.",
    ),
    "norm, size": (
        UsageError,
        lambda net, x: net.norm(x, "lrn", size=0),
        "lrn looks at one map or more, not 0\n  Write size=5, say.",
    ),
    "norm, half a group": (
        UsageError,
        lambda net, x: net.norm(x, "group", groups=2.5),
        "groups=2.5 can't normalise\n  Give a whole number.",
    ),
    "norm, half a map": (
        UsageError,
        lambda net, x: net.norm(x, "lrn", size=2.5),
        "size=2.5 can't normalise\n  Give a whole number.",
    ),
    "norm, no number of groups": (
        UsageError,
        lambda net, x: net.norm(x, "group", groups=math.nan),
        "groups=nan can't normalise\n  Give a number of at least 0.",
    ),
    "norm, endless": (
        UsageError,
        lambda net, x: net.norm(x, "lrn", size=math.inf),
        "size=inf can't normalise\n  Give a number of at least 0.",
    ),
    "norm, open maps": (
        SizeError,
        lambda net, x: net.norm(net.input("b c i", b=1, c="k1", i=8, name="open"), "instance"),
        "the maps of open (1, k1, 8) are the groups of an instance normalisation\n  Give them a number.",
    ),
    "norm, axis": (
        RankError,
        lambda net, x: net.norm(net.input("f", f=3, name="flat")),
        "flat (3) has no axis 1\n  Its axes are 0 to 0.",
    ),
    "softmax": (
        RankError,
        lambda net, x: net.softmax(x, axis=4),
        "input (1, 4, 8, 6) has no axis 4\n  Its axes are 0 to 3.",
    ),
    "dropout": (
        UsageError,
        lambda net, x: net.dropout(x, 1.0),
        "a dropout rate lies in [0, 1), and 1.0 doesn't\n  Write 0.5, say.",
    ),
    "concat, nothing": (
        UsageError,
        lambda net, x: net.concat([]),
        "concat1 reads at least one array, and 0 were given\n  Pass the results of earlier layers.",
    ),
    "concat, shapes": (
        SizeError,
        lambda net, x: net.concat([x, net.pool(x, POOL, "max", u=2, v=2)]),
        "concat1 joins 1×4×8×6 and 1×4×4×3\n  Their shapes differ.\n  Pad, pool or project one of them first.",
    ),
    "add, nothing": (
        UsageError,
        lambda net, x: net.add(),
        "add1 reads at least one array, and 0 were given\n  Pass the results of earlier layers.",
    ),
    "add, ranks": (
        SizeError,
        lambda net, x: net.add(x, net.flatten(x)),
        "add1 joins 1×4×8×6 and 1×192\n  Their shapes differ.\n  Pad, pool or project one of them first.",
    ),
    "distance": (
        SizeError,
        lambda net, x: net.distance(x, [[1, 2]]),
        "distance1: 1 centres don't fit 1×4×8×6\n"
        "  The input has a batch axis and one more, as long as each centre.\n"
        "  Flatten it first.",
    ),
    "connections, axes": (
        MeaningError,
        lambda net, x: net.conv(x, "b c i j, c o -> b o i j", o=2, connections=Connections(("o", "c"), ((0, 0),))),
        "the connections are between 'o' and 'c', which are no filter's first two axes\n"
        "  A filter keeps one entry a connection in place of these two axes.\n"
        "  Write them first on the filter, in this order.",
    ),
    "connections, range": (
        SizeError,
        lambda net, x: net.conv(x, "b c i j, o c -> b o i j", o=2, connections=Connections(("o", "c"), ((0, 0), (2, 1)))),
        "there is no connection (2, 1), or it is given twice\n"
        "  'o' has 2 and 'c' has 4.\n"
        "  Count from 0, and give every connection once.",
    ),
    "connections, twice": (
        SizeError,
        lambda net, x: net.conv(x, "b c i j, o c -> b o i j", o=2, connections=Connections(("o", "c"), ((0, 0), (0, 0)))),
        "there is no connection (0, 0), or it is given twice\n"
        "  'o' has 2 and 'c' has 4.\n"
        "  Count from 0, and give every connection once.",
    ),
    "an unknown layer": (
        NetworkError,
        lambda net, x: net.graph["conv9"],
        "net has no layer 'conv9'\n  Its layers are input.\n  Name one of them.",
    ),
    "no layer at all": (
        NetworkError,
        lambda net, x: Graph("empty").output,
        "empty has no layers\n  Begin with net.input(…).",
    ),
    "an unknown symbol": (
        SizeError,
        lambda net, x: with_sizes(net.graph, {"k": 3}),
        "net has no symbol 'k'\n  Its symbols are none.\n  Take it away, or correct its name.",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_whole_text(name: str):
    kind, deed, text = ERRORS[name]
    net, x = started()
    before = net.graph.nodes[:1]
    with pytest.raises(SlidesumError) as caught:
        deed(net, x)
    assert type(caught.value) is kind
    assert str(caught.value) == text
    assert net.graph.nodes[:1] == before


def test_an_error_leaves_the_network_as_it_was():
    net, x = started()
    with pytest.raises(SizeError, match="the extent of 'o' is open"):
        net.conv(x, CONV, u=3, v=3)
    assert [node.name for node in net.graph] == ["input"]


@pytest.mark.parametrize(
    ("pattern", "bias", "named"),
    [
        (CONV, True, ["o"]),
        (CONV, "o", ["o"]),
        ("b (g c) i+u, (g o) c u -> b (g o) i", True, ["g", "o"]),
        ("b c i+u, c u -> b c i", True, ["c"]),
        ("b c i+u, o u -> b (c o) i", True, ["o"]),
        ("b c i+u, o u -> b (c o) i", "(c o)", ["c", "o"]),
    ],
)
def test_biases(pattern: str, bias: str | bool, named: list[str]):
    found = with_bias(parse(pattern), bias).bias
    assert found is not None
    assert list(found.indices) == named


@pytest.mark.parametrize("bias", [None, False, ""])
def test_no_bias(bias: Any):
    assert with_bias(parse(CONV), bias) == parse(CONV)


def test_a_bias_is_checked():
    with pytest.raises(MeaningError, match="the bias runs over 'c', which doesn't stand on the result"):
        with_bias(parse(CONV), "c")
    with pytest.raises(NotationError, match=r"^an address holds no spaces\n"):
        with_bias(parse(CONV), "o + c")


def test_reductions():
    assert with_reduction(parse(POOL), "max") == parse(f"max {POOL}") == with_reduction(parse(f"max {POOL}"), "max")
    assert with_reduction(parse(POOL), None) == parse(POOL)
    with pytest.raises(MeaningError, match="'max' pools one operand, and here are 2"):
        with_reduction(parse(CONV), "max")


# Symbols


def question() -> Draft:
    """The network of the question, as the README builds it."""
    net = Draft("two layers")
    x = net.input("b c i j", b=1, c=1, i="n", j="m")
    x = net.conv(x, CONV, o="k1", u=3, v=3, padding="same", bias="o", name="conv1")
    x = net.activation(x, "relu")
    x = net.conv(x, CONV, o="k2", u=5, v=5, padding="same", bias="o", name="conv2")
    net.pool(x, POOL, "max", u=2, v=2, name="pool")
    return net


def test_counts_are_formulas():
    k1, k2, n, m = sympy.symbols("k1 k2 n m", integer=True, positive=True)
    counts = totals(question().graph)
    assert sympy.expand(counts.parameters - (9 * k1 + k1 + 25 * k1 * k2 + k2)) == 0
    assert sympy.expand(counts.weights - (9 * k1 + 25 * k1 * k2)) == 0
    assert sympy.expand(counts.biases - (k1 + k2)) == 0
    assert sympy.expand(counts.macs - (9 * k1 * n * m + 25 * k1 * k2 * n * m)) == 0
    assert node_inputs_per_output(question().graph, question().graph["conv2"]) == 25 * k1


def test_the_symbols_of_a_network():
    assert question().graph.symbols == ("k1", "k2", "m", "n")
    net, x = started()
    net.conv(x, CONV, o=2, u="f", v=1, padding="same")
    assert net.graph.symbols == ("f",)  # no result shows it


def test_numbers_for_symbols():
    formulas = question().graph
    small = with_sizes(formulas, {"n": 28, "m": 20, "k1": 32, "k2": 64})
    assert small.symbols == ()
    assert [node.shape for node in small] == [(1, 1, 28, 20), (1, 32, 28, 20), (1, 32, 28, 20), (1, 64, 28, 20), (1, 64, 14, 10)]
    assert [node.name for node in small] == [node.name for node in formulas]
    counts, numbers = totals(formulas), {"n": 28, "m": 20, "k1": 32, "k2": 64}
    for field in ("weights", "biases", "macs", "outputs"):
        assert getattr(totals(small), field) == getattr(counts, field).subs(
            {sympy.Symbol(name, integer=True, positive=True): value for name, value in numbers.items()}
        ), field
    stored = {f"{node.name}.{p.name}": p.shape for node in small for p in parameters(node)}
    assert stored == {
        "conv1.w": (32, 1, 3, 3),
        "conv1.bias": (32,),
        "conv2.w": (64, 32, 5, 5),
        "conv2.bias": (64,),
    }


def test_some_numbers_for_some_symbols():
    part = with_sizes(question().graph, {"n": 28, "m": "n2"})
    assert part.symbols == ("k1", "k2", "n2")
    assert str(part["conv1"].shape) == "(1, k1, 28, n2)"


def test_every_kind_of_layer_is_built_again():
    net = Draft("all")
    x = net.input("b c i j", b=1, c="k", i=8, j=8)
    x = net.norm(net.conv(x, CONV, o="2*k", u=3, v=3, padding="same", bias="o"), "batch", epsilon=1e-3)
    x = net.add(net.activation(x, "relu"), net.norm(x, "lrn", size=3))
    x = net.concat([x, net.pool(x, "b c i+u-1 j+v-1 -> b c i j", "max", u=3, v=3)])
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u 2*j+v", o=3, u=1, v=1, extent={"i": 16, "j": 16})
    x = net.dropout(net.linear(net.flatten(x), 2))
    net.softmax(net.distance(x, [[0, 1], [1, 0], [1, 1]]))
    again = with_sizes(net.graph, {"k": 3})
    assert [node.op for node in again if not isinstance(node.op, Layer)][1:] == [
        node.op for node in net.graph if not isinstance(node.op, Layer)
    ][1:]
    assert again["concat1"].shape == (1, 12, 8, 8)
    assert again["conv2"].shape == (1, 3, 16, 16)
    assert again.output.shape == (1, 3)
    assert with_sizes(again, {}) == again


def test_two_symbols_may_swap():
    net = Draft("net")
    net.input("b i j", b=1, i="n", j="m")
    assert str(with_sizes(net.graph, {"n": "m", "m": "n"}).output.shape) == "(1, m, n)"


# What follows from the graph


def test_reaches():
    net = Draft("net")
    x = net.input("b c i j", b=1, c=3, i=32, j=32)
    x = net.conv(x, CONV, o=4, u=3, v=3)
    x = net.pool(x, POOL, "max", u=2, v=2)
    x = net.conv(net.activation(x, "relu"), CONV, o=4, u=5, v=3, padding="same")
    found = reaches(net.graph)[x.layer]
    assert [(r.field, r.stride, r.padding) for r in (found["i"], found["j"])] == [(12, 2, 4), (8, 2, 2)]


def test_branches_of_other_strides_meet():
    net, x = started(i=8, j=8)
    y = net.pool(net.pool(x, POOL, "max", u=2, v=2), "b c i j -> b c 2*i+u 2*j+v", u=2, v=2)
    net.add(x, y)
    assert reaches(net.graph)["add1"]["i"].stride == 1
    net, x = started(i=8, j=8)
    left = net.pool(x, POOL, "max", u=2, v=2)
    right = net.pool(x, "b c i+u j+v -> b c i j", "max", u=5, v=5)
    net.add(left, right)
    whole = reaches(net.graph)["add2" if "add2" in net.graph else "add1"]["i"]
    assert (whole.stride, whole.along) == (0, None)  # no one window tells it; all that either branch reads does


def test_counts_of_other_layers():
    net, x = started()
    norm, distance = net.norm(x), net.distance(net.linear(x, 3), [[1, 0, 0], [0, 1, 0]])
    assert (node_counts(net.graph[norm.layer]).weights, node_counts(net.graph[norm.layer]).biases) == (4, 4)
    assert node_counts(net.graph[distance.layer]).macs == 6
    per_output = {
        net.softmax(x, axis=1).layer: 4,
        net.norm(x, "lrn", size=5).layer: 5,
        net.add(x, x).layer: 2,
        net.activation(x, "relu").layer: 1,
        "input": 0,
        distance.layer: 3,
    }
    for name, wanted in per_output.items():
        assert node_inputs_per_output(net.graph, net.graph[name]) == wanted, name
    assert totals(net.graph).parameters == 8 + 3 * 192 + 3
