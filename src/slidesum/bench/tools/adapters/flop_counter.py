"""torch's own FlopCounterMode, which counts two flops a multiply-add."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from slidesum.bench.tools.tool import Figures, Tool, whole


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its flops, and half of them."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(example)
    return Figures(whole(counter.get_total_flops()), whole(counter.get_total_flops() / 2))


TOOL = Tool(
    "FlopCounterMode",
    "torch",
    "“flops”, two a multiply-add; only products",
    "halved",
    count,
)
