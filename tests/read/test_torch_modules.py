"""Whole modules: weights used twice, tied and computed, several inputs and outputs, branches, loops, what isn't understood."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from slidesum.api.network import Network
from slidesum.core.ops import Layer, Opaque, Stored
from slidesum.errors import ReadError, UsageError
from slidesum.notation.write import pattern
from slidesum.read.model import Model, Unsupported
from slidesum.read.torch_model import read_module
from slidesum.read.torch_record import record


def agree(module, *inputs, rtol=1e-9):
    """The network, after it computed what the module computes."""
    module = module.double()
    read = read_module(module, inputs)
    net = Network.of(read.graph, read.values)
    with torch.no_grad():
        wanted = module.eval()(*inputs)
    wanted = list(wanted.values()) if isinstance(wanted, dict) else wanted if isinstance(wanted, tuple) else [wanted]
    found = net.run(*inputs)
    for node, array in zip(net.graph.outputs, wanted, strict=True):
        np.testing.assert_allclose(found[node.name].numpy(), array.numpy(), rtol=rtol, atol=1e-12)
    return net


def ones(*shape):
    return torch.linspace(-1, 1, int(np.prod(shape)), dtype=torch.float64).reshape(shape)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU()

    def forward(self, x):
        return self.relu(self.norm(self.conv(self.relu(self.norm(self.conv(x))))))


def test_a_module_called_twice_has_its_weights_once():
    net = agree(Twice(), ones(2, 3, 5, 5))
    assert [(n.name, n.shares) for n in net.graph if not n.name.startswith(("input", "relu"))] == [
        ("conv", None), ("norm", None), ("conv-2", "conv"), ("norm-2", "norm"),
    ]  # fmt: skip
    assert net.parameters == 3 * 3 * 9 + 3 + 6
    assert net.macs == 2 * (2 * 3 * 3 * 9 * 25)  # two samples, two calls


class Tied(nn.Module):
    """An encoder whose decoder is its transpose."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(ones(4, 6))

    def forward(self, x):
        return F.linear(torch.tanh(F.linear(x, self.weight)), self.weight.t())


def test_weights_that_are_tied_otherwise_are_stored_once():
    net = agree(Tied(), ones(3, 6))
    assert net.parameters == 24
    assert net.macs == 3 * 2 * 24
    [stored] = [node for node in net.graph if isinstance(node.op, Stored)]
    assert stored.name == "weight"
    assert len(net.graph.users("weight")) == 2


class Bias(nn.Module):
    """Two layers with one bias."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(2, 3, 3), nn.Conv1d(3, 3, 1)
        self.b.bias = self.a.bias

    def forward(self, x):
        return self.b(self.a(x))


def test_a_bias_of_two_layers():
    net = agree(Bias(), ones(2, 2, 6))
    assert net.parameters == 18 + 9 + 3


class Several(nn.Module):
    """Two inputs, two outputs, a branch taken by shape, an unrolled loop."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 1), nn.Linear(5, 4)
        self.steps = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, image, features):
        x = self.left(image)
        if x.shape[-1] > 4:
            x = F.max_pool2d(x, 2)
        y = self.right(features)
        for step in self.steps:
            y = y + F.relu(step(y))
        return {"maps": x + y[:, :, None, None], "features": y}


def test_several_inputs_and_outputs():
    net = agree(Several(), ones(2, 3, 6, 6), ones(2, 5))
    assert [node.name for node in net.graph.inputs] == ["image", "features"]
    assert len(net.graph.heads) == 2
    assert "steps/2" in net.graph


def test_the_batch_may_differ_and_be_missing():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 4 * 4, 3)).double().eval()
    read = read_module(module, [ones(1, 1, 6, 6)])
    x = ones(5, 1, 6, 6)
    found = Network.of(read.graph, read.values).run(x)[read.graph.output.name]
    np.testing.assert_allclose(found.numpy(), module(x).detach().numpy(), rtol=1e-9)
    net = agree(nn.Conv2d(3, 4, 3), ones(3, 6, 6))  # an image without a batch
    assert net.macs == 4 * 16 * 27


class Fixed(nn.Module):
    def forward(self, x):
        return x.reshape(2, 3, -1) if x.shape[0] == 2 else x


def test_a_batch_that_decides_is_told():
    read = read_module(Fixed(), [ones(2, 6)])
    assert read.graph.output.shape in ((2, 3, 2), (2, 6))
    net = Network.of(read.graph, read.values, remarks=read.remarks)
    assert net.remarks[0] == "read by recorded run"


