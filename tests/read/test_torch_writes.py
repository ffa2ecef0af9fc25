"""Exported models that write into their arrays: what is computed still, what becomes opaque, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import slidesum as ss
from slidesum.errors import NetworkError, ReadError

X = torch.linspace(-1, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
OPAQUE = "not supported: setitem at the model"


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        self.seen.add_(x.mean((0, 2, 3)))
        return x.relu()


class PartThenWhole(nn.Module):
    def forward(self, x):
        y = x * 2
        y[:, :1].zero_()
        return y + 1


class WholeThenPart(nn.Module):
    def forward(self, x):
        y = x * 2
        part = y[:, :1]
        y.relu_()
        return part + 1


class TheWrittenAlone(nn.Module):
    def forward(self, x):
        y = (x * 2).flatten(1)
        y.relu_()
        return y + 1


def exported(module, tmp_path):
    torch.export.save(torch.export.export(module.eval(), (X,)), tmp_path / "m.pt2")
    return tmp_path / "m.pt2"


def test_what_is_written_to_and_read_by_its_own_name(tmp_path):
    net = ss.load(exported(TheWrittenAlone(), tmp_path))
    found = net.run(X)[net.graph.output.name]
    np.testing.assert_allclose(found.numpy(), TheWrittenAlone()(X.clone()).numpy(), rtol=1e-6)
    assert not any(OPAQUE in remark for remark in net.remarks)


@pytest.mark.parametrize("module", [PartThenWhole, WholeThenPart])
def test_what_changes_in_part_is_opaque_and_told(module, tmp_path):
    path = exported(module(), tmp_path)
    net = ss.load(path)
    assert sum(OPAQUE in remark for remark in net.remarks) == 1
    with pytest.raises(NetworkError, match=r"^'(zero|setitem)' is \1, which slidesum can count and not compute"):
        net.run(X)
    with pytest.raises(ReadError, match="an array is overwritten in part"):
        ss.load(path, strict=True)


def test_a_buffer_that_is_written_to_is_told(tmp_path):
    net = ss.load(exported(Counting(), tmp_path))
    assert "the model writes to seen as it runs, which isn't done here" in net.remarks
    np.testing.assert_allclose(net.run(X)[net.graph.output.name].numpy(), X.relu().numpy())


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch's own
def test_the_same_of_a_program_without_writes(tmp_path):
    """Made functional, the program hands the buffer's new value on beside its result."""
    program = torch.export.export(Counting().eval(), (X,)).run_decompositions()
    torch.export.save(program, tmp_path / "m.pt2")
    assert "the model writes to seen as it runs, which isn't done here" in ss.load(tmp_path / "m.pt2").remarks
