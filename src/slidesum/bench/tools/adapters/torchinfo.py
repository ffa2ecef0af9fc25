"""torchinfo: `summary(…).total_mult_adds`."""

from __future__ import annotations

import torch

from slidesum.bench.tools.tool import Figures, Tool, whole

NORMALISATION = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "GroupNorm")


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its total, and without the lines of its table that are normalisations."""
    from torchinfo import summary

    found = summary(module, input_data=[example], verbose=0)
    normalised = sum(line.macs for line in found.summary_list if line.is_leaf_layer and line.class_name in NORMALISATION)
    return Figures(whole(found.total_mult_adds), whole(found.total_mult_adds - normalised))


TOOL = Tool(
    "torchinfo",
    "torchinfo",
    "“mult-adds”: parameters times positions of the result, biases and normalisation counted",
    "the lines of normalisations left out",
    count,
)