def test_training_mode_is_left_as_it_was():
    module = nn.Sequential(nn.Dropout(), nn.Linear(3, 2))
    module[1].eval()
    read_module(module, [torch.zeros(1, 3)])
    assert [one.training for one in module.modules()] == [True, True, False]
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_a_table_tells_what_can_be_folded():
    read = read_module(Twice(), [torch.zeros(1, 3, 5, 5)])
    assert [row["also"] for row in Network.of(read.graph).table() if row["kind"] == "batch norm"] == [(), ()]
    once = read_module(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), [torch.zeros(1, 3, 5, 5)])
    assert [row["also"] for row in Network.of(once.graph).table()] == [(), ("foldable",)]


def test_parameters_that_nobody_asks_for_are_told():
    module = nn.Module()
    module.used, module.spare = nn.Linear(3, 2), nn.Linear(3, 5)
    module.forward = lambda x: module.used(x)
    assert read_module(module, [torch.zeros(1, 3)]).notes == ("20 parameters take no part in the result: those of spare",)


# What isn't understood


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(10, 4), nn.Linear(4, 3)

    def forward(self, x):
        return torch.cumsum(self.out(self.words(x)), -1)


def test_what_is_not_understood_stays_as_an_opaque_layer():
    read = read_module(Odd(), [torch.zeros((2, 5), dtype=torch.int64)])
    opaque = {node.name: node for node in read.graph if isinstance(node.op, Opaque)}
    assert {name: node.shape for name, node in opaque.items()} == {"words": (2, 5, 4), "cumsum": (2, 5, 3)}
    assert Network.of(read.graph, read.values).parameters == 40 + 12 + 3
    assert [(one.kind, one.place.split(" ")[0], one.reason) for one in read.unsupported] == [
        ("embedding", "words", "a look-up in a table is no equation"),
        ("cumsum", "the", "it has no equation, and is none of the other layers known here"),
    ]
    assert "test_torch_modules.py:" in read.unsupported[1].place


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def forward(self, x):
        x = self.body(x)
        return x.relu()


def test_a_call_knows_its_module_and_the_line_of_the_users_code():
    """What runs in a module of torch's own stands where that is called, in the first line of `forward`."""
    first = Parts.forward.__code__.co_firstlineno + 1
    places = [call.place for call in record(Parts().eval(), [torch.zeros(2, 4)], ["x"]).calls]
    assert [(place.path, place.line) for place in places] == [
        ("body.0", f"test_torch_modules.py:{first}"),
        ("body.1", f"test_torch_modules.py:{first}"),
        ("", f"test_torch_modules.py:{first + 1}"),
    ]


def test_what_fails_while_it_is_recorded_leaves_modules_as_they_were():
    call = nn.Module.__call__
    with pytest.raises(RuntimeError, match="must have same reduction dim"):
        record(Parts(), [torch.zeros(2, 5)], ["x"])
    assert nn.Module.__call__ is call


def test_strict_makes_an_error_of_it():
    read = Model(read_module(nn.Linear(2, 2), [torch.zeros(1, 2)]).graph, {}, "recorded run")
    assert read.understood() is read
    one = Unsupported("cumsum", "head (model.py:12)", "it has no equation")
    with pytest.raises(ReadError) as error:
        Model(read.graph, {}, "recorded run", (one,)).understood()
    assert str(error.value) == (
        "Linear: one operation is not supported\n    cumsum at head (model.py:12): it has no equation\n"
        "  Without strict they stay in the network as opaque layers, which are counted but can't be run.\n"
        "  Read it without strict, or replace them in the model."
    )
    with pytest.raises(ReadError, match=r"^Linear: 2 operations are not supported\n    cumsum at .*\n    cumsum at "):
        Model(read.graph, {}, "recorded run", (one, one)).understood()


class Overwritten(nn.Module):
    def forward(self, x):
        y = x * 1
        y[:, 0] = 0
        return y + 1


class Seen(nn.Module):
    """A view is changed, and what it is a view of is used."""

    def forward(self, x):
        y = x * 1
        y.view(-1).add_(1)
        return y * 2


def test_overwriting_in_part_is_not_taken_for_nothing():
    [unsupported] = read_module(Overwritten(), [ones(2, 3)]).unsupported
    assert unsupported.kind == "setitem"
    assert unsupported.reason == "an array is overwritten in part"
    read = read_module(Seen(), [ones(2, 3)])
    assert read.reader != "recorded run" or read.unsupported


