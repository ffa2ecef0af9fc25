"""Networks in another size: what grows, what stays, and that formulas count what a built network counts."""

import random
from fractions import Fraction

import pytest

import slidesum as ss
from slidesum.core.ops import Layer, Opaque
from slidesum.core.sizes import size
from slidesum.draft.grow import Grown
from slidesum.draft.vary import Change, deeper, reshaped, varied
from slidesum.errors import SizeError, UsageError
from slidesum.laws.growth import QUANTITIES, Growth, quantities
from slidesum.laws.repeat import repeatable
from slidesum.laws.width import widened
from slidesum.notation.parse import parse
from slidesum.zoo.mobilenet import mobilenet

CONV = "b c i+u j+v, o c u v -> b o i j"
GROUPED = "b (g c) i+u j+v, (g o) c u v -> b (g o) i j"


def mixed():
    """A bit of everything: groups, depthwise with a multiplier, a factored filter, branches, shuffles, gates, two heads."""
    net = ss.Network("mixed")
    x = net.input("b c i j", b=2, c=3, i=32, j=24)
    x = net.activation(net.conv(x, CONV, o=8, u=3, v=3, padding="same", bias="o", name="stem"), "relu")
    x = net.norm(net.conv(x, GROUPED, g=2, o=6, u=3, v=3, padding="same", name="groups"), name="norm")
    x = net.pool(x, "b (g c) i j -> b (c g) i j", g=2, name="shuffle")
    x = net.conv(x, "b c i+u j+v, c m u v -> b (c m) i j", m=2, u=3, v=3, padding="same", name="depthwise")
    x = net.conv(x, "b c i+u j+v, r c, r u v, o r -> b o i j", r=4, o=10, u=3, v=3, padding="same", name="factored")
    left = net.conv(x, "b c 2*i+u-1 2*j+v-1, o c u v -> b o i j", o=10, u=3, v=3, name="left")
    right = net.pool(x, "b c 2*i+u 2*j+v -> b c i j", "max", u=2, v=2, name="right")
    x = net.concat([left, right], name="both")
    y = net.conv(net.pool(x, "b c i j -> b c", "mean", name="mean"), "b c, o c -> b o", o=20, name="gate")
    x = net.combine("multiply", x, net.reshape(y, 2, 20, 1, 1, name="as-map"), name="gated")
    x = net.slice(x, 1, 0, 10, name="half")
    x = net.pad(x, (0, 0), (4, 6), (0, 0), (0, 0), name="wider")
    bias = net.stored((20, 1, 1), name="table")
    x = net.add(net.combine("add", x, bias, name="moved"), x, name="sum")
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u 2*j+v", o=6, u=3, v=3, extent={"i": 34, "j": 26}, name="up")
    first = net.linear(net.flatten(x, name="flat"), 7, name="classes")
    second = net.conv(x, "b c i j, o c -> b o i j", o=2, name="map")
    net.output(first, second)
    return net.graph


def test_what_grows_with_the_width():
    graph = mixed()
    assert widened(graph) == {
        "stem": ("o",),
        "groups": ("o",),
        "factored": ("o", "r"),
        "left": ("o",),
        "gate": ("o",),
        "up": ("o",),
    }
    wide = varied(graph, Change(width=size("a")))
    assert [
        str(wide[name].shape) for name in ("stem", "groups", "shuffle", "depthwise", "both", "half", "wider", "table", "up")
    ] == [
        "(2, 8*a, 32, 24)",
        "(2, 12*a, 32, 24)",
        "(2, 12*a, 32, 24)",
        "(2, 24*a, 32, 24)",
        "(2, 20*a, 16, 12)",
        "(2, 10*a, 16, 12)",
        "(2, 20*a, 16, 12)",
        "(20*a, 1, 1)",
        "(2, 6*a, 34, 26)",
    ]
    assert [node.shape for node in wide.outputs] == [(2, 7), (2, 2, 34, 26)]
    assert wide["groups"].sized.extents["g"] == 2


def test_a_larger_input_moves_every_position_and_an_extent_that_was_given():
    graph = varied(mixed(), Change(positions={"i": 64, "j": 40}))
    assert graph["up"].shape == (2, 6, 66, 42)
    assert graph["classes"].sized.shapes[1] == (7, 6 * 66 * 42)
    assert graph["sum"].shape == (2, 20, 32, 20)


