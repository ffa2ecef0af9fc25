"""fvcore: `FlopCountAnalysis(…).total()`; it calls a multiply-add one flop."""

from __future__ import annotations

from typing import Any

import torch

from slidesum.bench.tools.tool import Figures, Tool, whole

ESTIMATED = (
    *(f"aten::{name}_norm" for name in ("batch", "group", "layer", "instance")),
    *(f"aten::{name}" for name in ("upsample_nearest2d", "upsample_bilinear2d", "adaptive_avg_pool2d", "grid_sampler")),
)


def count(module: torch.nn.Module, example: torch.Tensor, batch: int) -> Figures:
    """Its total, and with handlers of 0 for what is no product."""
    return Figures(whole(_analysis(module, example).total()), whole(_products(module, example).total()))


def _analysis(module: torch.nn.Module, example: torch.Tensor) -> Any:
    from fvcore.nn import FlopCountAnalysis

    return FlopCountAnalysis(module, example).unsupported_ops_warnings(False).uncalled_modules_warnings(False)


def _products(module: torch.nn.Module, example: torch.Tensor) -> Any:
    return _analysis(module, example).set_op_handle(**dict.fromkeys(ESTIMATED, lambda inputs, outputs: 0))


TOOL = Tool(
    "fvcore",
    "fvcore",
    "“flops”, one a multiply-add; biases not counted, normalisation and resampling estimated",
    "normalisation, resampling and pooling set to 0 (`set_op_handle`)",
    count,
)
