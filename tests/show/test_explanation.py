"""Explanations: every term, adding up to what the network computed."""

import json
import math

import numpy as np
import pytest
import torch

import slidesum as ss
from slidesum.core.ops import GroupNorm, LayerNorm, LocalResponseNorm, Softmax
from slidesum.errors import ArrayError, NetworkError, RankError, UsageError


@pytest.fixture(scope="module")
def lenet():
    return ss.load("lenet5")


def pixels(net, maps, count, chance):
    for node in net.graph.nodes[1:]:
        for _ in range(count):
            yield node.name, tuple(int(chance.integers(n)) for n in maps[node.name].shape)


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_200_random_pixels_of_every_layer_of_lenet5_add_up(lenet, dtype, bound, engine):
    chance = np.random.default_rng(0)
    image = chance.uniform(-0.1, 1.175, (2, 1, 32, 32)).astype(dtype)
    maps = lenet.run(image if engine == "numpy" else torch.from_numpy(image))
    worst = max(lenet.explain(layer, at, maps).relative_residual for layer, at in pixels(lenet, maps, 200, chance))
    assert worst <= bound


def everything():
    net = ss.Network("everything")
    x = net.input("b c i j", b=1, c=3, i=7, j=6)
    a = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=4, u=3, v=3, padding="same", border="reflect", bias="o", name="reflect")
    a = net.norm(a, "batch", name="bn")
    b = net.conv(x, "b c i+u j+v, o u v -> b (c o) i j", o=2, u=3, v=3, padding="same", border="circular", bias="o", name="type1")
    b = net.norm(net.activation(b, "silu", name="silu"), "lrn", name="lrn")
    c = net.conv(x, "b c i+u j+v, c u v, o c -> b o i j", o=4, u=3, v=3, padding=1, bias="o", name="separable")
    d = net.add(a, c, name="add")
    x = net.concat([d, b], name="concat")
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", o=3, u=3, v=3, bias="o", name="transposed")
    x = net.pool(x, "b c 3*i+u 2*j+v -> b c i j", "max", u=3, v=3, padding=1, name="max")
    y = net.pool(x, "b c i j -> b c i", "mean", name="mean")
    y = net.dropout(net.flatten(y, name="flat"), name="drop")
    y = net.linear(y, 5, name="linear")
    net.softmax(y, name="softmax")
    return net


def test_every_kind_of_layer_explains_itself_exactly():
    net = everything()
    chance = np.random.default_rng(1)
    values = {name: chance.uniform(0.5, 1.5, x.shape) if x.ndim == 1 else x for name, x in net.values.items()}
    net.values = values
    maps = net.run(chance.standard_normal((2, 3, 7, 6)))
    for layer, at in pixels(net, maps, 15, chance):
        explanation = net.explain(layer, at, maps)
        assert explanation.relative_residual <= 1e-12, layer
        assert explanation.computed == maps[layer][at]
        if explanation.reduce == "sum" and explanation.partial_sums:
            total = math.fsum(total for _, _, total in explanation.partial_sums) + (explanation.bias or 0)
            assert total == pytest.approx(explanation.before, rel=1e-12, abs=1e-12)
            assert sum(count for _, count, _ in explanation.partial_sums) == len(explanation.terms)


def line(activation=None):
    net = ss.Network("line")
    x = net.input("b c i", b=1, c=2, i=4)
    x = net.conv(x, "b c i+u-1, o c u -> b o i", o=1, u=3, bias="o", name="conv")
    if activation:
        net.activation(x, activation)
    net.values = {"conv.w": np.array([[[1.0, 2, 3], [-1, 0, 1]]]), "conv.bias": np.array([-20.0])}
    return net, net.run(np.array([[[1.0, 2, 3, 4], [5, 6, 7, 8]]]))


