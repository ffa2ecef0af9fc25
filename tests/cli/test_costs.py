"""The commands about costs, as a user runs them."""

import json

import pytest
from process import slidesum


def test_show_folds_sorts_and_verifies():
    result = slidesum("show", "lenet5", "--depth", "1", "--sort", "macs", "--verify", COLUMNS="200")
    assert result.returncode == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:5]] == ["C3", "C1", "C5"]
    assert result.stderr == "13 of 13 layers were run on random numbers: every shape is the one told, and every number is finite\n"


def test_show_answers_which_type():
    result = slidesum("show", "alexnet")
    assert "8 weighted layers: 5 convolutions of type 2.2 (3 of them in 2 groups), 3 linear." in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_cost_prints_writes_and_draws(tmp_path):
    result = slidesum("cost", "googlenet", "--vary", "width", "--at", "1/2,1,2", "--plot", tmp_path / "c.svg", COLUMNS="100")
    assert result.returncode == 0
    assert "1,463,633,920·α² + 119,037,952·α" in result.stdout
    assert (tmp_path / "c.svg").read_bytes().startswith(b"<?xml")
    both = slidesum("cost", "googlenet", "--vary", "width", "--vary", "resolution", "--format", "json")
    assert json.loads(both.stdout)["polynomials"]["macs"] == "1463633920*α**2*ρ**2 + 118013952*α*ρ**2 + 1024000*α"


def test_compare_layers():
    result = slidesum("compare-layers", "vgg11", "--groups", "4", "--format", "csv")
    assert "4 groups" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (
            ("cost", "lenet5"),
            1,
            "lenet5 can't be made wider: C3 connects single maps by a table\n"
            "  The table would have to be another one for every width.\n  Vary the resolution, the batch or the depth.\n",
        ),
        (("cost", "lenet5", "--vary", "height"), 2, "'height' is not one of 'width', 'depth', 'resolution', 'batch'"),
        (("cost", "vgg11", "--at", "1;2"), 2, "--at '1;2' names no sizes\n  Write numbers with commas between: --at 0.5,3/4,2.\n"),
        (("show", "lenet5", "--sort", "flops"), 1, "rows can't be sorted by 'flops'"),
        (("show", "type-1", "--verify"), 1, "type-1 has open sizes: k1, k2, m, n"),
        (("compare-layers", "nope"), 1, "there is no network 'nope'"),
    ],
)
def test_refusals(arguments, status, text):
    result = slidesum(*arguments, COLUMNS="200")
    assert result.returncode == status
    assert text in result.stderr
    assert "Traceback" not in result.stderr
