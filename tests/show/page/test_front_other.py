"""Layers that are no equation, and functions of single numbers: what the page computes and reads is what Python does."""

import itertools
import json
import math

import numpy as np
import pytest
from front_modules import front_modules, tensor_sent

import slidesum as ss
from slidesum.core.ops import COMBINATIONS, FUNCTIONS, OPTIONS, Input, LayerNorm, Stored
from slidesum.run.numpy_functions import COMBINATIONS as NUMPY_COMBINATIONS
from slidesum.run.numpy_functions import FUNCTIONS as NUMPY_FUNCTIONS
from slidesum.show.explanation import explain
from slidesum.show.page.document import page_document


@pytest.fixture(scope="module")
def call(browser):
    with front_modules(browser, ["explain.js", "functions.js", "other.js", "tensor.js", "wiring.js"]) as called:
        yield called


def every_other_layer():
    """Each op of core/ops.py that is no equation, with each of its options told."""
    net = ss.Network("others")
    x = net.input("b c i j", b=2, c=6, i=3, j=4)
    net.activation(x, "leaky_relu", slope=0.125, name="leaky")
    net.activation(x, "clip", low=-0.5, high=math.inf, name="clip")
    net.dropout(x, name="drop")
    net.add(x, x, net.activation(x, "relu", name="relu"), name="add")
    part = net.slice(x, 1, 1, 6, 2, name="slice")
    net.concat([part, x, part], name="concat")
    net.concat([x, x], axis=-1, name="beside")
    row = net.stored((1, 6, 1, 4), name="stored")
    net.combine("multiply", x, row, name="repeated")
    net.combine("divide", net.stored((3, 1), name="column"), x, name="divided")
    net.take(x, 2, [2, 0, 2, 1], name="take")
    for number, border in enumerate(("zero", "circular", "reflect", "replicate", 1.5)):
        net.pad(x, (0, 0), (0, 1), (2, 2), (-1, 3), border=border, name=f"pad{number}")
    net.reshape(x, -1, 3, 8, name="reshape")
    net.norm(x, "batch", name="batch")
    net.norm(x, "batch", affine=False, axis=2, epsilon=0.01, name="plain-batch")
    net.norm(x, "layer", name="layer")
    net.norm(x, "layer", centred=False, shift=False, axis=1, name="root-mean-square")
    net.place("two-axes", LayerNorm((3, 1), 0.25), (x,))
    net.norm(x, "group", groups=3, name="group")
    net.norm(x, "instance", affine=False, name="instance")
    net.norm(x, "lrn", size=3, alpha=0.5, beta=0.75, k=1.5, name="odd-lrn")
    net.norm(x, "lrn", size=4, name="even-lrn")
    net.softmax(x, name="softmax")
    net.softmax(x, axis=1, name="softmax-over-maps")
    flat = net.reshape(x, -1, 72, name="flat")
    net.distance(flat, np.random.default_rng(3).normal(size=(5, 72)), name="distance")
    chance = np.random.default_rng(5)
    net.values = {name: chance.uniform(0.5, 1.5, array.shape).astype(np.float32) for name, array in net.values.items()}
    return net


@pytest.fixture(scope="module")
def others():
    net = every_other_layer()
    image = np.random.default_rng(4).normal(size=(2, 6, 3, 4)).astype(np.float32)
    with np.errstate(divide="ignore"):
        maps = net.run(image)
    return net, maps, json.loads(json.dumps(page_document(net.graph, maps)).replace("Infinity", '"Infinity"'))["layers"]


EXPLAINED = """(layers, name, places, given) => {
  const tensor = ({ shape, data }) => ({ shape, data: Float32Array.from(data), scale: 1, max: 0 });
  const layer = layers.find((one) => one.name === name);
  const arrays = Object.fromEntries(Object.entries(given.arrays).map(([short, array]) => [short, tensor(array)]));
  const all = { result: tensor(given.result), inputs: given.inputs.map(tensor), arrays };
  return places.map((at) => {
    const why = front.explained(layers, layer, at, all);
    return { why, again: front.explainedFrom(layers, layer, at, [...why.terms.map((term) => term.value), why.computed], arrays) };
  });
}"""


def assert_close(found, wanted, scale, where):
    """Numbers within 1e-12 of the terms' magnitude, everything else the same."""
    match wanted:
        case dict():
            assert found.keys() == wanted.keys(), where
            for key, value in wanted.items():
                assert_close(found[key], value, scale, f"{where}.{key}")
        case list():
            assert len(found) == len(wanted), where
            for k, (one, other) in enumerate(zip(found, wanted, strict=True)):
                assert_close(one, other, scale, f"{where}[{k}]")
        case bool() | None | str():
            assert found == wanted, where
        case _:
            assert abs(found - wanted) <= 1e-12 * scale, (where, found, wanted)


