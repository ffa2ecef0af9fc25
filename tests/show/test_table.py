"""The table: rows built once, drawn four ways, adding up."""

import csv
import io
import json
import random

import pytest

import slidesum as ss
from slidesum.core.sizes import size
from slidesum.errors import UsageError
from slidesum.run.network import initial_values
from slidesum.show.formula import broken, json_text
from slidesum.show.layout import INDENT, table_text
from slidesum.show.rows import COUNTS
from slidesum.show.table import Table
from slidesum.show.text import printed
from slidesum.zoo.catalogue import DEPTHS, ZOO, build

NUMBERS = {"n": 9, "m": 8, "k1": 3, "k2": 4, "alpha": 1, "rho": 1}
DEEP = {name for family in DEPTHS.values() for name in family.values()} - {"vgg16", "resnet50"}  # which differ in length alone
SHOWN = [name for name in ZOO if name not in DEEP]
DRAWN = ("lenet5", "type-1", "type-2.1", "type-2.2", "alexnet", "googlenet")


def small(name):
    net = ss.load(name)
    return net.with_sizes(**{s: NUMBERS[s] for s in net.symbols}) if net.symbols else net


@pytest.fixture
def two_layers():
    net = ss.Network("two layers")
    x = net.input("b c i j", b=1, c=1, i="n", j="m")
    x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o="k1", u=3, v=3, padding="same", bias="o", name="conv1")
    x = net.activation(x, "relu")
    x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o="k2", u=5, v=5, padding="same", bias="o", name="conv2")
    net.pool(x, "b c 2*i+u 2*j+v -> b c i j", "max", u=2, v=2, name="pool")
    return net


def test_the_formulas_of_the_issue(two_layers):
    assert str(two_layers.parameters) == "25*k1*k2 + 10*k1 + k2"
    assert str(two_layers.weights) == "25*k1*k2 + 9*k1"
    assert str(two_layers.biases) == "k1 + k2"
    assert str(two_layers.macs) == "25*k1*k2*m*n + 9*k1*m*n"
    assert two_layers.with_sizes(n=28, m=28, k1=32, k2=64).parameters == 9 * 32 + 32 + 25 * 32 * 64 + 64


@pytest.mark.parametrize("name", SHOWN)
def test_every_counted_column_adds_up_to_its_total_in_every_format_depth_and_order(name):
    net = small(name)
    for table in (net.table(), net.table(depth=1), net.table(depth=2, sort="macs"), net.table(sort="name")):
        document = json.loads(table.to_json())
        lines = list(csv.DictReader(io.StringIO(table.to_csv())))
        for column in COUNTS:
            total = table.totals[column]
            assert sum(row[column] for row in table) == total
            assert sum(row[column] for row in document["layers"]) == document["totals"][column] == total
            assert sum(int(line[column]) for line in lines) == total
        markdown = [line.split(" | ") for line in table.to_markdown().splitlines() if line.startswith("| ")]
        for place in (6, 7, 9, 11, 12):  # weights, biases, multiply-adds, backward, result bytes
            *cells, total = (int(cells[place].replace(",", "")) for cells in markdown[1:])
            assert sum(cells) == total
        assert max(row["held_bytes"] for row in table) == table.totals["peak_bytes"]
        assert sum(row["macs_percent"] for row in table) == pytest.approx(100)
        assert sum(row["parameters_percent"] for row in table) == pytest.approx(100)


@pytest.mark.parametrize("name", ["type-1", "type-2.1", "type-2.2", "mobilenet"])
def test_formulas_with_numbers_put_in_are_the_numbers(name):
    net = ss.load(name)
    for symbolic, numeric in zip(net.table(), small(name).table(), strict=True):
        for key in COUNTS:
            value = (
                size(symbolic[key])
                if isinstance(symbolic[key], int)
                else symbolic[key].subs({s: NUMBERS[str(s)] for s in symbolic[key].free_symbols})
            )
            assert value == numeric[key], (numeric["name"], key)


