"""Explanations and decimals of the page, held to Python's: every term of a value, and numbers that add up as shown."""

import itertools
import json
import math
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from front_modules import front_modules, tensor_sent
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import sized_problems

from slidesum.core.axis import Merged, Name
from slidesum.core.equation import Operand
from slidesum.core.network import Graph, Node
from slidesum.core.ops import OPTIONS, Activation, Input, Layer
from slidesum.core.sized import Connections
from slidesum.laws.kind import kind
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import named
from slidesum.run import reference
from slidesum.show.explanation import explain
from slidesum.show.formula import finite
from slidesum.show.page.document import sized_document

QUICK = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
MODULES = ("explain.js", "digits.js", "sum.js")


@pytest.fixture(scope="module")
def call(browser):
    with front_modules(browser, MODULES) as called:
        yield called


# Explanations


@st.composite
def layers_with_numbers(draw):
    """A random layer behind its inputs, now and then with a bias or an activation; its arrays; the results."""
    problem = draw(sized_problems())
    equation = parse(problem.pattern)
    whole = [axis for axis in equation.result.axes if isinstance(axis, Name | Merged)]
    if equation.reduce == "sum" and whole and draw(st.booleans()):
        axes = draw(st.lists(st.sampled_from(whole), unique=True, max_size=2, min_size=1))
        equation = replace(equation, bias=Operand("a", tuple(axes)))
    sized = solve(equation, problem.shapes, problem.sizes, padding=problem.padding, border=problem.border)
    assume(math.prod(sized.result_shape) > 0)
    count = draw(st.integers(1, len(problem.shapes)))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([0.0, 0.0, 1.0, 4.0]))  # decades of magnitude

    def drawn(shape):
        return (chance.standard_normal(shape) * 10.0 ** (spread * chance.standard_normal(shape))).astype(np.float32)

    arrays = [drawn(shape) for shape in problem.shapes]
    names = tuple(f"x{k}" for k in range(count))
    nodes = [Node(name, Input(tuple(f"a{k}" for k in range(x.ndim))), (), x.shape) for name, x in zip(names, arrays, strict=False)]
    op = Layer(equation, problem.sizes, problem.padding, problem.border)
    nodes.append(Node("layer", op, names, sized.result_shape, replace(sized, inputs=count)))
    function = draw(st.sampled_from([None, "relu", "leaky_relu", "tanh"]))
    if function:
        options = tuple(number for _, number in OPTIONS.get(function, ()))
        nodes.append(Node("after", Activation(function, options), ("layer",), sized.result_shape))
    values = {f"layer.{o.name}": x for o, x in zip(sized.equation.operands[count:], arrays[count:], strict=True)}
    bias = None if sized.bias_shape is None else drawn(sized.bias_shape)
    if bias is not None:
        values["layer.bias"] = bias
    with np.errstate(all="ignore"):
        result = reference.evaluate(sized, arrays, bias).astype(np.float32)
    return Graph("one", tuple(nodes)), values, dict(zip(names, arrays, strict=False)) | {"layer": result}


EXPLAINED = """(layers, name, at, given) => {
  const tensor = ({ shape, data }) => ({ shape, data: Float32Array.from(data), scale: 1, max: 0 });
  const layer = layers.find((one) => one.name === name);
  const arrays = Object.fromEntries(Object.entries(given.arrays).map(([short, array]) => [short, tensor(array)]));
  const why = front.explained(layers, layer, at, { result: tensor(given.result), inputs: given.inputs.map(tensor), arrays });
  const stream = why.terms.flatMap((term) => [term.value, ...term.weights.map((one) => one.weight)]);
  const numbers = [...stream, ...(why.bias === null ? [] : [why.bias]), why.computed];
  return { why, again: front.explainedFrom(layers, layer, at, numbers, arrays), shown: front.shown(why) };
}"""