def test_a_sum_is_explained_term_by_term():
    net, maps = line("relu")
    e = net.explain("conv", (0, 0, 0), maps)
    assert [(t.cell, t.value, t.weights, t.product, t.in_border) for t in e.terms] == [
        ((0, 0, -1), 0.0, (("w", (0, 0, 0), 1.0),), 0.0, True),
        ((0, 0, 0), 1.0, (("w", (0, 0, 1), 2.0),), 2.0, False),
        ((0, 0, 1), 2.0, (("w", (0, 0, 2), 3.0),), 6.0, False),
        ((0, 1, -1), 0.0, (("w", (0, 1, 0), -1.0),), 0.0, True),
        ((0, 1, 0), 5.0, (("w", (0, 1, 1), 0.0),), 0.0, False),
        ((0, 1, 1), 6.0, (("w", (0, 1, 2), 1.0),), 6.0, False),
    ]
    assert e.partial_sums == (("c=0", 3, 8.0), ("c=1", 3, 6.0))
    assert (e.bias, e.before, e.activation, e.after, e.computed, e.residual) == (-20.0, -6.0, "relu", 0.0, -6.0, 0.0)


TEXT = """\
conv[0,0,0]   y[b,o,i] = x[b,c,i+u-1] * w[o,c,u] + a[o]
  type 2.2: a filter spans all maps, with weights of its own for each

  input             input value  filter      weight  product
  x[0,0,-1] border      0.00000  w[0,0,0]   1.00000  0.00000
  x[0,0,0]              1.00000  w[0,0,1]   2.00000  2.00000
  x[0,0,1]              2.00000  w[0,0,2]   3.00000  6.00000
  x[0,1,-1] border      0.00000  w[0,1,0]  -1.00000  0.00000
  x[0,1,0]              5.00000  w[0,1,1]   0.00000  0.00000
  x[0,1,1]              6.00000  w[0,1,2]   1.00000  6.00000

  input map  terms      sum
  c=0            3  8.00000
  c=1            3  6.00000

  sum of 6 terms               14.00000000
  + bias                      -20.00000000
  = value                      -6.00000000
  relu of it                    0.00000000
  residual against the network    0.00e+00
"""


def test_an_explanation_prints_itself():
    net, maps = line("relu")
    assert net.explain("conv", (0, 0), maps).text().split() == TEXT.split()


def test_long_sums_are_folded_to_the_map_that_weighs_most(lenet):
    maps = lenet.run(np.random.default_rng(2).random((32, 32), dtype="float32"))
    e = lenet.explain("C3", (15, 2, 3), maps)
    assert len(e.terms) == 150
    shown, hidden = e.folded(30)
    assert (len(shown), hidden) == (25, 125)
    heaviest = max(e.partial_sums, key=lambda part: abs(part[2]))[0]
    assert {f"c={t.indices['c']}" for t in shown} == {heaviest}
    assert "… 125 more terms: --all shows them" in e.text()
    assert e.text(all_terms=True).count("w[15,") == 150


def many():
    """Layers of more than 30 terms that no input maps part."""
    net = ss.Network("many")
    x = net.input("b c i j", b=1, c=41, i=9, j=9)
    net.pool(x, "b c i+u j+v -> b c i j", "mean", u=6, v=6, name="mean-6x6")
    net.pool(x, "b c i j -> b c", "max", name="global-max")
    net.pool(x, "b c i j -> b c", "min", name="global-min")
    net.pool(x, "b c i j -> b c", "mean", name="global-mean")
    net.pool(x, "b n i j -> b i j", "max", name="max-over-maps")
    net.softmax(x, axis=1, name="softmax")
    net.norm(x, "lrn", size=81, name="lrn")
    net.conv(x, "b c i j, o c -> b o i j", o=2, name="mix")
    net.conv(x, "b c i+u j+v, c u v -> b c i j", u=6, v=6, name="depthwise")
    net.linear(x, 3, name="linear")
    return net, net.run(np.random.default_rng(3).normal(size=(1, 41, 9, 9)))


