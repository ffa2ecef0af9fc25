"""How a cost grows: the polynomials, the table of points, the picture; and the GoogLeNet paper's sentence in numbers."""

import csv
import io
import json
import re
import sys
from fractions import Fraction

import pytest

import slidesum as ss
from slidesum.draft.grow import Grown
from slidesum.errors import MissingPackage, SlidesumError, UsageError
from slidesum.show.text import printed

CONV = "b c i+u j+v, o c u v -> b o i j"


@pytest.fixture(scope="module")
def google():
    return ss.load("googlenet")


def test_googlenet_grows_with_the_square_of_its_width_and_only_its_ends_do_not(google):
    cost = google.cost("width")
    assert {key: str(formula) for key, formula in cost.polynomial.items()} == {
        "parameters": "5956864*α**2 + 1040688*α + 1000",
        "macs": "1463633920*α**2 + 119037952*α",
        "backward_macs": "2927267840*α**2 + 132869376*α",
        "activation_bytes": "39640960*α + 4000",
    }
    table = {row["name"]: row for row in google.table()}
    linear = [name for name, counts in cost.layers.items() if counts["macs"].degree("α") == 1]
    chained = [name for name, counts in cost.layers.items() if counts["macs"].degree("α") == 2]
    assert linear == ["conv1", "linear"]
    assert len(chained) == 56
    assert sum(table[name]["macs"] for name in chained) == 1_463_633_920
    assert sum(table[name]["macs"] for name in linear) == 119_037_952
    assert sum(table[name]["weights"] for name in chained) == 5_956_864
    leading, local = cost.exponents["macs"]["α"]
    assert (leading, round(local, 4)) == (2, 1.9248)


def test_in_width_and_resolution_at_once(google):
    cost = google.cost(("width", "resolution"))
    assert str(cost.polynomial["macs"]) == "1463633920*α**2*ρ**2 + 118013952*α*ρ**2 + 1024000*α"
    assert {(row["α"], row["ρ"]) for row in cost.points} >= {(1, 1), (Fraction(1, 2), Fraction(4, 7))}
    for row in cost.points:
        assert row["macs"] == cost.grown.formulas["macs"].at({"α": row["α"], "ρ": row["ρ"]})


def test_the_total_is_the_sum_of_the_layers(google):
    for vary in ("width", "depth", "resolution", "batch"):
        cost = google.cost(vary)
        for key, total in cost.polynomial.items():
            assert sum(counts[key].formula for counts in cost.layers.values()) == total


SMALL = """\
small: how its cost grows
  α multiplies the filters of every layer, those that make the outputs excepted

  parameters     1,152·α² + 392·α + 5
                 grows as α², here as α^1.74
  multiply-adds  41,472·α² + 18,512·α
                 grows as α², here as α^1.69
  backward       82,944·α² + 19,168·α
                 grows as α², here as α^1.81
  result bytes   4,416·α + 20
                 grows as α, here as α^1.00

    α  parameters  multiply-adds  backward  parameters ×  multiply-adds ×
  1/2         489         19,624    30,320         0.316            0.327
    1       1,549         59,984   102,112             1                1
    2       5,397        202,912   370,112          3.48             3.38

  Parameters grow with α² in 1 layer (conv2), with α in 2 (conv1, linear).
  Multiply-adds grow with α² in 1 layer (conv2), with α in 2 (conv1, linear).
"""


def small():
    net = ss.Network("small")
    x = net.input("b c i j", b=1, c=4, i=8, j=8)
    x = net.conv(x, CONV, o=8, u=3, v=3, padding="same", bias="o", name="conv1")
    x = net.conv(x, CONV, o=16, u=3, v=3, bias="o", name="conv2")
    x = net.pool(x, "b c i j -> b c", "mean", name="mean")
    net.linear(x, 5, name="linear")
    return net


def test_it_prints_itself():
    assert printed(small().cost("width", at=["1/2", 1, 2]), 80) == SMALL


