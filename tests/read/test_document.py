"""A network as JSON: the round trip, and what a broken text is told."""

import json
import re

import pytest
from hypothesis import given, reject, settings
from strategies import equations, sized_problems

from slidesum.core.network import Graph, Node
from slidesum.core.ops import FUNCTIONS, Input, Layer
from slidesum.core.sized import Connections
from slidesum.core.sizes import size
from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SlidesumError
from slidesum.notation.parse import parse
from slidesum.read import from_json, to_json
from slidesum.zoo import ZOO, build


def everything():
    """A network with every kind of layer and every setting of an equation."""
    net = Draft("every thing, ünïcode")
    x = net.input("b c i j", b=1, c=4, i="n", j=12)
    y = net.input("b c i j", name="second", b=1, c=4, i="n", j=12)
    z = net.add(x, y)
    z = net.concat([z, x], axis=1)
    z = net.conv(
        z, "b (g c) i+u j+v, (g o) c u v -> b (g o) i j", g=2, o=3, u=3, v=3, padding="same", bias="(g o)", border="circular"
    )
    z = net.norm(z)
    z = net.activation(z, "gelu")
    z = net.norm(z, "lrn", size=3, alpha=0.5)
    z = net.dropout(z, 0.25)
    z = net.conv(z, "b c i j, c o u v -> b o 2*i+u 2*j+v", o="k1//2 + 1", u=2, v=3, extent={"j": 26}, padding={"i": 0, "j": (0, 0)})
    z = net.conv(z, "y[b,o,i,j] = x[b,c,s*i+u,j] * up[c,u] * across[o,c] + offset[o]", o=3, u=2, s=2, border=-1.5, name="named")
    z = net.conv(z, "b c i j, o c -> b o i j", o=2, connections=Connections(("o", "c"), ((0, 0), (1, 2))), bias=True)
    z = net.pool(z, "b c i+u j -> b c i j", "max", u=2, border=float("-inf"), padding=(1, 0))
    z = net.pool(z, "b c i+u j -> b c i j", "min", u=2, border=2 + 1j, padding=1)
    z = net.pool(z, "mean b c i j -> b c")
    z = net.softmax(z)
    net.distance(z, [[0.5, -1], [1e-300, 3]])
    return net.graph


@pytest.mark.parametrize("graph", [everything(), *(build(name) for name in ZOO)], ids=lambda graph: graph.name)
def test_round_trip(graph):
    text = to_json(graph)
    again = from_json(text)
    assert again == graph
    assert [node.sized for node in again] == [node.sized for node in graph]
    assert to_json(again) == text
    assert json.loads(text)["format"] == "slidesum/1"


@settings(deadline=None)
@given(sized_problems())
def test_round_trip_of_any_layer(problem):
    sized = problem.solve()
    net = Draft("any")
    shape = sized.shapes[0]
    names = [f"a{k}" for k in range(len(shape))]
    x = net.input(" ".join(names), **dict(zip(names, shape, strict=True)))
    sizes = {**sized.extents, **problem.sizes}
    op = Layer(parse(problem.pattern), sizes, problem.padding, problem.border)
    try:
        net.place("layer", op, (x,), ())
    except SlidesumError:  # only the array of a filter would tell its extents, and a network under construction has none
        reject()
    assert from_json(to_json(net.graph)) == net.graph


@settings(deadline=None)
@given(equations(named=True))
def test_an_equation_of_any_names_is_written(equation):
    node = Node("layer", Layer(equation, {}), ("input",), ())
    (line,) = [line for line in to_json(Graph("one", (node,))).splitlines() if '"op"' in line]
    told = json.loads(line)
    if "bias" not in told:
        assert parse(told["equation"]) == equation


def test_one_line_a_layer():
    net = Draft("short")
    net.pool(net.input("b i", b=1, i="n"), "mean b 2*i+u -> b i", u=2, name="half")
    assert to_json(net.graph) == (
        '{"format": "slidesum/1",\n'
        ' "name": "short",\n'
        ' "layers": [\n'
        '  {"name": "input", "op": "input", "inputs": [], "axes": ["b", "i"], "shape": [1, "n"]},\n'
        '  {"name": "half", "op": "equation", "inputs": ["input"], "equation": "mean b 2*i+u -> b i", "sizes": {"u": 2}}\n'
        " ]}\n"
    )


def test_a_symbol_that_looks_like_nothing_else_survives():
    net = Draft("formulas")
    net.input("a b c", a=size("n//2"), b=size("k1*k2 + 3"), c=size("Max(n, 4)"))
    assert from_json(to_json(net.graph)).output.shape == net.graph.output.shape


# Broken texts. `conv` is a good one to spoil.


def good():
    net = Draft("good")
    x = net.input("b c i", b=1, c=2, i=8)
    x = net.conv(x, "b c i+u, o c u -> b o i", o=3, u=3, padding="same", name="conv")
    net.activation(x, "relu", name="relu")
    return json.loads(to_json(net.graph))