@pytest.mark.parametrize(
    ("layer", "terms", "told"),
    [
        ("mean-6x6", 36, 30),
        ("global-max", 81, 30),
        ("global-min", 81, 30),
        ("global-mean", 81, 30),
        ("max-over-maps", 41, 30),
        ("softmax", 41, 30),
        ("lrn", 41, 30),
        ("mix", 41, 30),
        ("depthwise", 36, 30),
        ("linear", 41 * 81, 30),  # of the heaviest map
    ],
)
def test_long_sums_without_maps_show_the_terms_that_weigh_most(layer, terms, told):
    net, maps = many()
    e = net.explain(layer, tuple(0 for _ in maps[layer].shape), maps)
    shown, hidden = e.folded(30)
    assert (len(e.terms), len(shown), hidden) == (terms, told, terms - told)
    assert [t for t in e.terms if t in shown] == list(shown)
    assert f"… {hidden} more terms: --all shows them\n" in e.text()
    assert e.winner is None or e.winner in shown
    if layer != "linear":
        weight = {"max": lambda t: t.value, "min": lambda t: -t.value}.get(e.reduce, lambda t: abs(t.product))
        assert min(map(weight, shown)) >= max(weight(t) for t in e.terms if t not in shown)


def test_the_winner_among_nans_and_equals_is_shown():
    net, _ = many()
    flat = net.run(np.zeros((1, 41, 9, 9)))
    e = net.explain("global-max", (0, 0), flat)
    assert e.winner in e.folded(30)[0]
    image = np.zeros((1, 41, 9, 9))
    image[0, 0, 8, 8] = np.nan
    blank = net.run(image)
    e = net.explain("global-max", (0, 0), blank)
    assert (e.winner.cell, e.winner in e.folded(30)[0]) == ((0, 0, 8, 8), True)
    assert json.loads(e.to_json(), parse_constant=pytest.fail)["computed"] == "NaN"


def test_partial_sums_go_by_the_input_map():
    net, maps = many()
    sums = {
        name: net.explain(name, tuple(0 for _ in maps[name].shape), maps).partial_sums for name in ("mix", "linear", "depthwise")
    }
    assert [(label, count) for label, count, _ in sums["mix"]] == [(f"c={c}", 1) for c in range(41)]
    assert [(label, count) for label, count, _ in sums["linear"]] == [(f"c={c}", 81) for c in range(41)]
    assert [(label, count) for label, count, _ in sums["depthwise"]] == [("all", 36)]


def test_sums_of_one_term_are_left_out_and_many_maps_are_folded(lenet):
    net, maps = many()
    assert "input map" not in net.explain("mix", (0, 0, 0, 0), maps).text()
    linear = net.explain("linear", (0, 0), maps)
    assert linear.text().count(" c=") == 16
    assert "… 25 more maps: --all shows them\n" in linear.text()
    assert linear.text(all_terms=True).count(" c=") == 41
    assert "more maps" not in linear.text(all_terms=True)
    assert len(json.loads(linear.to_json())["partial_sums"]) == 41
    f6 = lenet.explain("F6", (0, 3), lenet.run(np.zeros((32, 32), "float32")))
    assert (len(f6.partial_sums), "input map" in f6.text(), len(f6.text().splitlines())) == (120, False, 41)


def test_connections_that_do_not_exist_are_no_terms(lenet):
    maps = lenet.run(np.zeros((32, 32), "float32"))
    e = lenet.explain("C3", (0, 0, 0), maps)
    assert [label for label, _, _ in e.partial_sums] == ["c=0", "c=1", "c=2"]


