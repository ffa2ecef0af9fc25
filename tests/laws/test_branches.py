"""Where branches disagree: a note, with the layer's name."""

import pytest

import slidesum as ss

CONV = "b c i+u j+v, o c u v -> b o i j"
HALF = "b c 2*i+u 2*j+v, o c u v -> b o i j"


def noted(build):
    net = ss.Network("net")
    build(net, net.input("b c i j", b=1, c=2, i=8, j=8))
    return net.table().notes


def strides(net, x):
    a = net.conv(x, "b c 2*i+u 2*j+v, o c u v -> b o i j", o=2, u=2, v=2, name="a")
    b = net.conv(x, CONV, o=2, u=5, v=5, name="b")
    net.concat([a, b], name="both")


def centres(net, x):
    a = net.conv(x, CONV, o=2, u=2, v=3, padding={"i": (0, 1), "j": 1}, name="a")
    net.add(a, x, name="sum")


def three(net, x):
    parts = [
        net.conv(x, CONV, o=2, u=2, v=1, padding={"i": pads}, name=name)
        for name, pads in (("a", (0, 1)), ("b", (1, 0)), ("c", (0, 1)))
    ]
    net.add(*parts, name="sum")


def residual(net, x):
    y = net.conv(x, HALF, o=4, u=3, v=3, padding=1, name="conv")
    net.add(y, net.conv(x, "b c 2*i 2*j, o c -> b o i j", o=4, name="project"), name="sum")


def gate(net, x):
    y = net.conv(net.pool(x, "b c i j -> b c", "mean"), "b c, o c -> b o", o=2, name="gate")
    net.combine("multiply", x, net.reshape(y, 1, 2, 1, 1), name="gated")


@pytest.mark.parametrize(
    ("build", "notes"),
    [
        (
            strides,
            ("both: branches move at different strides along i and j: 2 in a, 1 in b",),
        ),
        (centres, ("sum: branches have different centres along i: place 0 looks around 1/2 in a, 0 in input",)),
        (three, ("sum: branches have different centres along i: place 0 looks around 1/2 in a and c, -1/2 in b",)),
        (residual, ()),
        (gate, ()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_branches_that_disagree_are_noted(build, notes):
    assert tuple(note for note in noted(build) if "left unread" not in note) == notes


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "mobilenet-v2"])
def test_the_networks_of_the_literature_agree_with_themselves(name):
    assert [note for note in ss.load(name).table().notes if "branches" in note] == []


def test_many_notes_are_counted_in_a_terminal():
    text = str(ss.load("r3d18").table())
    assert "… 1 more notes: --format json has them all" in " ".join(text.split())
