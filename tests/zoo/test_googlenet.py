"""GoogLeNet against Table 1 of Szegedy et al. 2014, and exact counts where the print rounds or errs."""

import pytest

from slidesum.draft.verbs import Draft
from slidesum.laws.graph import node_counts, totals
from slidesum.zoo.googlenet import MODULES, googlenet

# GoogLeNet. Szegedy et al. 2014, Table 1: maps; weights and ops as printed; weights, biases and macs exact.
TABLE_1 = {
    "conv1": ((64, 112, 112), "2.7K", "34M", 9408, 64, 118013952),
    "conv2": ((192, 56, 56), "112K", "360M", 114688, 256, 359661568),
    "3a": ((256, 28, 28), "159K", "128M", 163328, 368, 128049152),
    "3b": ((480, 28, 28), "380K", "304M", 388096, 640, 304267264),
    "4a": ((512, 14, 14), "364K", "73M", 375552, 624, 73608192),
    "4b": ((512, 14, 14), "437K", "88M", 448512, 648, 87908352),
    "4c": ((512, 14, 14), "463K", "100M", 509440, 664, 99850240),
    "4d": ((528, 14, 14), "580K", "119M", 604672, 704, 118515712),
    "4e": ((832, 14, 14), "840K", "170M", 867328, 1024, 169996288),
    "5a": ((832, 7, 7), "1072K", "54M", 1042432, 1024, 51079168),
    "5b": ((1024, 7, 7), "1388K", "71M", 1442816, 1264, 70697984),
    "linear": ((1000,), "1000K", "1M", 1024000, 1000, 1024000),
}
MISPRINTED_OPS = {"conv1", "5a"}


@pytest.mark.parametrize("row", TABLE_1)
def test_googlenet_row(row):
    net = googlenet()
    shape, printed_weights, printed_ops, weights, biases, macs = TABLE_1[row]
    nodes = [node for node in net if node.name.startswith((f"{row}/", f"{row}-")) or node.name == row]
    found = sum((node_counts(node) for node in nodes[1:]), start=node_counts(nodes[0]))
    assert nodes[-1].shape == (1, *shape)
    assert (found.weights, found.biases, found.macs) == (weights, biases, macs)
    ops = float(printed_ops[:-1]) * 1e6
    assert (abs(macs - ops) < 1e6) == (row not in MISPRINTED_OPS)
    kilo = float(printed_weights[:-1]) * 1024
    assert (0.9 < weights / kilo < 1.1) == (row != "conv1")


def test_googlenet_first_layer_as_printed_would_be_separable():
    """7×7 with eight filters a colour, then 1×1 to 64 maps: 2.7K and 34M, as Table 1 prints."""
    net = Draft("separable")
    x = net.input("b c i j", b=1, c=3, i=224, j=224)
    x = net.conv(x, "b c 2*i+u-3 2*j+v-3, c m u v -> b (c m) i j", m=8, u=7, v=7)
    net.conv(x, "b c i j, o c -> b o i j", o=64)
    assert totals(net.graph).weights == 2712
    assert totals(net.graph).macs == 34_019_328  # 1×1 alone 19.3 million


def test_googlenet_rows_of_the_table_without_weights():
    net = googlenet()
    assert [net[f"pool{n}"].shape for n in range(1, 6)] == [
        (1, 64, 56, 56),
        (1, 192, 28, 28),
        (1, 480, 14, 14),
        (1, 832, 7, 7),
        (1, 1024),
    ]
    assert net["dropout"].op.rate == 0.4
    assert [node.shape for node in (net[f"{name}/concat"] for name in MODULES)][-1] == (1, 1024, 7, 7)


@pytest.mark.parametrize(
    ("head", "source", "parameters", "macs"), [("aux1", "4a", 3188840, 4169728), ("aux2", "4d", 3190888, 4202496)]
)
def test_googlenet_heads(head, source, parameters, macs):
    net = googlenet(auxiliary=True)
    nodes = [node for node in net if node.name.startswith(f"{head}/")]
    found = sum((node_counts(node) for node in nodes[1:]), start=node_counts(nodes[0]))
    assert (found.parameters, found.macs) == (parameters, macs)
    assert nodes[0].inputs == (f"{source}/concat",)
    assert nodes[0].shape[2:] == (4, 4)
    assert [node.name for node in net.outputs] == ["linear", "aux1/fc2", "aux2/fc2"]
    assert net.output.name == "linear"


def test_googlenet_in_its_width():
    total = totals(googlenet(width="a", side="224*r"))
    assert str(total.parameters) == "5956864*a**2 + 1040688*a + 1000"
    assert str(total.macs) == "1463633920*a**2*r**2 + 118013952*a*r**2 + 1024000*a"
    first = node_counts(googlenet(width="a")["conv1"])
    assert (str(first.weights), str(first.macs)) == ("9408*a", "118013952*a")  # linear: three colours stay three