def test_pooling_shows_the_window_and_the_winner():
    net = ss.Network("pool")
    net.pool(net.input("b c i", b=1, c=1, i=4), "b c 2*i+u -> b c i", "max", u=3, padding=1, name="pool")
    maps = net.run(np.array([[[-5.0, -2, -9, -1]]]))
    e = net.explain("pool", (0, 0, 0), maps)
    assert [t.cell for t in e.terms] == [(0, 0, 0), (0, 0, 1)]
    assert (e.winner.cell, e.before, e.residual) == ((0, 0, 1), -2.0, 0.0)
    assert "x[0,0,1] ← this one" in e.text()


def test_an_explanation_is_json_too():
    net, maps = line()
    document = json.loads(net.explain("conv", (0, 0, 3), maps).to_json())
    assert document["value"] == document["computed"] == 3 + 8 - 7 - 20
    assert document["terms"][2] == {
        "indices": {"b": 0, "o": 0, "i": 3, "c": 0, "u": 2},
        "cell": [0, 0, 4],
        "value": 0.0,
        "weights": [{"filter": "w", "cell": [0, 0, 2], "weight": 3.0}],
        "product": 0.0,
        "in_border": True,
        "winner": False,
        "from": "input",
    }


ERRORS = [
    (("nope", (0, 0, 0)), NetworkError, "line has no layer 'nope'\n  Its layers are input, conv.\n  Name one of them."),
    (
        ("conv", (0, 0, 4)),
        RankError,
        "conv has no value at (0, 0, 4)\n  Its result has the shape (1, 1, 4), counted from 0; only the batch may be left out.\n"
        "  Give coordinates inside it.",
    ),
    (
        ("conv", (0, 0, 0, 0)),
        RankError,
        "conv has no value at (0, 0, 0, 0)\n  Its result has the shape (1, 1, 4), counted from 0; only the batch may be left out.\n"
        "  Give coordinates inside it.",
    ),
    (("input", (0, 0, 0)), NetworkError, "'input' is the input\n  It isn't computed from anything.\n  Name a layer behind it."),
]


@pytest.mark.parametrize(("call", "kind", "text"), ERRORS)
def test_errors(call, kind, text):
    net, maps = line()
    with pytest.raises(kind) as error:
        net.explain(*call, maps)
    assert str(error.value) == text


@pytest.mark.parametrize("at", [7.9, True, "0,5", b"05", None, 5, (0, 0, 7.9), (0, True, 0), (0, np.True_, 0), (0, "1", 2)])
def test_what_is_no_place(at):
    net, maps = line()
    with pytest.raises(UsageError) as error:
        net.explain("conv", at, maps)
    assert str(error.value) == (
        f"{at!r} is no place in a result\n"
        "  A place has a whole number for every axis, counted from 0.\n"
        "  Write for example at=(0, 7, 12, 9)."
    )


@pytest.mark.parametrize("at", [(0, 0, 2), [0, 2], np.array([0, 2]), (np.int64(0), np.uint8(2)), torch.tensor([0, 0, 2])])
def test_a_place_is_whole_numbers_of_any_library(at):
    net, maps = line()
    assert net.explain("conv", at, maps).at == (0, 0, 2)


def test_bfloat16_is_explained():
    net, _ = line("relu")
    net.values = {name: torch.from_numpy(value).bfloat16() for name, value in net.values.items()}
    maps = net.run(torch.tensor([[[1.0, 2, 3, 4], [5, 6, 7, 8]]], dtype=torch.bfloat16))
    e = net.explain("conv", (0, 0, 0), maps)
    assert maps["conv"].dtype == torch.bfloat16
    assert (e.before, e.computed) == (-6.0, -6.0)


def test_complex_numbers_are_explained_part_by_part():
    net, maps = line()
    with pytest.raises(ArrayError) as error:
        net.explain("conv", (0, 0, 0), {name: x + 1j for name, x in maps.items()})
    assert str(error.value) == (
        "the numbers to explain are complex\n"
        "  Terms are compared and added as real numbers.\n"
        "  Run on the real and on the imaginary part, and explain each apart."
    )