def layer_document(node):
    op, sized = node.op, node.sized
    return {
        "name": node.name,
        "op": type(op).__name__,
        "kind": kind(op.equation, sized).name if sized else "",
        "named": named(sized.equation) if sized else None,
        "options": {"function": op.function, "options": op.options} if isinstance(op, Activation) else {},
        "inputs": node.inputs,
        "shape": list(node.shape),
        "sized": sized_document(sized) if sized else None,
    }


def asked_for(graph, values, maps, at):
    node = graph["layer"]
    arrays = {name.removeprefix("layer."): tensor_sent(array) for name, array in values.items()}
    inputs = [tensor_sent(maps[name]) for name in node.inputs]
    given_arrays = {"result": tensor_sent(maps["layer"]), "inputs": inputs, "arrays": arrays}
    return [[layer_document(one) for one in graph], "layer", at, given_arrays]


def assert_same_explanation(found, why, inputs):
    """Number for number: both sides multiply and add in double precision, and round a sum once."""
    wanted = json.loads(json.dumps(why))  # tuples as lists
    assert found.pop("inputs") == list(inputs)
    after = found.pop("after"), wanted.pop("after")
    assert found == wanted
    assert after[0] == after[1] or float(after[0]) == pytest.approx(float(after[1]), rel=1e-14)


@settings(max_examples=10, **QUICK)
@given(st.lists(layers_with_numbers(), min_size=10, max_size=10), st.randoms(use_true_random=False))
def test_explanations_of_random_equations_are_those_of_python(call, problems, random):
    asked, known = [], []
    for graph, values, maps in problems:
        shape = graph["layer"].shape
        for at in random.sample(list(itertools.product(*map(range, shape))), min(3, math.prod(shape))):
            asked.append(asked_for(graph, values, maps, at))
            known.append((explain(graph, values, maps, "layer", at).document(), graph["layer"].inputs))
    for found, (why, inputs) in zip(call(EXPLAINED, asked), known, strict=True):
        assert found["again"] == found["why"]
        assert_adds_up(found["why"], found["shown"])
        assert_same_explanation(found["why"], why, inputs)


def test_weights_of_pairs_that_are_connected_are_read_where_they_are_kept(call):
    wired = Connections(("o", "c"), ((0, 0), (0, 2), (1, 1), (2, 0), (2, 1), (2, 2)))
    op = Layer(parse("y[o,i] = x[c,i+u] * w[o,c,u] + a[o]"), {"o": 3, "u": 2}, connections=wired)
    sized = solve(op.equation, [(3, 5), (3, 3, 2)], connections=wired)
    chance = np.random.default_rng(0)
    x, w, a = (chance.standard_normal(shape).astype(np.float32) for shape in ((3, 5), (6, 2), (3,)))
    graph = Graph("wired", (Node("x0", Input(("c", "i")), (), (3, 5)), Node("layer", op, ("x0",), (3, 4), sized)))
    values, maps = {"layer.w": w, "layer.bias": a}, {"x0": x, "layer": np.zeros((3, 4), np.float32)}
    places = list(itertools.product(range(3), range(4)))
    batch = [asked_for(graph, values, maps, at) for at in places]
    for found, at in zip(call(EXPLAINED, batch), places, strict=True):
        assert_same_explanation(found["why"], explain(graph, values, maps, "layer", at).document(), ("x0",))


def test_nan_wins_a_maximum_and_is_shown_as_what_it_is(call):
    op = Layer(parse("max i+u -> i"), {"u": 2})
    sized = solve(op.equation, [(4,)], {"u": 2})
    graph = Graph("pool", (Node("x0", Input(("i",)), (), (4,)), Node("layer", op, ("x0",), (3,), sized)))
    maps = {"x0": np.array([1, np.nan, np.inf, 2], np.float32), "layer": np.array([np.nan, np.nan, np.inf], np.float32)}
    batch = [asked_for(graph, {}, maps, (i,)) for i in range(3)]
    found = call(EXPLAINED, batch)
    for i, one in enumerate(found):
        assert_same_explanation(one["why"], explain(graph, {}, maps, "layer", (i,)).document(), ("x0",))
    assert [one["shown"]["value"] for one in found] == ["NaN", "NaN", "Infinity"]
    assert found[2]["shown"]["products"] == ["Infinity", "2.000000"]