@pytest.mark.parametrize("vary", ["width", "resolution", "batch", ("width", "resolution"), ("batch", "width")])
def test_the_polynomials_are_the_counts_of_networks_that_are_built(vary):
    graph = mixed()
    grown = Grown(graph, (vary,) if isinstance(vary, str) else vary)
    formulas = grown.formulas
    chance = random.Random(0)
    for _ in range(6):
        values = {
            "α": chance.choice([1, 2, 5, Fraction(1, 2)]),
            "ρ": chance.choice([1, 2, 3, Fraction(3, 2)]),
            "β": chance.randint(1, 4),
        }
        values = {name: n for name, n in values.items() if name in grown.variables}
        assert grown.on_grid(values)
        built = grown.counted(values)
        assert {key: growth.at(values) for key, growth in formulas.items()} == built
    assert grown.counted({}) == {key: sum(c[key] for c in quantities(graph).values()) for key in QUANTITIES}
    table = ss.Network.of(graph).table().totals
    assert {key: growth.at({}) for key, growth in formulas.items()} == {key: table[key] for key in QUANTITIES}


def test_a_batch_multiplies_what_depends_on_an_input():
    graph = mixed()
    formulas = Grown(graph, ["batch"]).formulas
    for times in (2, 3):
        built = quantities(varied(graph, Change(batch=times)))
        assert {key: growth.at({"β": times}) for key, growth in formulas.items() if key != "activation_bytes"} == {
            key: sum(counts[key] for counts in built.values()) for key in QUANTITIES if key != "activation_bytes"
        }
        table = 20 * 4  # the stored array is held once
        bytes_of = {name: counts["activation_bytes"] for name, counts in built.items()}
        assert formulas["activation_bytes"].at({"β": times}) == sum(bytes_of.values())
        assert bytes_of["table"] == table


def test_a_token_that_is_stretched_before_it_is_put_beside_others_grows_with_them():
    net = ss.Network("tokens")
    x = net.conv(net.input("b n f", b=1, n=5, f=3), "b n f, o f -> b n o", o=8, name="embed")
    token = net.combine("add", net.stored((1, 1, 8), name="token"), net.stored((1, 1, 1), trainable=False), name="stretched")
    x = net.concat([token, x], axis=1, name="all")
    x = net.conv(x, "b n f, o f -> b n o", o=8, name="mixed")
    first = net.slice(x, 1, 0, 1, name="first")
    net.linear(net.flatten(first, name="flat"), 3, name="head")
    wide = Grown(net.graph, ["width"])
    assert str(wide.formulas["macs"].formula) == "384*α**2 + 144*α"
    assert str(wide.formulas["parameters"].formula) == "64*α**2 + 56*α + 3"
    longer = varied(net.graph, Change(positions={"f": 6}))
    assert (longer["first"].shape, longer["embed"].sized.shapes[1]) == ((1, 1, 8), (8, 6))


def test_formulas_that_numbers_contradict_are_not_told():
    net = ss.Network("meeting")
    x = net.conv(net.input("b c i", b=1, c=2, i=8), "b c i+u, o c u -> b o i", o=4, u=3, name="conv")
    x = net.add(x, net.slice(net.pad(net.tensor("input"), (0, 0), (0, 2), (0, 0), name="padded"), 2, 0, 6, name="cut"), name="sum")
    net.linear(x, 2, name="head")
    with pytest.raises(UsageError) as error:
        _ = Grown(net.graph, ["width"]).formulas
    assert str(error.value) == (
        "meeting can't be built in another size: sum doesn't fit\n  sum joins 1×8×6 and 1×4×6.\n"
        "  Vary something else, or build the network with a symbol for that size."
    )


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "vgg11", "mobilenet-v2", "alexnet"])
def test_depth_is_what_repeated_blocks_count(name):
    graph = ss.load(name).graph
    grown = Grown(graph, ["depth"])
    for times in (1, 3):
        built = quantities(deeper(graph, grown.blocks, times))
        assert grown.counted({"d": times}) == {key: sum(c[key] for c in built.values()) for key in QUANTITIES}
        assert {key: growth.at({"d": times}) for key, growth in grown.formulas.items()} == grown.counted({"d": times})


def test_blocks_of_the_networks_of_the_literature():
    blocks = {name: repeatable(ss.load(name).graph) for name in ("resnet18", "googlenet", "mobilenet-v2")}
    assert [block[-1] for block in blocks["resnet18"]] == ["2-1/relu", "2-2/relu", "3-2/relu", "4-2/relu", "5-2/relu"]
    assert [block[-1] for block in blocks["googlenet"]] == ["conv2-reduce-relu", "4b/concat", "4c/concat", "5a/concat"]
    assert all(block[-1].endswith("/add") for block in blocks["mobilenet-v2"])
    assert len(blocks["mobilenet-v2"]) == 10


