"""Standard layers beside other forms, in a table."""

import csv
import io
import json

import pytest

import slidesum as ss
from slidesum.errors import UsageError
from slidesum.show.text import printed


def test_vgg16_in_other_forms():
    table = ss.load("vgg16").compare_layers()
    document = json.loads(table.to_json())
    assert len({row["layer"] for row in table}) == 13
    assert document["totals"]["standard"]["weights"] == sum(r["weights"] for r in table if r["form"] == "standard") == 14_710_464
    assert document["totals"]["standard"]["network_parameters"] == 138_357_544
    assert document["totals"]["standard"]["network_macs"] == 15_470_264_320
    for name, total in document["totals"].items():
        rows = {row["layer"]: row for row in table if row["form"] == name}
        missing = [row for row in table if row["form"] == "standard" and row["layer"] not in rows]
        for key in ("weights", "macs", "activation_bytes"):
            assert total[key] == sum(row[key] for row in [*rows.values(), *missing])
    assert "type 1" not in document["totals"]
    assert next(row["maps"] for row in table if (row["layer"], row["form"]) == ("conv5-3", "type 1")) == 512 * 512


def test_csv_and_markdown_say_the_same():
    table = ss.load("vgg11").compare_layers(groups=4, squeeze=8)
    lines = list(csv.DictReader(io.StringIO(table.to_csv())))
    markdown = [line.strip("| ").split(" | ") for line in table.to_markdown().splitlines() if line.startswith("| ")][1:]
    assert [line["form"] for line in lines] == [cells[1] for cells in markdown[: len(lines)]]
    assert [int(line["macs"]) for line in lines] == [int(cells[6].replace(",", "")) for cells in markdown[: len(lines)]]
    assert [cells[1] for cells in markdown[len(lines) :]] == ["standard", "separable", "4 groups", "bottleneck", "type 2.1"]
    assert lines[1]["equations"] == "b c i+u-1 j+v-1, c u v -> b c i j; b c i j, o c -> b o i j"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 150])
@pytest.mark.parametrize("name", ["vgg16", "alexnet", "type-2.2", "mobilenet-v2"])
def test_it_fits_every_window(name, width):
    text = printed(ss.load(name).compare_layers(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_what_is_not_compared_is_told():
    assert ss.load("alexnet").compare_layers().notes == ("not compared, grouped: conv2, conv4, conv5",)
    net = ss.Network("shared")
    x = net.input("b c i", b=1, c=2, i=9)
    x = net.conv(x, "b c i+u, o c u -> b o i", o=2, u=3, name="first")
    net.place("again", net.graph["first"].op, [x], shares="first")
    assert net.compare_layers().notes == ("not compared, the same layer as first: again",)


def test_a_network_without_standard_layers():
    net = ss.Network("linear")
    net.linear(net.input("b f", b=1, f=4), 3)
    table = net.compare_layers()
    assert (len(table), table.totals) == (0, {})
    assert printed(table, 80) == (
        "linear: what standard layers would cost in other forms\n\n  linear has no layer of type 2.2 with a window.\n"
    )
    assert json.loads(table.to_json())["layers"] == []


@pytest.mark.parametrize("name", ["groups", "squeeze"])
@pytest.mark.parametrize("number", [0, 1.5, True])
def test_refusals(name, number):
    with pytest.raises(UsageError) as error:
        ss.load("vgg11").compare_layers(**{name: number})
    assert str(error.value) == f"{name} is a whole number of at least 1, not {number!r}\n  Write {name}=4, say."
