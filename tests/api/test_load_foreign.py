"""`ss.load` of torch models: modules, files, factories; and the command that shows them."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

import slidesum as ss
from slidesum.cli import main
from slidesum.errors import FileError, UsageError
from slidesum.zoo.catalogue import ZOO

FACTORY = """
import torch
from torch import nn

def small(width=4):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 2))

model = small(5)
answer = 42

class Sorted(nn.Module):
    def forward(self, x):
        return torch.sort(x, 1)[0]
"""


PLACE = ("--layer", "0", "--at", "0,0,0")


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """A module of the user's in the current folder."""
    (tmp_path / "users_models.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    yield "users_models"
    sys.modules.pop("users_models", None)


def test_a_module_with_an_example_or_a_shape():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    x = torch.rand(2, 3, 8, 8)
    net = ss.load(module, example=x)
    np.testing.assert_allclose(net.run(x)["1"].numpy(), module(x).detach().numpy(), rtol=1e-4, atol=1e-6)
    assert ss.load(module, input=(2, 3, 8, 8)).graph == net.graph
    assert "read by recorded run" in str(net)


def test_a_file(tmp_path):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    torch.export.save(torch.export.export(module, (torch.rand(2, 3, 8, 8),)), tmp_path / "net.pt2")
    net = ss.load(tmp_path / "net.pt2")
    assert net.remarks[0] == "read by torch.export"
    assert (net.parameters, net.macs) == (112, 2 * 4 * 36 * 27)


def test_a_factory(factory):
    before = list(sys.path)
    assert ss.load(f"{factory}:small", input=(1, 3, 8, 8)).parameters == 3 * 4 * 9 + 4 + 4 * 36 * 2 + 2
    assert ss.load(f"{factory}:model", input=(1, 3, 8, 8)).parameters == 3 * 5 * 9 + 5 + 5 * 36 * 2 + 2
    assert sys.path == before


REFUSED = {
    "no example": (
        lambda: ss.load(nn.ReLU()),
        "a torch model is read with an example of its input, and none was given\n  Shapes follow from the input's.\n"
        "  Write example=tensor, or input=(1, 3, 224, 224).",
    ),
    "two examples": (
        lambda: ss.load(nn.ReLU(), example=torch.zeros(1), input=(1,)),
        "a torch model is read with an example of its input, and two were given\n  Shapes follow from the input's.\n"
        "  Write example=tensor, or input=(1, 3, 224, 224).",
    ),
    "no shape": (
        lambda: ss.load(nn.ReLU(), input="large"),
        "input='large' is no shape\n  Write input=(1, 3, 224, 224), or a list of such shapes.",
    ),
    "no module": (
        lambda: ss.load("nowhere_at_all:model", input=(1, 2)),
        "there is no module 'nowhere_at_all'\n  'nowhere_at_all:model' names the module 'nowhere_at_all'.\n"
        "  Check the spelling, and where it is installed.",
    ),
    "no factory": (
        lambda: ss.load("users_models:large", input=(1, 2)),
        "the module 'users_models' has no 'large'\n  Name a function that returns the model, or the model.",
    ),
    "a number": (
        lambda: ss.load("users_models:answer", input=(1, 2)),
        "'users_models:answer' is 42\n  Name a function that returns the model, or the model.",
    ),
    "an example of a file that has one": (
        lambda: ss.load("net.pt2", input=(1, 2)),
        "'net.pt2' is read without an example\n  An exported program has the shapes of its input.\n  Take example= or input= away.",
    ),
    "options of a module": (
        lambda: ss.load(nn.ReLU(), input=(1, 2), width=3),
        f"a ReLU isn't of the zoo, and takes no 'width'\n  The zoo has {', '.join(ZOO)}.\n"
        "  Take it away; only networks of the zoo have options, and .onnx files open sizes.",
    ),
    "a thing": (
        lambda: ss.load([1]),
        "a list names no network\n  A network of the zoo by its name, a file (.slidesum, .json, .pt2, .onnx, .keras), "
        "'package.module:factory', an nn.Module, or a Keras model.\n  Write ss.load(\"lenet5\"), say.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, factory):
    call, text = REFUSED[name]
    with pytest.raises(UsageError) as error:
        call()
    assert str(error.value) == text


def test_strict(factory):
    assert ss.load(f"{factory}:Sorted", input=(2, 3)).remarks[1:] == (
        "not supported: sort at the model (users_models.py:13): it has no equation, and is none of the other layers known here",
    )
    with pytest.raises(
        FileError, match=r"^Sorted: one operation is not supported\n    sort at the model \(users_models.py:13\): it has "
    ):
        ss.load(f"{factory}:Sorted", input=(2, 3), strict=True)


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["slidesum", *arguments])
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    return 0


def test_the_command(factory, monkeypatch, capsys):
    assert command(monkeypatch, "show", f"{factory}:small", "--input", "1,3,8,8") == 0
    out = capsys.readouterr().out
    assert "b c i+u j+v, o c u v -> b o i j" in out
    assert "3,888" in out
    assert command(monkeypatch, "show", f"{factory}:Sorted", "--input", "2,3", "--strict") == 1
    assert "Sorted: one operation is not supported" in capsys.readouterr().err
    assert command(monkeypatch, "show", f"{factory}:small", "--input", "1,x") == 2
    assert "--input '1,x' is no shape\n" in capsys.readouterr().err.replace("\n  ", "\n")


@pytest.mark.parametrize(
    "words", [("show",), ("cost",), ("compare-layers",), ("export", "-o", "n.onnx"), ("train",), ("explain", "x.npy", *PLACE)]
)
def test_a_command_says_which_option_is_missing(factory, monkeypatch, capsys, words):
    name, *options = words
    assert command(monkeypatch, name, f"{factory}:small", *options) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert told.endswith(
        "Error: Invalid value: users_models:small is a torch model, and is read with the shape of its input "
        "Add it, the batch first: users_models:small --input 1,3,224,224."
    )