def test_a_repeated_block_takes_its_stored_arrays_along_and_runs():
    net = ss.Network("tokens")
    x = net.input("b n f", b=1, n=3, f=4)
    y = net.combine("multiply", net.conv(x, "b n f, o f -> b n o", o=4, name="mlp"), net.stored((4,), name="scale"), name="scaled")
    x = net.add(x, y, name="add")
    net.output(x)
    blocks = repeatable(net.graph)
    assert blocks == (("mlp", "scale", "scaled", "add"),)
    deep = deeper(net.graph, blocks, 3)
    assert [node.name for node in deep.outputs] == ["add-3"]
    found = ss.Network.of(deep)
    assert found.parameters == 3 * net.parameters
    assert found.run([[[1.0] * 4] * 3])["add-3"].shape == (1, 3, 4)


def test_layers_that_share_weights_stay_shared():
    net = ss.Network("shared")
    x = net.linear(net.linear(net.input("b f", b=1, f=4), 8, name="in"), 8, name="first")
    op = net.graph["first"].op
    x = net.place("again", op, [x], shares="first")
    net.linear(x, 3, name="out")
    wide = varied(net.graph, Change(width=2))
    assert (wide["again"].shares, wide["again"].shape) == ("first", (1, 16))
    grown = Grown(net.graph, ["width"])
    assert grown.formulas["parameters"].at({"α": 2}) == (4 * 16 + 16) + (16 * 16 + 16) + (16 * 3 + 3)
    assert grown.formulas["macs"].at({"α": 2}) == 4 * 16 + 2 * 16 * 16 + 16 * 3


def test_mobilenet_of_the_zoo_grows_as_its_own_symbols_say():
    declared = mobilenet(width=1, side=224)
    grown = Grown(declared, ["width", "resolution"])
    own = ss.Network.of(mobilenet(width="alpha", side="224*rho"))
    for width, side in ((1, 224), ("1/2", 160), ("3/4", 128), ("1/4", 192)):
        values = {"α": Fraction(width), "ρ": Fraction(side, 224)}
        built = ss.Network.of(mobilenet(width=width, side=side))
        assert grown.formulas["macs"].at(values) == built.macs
        assert grown.formulas["parameters"].at(values) == built.parameters
    same = {"α": "alpha", "ρ": "rho"}
    formula = grown.formulas["parameters"].formula
    renamed = formula.subs({s: size(same[str(s)]) for s in formula.free_symbols})
    assert (renamed - own.parameters).expand() == 0


@pytest.mark.parametrize(
    ("old", "result", "new", "wanted"),
    [
        ((1, 768, 14, 14), (1, 768, 196), (1, 768, 28, 28), (1, 768, 784)),
        ((1, 196, 96), (1, 196, 3, 32), (1, 196, 192), (1, 196, 3, 64)),
        ((2, 12, 4), (2, 48), (2, 12, 8), (2, 96)),
        ((2, 48), (2, 12, 2, 2), (2, 48), (2, 12, 2, 2)),
        ((2, 3, 4), (6, 4), (4, 3, 4), (12, 4)),
        ((8, 3), (2, 4, 3), (16, 3), (4, 4, 3)),
        ((4, 5), (4, 5, 1), (4, 10), (4, 10, 1)),
        ((4, 1, 5), (4, 5), (4, 1, 10), (4, 10)),
    ],
)
def test_a_reshape_grows_where_its_input_did(old, result, new, wanted):
    assert reshaped(old, result, new) == wanted


def opaque():
    net = ss.Network("foreign")
    x = net.conv(net.input("b c i", b=1, c=1, i=8), "b c i+u, o c u -> b o i", o=4, u=3, name="conv")
    x = net.place("mystery", Opaque("Mystery", (1, 4, 6)), [x])
    net.linear(x, 2, name="last")
    return net.graph


def taken():
    net = ss.Network("taken")
    x = net.conv(net.input("b c i", b=1, c=1, i=8), "b c i+u, o c u -> b o i", o=4, u=3, name="conv")
    net.linear(net.take(x, 1, [1, 0, 3, 2], name="swapped"), 2, name="last")
    return net.graph


def halved():
    net = ss.Network("halved")
    x = net.conv(net.input("b c i", b=1, c=1, i=8), "b c i+u, o c u -> b o i", o=4, u=3, name="conv")
    net.linear(net.slice(x, 1, 0, 3, name="three"), 2, name="last")
    return net.graph


CAN_NOT = "\n  Vary something else, or build the network with a symbol for that size."


def per_sample():
    net = ss.Network("per sample")
    net.conv(net.input("b c i", b=2, c=2, i=8), "b c i+u, b o c u -> b o i", o=3, u=3, name="conv")
    return net.graph