@pytest.mark.parametrize("width", [40, 50, 60, 80, 100, 150])
@pytest.mark.parametrize("vary", ["width", "depth", "resolution", "batch", ("width", "resolution")])
def test_it_fits_every_window(width, vary):
    text = printed(ss.load("vgg11").cost(vary), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_every_format_has_the_same_points():
    cost = small().cost("resolution")
    document = json.loads(cost.to_json())
    lines = list(csv.DictReader(io.StringIO(cost.to_csv())))
    markdown = [line.strip("| ").split(" | ") for line in cost.to_markdown().splitlines() if line.startswith("| ")][1:]
    assert len(document["points"]) == len(lines) == len(markdown) == len(cost.points) == 6
    for row, point, line, cells in zip(cost.points, document["points"], lines, markdown, strict=True):
        assert point["extents"] == list(row["extents"])
        assert row["macs"] == point["macs"] == int(line["macs"]) == int(cells[3].replace(",", ""))
        assert float(line["ρ"]) == point["ρ"] == float(row["ρ"])
        assert cells[1] == line["extents"] == "×".join(map(str, row["extents"]))
    assert list(document) == ["network", "vary", "polynomials", "exponents", "fit", "layers", "points", "notes"]
    assert document["fit"] is None
    assert document["polynomials"]["macs"] == str(cost.polynomial["macs"])
    assert document["notes"] == ["the polynomial is exact where i is any size and j is any size"]
    assert cost.format("json") == cost.to_json() + "\n"


def test_a_resolution_off_the_grid_is_counted_and_told():
    cost = ss.load("vgg11").cost("resolution", at=[1, "225/224"])
    one, off = cost.points
    assert (one["macs"], off["extents"]) == (off["macs"] - (off["macs"] - one["macs"]), (225, 225))
    assert (
        off["macs"]
        == cost.grown.counted({"ρ": Fraction(225, 224)})["macs"]
        != cost.grown.formulas["macs"].at({"ρ": Fraction(225, 224)})
    )
    assert cost.notes == (
        "the polynomial is exact where i is a multiple of 32 and j is a multiple of 32",
        "at 1.004 it is not; the counts in the table are",
    )


def test_where_there_is_no_polynomial_a_fit_is_told_as_one(monkeypatch):
    net = ss.Network("rounding")
    x = net.pool(net.input("b c i", b=1, c=2, i=12), "b c 3*i+u -> b c i", "max", u=3, name="pool")
    net.conv(x, "b c i+u, o c u -> b o i", o=3, u=3, name="conv")
    monkeypatch.setattr(Grown, "formulas", None)  # as where floors are left: these counts lie on stairs
    cost = net.cost("resolution", at=[1, "13/12", "14/12", 2, 3])
    with pytest.raises(UsageError) as error:
        _ = cost.polynomial
    assert str(error.value) == (
        "the counts of rounding are no polynomials in ρ\n"
        "  Sizes are rounded down on the way, not alike on any grid.\n"
        "  Take .points, which are exact, or .fit, which is not."
    )
    places = [float(row["ρ"]) for row in cost.points]
    for key, fit in cost.fit.items():
        told = [sum(c * x ** (len(fit.coefficients) - 1 - k) for k, c in enumerate(fit.coefficients)) for x in places]
        worst = max(abs(t - row[key]) / row[key] for t, row in zip(told, cost.points, strict=True))
        assert worst == pytest.approx(fit.error, abs=1e-12)
    text = " ".join(printed(cost, 100).split())
    assert "multiply-adds ≈" in text
    assert "the counts are no polynomials here; what is told instead is a fit through the points" in text
    assert json.loads(cost.to_json())["fit"]["macs"]["error"] == cost.fit["macs"].error


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture(tmp_path, suffix):
    path = small().cost("width").plot(tmp_path / f"cost{suffix}")
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert len(data) > 5000


def test_the_picture_needs_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackage) as caught:
        small().cost("width").plot(tmp_path / "cost.png")
    assert str(caught.value) == (
        "the plot is drawn by matplotlib, which isn't installed\n  Install it: pip install 'slidesum[train]'."
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("vary", "label"), [("width", "width α"), ("depth", "depth d"), ("resolution", "resolution ρ"), ("batch", "batch β")]
)
def test_the_axes_of_the_picture_say_what_they_are(tmp_path, vary, label):
    text = ss.load("resnet18").cost(vary).plot(tmp_path / "cost.svg").read_text(encoding="utf-8")
    labels = re.findall(r"<!-- (.*) -->", text)
    assert label in labels
    assert "multiples of the declared network" in labels


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda: small().cost("width").plot("cost.pdf"),
            "a plot is a .png or a .svg, not 'cost.pdf'\n  Name the file cost.png or cost.svg.",
        ),
        (
            lambda: small().cost("width", at=[2]).plot("cost.png"),
            "a plot needs at least two points\n  Give more of them, as in --at 0.5,1,2.",
        ),
        (
            lambda: small().cost("width", at=["x"]),
            "'x' is no size to vary to\n  Write numbers above 0, such as 0.5, 3/4 or 2.",
        ),
        (
            lambda: small().cost("width", at=[0]),
            "0 is no size to vary to\n  Write numbers above 0, such as 0.5, 3/4 or 2.",
        ),
        (
            lambda: small().cost(("width", "batch"), at=[1]),
            "points are given for one variable at a time\n  Vary one thing, or leave the points away.",
        ),
        (
            lambda: small().cost("width", at=[0.3]).points,
            "conv1 would have 2.4 filters\n  Every size of a network is a whole number.\n"
            "  Give numbers that make all of them whole.",
        ),
        (
            lambda: small().cost("depth", at=[2]),
            "the depth of small can't be varied: it has no block whose result has the shape of what it reads\n"
            "  Vary something else.",
        ),
    ],
)
def test_refusals(ask, text):
    with pytest.raises(SlidesumError) as error:
        ask()
    assert str(error.value) == text


def test_a_network_that_only_fits_in_its_own_size_says_where_it_breaks():
    with pytest.raises(UsageError) as error:
        _ = ss.load("unet").cost("resolution").polynomial
    assert str(error.value) == (
        "unet can't be built in another size: up4/concat doesn't fit\n"
        "  up4/concat joins 1×512×56×56 and 1×512×58×58.\n"
        "  Vary something else, or build the network with a symbol for that size."
    )


def test_its_short_name():
    assert repr(small().cost(("width", "batch"))) == "<cost of small in α, β>"
