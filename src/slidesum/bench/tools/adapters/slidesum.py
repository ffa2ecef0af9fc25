"""slidesum itself: the module is read, and every layer is one equation."""

from __future__ import annotations

import torch

import slidesum as ss
from slidesum.bench.tools.tool import Figures, Tool


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """`ss.load(module, example=x).macs`."""
    macs = int(ss.load(module, example=example).macs)
    return Figures(macs, macs)


TOOL = Tool(
    "slidesum",
    "slidesum",
    "multiply-adds that the equations ask for, taps in the padding counted, biases and normalisation not",
    "nothing",
    count,
)
