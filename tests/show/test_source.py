"""Source that builds a network in torch: executed, loaded, and compared."""

import ast
import keyword
import re

import numpy as np
import pytest
import torch
from random_networks import random_network

import slidesum as ss
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Opaque
from slidesum.draft.verbs import Draft
from slidesum.errors import NetworkError, SizeError
from slidesum.run.network import initial_values, run
from slidesum.show.code import WIDTH
from slidesum.show.source import TAKEN, pytorch_source
from slidesum.zoo.catalogue import ZOO, build
from slidesum.zoo.lenet5 import lenet5
from slidesum.zoo.question import question


def executed(source):
    """The module that the source makes, and its function that loads arrays."""
    ast.parse(source)
    space = {"__name__": "written"}
    exec(compile(source, "source", "exec"), space)
    (kind,) = (value for value in space.values() if isinstance(value, type) and value.__module__ == "written")
    return kind(), space["load_values"]


def check(graph, values=None, tolerance=1e-6, batch=3):
    """The same outputs as `run`, with another batch than the declared one."""
    values = values or drawn(graph)
    module, load_values = executed(source := pytorch_source(graph))
    load_values(module.double().eval(), values)
    random = np.random.default_rng(5)
    given = [random.normal(size=(batch, *node.shape[1:])) for node in graph.inputs]
    found = module(*map(torch.as_tensor, given))
    found = found if isinstance(found, tuple) else (found,)
    maps = run(graph, values, *given)
    for node, y in zip(graph.outputs, found, strict=True):
        np.testing.assert_allclose(
            y.detach().numpy(),
            maps[node.name],
            rtol=tolerance,
            atol=tolerance * max(1, np.abs(maps[node.name]).max()),
            err_msg=source,
        )
    return source


def drawn(graph, seed=2):
    """Arrays of which none is at its constant start."""
    random = np.random.default_rng(seed)
    return {
        name: (array + 0.2 * random.uniform(0, 1, array.shape)) for name, array in initial_values(graph, dtype="float64").items()
    }


@pytest.mark.parametrize("kind", ["1", "2.1", "2.2"])
def test_the_networks_of_the_demo(kind):
    source = check(question(kind, k1=2, k2=3, n=8, m=8))
    assert ("nn.Conv2d" in source) == (kind == "2.2")
    assert max(map(len, source.splitlines())) <= WIDTH + 20


def test_lenet5():
    source = check(lenet5(), tolerance=1e-4)
    assert "self.C1 = nn.Conv2d(1, 6, 5)" in source
    assert "connections=Connections(" in source


FAMILIES = [name for name in ZOO if not re.fullmatch(r"vgg.*|resnet-?(34|50|101|152)", name)]
"""The zoo without the deep members of a family, and without VGG, which is all convolutions and 500 MB."""


@pytest.mark.parametrize("name", FAMILIES)
def test_the_zoo(name):
    graph = build(name)
    if graph.symbols:
        with pytest.raises(SizeError, match="has open sizes"):
            pytorch_source(graph)
        return
    values = initial_values(graph)
    if sum(array.size for array in values.values()) < 3e6:
        check(graph, batch=1, tolerance=1e-4)
    else:  # too large to run here: it builds, and its state has the shapes of the arrays
        module, load_values = executed(pytorch_source(graph))
        load_values(module, values)


@pytest.mark.parametrize("seed", range(120))
def test_random_networks(seed):
    check(random_network(seed), batch=2)


def of(make, shape=(1, 4, 8, 7)):
    net = Draft("one")
    make(net, net.input("b c i j", **dict(zip("bcij", shape, strict=True))))
    return net.graph