def spoiled(layer, **fields):
    told = good()
    told["layers"][layer].update(fields)
    return json.dumps(told)


def without(layer, field):
    told = good()
    del told["layers"][layer][field]
    return json.dumps(told)


BROKEN = {
    "no JSON": (
        "slidesum",
        "the text is no JSON: line 1, column 1: Expecting value\n"
        "  A network is saved as NAME.json with NAME.safetensors beside it.\n"
        "  Name the JSON file of a saved network.",
    ),
    "cut off": (
        to_json(build("type-1"))[:200],
        "the text is no JSON: line 5, column 37: Expecting ',' delimiter\n"
        "  A network is saved as NAME.json with NAME.safetensors beside it.\n"
        "  Name the JSON file of a saved network.",
    ),
    "nested too deeply": (
        "[" * 200_000,
        "the text can't be read as JSON: its lists are nested too deeply\n  Save the network anew.",
    ),
    "a number without end": (
        '{"format": ' + "9" * 5000 + "}",
        "the text can't be read as JSON: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits\n"
        "  Save the network anew.",
    ),
    "a field twice": (
        '{"format": "slidesum/1", "name": "a", "name": "b"}',
        "the text can't be read as JSON: the field 'name' stands twice\n  Save the network anew.",
    ),
    "no number": ('{"format": NaN}', "the text can't be read as JSON: NaN is no number\n  Save the network anew."),
    "a list": ("[1, 2]", 'the text is a list, not an object\n  Write an object: {"name": …}.'),
    "another format": (
        '{"format": "slidesum/9", "layers": []}',
        "the text is no saved network: its format is 'slidesum/9'\n"
        "  This slidesum reads 'slidesum/1'.\n"
        "  Name the JSON file of a saved network, or install a newer slidesum.",
    ),
    "no layers": (
        '{"format": "slidesum/1", "name": "a", "layers": []}',
        "the text: there are no layers\n  Save a network that has some.",
    ),
    "a field too many": (
        '{"format": "slidesum/1", "name": "a", "layers": [], "author": "b"}',
        "the text: the field 'author' is unknown\n"
        "  It is misspelt, or the file was written by a newer slidesum.\n"
        "  Correct or remove it, or install the newer one.",
    ),
    "layers of another type": (
        '{"format": "slidesum/1", "name": "a", "layers": {"conv": {}}}',
        "the text: the field 'layers' is an object\n  Write a list of at most 10,000 entries.",
    ),
    "a layer that is none": (
        '{"format": "slidesum/1", "name": "a", "layers": [null]}',
        'the text: layer 0 is null, not an object\n  Write an object: {"name": …}.',
    ),
    "no equation": (
        without(1, "equation"),
        "the text: layer 'conv': the field 'equation' is missing\n"
        "  It has 'sizes', 'padding'.\n  Add it, or save the network anew.",
    ),
    "an unknown op": (
        spoiled(1, op="attention"),
        "the text: layer 'conv': the field 'op' is 'attention'\n"
        "  Write one of input, stored, equation, activation, elementwise, add, dropout, batch_norm, layer_norm, group_norm, "
        "local_response_norm, softmax, concat, slice, take, pad, reshape, distance, opaque.",
    ),
    "an equation that is none": (
        spoiled(1, equation="b c 2i, o c -> b o i"),
        None,
    ),
    "sizes that contradict": (
        spoiled(1, sizes={"o": 3, "u": 3, "c": 5}),
        None,
    ),
    "a padding that is none": (
        spoiled(1, padding="sane"),
        "the text: layer 'conv': the field 'padding' is 'sane'\n"
        "  Write valid, same, same_lower, full, a number, [before, after], or an object by position.",
    ),
    "a border that is none": (
        spoiled(1, border="mirror"),
        "the text: layer 'conv': the field 'border' is 'mirror'\n  Write zero, circular, reflect, replicate, or a number.",
    ),
    "a size that is none": (
        spoiled(1, sizes={"o": 3.5, "u": 3}),
        "the text: layer 'conv': the field 'sizes' holds 3.5\n"
        '  Sizes are whole numbers from 0 to 2,147,483,647, or formulas such as "k1" or "n//2".',
    ),
    "a truth for a size": (
        spoiled(0, shape=[True, 2, 8]),
        "the text: layer 'input': the field 'shape' holds true\n"
        '  Sizes are whole numbers from 0 to 2,147,483,647, or formulas such as "k1" or "n//2".',
    ),
    "code for a size": (
        spoiled(0, shape=["__import__('os')", 2, 8]),
        "the text: layer 'input': the size \"__import__('os')\" can't be read\n"
        '  Write a number, a symbol such as "k1", or arithmetic such as "2*k1 + 1".',
    ),
    "a shape too short": (
        spoiled(0, shape=[1, 2]),
        "the text: layer 'input': the field 'shape' is a list\n  Write a list of 3 sizes, one an axis.",
    ),
    "an input from nowhere": (
        spoiled(1, inputs=["relu"]),
        "the text: layer 'conv': there is no earlier layer 'relu'\n"
        "  A layer reads layers that stand before it.\n"
        "  Correct the name, or the order.",
    ),
    "an input that is no name": (
        spoiled(1, inputs=[None]),
        "the text: layer 'conv': there is no earlier layer null\n"
        "  A layer reads layers that stand before it.\n"
        "  Correct the name, or the order.",
    ),
    "two inputs for one": (
        spoiled(2, inputs=["conv", "conv"]),
        "the text: layer 'relu': 2 inputs for the op 'activation'\n  Give it one input.",
    ),
    "an unknown function": (
        spoiled(2, function="rectify"),
        f"the text: layer 'relu': the field 'function' is 'rectify'\n  Write one of {', '.join(FUNCTIONS)}.",
    ),
    "a name twice": (
        spoiled(2, name="conv"),
        "the text: layer 'conv': good has a layer 'conv' already\n  Give every layer a name of its own.",
    ),
    "a name that is none": (
        spoiled(2, name="../conv"),
        "the text: layer '../conv': '../conv' can't be a layer's name\n  Use letters, digits, '_', '-' and '/'.",
    ),
    "a filter too large": (
        spoiled(1, sizes={"o": 2**31 - 1, "u": 3}),
        "the text: layer 'conv': a result of 1 × 2147483647 × 8 is too large\n"
        "  At most 2,147,483,647 are read from a file.\n"
        "  Give smaller sizes.",
    ),
    "a window too large": (
        spoiled(1, sizes={"o": 1, "u": 2**26}, padding="full"),
        "the text: layer 'conv': an address of 67108871 × 67108864 is too large\n"
        "  At most 16,777,216 are read from a file.\n"
        "  Give smaller sizes.",
    ),
    "formulas too long": (
        spoiled(1, sizes={name: " + ".join(f"{name}{k}" for k in range(30)) for name in "ou"} | {"c": 2}),
        None,
    ),
    "a connection beyond the array": (
        spoiled(1, connections={"indices": ["o", "c"], "pairs": [[0, 0], [3, 1]]}),
        "the text: layer 'conv': there is no connection (3, 1), or it is given twice\n"
        "  'o' has 3 and 'c' has 2.\n"
        "  Count from 0, and give every connection once.",
    ),
    "connections of a stranger": (
        spoiled(1, connections={"indices": ["c", "o"], "pairs": [[0, 0]]}),
        "the text: layer 'conv': the connections: the field 'indices' is a list\n"
        "  Write the first two indices of the filter (o, c).",
    ),
}