TYPES = {
    "type-1": (lambda k1, k2: (9 * k1 + 25 * k2, k1 * k2, 25)),
    "type-2.1": (lambda k1, k2: (9 * k1 + 25 * k2, k2, 25 * k1)),
    "type-2.2": (lambda k1, k2: (9 * k1 + 25 * k1 * k2, k2, 25 * k1)),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_three_types_count_as_the_question_says_and_as_many_numbers_exist(name):
    chance = random.Random(0)
    for _ in range(10):
        k1, k2 = chance.randint(1, 9), chance.randint(1, 9)
        net = ss.load(name).with_sizes(n=6, m=6, k1=k1, k2=k2)
        weights, maps, reads = TYPES[name](k1, k2)
        rows = {row["name"]: row for row in net.table()}
        convolutions = [rows["conv1"], rows["conv2"]]
        assert sum(row["weights"] for row in convolutions) == weights
        assert sum(row["biases"] for row in convolutions) == k1 + k2
        assert (rows["conv2"]["maps"], rows["conv2"]["inputs_per_output"]) == (maps, reads)
        arrays = initial_values(net.graph)
        assert sum(arrays[f"{layer}.w"].size for layer in ("conv1", "conv2")) == weights
        assert sum(arrays[f"{layer}.bias"].size for layer in ("conv1", "conv2")) == k1 + k2
        assert sum(array.size for array in arrays.values()) == net.parameters


def test_json_has_the_promised_shape(two_layers):
    document = json.loads(two_layers.table().to_json())
    assert list(document) == ["network", "input", "layers", "totals", "peak", "types", "notes"]
    assert document["network"] == "two layers"
    assert document["input"] == {"input": {"b": 1, "c": 1, "i": "n", "j": "m"}}
    conv2 = document["layers"][2]
    assert conv2 == {
        "name": "conv2",
        "kind": "type 2.2",
        "also": ["padding 2"],
        "equation": "b c i+u j+v, o c u v -> b o i j",
        "inputs": ["relu1"],
        "maps": "k2",
        "size": ["n", "m"],
        "shape": [1, "k2", "n", "m"],
        "inputs_per_output": "25*k1",
        "weights": "25*k1*k2",
        "biases": "k2",
        "parameters": "25*k1*k2 + k2",
        "macs": "25*k1*k2*m*n",
        "macs_inside": conv2["macs_inside"],
        "backward_macs": "50*k1*k2*m*n",
        "connections": "25*k1*k2*m*n + k2*m*n",
        "activation_bytes": "4*k2*m*n",
        "held_bytes": "4*k1*m*n + 4*k2*m*n",
        "parameters_percent": None,
        "macs_percent": None,
        "reach": {"i": {"field": 7, "stride": 1, "padding": 3}, "j": {"field": 7, "stride": 1, "padding": 3}},
    }
    assert document["totals"]["parameters"] == "25*k1*k2 + 10*k1 + k2"
    assert str(size(document["totals"]["macs"])) == document["totals"]["macs"]


def test_csv_has_a_line_a_layer():
    rows = list(csv.DictReader(io.StringIO(small("lenet5").table().to_csv())))
    assert [row["name"] for row in rows][:3] == ["C1", "C1-squash", "S2"]
    assert (rows[0]["shape"], rows[0]["reach"], rows[0]["weights"]) == ("1×6×28×28", "i:5/1/0 j:5/1/0", "150")


MARKDOWN = """\
| layer | kind | equation | maps | size | inputs per output | weights | biases | % of parameters | multiply-adds | % of multiply-adds | backward | result bytes | held bytes | reach |
|:--|:--|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
| conv1 | type 2.2, padding 1 | b c i+u j+v, o c u v -> b o i j | k1 | n×m | 9 | 9·k1 | k1 |  | 9·k1·m·n |  | 9·k1·m·n | 4·k1·m·n | 4·k1·m·n + 4·m·n | 3×3 |
| relu1 | activation relu |  | k1 | n×m | 1 | 0 | 0 |  | 0 |  | 0 | 4·k1·m·n | 8·k1·m·n | 3×3 |
| conv2 | type 2.2, padding 2 | b c i+u j+v, o c u v -> b o i j | k2 | n×m | 25·k1 | 25·k1·k2 | k2 |  | 25·k1·k2·m·n |  | 50·k1·k2·m·n | 4·k2·m·n | 4·k1·m·n + 4·k2·m·n | 7×7 |
| pool | max pooling, stride 2 | max b c 2*i+u 2*j+v -> b c i j | k2 | ⌊n/2⌋×⌊m/2⌋ | 4 | 0 | 0 |  | 0 |  | 4·k2·⌊m/2⌋·⌊n/2⌋ | 4·k2·⌊m/2⌋·⌊n/2⌋ | 4·k2·m·n + 4·k2·⌊m/2⌋·⌊n/2⌋ | 8×8 |
| total |  |  |  |  |  | 25·k1·k2 + 9·k1 | k1 + k2 |  | 25·k1·k2·m·n + 9·k1·m·n |  | 50·k1·k2·m·n + 9·k1·m·n + 4·k2·⌊m/2⌋·⌊n/2⌋ | 8·k1·m·n + 4·k2·m·n + 4·k2·⌊m/2⌋·⌊n/2⌋ | Max(8·k1·m·n, 4·k1·m·n + 4·k2·m·n, 4·k2·m·n + 4·k2·⌊m/2⌋·⌊n/2⌋) |  |

2 weighted layers: 2 convolutions of type 2.2. Type 2.2: a filter spans all maps and has weights of its own for each; k2 filters give k2 maps. Pooling mixes no maps. ReLU stands after the sum over the maps.
"""


def test_markdown(two_layers):
    assert two_layers.table().to_markdown() == MARKDOWN


NARROW = """\
two layers   input 1×1×28×28
  layer  maps   size  reads  weights  biases  par %  multiply-adds  mac %  reach
  conv1     4  28×28      9       36       4    6.2         28,224    5.7    3×3
  relu1     4  28×28      1        0       0    0.0              0    0.0    3×3
  conv2     6  28×28    100      600       6   93.8        470,400   94.3    7×7
  pool      6  14×14      4        0       0    0.0              0    0.0    8×8
  total                          636      10               498,624
  conv1  b c i+u j+v, o c u v -> b o i j   type 2.2, padding 1
  conv2  b c i+u j+v, o c u v -> b o i j   type 2.2, padding 2
  pool   max b c 2*i+u 2*j+v -> b c i j   max pooling, stride 2
  646 parameters, 506,464 connections; reads: input values per output value
  a forward pass holds 31,360 bytes of results at most, at conv2; a backward
  pass makes 973,728 multiply-adds

  2 weighted layers: 2 convolutions of type 2.2. Type 2.2: a filter spans all
  maps and has weights of its own for each; k2 filters give k2 maps. Pooling
  mixes no maps. ReLU stands after the sum over the maps.
"""


def test_the_table_fits_a_window_of_80_columns(two_layers):
    text = printed(two_layers.with_sizes(n=28, m=28, k1=4, k2=6).table(), 80)
    assert text == NARROW
    assert max(map(len, text.splitlines())) <= 80


SYMBOLS_AT_80 = """\
type-1   input 1×1×n×m
  layer    maps         size         reads        weights  biases  multiply-adds
  conv1      k1          n×m             9           9·k1      k1       9·k1·m·n
  relu1      k1          n×m             1              0       0              0
  conv2   k1·k2          n×m            25          25·k2      k2   25·k1·k2·m·n
  relu2   k1·k2          n×m             1              0       0              0
  pool    k1·k2  ⌊n/2⌋×⌊m/2⌋             4              0       0              0
  linear     10            1  k1·k2·⌊m/2⌋·      10·k1·k2·      10      10·k1·k2·
                                     ⌊n/2⌋    ⌊m/2⌋·⌊n/2⌋            ⌊m/2⌋·⌊n/2⌋
  conv1   b c i+u j+v, o u v -> b (c o) i j   type 1, padding 1   reach 3×3
  conv2   b c i+u j+v, o u v -> b (c o) i j   type 1, padding 2   reach 7×7
  pool    max b c 2*i+u 2*j+v -> b c i j   max pooling, stride 2   reach 8×8
  linear  b c i j, o c i j -> b o   linear   reach all
  weights        10·k1·k2·⌊m/2⌋·⌊n/2⌋ + 9·k1 + 25·k2
  biases         k1 + k2 + 10
  parameters     10·k1·k2·⌊m/2⌋·⌊n/2⌋ + 10·k1 + 26·k2 + 10
  multiply-adds  25·k1·k2·m·n + 10·k1·k2·⌊m/2⌋·⌊n/2⌋ + 9·k1·m·n
  backward       50·k1·k2·m·n + 24·k1·k2·⌊m/2⌋·⌊n/2⌋ + 9·k1·m·n
  held bytes     Max(8·k1·k2·m·n, 4·k1·k2·⌊m/2⌋·⌊n/2⌋ + 40)

  3 weighted layers: 2 convolutions of type 1, 1 linear. Type 1: every filter
  runs over every map separately, and the maps share its weights; k1 maps and k2
  filters give k1·k2 maps. Linear: every output has a weight for every value
  that it reads. Pooling mixes no maps. ReLU stands where no maps were summed.
"""

SYMBOLS_AT_60 = """\
type-1   input 1×1×n×m
  layer    maps      size     reads   weights  multiply-adds
  conv1      k1       n×m         9      9·k1       9·k1·m·n
  relu1      k1       n×m         1         0              0
  conv2   k1·k2       n×m        25     25·k2   25·k1·k2·m·n
  relu2   k1·k2       n×m         1         0              0
  pool    k1·k2    ⌊n/2⌋×         4         0              0
                    ⌊m/2⌋
  linear     10         1    k1·k2·    10·k1·      10·k1·k2·
                             ⌊m/2⌋·       k2·    ⌊m/2⌋·⌊n/2⌋
                              ⌊n/2⌋    ⌊m/2⌋·
                                        ⌊n/2⌋
  conv1   b c i+u j+v, o u v -> b (c o) i j   type 1,
          padding 1   reach 3×3
  conv2   b c i+u j+v, o u v -> b (c o) i j   type 1,
          padding 2   reach 7×7
  pool    max b c 2*i+u 2*j+v -> b c i j   max pooling,
          stride 2   reach 8×8
  linear  b c i j, o c i j -> b o   linear   reach all
  weights        10·k1·k2·⌊m/2⌋·⌊n/2⌋ + 9·k1 + 25·k2
  biases         k1 + k2 + 10
  parameters     10·k1·k2·⌊m/2⌋·⌊n/2⌋ + 10·k1 + 26·k2 + 10
  multiply-adds  25·k1·k2·m·n + 10·k1·k2·⌊m/2⌋·⌊n/2⌋
                 + 9·k1·m·n
  backward       50·k1·k2·m·n + 24·k1·k2·⌊m/2⌋·⌊n/2⌋
                 + 9·k1·m·n
  held bytes     Max(8·k1·k2·m·n, 4·k1·k2·⌊m/2⌋·⌊n/2⌋ + 40)

  3 weighted layers: 2 convolutions of type 1, 1 linear.
  Type 1: every filter runs over every map separately, and
  the maps share its weights; k1 maps and k2 filters give
  k1·k2 maps. Linear: every output has a weight for every
  value that it reads. Pooling mixes no maps. ReLU stands
  where no maps were summed.
"""


@pytest.mark.parametrize(("width", "text"), [(80, SYMBOLS_AT_80), (60, SYMBOLS_AT_60)])
def test_formulas_in_a_narrow_window_are_broken_where_one_may_read_on(width, text):
    assert printed(ss.load("type-1").table(), width) == text


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80, 100, 120])
@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_cut_at_any_width(name, width):
    table = ss.load(name).table()
    text = printed(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = "".join(text.split())
    for row in table:
        assert row["name"][: (width - INDENT) // 3] in words  # what is longer may go on below
        assert not row["equation"] or "".join(row["equation"].split()) in words
        if width >= 60 and not table.graph.symbols:
            assert f"{row['macs']:,}" in text


def test_columns_that_do_not_fit_are_left_out_one_by_one(two_layers):
    table = two_layers.with_sizes(n=28, m=28, k1=4, k2=6).table()
    titles = {width: printed(table, width).splitlines()[1].split() for width in (70, 60, 55, 45, 30)}
    assert titles[70] == ["layer", "maps", "size", "reads", "weights", "biases", "multiply-adds", "reach"]
    assert titles[60] == ["layer", "maps", "size", "reads", "weights", "biases", "multiply-adds"]
    assert titles[55] == ["layer", "maps", "size", "reads", "weights", "multiply-adds"]
    assert titles[45] == ["layer", "maps", "size", "weights", "multiply-adds"]
    assert titles[30] == ["layer", "multiply-adds"]
    assert "type 2.2, padding 2 reach 7×7" in " ".join(printed(table, 60).split())
    bare = printed(table_text(table, equations=False), 60).splitlines()[1].split()
    assert bare == ["layer", "maps", "size", "reads", "weights", "multiply-adds", "reach"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("25·k1·k2 + 9·k1", 20, ["25·k1·k2 + 9·k1"]),
        ("25·k1·k2 + 9·k1", 10, ["25·k1·k2", "+ 9·k1"]),
        ("9·k1 + 25·k2", 10, ["9·k1", "+ 25·k2"]),
        ("25·k1·k2 + 9·k1", 6, ["25·k1·", "k2", "+ 9·k1"]),
        ("10·⌊n/2 + 1/2⌋·(m - 3)", 8, ["10·", "⌊n/2 + 1/2⌋·", "(m - 3)"]),
        ("n - 12·m", 3, ["n", "- 12·", "m"]),
        ("-n + 1", 3, ["-n", "+ 1"]),
        ("1,234,567", 4, ["1,234,567"]),
        ("", 4, [""]),
    ],
)
def test_where_a_formula_is_broken(text, width, lines):
    assert broken(text, width).split("\n") == lines
    assert "".join(broken(text, width).split()) == "".join(text.split())


def test_a_kind_is_told_by_the_sizes_of_the_layer():
    net = ss.Network("rest")
    net.conv(net.input("b c i j", b=1, c=3, i=8, j=8), "... i+u j+v, u v -> ... i j", u=3, v=3, name="conv")
    assert [row["kind"] for row in net.table()] == ["type 1"]


def test_json_has_no_numbers_that_json_does_not_have():
    text = json_text({"a": [float("nan"), float("inf")], "b": {"c": (float("-inf"), 1.5, None, True)}})
    assert json.loads(text, parse_constant=pytest.fail) == {"a": ["NaN", "Infinity"], "b": {"c": ["-Infinity", 1.5, None, True]}}


def test_a_wide_window_has_the_equations_in_the_table(two_layers):
    lines = printed(two_layers.table(), 180).splitlines()
    assert lines[1].split() == ["layer", "kind", "equation", "maps", "size", "reads", "weights", "biases", "multiply-adds", "reach"]
    assert "conv2  type 2.2, padding 2    b c i+u j+v, o c u v -> b o i j" in lines[4]


def test_cells_left_unread_are_noted():
    net = ss.Network("short")
    x = net.input("b c i j", b=1, c=3, i=224, j=227)
    net.conv(x, "b c 4*i+u 4*j+v, o c u v -> b o i j", o=96, u=11, v=11, name="conv1")
    note = "conv1: i: the last cell is left unread of the 224 on axis 2 of x (windows of 11, step 4)"
    assert net.table().notes == (note,)
    assert note in " ".join(str(net).split())
    assert net.table()[0]["shape"] == (1, 96, 54, 55)


def test_lenet5_adds_up_to_what_was_published():
    totals = Table(build("lenet5")).totals
    assert (totals["parameters"], totals["connections"]) == (60_000, 340_908)


def test_an_unknown_format_is_refused(two_layers):
    with pytest.raises(UsageError) as error:
        two_layers.table().format("yaml")
    assert str(error.value) == "there is no format 'yaml'\n  There are table, json, csv, markdown.\n  Write one of them."


def test_a_table_is_a_sequence_of_mappings(two_layers):
    table = two_layers.table()
    assert len(table) == 4
    assert table[-1]["name"] == "pool"
    assert repr(table) == "<table of two layers: 4 layers, 25·k1·k2 + 10·k1 + k2 parameters>"