LAYERS = {
    "nn.Conv2d(4, 6, 3, stride=2, padding=1)": ("b c 2*i+u-1 2*j+v-1, o c u v -> b o i j", {"o": 6, "u": 3, "v": 3, "bias": "o"}),
    "nn.Conv2d(4, 6, (3, 2), dilation=2, bias=False)": ("b c i+2*u j+2*v, o c u v -> b o i j", {"o": 6, "u": 3, "v": 2}),
    "nn.Conv2d(4, 6, 1, bias=False)": ("b c i j, o c -> b o i j", {"o": 6}),
    "nn.Conv2d(4, 4, 3, padding=1, groups=4)": ("b c i+u j+v, c u v -> b c i j", {"u": 3, "v": 3, "padding": "same", "bias": "c"}),
    "nn.Conv2d(4, 8, 3, groups=4)": ("b c i+u j+v, c m u v -> b (c m) i j", {"m": 2, "u": 3, "v": 3, "bias": "(c m)"}),
    "nn.Conv2d(4, 6, 3, groups=2)": (
        "b (g c) i+u j+v, (g o) c u v -> b (g o) i j",
        {"g": 2, "o": 3, "u": 3, "v": 3, "bias": "(g o)"},
    ),
    "nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1)": (
        "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1",
        {"o": 6, "u": 3, "v": 3, "bias": "o"},
    ),
    "nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, bias=False)": (
        "b c i j, c o u v -> b o 2*i+u 2*j+v",
        {"o": 6, "u": 3, "v": 3, "extent": {"i": 18, "j": 16}},
    ),
    "nn.Linear(224, 5)": ("b c i j, o c i j -> b o", {"o": 5, "bias": "o"}),
    "nn.Linear(7, 5, bias=False)": ("b c i j, j o -> b c i o", {"o": 5}),
    'Conv("b c i+u j+v, o u v -> b o i j", o=5, c=4, u=3, v=3, bias="o", padding="same")': (
        "b c i+u j+v, o u v -> b o i j",
        {"o": 5, "u": 3, "v": 3, "bias": "o", "padding": "same"},
    ),
}


@pytest.mark.parametrize("written", LAYERS)
def test_an_equation_is_written_as_torch_names_it(written):
    pattern, options = LAYERS[written]
    source = check(of(lambda net, x: net.conv(x, pattern, name="f", **options)))
    assert f"        self.f = {written}\n" in source


POOLS = {
    "self.f = nn.MaxPool2d(3, stride=2, padding=1)": ("max b c 2*i+u-1 2*j+v-1 -> b c i j", {"u": 3, "v": 3}),
    "self.f = nn.MaxPool2d(3, stride=2, padding=(0, 1), ceil_mode=True)": (
        "max b c 2*i+u 2*j+v -> b c i j",
        {"u": 3, "v": 3, "padding": "same"},
    ),
    "self.f = nn.AvgPool2d((2, 3))": ("mean b c 2*i+u 3*j+v -> b c i j", {"u": 2, "v": 3}),
    "return x.mean((2, 3))": ("mean b c i j -> b c", {}),
    "return x.amax((2, 3), keepdim=True)": ("max b c i j -> b c 1 1", {}),
    "return torch.flatten(x, 1)": ("b c i j -> b (c i j)", {}),
    "return x.permute(0, 2, 3, 1)": ("b c i j -> b i j c", {}),
    'self.f = Pool("max b (c p) i j -> b c i j", p=2)': ("max b (c p) i j -> b c i j", {"p": 2}),
}


@pytest.mark.parametrize("written", POOLS)
def test_a_pooling_is_written_as_torch_names_it(written):
    pattern, options = POOLS[written]
    assert written in check(of(lambda net, x: net.pool(x, pattern, name="f", **options)))


def test_branches_have_names_and_shared_layers_one_module():
    net = Draft("two branches")
    x = net.input("b c i j", b=1, c=2, i=4, j=4)
    one = net.conv(x, "b c i j, o c -> b o i j", o=2, name="block/mix")
    two = net.place("again", net.graph["block/mix"].op, [one], shares="block/mix")
    net.add(net.activation(two, "relu", name="relu"), x, name="sum")
    assert check(net.graph).split("def forward")[1].split("def load")[0] == (
        "(self, x: torch.Tensor) -> torch.Tensor:  # 2×4×4\n"
        "        block_mix = self.block_mix(x)\n"
        "        block_mix = self.block_mix(block_mix)\n"
        "        block_mix = self.relu(block_mix)\n"
        "        return block_mix + x\n\n\n"
    )


