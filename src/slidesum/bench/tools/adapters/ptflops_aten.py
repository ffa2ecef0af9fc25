"""ptflops with its other backend, which watches the operations that torch dispatches."""

from __future__ import annotations

import torch

from slidesum.bench.tools.adapters.ptflops_modules import ask
from slidesum.bench.tools.tool import Figures, Tool, whole


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its total, of the whole batch."""
    macs = whole(ask(module, example, "aten", []))
    return Figures(macs, macs)


TOOL = Tool(
    "ptflops-aten",
    "ptflops",
    "“macs” of the whole batch, biases counted; only products",
    "nothing",
    count,
)
