"""Rows folded by their names and sorted by a column."""

import pytest

import slidesum as ss
from slidesum.errors import UsageError
from slidesum.show.fold import SORTABLE
from slidesum.show.rows import COUNTS

CONV = "b c i+u j+v, o c u v -> b o i j"


def modules():
    net = ss.Network("modules")
    x = net.input("b c i j", b=1, c=3, i=8, j=8)
    x = net.conv(x, CONV, o=4, u=3, v=3, bias="o", name="stem")
    for k in (1, 2, 10):
        left = net.activation(net.conv(x, CONV, o=4, u=1, v=1, name=f"block{k}/left/conv"), "relu", name=f"block{k}/left/relu")
        x = net.add(left, x, name=f"block{k}/add")
    net.linear(x, 2, name="head")
    return net


def test_layers_whose_names_begin_alike_are_one_row():
    table = modules().table(depth=1)
    assert [row["name"] for row in table] == ["stem", "block1", "block2", "block10", "head"]
    block = table[2]
    assert (block["kind"], block["also"], block["equation"]) == ("3 layers", ("1 type 2.2",), None)
    assert (block["inputs"], block["shape"], block["inputs_per_output"]) == (("block1/add",), (1, 4, 6, 6), None)
    whole = {row["name"]: row for row in modules().table()}
    parts = [whole[f"block2/{part}"] for part in ("left/conv", "left/relu", "add")]
    assert {key: block[key] for key in COUNTS} == {key: sum(part[key] for part in parts) for key in COUNTS}
    assert block["held_bytes"] == max(part["held_bytes"] for part in parts)
    assert block["reach"] == parts[-1]["reach"]


def test_a_deeper_fold_keeps_what_has_no_more_parts():
    assert [row["name"] for row in modules().table(depth=2)][:4] == ["stem", "block1/left", "block1/add", "block2/left"]
    assert [row["name"] for row in modules().table(depth=3)] == [row["name"] for row in modules().table()]


@pytest.mark.parametrize("column", SORTABLE)
def test_rows_are_sorted_by_any_column(column):
    table = modules().table(sort=column)
    values = [row[column] for row in table]
    if column in ("name", "kind"):
        assert values[0] <= values[-1]
    else:
        assert values == sorted(values, reverse=True)
    assert sorted(row["name"] for row in table) == sorted(row["name"] for row in modules().table())


def test_names_are_sorted_by_their_numbers_and_equals_stay_in_order():
    assert [row["name"] for row in modules().table(depth=1, sort="name")] == ["block1", "block2", "block10", "head", "stem"]
    tied = [row["name"] for row in modules().table(depth=1, sort="macs") if row["name"].startswith("block")]
    assert tied == ["block1", "block2", "block10"]


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda: modules().table(depth=0).rows,
            "a depth is a whole number of at least 1, not 0\n  Write depth=1 to see whole modules.",
        ),
        (
            lambda: modules().table(sort="flops").rows,
            "rows can't be sorted by 'flops'\n  They can by name, kind, maps, inputs_per_output, weights, biases, parameters, "
            "macs, macs_inside, backward_macs, connections, activation_bytes, held_bytes.\n  Write one of these.",
        ),
        (
            lambda: ss.load("type-1").table(sort="macs").rows,
            "the macs of conv1 are 9*k1*m*n\n  Formulas have no order before their symbols have numbers.\n"
            "  Give them, as in --set k1=8, or net.with_sizes(k1=8).",
        ),
    ],
)
def test_refusals(ask, text):
    with pytest.raises(UsageError) as error:
        ask()
    assert str(error.value) == text


def test_shared_weights_are_counted_once_however_rows_are_folded():
    net = ss.Network("shared")
    x = net.linear(net.input("b f", b=1, f=4), 4, name="a/first")
    x = net.place("a/again", net.graph["a/first"].op, [x], shares="a/first")
    net.place("b/again", net.graph["a/first"].op, [x], shares="a/first")
    for depth in (None, 1, 2):
        table = net.table(depth=depth)
        assert sum(row["parameters"] for row in table) == table.totals["parameters"] == net.parameters == 20
        assert sum(row["macs"] for row in table) == table.totals["macs"] == net.macs == 48