def test_their_explanations_are_those_of_python(call, others):
    net, maps, layers = others
    chance = np.random.default_rng(6)
    batch, known = [], []
    for node in net.graph:
        if isinstance(node.op, Input):
            continue
        arrays = {name.removeprefix(f"{node.name}."): x for name, x in net.values.items() if name.startswith(f"{node.name}.")}
        given = {
            "result": tensor_sent(maps[node.name]),
            "inputs": [tensor_sent(maps[name]) for name in node.inputs],
            "arrays": {short: tensor_sent(array) for short, array in arrays.items()},
        }
        places = [tuple(int(chance.integers(n)) for n in maps[node.name].shape) for _ in range(8)]
        batch.append([layers, node.name, places, given])
        known.append([explain(net.graph, net.values, maps, node.name, at).document() for at in places])
    assert {node.op.__class__.__name__ for node in net.graph} >= {"Stored", "Pad", "Take", "Distance", "Elementwise", "Slice"}
    for (_, name, _, _), found, whys in zip(batch, call(EXPLAINED, batch), known, strict=True):
        for one, why in zip(found, whys, strict=True):
            isinstance(net.graph[name].op, Stored) or assert_close(one["again"], one["why"], 0.0, name)
            assert one["why"].pop("inputs") == list(net.graph[name].inputs)
            wanted = json.loads(json.dumps(why))
            for term in one["why"]["terms"]:
                term.setdefault("from", None)
            scale = 1 + max(abs(t["product"]) for t in wanted["terms"]) if wanted["terms"] else 1.0
            assert_close(one["why"], wanted, max(scale, abs(why["value"])), name)


WIRED = """(layers, name) => {
  const layer = layers.find((one) => one.name === name);
  const shapes = layer.inputs.map((input) => layers.find((one) => one.name === input).shape);
  const cells = (shape) => Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => front.cellAt(shape, k));
  return {
    read: cells(layer.shape).map((at) => shapes.map((_, number) => front.readCellsOfOther(layer, at, shapes, number))),
    regions: cells(layer.shape).map((at) => shapes.map((_, number) => front.readsOf(layer, number, at, shapes).cells())),
    fed: shapes.map((shape, number) => cells(shape).map((cell) => front.fedByOther(layer, cell, shapes, number))),
    again: shapes.map((shape, number) => cells(shape).map((cell) => front.feedsOf(layer, number, cell, shapes).cells())),
  };
}"""


def test_what_a_cell_feeds_is_the_inverse_of_what_is_read(call, others):
    net, maps, layers = others
    nodes = [node for node in net.graph if node.inputs]
    for node, found in zip(nodes, call(WIRED, [[layers, node.name] for node in nodes]), strict=True):
        outputs = list(itertools.product(*map(range, maps[node.name].shape)))
        assert [[[one["cell"] for one in cells] for cells in inputs] for inputs in found["read"]] == found["regions"]
        assert found["again"] == found["fed"]
        for number, name in enumerate(node.inputs):
            feeds = {cell: [] for cell in itertools.product(*map(range, maps[name].shape))}
            for out, inputs in zip(outputs, found["read"], strict=True):
                for source in {tuple(one["source"]) for one in inputs[number] if one["source"] is not None}:
                    feeds[source].append(out)
            told = [sorted(map(tuple, cells)) for cells in found["fed"][number]]
            assert told == [sorted(cells) for cells in feeds.values()], (node.name, number)


def test_what_is_read_is_what_the_terms_read(call, others):
    net, maps, layers = others
    nodes = [node for node in net.graph if node.inputs]
    for node, found in zip(nodes, call(WIRED, [[layers, node.name] for node in nodes]), strict=True):
        outputs = list(itertools.product(*map(range, maps[node.name].shape)))
        for out, inputs in list(zip(outputs, found["read"], strict=True))[::7]:
            why = explain(net.graph, net.values, maps, node.name, out)
            told = [(number, tuple(one["source"])) for number, cells in enumerate(inputs) for one in cells if one["source"]]
            assert told == [(term.origin, term.cell) for term in why.terms], (node.name, out)


POINTS = [-1e6, -710.0, -30.0, -6.5, -3.0, -2.5, -1.0, -0.5, -1e-3, -1e-9, 0.0, 1e-12, 0.1, 0.5, 1.0, 1.5, 2.4999, 2.5, 3.7]
POINTS += [5.9, 6.0, 30.0, 709.0, 1e6, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_are_those_of_numpy(call, function):
    defaults = tuple(number for _, number in OPTIONS.get(function, ()))
    for options in {defaults, tuple(0.3 + k for k in range(len(defaults)))}:
        with np.errstate(all="ignore"):
            wanted = [float(NUMPY_FUNCTIONS[function](np.asarray(x), *options)) for x in POINTS]
        found = list(map(float, call("front.applied", [[function, options, x] for x in POINTS])))
        if function in ("softplus", "mish"):  # NumPy's 0 * infinity
            wanted[-3:-1] = [math.inf, 0.0 if function == "softplus" else math.nan]
        assert found == pytest.approx(wanted, rel=1e-13, abs=1e-15, nan_ok=True)
        if options == defaults:
            untold = call("front.applied", [[function, [], x] for x in POINTS])
            assert list(map(float, untold)) == pytest.approx(found, nan_ok=True)


@pytest.mark.parametrize("function", COMBINATIONS)
def test_combinations_are_those_of_numpy(call, function):
    pairs = list(itertools.product([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0, math.inf, -math.inf, math.nan], repeat=2))
    pairs.remove((-math.inf, 0.5))  # a power by NumPy's root: NaN, where IEEE 754 has infinity
    with np.errstate(all="ignore"):
        wanted = [float(NUMPY_COMBINATIONS[function](np.asarray(x), np.asarray(y))) for x, y in pairs]
    assert list(map(float, call("front.combined", [[function, x, y] for x, y in pairs]))) == pytest.approx(wanted, nan_ok=True)