REFUSED = [
    (
        lambda: Grown(per_sample(), ["batch"]),
        UsageError,
        "the batch of per sample can't be varied: conv has filters for single samples\n  Vary something else.",
    ),
    (
        lambda: varied(opaque(), Change(width=2)),
        UsageError,
        "foreign can't be built in another size: mystery doesn't fit\n"
        "  mystery is Mystery, of which no more is known than its shape." + CAN_NOT,
    ),
    (
        lambda: varied(taken(), Change(width=2)),
        UsageError,
        "taken can't be built in another size: swapped doesn't fit\n"
        "  swapped takes single cells of an axis of 4, which would have 8." + CAN_NOT,
    ),
    (
        lambda: varied(halved(), Change(width=Fraction(1, 2))),
        UsageError,
        "halved can't be built in another size: three doesn't fit\n  3 of 4 cells are no whole number of 2." + CAN_NOT,
    ),
    (
        lambda: Grown(ss.load("lenet5").graph, ["width"]),
        UsageError,
        "lenet5 can't be made wider: C3 connects single maps by a table\n"
        "  The table would have to be another one for every width.\n  Vary the resolution, the batch or the depth.",
    ),
    (
        lambda: Grown(ss.load("lenet5").graph, ["height"]),
        UsageError,
        "what is varied is not 'height'\n  There are width, depth, resolution, batch.\n"
        '  Write vary="width", or several: vary=("width", "resolution").',
    ),
    (
        lambda: Grown(ss.load("lenet5").graph, ["batch", "batch"]),
        UsageError,
        "what is varied is named once each\n  There are width, depth, resolution, batch.\n"
        '  Write vary="width", or several: vary=("width", "resolution").',
    ),
    (
        lambda: Grown(ss.load("type-1").graph, ["width"]),
        SizeError,
        "type-1 has open sizes: k1, k2, m, n\n  What is varied begins with a network whose sizes are numbers.\n"
        "  Give them numbers: k1=8, k2=8, m=8, n=8.",
    ),
    (
        lambda: Grown(ss.load("unet").graph, ["depth"]),
        UsageError,
        "the depth of unet can't be varied: it has no block whose result has the shape of what it reads\n  Vary something else.",
    ),
    (
        lambda: Grown(linear(), ["resolution"]),
        UsageError,
        "the resolution of linear can't be varied: it has no axis behind the maps\n  Vary something else.",
    ),
    (
        lambda: Grown(linear(), ["width"]),
        UsageError,
        "the width of linear can't be varied: it has no filters but those that make its outputs\n  Vary something else.",
    ),
    (
        lambda: Grown(ss.load("alexnet").graph, ["width"]).counted({"α": Fraction(1, 5)}),
        SizeError,
        "conv1 would have 19.2 filters\n  Every size of a network is a whole number.\n  Give numbers that make all of them whole.",
    ),
    (
        lambda: Grown(ss.load("alexnet").graph, ["resolution"]).counted({"ρ": Fraction(1, 2)}),
        SizeError,
        "the input would have 113.5 cells along i\n  Every size of a network is a whole number.\n"
        "  Give numbers that make all of them whole.",
    ),
]


def linear():
    net = ss.Network("linear")
    net.linear(net.input("b f", b=1, f=4), 3)
    return net.graph


@pytest.mark.parametrize(("ask", "kind", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(ask, kind, text):
    with pytest.raises(kind) as error:
        ask()
    assert str(error.value) == text


def test_a_merged_axis_with_all_sizes_given_grows_in_its_maps():
    net = ss.Network("heads")
    x = net.conv(net.input("b n f", b=1, n=3, f=4), "b n f, o f -> b n o", o=12, name="qkv")
    op = Layer(parse("b n (h d) -> b h n d"), {"h": 3, "d": 4})
    x = net.place("heads", op, [x])
    x = net.place("unflat", Layer(parse("b h n d -> b (h n d)"), {}), [x])
    net.place("back", Layer(parse("b (c i) -> b c i"), {"c": 18, "i": 2}), [x])
    net.linear(net.tensor("back"), 2, name="last")
    wide = varied(net.graph, Change(width=2))
    assert [wide[name].shape for name in ("heads", "back")] == [(1, 6, 3, 4), (1, 36, 2)]


def test_exponents_of_what_is_no_formula():
    growth = Growth(7, ("α",))
    assert (growth.degree("α"), growth.local("α"), growth.at({"α": 3}), growth.coefficients("α")) == (0, 0, 7, (7,))
    assert Growth(size("3*a**2 + 1"), ("a",)).coefficients("a") == (3, 0, 1)