# Sums

EDGES = st.sampled_from([1e300, -1e300, 1.0, 2.0**-53, 2.0**-54])


@settings(max_examples=30, **QUICK)
@given(st.lists(st.lists(st.floats(-1e300, 1e300) | EDGES, max_size=12), max_size=40))
def test_a_sum_is_rounded_once(call, batch):
    assert call("front.exactSum", [[numbers] for numbers in batch]) == [math.fsum(numbers) for numbers in batch]


def test_a_tie_is_broken_by_what_follows_it(call):
    cases = [[1.0, 2.0**-53], [1.0, 2.0**-53, 2.0**-106], [1.0, 2.0**-53, -(2.0**-106)], [1.0, -(2.0**-54), -(2.0**-107)]]
    assert call("front.exactSum", [[case] for case in cases]) == [math.fsum(case) for case in cases]
    assert call("front.exactSum", [[[math.inf, 1.0]], [[math.inf, -math.inf]], [[math.nan, 1.0]]]) == ["Infinity", "NaN", "NaN"]


# Digits


def assert_adds_up(why, shown):
    """The sums hold exactly in the decimals shown, and none is off by more than a unit of its last place."""
    with localcontext() as context:
        context.prec = 1200
        if why["reduce"] == "= value":
            return
        numbers = [term["product"] for term in why["terms"]]
        assert len(numbers) == len(shown["products"])
        is_finite = all(isinstance(number, int | float) for number in (*numbers, why["value"], why["bias"] or 0))
        places = {Decimal(text).as_tuple().exponent for text in (*shown["products"], *shown["partials"]) if is_finite}
        places.add(Decimal(shown["value"]).as_tuple().exponent if is_finite else 0)
        if not is_finite:
            return
        assert len(places) == 1
        unit = Decimal(1).scaleb(next(iter(places)))
        pairs = [
            *zip(numbers, shown["products"], strict=True),
            *zip((part["sum"] for part in why["partial_sums"]), shown["partials"], strict=True),
            (why["value"], shown["value"]),
            *([(why["bias"], shown["bias"])] if why["bias"] is not None else []),
        ]
        for number, text in pairs:
            assert abs(Decimal(number) - Decimal(text)) <= unit, (number, text)
        largest = max(abs(Decimal(number)) for number, _ in pairs)
        assert largest == 0 or unit <= largest * Decimal("1e-6") <= 10 * unit  # seven digits of the largest
        products = list(map(Decimal, shown["products"]))
        start = 0
        for part, text in zip(why["partial_sums"], shown["partials"], strict=True):
            assert sum(products[start : start + part["terms"]]) == Decimal(text)
            start += part["terms"]
        if why["reduce"] == "sum":
            parts = list(map(Decimal, shown["partials"])) if shown["partials"] else products
            assert sum(parts) + Decimal(shown["bias"] or 0) == Decimal(shown["value"])
        if why["reduce"] == "mean":
            assert sum(products) == Decimal(shown["sum"])


ORDINARY = st.floats(-10, 10, width=32)
ANY = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
TINY = st.floats(-1e-300, 1e-300)
ODD = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1.0])


