"""What could stand in the place of a standard layer: shapes, counts, and the published ratio of the separable form."""

from fractions import Fraction

import pytest

import slidesum as ss
from slidesum.core.sizes import size
from slidesum.laws.instead import forms, is_standard


def layer(pattern="b c i+u j+v, o c u v -> b o i j", *, c=8, n=12, padding="same", **sizes):
    net = ss.Network("one")
    x = net.input("b c i j", b=2, c=c, i=n, j=n)
    net.conv(x, pattern, padding=padding, bias="o", name="conv", **({"o": 12, "u": 3, "v": 3} | sizes))
    return net.graph["conv"]


@pytest.mark.parametrize(
    "node",
    [
        layer(),
        layer(padding="valid"),
        layer(n=9),
        layer("b c s*i+d*u j+v, o c u v -> b o i j", s=2, d=3, padding={"i": 2}),
        layer("b c i-u j+v, o c u v -> b o i j", padding={"j": (1, 0)}),
    ],
)
def test_every_form_reads_the_same_places_and_gives_as_many_maps(node):
    found = {form.name: form for form in forms(node)}
    assert list(found) == ["standard", "separable", "2 groups", "bottleneck", "type 2.1", "type 1"]
    for name, form in found.items():
        last = form.stages[-1]
        maps = 8 * 12 if name == "type 1" else 12
        assert (last.result_shape, form.maps) == ((2, maps, *node.shape[2:]), maps)
        assert form.counts.biases == 12
        assert form.stages[0].shapes[0] == (2, 8, *node.sized.shapes[0][2:])
        assert all(stage.bias_shape is None for stage in form.stages[:-1])


def test_their_weights():
    weights = {form.name: form.counts.weights for form in forms(layer(), groups=4, squeeze=3)}
    assert weights == {
        "standard": 9 * 8 * 12,
        "separable": 9 * 8 + 8 * 12,
        "4 groups": 9 * 8 * 12 // 4,
        "bottleneck": 8 * 4 + 9 * 4 * 4 + 4 * 12,
        "type 2.1": 9 * 12,
        "type 1": 9 * 12,
    }


def test_a_separable_layer_costs_one_over_n_and_one_over_k_squared():
    """Howard et al. 2017, section 3.1: 1/N + 1/D², for N filters and windows of D by D."""
    found = {form.name: form.counts for form in forms(layer(o=12))}
    assert Fraction(found["separable"].macs, found["standard"].macs) == Fraction(1, 12) + Fraction(1, 9)
    assert found["type 1"].macs == found["type 2.1"].macs == found["standard"].macs
    assert found["2 groups"].macs * 2 == found["standard"].macs


def test_groups_that_do_not_divide_are_left_out_and_symbols_stay():
    assert "5 groups" not in [form.name for form in forms(layer(), groups=5)]
    assert "1 groups" not in [form.name for form in forms(layer(), groups=1)]
    symbolic = {form.name: form.counts.weights for form in forms(layer(c="k1", o="k2"))}
    assert symbolic["separable"] == size("9*k1 + k1*k2")
    assert symbolic["type 1"] == size("9*k2")


def test_more_dimensions_and_other_letters():
    net = ss.Network("volume")
    x = net.input("n m p q r", n=1, m=4, p=5, q=6, r=7)
    net.conv(x, "n m p+a q+b r+c, f m a b c -> n f p q r", f=8, a=2, b=2, c=3, name="conv")
    assert [form.counts.weights for form in forms(net.graph["conv"])] == [384, 48 + 32, 192, 8 + 48 + 16, 96, 96]


@pytest.mark.parametrize(
    ("pattern", "sizes", "standard"),
    [
        ("b c i+u j+v, o c u v -> b o i j", {}, True),
        ("b c i j, o c -> b o i j", {"u": None, "v": None}, False),
        ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", {"g": 2}, False),
        ("b c i+u j+v, o u v -> b o i j", {}, False),
        ("b c i+u j+v, c u v, o c -> b o i j", {}, False),
    ],
)
def test_which_layers_are_standard(pattern, sizes, standard):
    net = ss.Network("one")
    x = net.input("b c i j", b=1, c=4, i=8, j=8)
    given = {name: n for name, n in ({"o": 6, "u": 3, "v": 3} | sizes).items() if n is not None}
    net.conv(x, pattern, name="conv", **given)
    assert is_standard(net.graph["conv"]) is standard
    assert not is_standard(net.graph["input"])