class Outside(nn.Module):
    """Values leave torch on the way."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.b(torch.from_numpy(np.sort(self.a(x).numpy(), -1)))


def test_hooks_read_what_leaves_torch():
    read = read_module(Outside(), [torch.zeros(3, 4)])
    assert read.reader == "hooks"
    assert [(node.name, node.shape) for node in read.graph] == [
        ("input", (3, 4)), ("a", (3, 8)), ("between_layers", (3, 8)), ("b", (3, 2)),
    ]  # fmt: skip
    assert [one.kind for one in read.unsupported] == ["between_layers"]
    assert any(note.startswith("reader: recorded run: ") for note in read.notes)


class ByDevice(nn.Module):
    """Asks a table with what a recorded run doesn't have."""

    def forward(self, x):
        return x * {"cpu": 2.0}[x.device.type]


class Nameless(nn.Module):
    def forward(self, x):
        if x.device.type == "meta":
            raise KeyError
        return x * 2.0


class Explained(nn.Module):
    def forward(self, x):
        if x.device.type == "meta":
            raise KeyError("a key\n", 3)
        return x * 2.0


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (ByDevice, "KeyError: there is no key 'meta'"),
        (Nameless, "KeyError"),
        (Explained, r"KeyError: ('a key\n', 3)"),
    ],
)
def test_a_reader_that_failed_says_why_once(module, why):
    read = read_module(module(), [torch.zeros(1, 3)])
    assert read.remarks == ("read by torch.export", f"reader: recorded run: {why}")


@pytest.mark.parametrize("reader", ["recorded run", "torch.export", "torch.fx", "hooks"])
def test_every_way_of_reading(reader):
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3)
    )
    read = read_module(module.eval(), [torch.zeros(2, 3, 8, 8)], reader=reader)
    assert read.reader == reader
    assert read.unsupported == ()
    kinds = [type(node.op).__name__ for node in read.graph]
    assert kinds == ["Input", "Layer", "BatchNorm", "Activation", "Layer", "Layer", "Layer"]
    x = torch.rand(2, 3, 8, 8)
    found = Network.of(read.graph, read.values).run(x)[read.graph.output.name]
    torch.testing.assert_close(found, module(x).detach(), rtol=1e-4, atol=1e-6)


def test_refusals():
    with pytest.raises(ReadError) as error:
        read_module(nn.Linear(3, 2), [torch.zeros(1, 4)])
    assert str(error.value) == (
        "Linear can't compute an example of 1×4: RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x4 and 3x2)\n"
        "  The example has another shape or type than the module expects.\n  Give an example that the module can compute."
    )
    with pytest.raises(UsageError) as error:
        read_module(nn.Linear(3, 2), [])
    assert str(error.value) == "Linear and 0 examples can't be read\n  Give an nn.Module and a tensor for each of its inputs."
    with pytest.raises(UsageError) as error:
        read_module(nn.Linear(3, 2), [torch.zeros(1, 3)], reader="magic")
    assert str(error.value) == (
        "there is no reader 'magic'\n  There are recorded run, torch.export, torch.fx, hooks.\n  Write one of them."
    )


def test_equations_are_the_projects_own():
    read = read_module(
        nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Conv2d(8, 8, 3, groups=8)), [torch.zeros(1, 3, 9, 9)]
    )
    told = [pattern(node.op.equation) for node in read.graph if isinstance(node.op, Layer)]
    assert told == ["b c 2*i+u-1 2*j+v-1, o c u v -> b o i j", "b c i+u j+v, c u v -> b c i j"]


class Relus(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.here = nn.ReLU(), nn.ReLU(inplace=True)

    def forward(self, x):
        y = F.relu(self.layer(x) - 0.5)
        y = F.relu(input=y - 0.5, inplace=False)
        F.relu(y, inplace=True)
        F.relu_(y)
        return self.here(y * 2)


def test_what_is_known_to_be_below_a_function_is_what_it_calls(monkeypatch):
    def told():
        calls = record(Relus(), [torch.zeros(2, 4)], ["x"]).calls
        return [(call.op, {name: getattr(a, "shape", a) for name, a in call.arguments.items()}, call.place) for call in calls]

    short = told()
    monkeypatch.setattr("slidesum.read.torch_enter._BELOW", {})
    assert short == told()
    assert [op for op, _, _ in short] == ["relu", "sub", "relu", "sub", "relu", "relu", "relu", "mul", "relu"]