@st.composite
def sums(draw):
    """An explanation as far as its numbers go: some maps with some products each, now and then with a bias."""
    halves = st.sampled_from([0.5, -0.5, 1e7])
    numbers = draw(st.sampled_from([ORDINARY, ORDINARY, ANY, TINY, ANY | TINY | ORDINARY, ODD | ORDINARY, halves]))
    reduce = draw(st.sampled_from(["sum", "sum", "sum", "mean", "max"]))
    maps = draw(st.lists(st.lists(numbers, min_size=1, max_size=8), min_size=1, max_size=5))
    if draw(st.booleans()):  # everything cancels
        maps.append([-number for products in maps for number in products])
    bias = draw(st.none() | numbers) if reduce == "sum" else None
    products = [number for some in maps for number in some]
    if reduce == "max":
        value = max(products)
    elif all(map(math.isfinite, products)):
        value = math.fsum(products) / (len(products) if reduce == "mean" else 1) + (bias or 0.0)
    else:
        value = math.nan
    sums_of_maps = [math.fsum(some) if all(map(math.isfinite, some)) else math.nan for some in maps]
    parts = [{"map": "", "terms": len(some), "sum": total} for some, total in zip(maps, sums_of_maps, strict=True)]
    return {
        "terms": [{"product": number} for number in products],
        "partial_sums": parts if reduce == "sum" and draw(st.booleans()) else [],
        "bias": bias,
        "value": value,
        "after": draw(st.sampled_from([None, 0.0, value])),
        "reduce": reduce,
    }


@settings(max_examples=15, **QUICK)
@given(st.lists(sums(), min_size=30, max_size=30))
def test_what_is_shown_adds_up_as_shown(call, batch):
    for why, shown in zip(batch, call("front.shown", [[why] for why in batch]), strict=True):
        known = finite(why)
        assert_adds_up(known, shown)
        for number, text in zip((term["product"] for term in why["terms"]), shown["products"], strict=True):
            if not math.isfinite(number):
                assert text == {math.inf: "Infinity", -math.inf: "-Infinity"}.get(number, "NaN")
        if why["after"] is None:
            assert shown["after"] is None
        elif math.isfinite(why["value"]) and why["after"] == why["value"] != 0:
            assert shown["after"] == shown["value"]


def test_numbers_are_rounded_up_by_the_largest_remainder(call):
    why = {"partial_sums": [], "bias": None, "after": None, "reduce": "sum"}
    products = [1000000.3, 1000000.4, 1000000.4]
    terms = [{"product": number} for number in products]
    (shown,) = call("front.shown", [[{**why, "terms": terms, "value": math.fsum(products)}]])
    assert shown == {
        "products": ["1000000", "1000001", "1000000"],
        "partials": [],
        "sum": None,
        "bias": None,
        "value": "3000001",
        "after": None,
    }


@settings(max_examples=10, **QUICK)
@given(st.lists(st.floats() | st.floats(-1e7, 1e7) | st.integers(-(10**7), 10**7).map(lambda n: n / 2), max_size=100))
def test_a_number_in_general_form_is_pythons(call, numbers):
    assert call("front.general", [[number] for number in numbers]) == [f"{number:g}" for number in numbers]


def test_a_tie_goes_to_the_even_digit_as_in_python(call):
    numbers = [1234565.0, 1234575.0, 100000.5, 100001.5, -100000.5, 0.25, 2.0**-21, 999999.5, 1e16, 1e-5, 123456.0]
    assert call("front.general", [[number] for number in numbers]) == [f"{number:g}" for number in numbers]
    assert call("front.significant", [[0.5, 1], [2.5, 1], [3.5, 1], [-2.5, 1]]) == ["0.5", "2", "4", "-2"]


@settings(max_examples=10, **QUICK)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=60), st.integers(1, 9))
def test_significant_digits_are_as_many_as_asked_for(call, numbers, digits):
    with localcontext() as context:
        context.prec = 1200
        for number, text in zip(numbers, call("front.significant", [[number, digits] for number in numbers]), strict=True):
            assert abs(Decimal(text) - Decimal(number)) <= abs(Decimal(number)).scaleb(-digits) * 5
            assert number == 0 or len(Decimal(text).as_tuple().digits) in (digits, digits + 1)