@pytest.mark.parametrize("case", [case for case, (_, told) in BROKEN.items() if told])
def test_broken_texts(case):
    text, told = BROKEN[case]
    with pytest.raises(FileError, match=f"^{re.escape(told)}$"):
        from_json(text)


def test_errors_of_lower_floors_keep_their_picture():
    with pytest.raises(FileError, match=r"^the text: layer 'conv': ") as caught:
        from_json(BROKEN["an equation that is none"][0])
    assert "b c 2i, o c -> b o i\n        ^^" in str(caught.value)
    with pytest.raises(FileError, match=r"^the text: layer 'conv': 'c' is 2 on x, but 5 elsewhere\n"):
        from_json(BROKEN["sizes that contradict"][0])


def test_formulas_that_would_take_for_ever():
    shape = [" + ".join(f"s{k}_{axis}" for k in range(25)) for axis in range(3)]
    with pytest.raises(FileError, match=r"^the text: layer 'input': the formulas of its sizes are too long\n"):
        from_json(spoiled(0, shape=shape))


@pytest.mark.parametrize("value", [None, True, 0, -1, 10**30, 1.5, "x", "", [], [[]], {}, {"": {}}])
def test_no_traceback_from_the_depths(value):
    """Every field of every kind of layer, replaced by something else, gives a network or an error of ours."""
    told = json.loads(to_json(everything()))
    for number, layer in enumerate(told["layers"]):
        for field in layer:
            spoilt = {**told, "layers": [*told["layers"]]}
            spoilt["layers"][number] = {**layer, field: value}
            try:
                from_json(json.dumps(spoilt))
            except FileError:
                pass
            except SlidesumError as error:
                raise AssertionError(f"{field} of {layer['name']}") from error


def test_what_the_format_cannot_tell():
    graph = Graph("odd", (Node("input", Input(("b",)), (), (size("k1") / 3,)),))
    assert from_json(to_json(graph)).output.shape == graph.output.shape
    net = Draft("nan")
    net.pool(net.input("b i", b=1, i=4), "b i+u -> b i", "max", u=2, border=float("nan"))
    with pytest.raises(FileError, match=re.escape("a border that is no number (nan) can't be saved\n  Give it a number.")):
        to_json(net.graph)