def test_names_that_torch_or_python_has():
    net = Draft("class")
    x = net.input("b f", b=1, f=3)
    for name in ("train", "forward", "class", "a-b", "a_b", "a/b", "1", "_", "self", "torch", "x", "T_destination", "match"):
        x = net.linear(x, 3, name=name)
    source = check(net.graph)
    module, _ = executed(source)
    assert isinstance(module.train, torch.nn.Module) is False
    assert all(not keyword.iskeyword(name) for name, _ in module.named_children())
    assert {name for name in dir(torch.nn.Module()) if not name.startswith("_")} <= TAKEN


EVIL = 'x"""\n\\"; import os; os.system("echo gotcha") #\u2028\'\'\''


def test_text_from_a_file_never_becomes_code():
    net = Draft(EVIL)
    net.linear(net.input("b f", b=1, f=3), 3, name="f")
    tree = ast.parse(check(net.graph))
    assert [type(part).__name__ for part in tree.body] == ["Expr", "Import", "ImportFrom", "ClassDef", "FunctionDef"]
    assert {alias.name for part in ast.walk(tree) if isinstance(part, ast.Import) for alias in part.names} == {"torch"}


def test_a_name_smuggled_past_the_builder_never_becomes_code():
    """Names are checked when a network is built; should one slip through, it is still only a name and a literal."""
    net = Draft("one")
    net.linear(net.input("b f", b=1, f=3), 3, name="f")
    nodes = tuple(Node(EVIL, n.op, n.inputs, n.shape, n.sized) if n.name == "f" else n for n in net.graph)
    tree = ast.parse(pytorch_source(Graph("one", nodes)))
    assert [type(part).__name__ for part in tree.body] == ["Expr", "Import", "ImportFrom", "ClassDef", "FunctionDef"]
    assert {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} <= {
        *("self", "super", "nn", "torch", "x", "arrays", "values", "module", "name", "array", "dict", "One")
    }


def test_a_network_that_keras_made():
    """Channels last: what torch.nn has only channels first is an equation."""
    net = Draft("last")
    x = net.input("b i j c", b=1, i=6, j=5, c=3)
    x = net.conv(x, "b i+u j+v c, u v c o -> b i j o", o=4, u=3, v=3, bias="o", padding="same", name="conv")
    x = net.norm(x, "batch", axis=-1, name="norm")
    x = net.conv(x, "b i j c, 1 1 c o -> b i j o", o=3, name="mix")
    x = net.conv(x, "b i j c, c o -> b i j o", o=2, bias="o", name="dense")
    source = check(net.graph)
    assert "self.norm(x.movedim(3, 1)).movedim(1, 3)" in source
    assert "self.dense = nn.Linear(3, 2)" in source
    assert "self.mix = nn.Linear(4, 3, bias=False)" in source
    assert '"mix.weight": values["mix.w"].reshape(4, 3).T,' in source
    assert '"dense.weight": values["dense.w"].T,' in source


def test_what_can_not_be_written():
    with pytest.raises(SizeError, match=r"^type-1 has open sizes: k1, k2, m, n\n"):
        ss.load("type-1").to_pytorch_source()
    net = Draft("one")
    net.place("who", Opaque("Mystery", (1, 2)), [net.input("b f", b=1, f=3)])
    with pytest.raises(NetworkError) as error:
        pytorch_source(net.graph)
    assert str(error.value) == (
        "'who' can't be written as source: it is opaque\n"
        "  Of such a layer only its name, its shape and its arrays are known.\n"
        "  Replace it in the model that was read."
    )
