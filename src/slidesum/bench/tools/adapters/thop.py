"""thop: `profile(…)`, which it calls macs."""

from __future__ import annotations

import torch
from torch import nn

from slidesum.bench.tools.tool import Figures, Tool, whole

NO_PRODUCTS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.PReLU, nn.Softmax)


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its total, and with rules of its own that count nothing for what is no product."""
    from thop import profile
    from thop.vision.basic_hooks import zero_ops

    printed, _ = profile(module, inputs=(example,), verbose=False)
    macs, _ = profile(module, inputs=(example,), verbose=False, custom_ops=dict.fromkeys(NO_PRODUCTS, zero_ops))
    return Figures(whole(printed), whole(macs))


TOOL = Tool(
    "thop",
    "thop",
    "“macs”; biases not counted, normalisation, softmax and mean pooling estimated",
    "its `zero_ops` for normalisation and softmax (`custom_ops`)",
    count,
)