def test_activations_of_another_run_are_refused():
    net, maps = line()
    with pytest.raises(UsageError) as error:
        net.explain("conv", (0, 0, 0), {"conv": maps["conv"]})
    assert str(error.value) == "the activations of 'input' are missing\n  Pass what net.run(…) returned."


def test_terms_that_are_no_products_are_shown_beside_what_they_are_made_of(lenet):
    maps = lenet.run(np.random.default_rng(3).random((32, 32), dtype="float32"))
    e = lenet.explain("OUTPUT", (0, 3), maps)
    assert e.text().splitlines()[3].split() == ["input", "input", "value", "term"]
    assert f"{e.terms[0].product:.5f}" in e.text(all_terms=True)


def test_a_filter_read_beyond_its_edge_is_explained_as_it_is_computed():
    net = ss.Network("sliding filter")
    net.conv(net.input("b i", b=1, i=4), "b i, i+u-1 o -> b o u", o=2, u=3, name="conv")
    maps = net.run(np.arange(1.0, 5)[None])
    for u in range(3):
        e = net.explain("conv", (0, 1, u), maps)
        assert e.relative_residual < 1e-12
        assert [t.in_border for t in e.terms] == [not 0 <= i + u - 1 < net.values["conv.w"].shape[0] for i in range(4)]


@pytest.mark.parametrize(("reduce", "told"), [("max", -math.inf), ("min", math.inf)])
def test_a_window_in_the_border_altogether_has_the_value_that_never_wins(reduce, told):
    net = ss.Network("beyond")
    net.pool(net.input("b i", b=1, i=2), "b i+u -> b i", reduce, u=2, padding=3, name="pool")
    e = net.explain("pool", (0, 0), net.run(np.ones((1, 2))))
    assert (e.before, e.computed, e.residual, e.terms) == (told, told, 0.0, ())


def overflown(build, values, x):
    """The explanation of the last layer's first value, and what the engine computed."""
    net = ss.Network("overflown")
    build(net, net.input("b c i", b=1, c=2, i=2))
    net.values = {**net.values, **{name: np.asarray(array, "float32") for name, array in values.items()}}
    with np.errstate(all="ignore"):
        maps = net.run(np.asarray(x, "float32"))
        why = net.explain(net.graph.output.name, (0,) * len(net.graph.output.shape), maps)
    return why.before, why.computed


INFINITE = [[[math.inf, 1.0], [-math.inf, 0.0]]]


@pytest.mark.parametrize(
    ("build", "values", "x"),
    [
        (lambda net, x: net.conv(x, "b c i, o c -> b o i", o=1, name="layer"), {"layer.w": [[1, 1]]}, INFINITE),
        (lambda net, x: net.pool(x, "mean b c i -> b i", "mean", name="layer"), {}, INFINITE),
        (lambda net, x: net.add(x, net.activation(x, "negative")), {}, INFINITE),
        (lambda net, x: net.norm(x, axis=1, name="layer"), {"layer.variance": [-3, 1]}, [[[1, 2], [3, 4]]]),
        (lambda net, x: net.norm(x, axis=1, epsilon=0, name="layer"), {"layer.variance": [0, 1]}, [[[0, 2], [3, 4]]]),
        (lambda net, x: net.place("layer", LayerNorm((-1,), 0.0), (x,)), {}, [[[2, 2], [3, 4]]]),
        (lambda net, x: net.place("layer", GroupNorm(1, 1e-5, False), (x,)), {}, INFINITE),
        (lambda net, x: net.place("layer", LocalResponseNorm(1, 1.0, 0.75, 0.0, 1), (x,)), {}, [[[0, 2], [3, 4]]]),
        (lambda net, x: net.place("layer", Softmax(1), (x,)), {}, INFINITE),
    ],
)
def test_what_is_no_number_is_explained_as_it_is_computed(build, values, x):
    value, computed = overflown(build, values, x)
    assert math.isnan(value)
    assert math.isnan(computed)
