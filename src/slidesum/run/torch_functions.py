"""The functions of `core.ops.Function` on tensors, each of the values and the numbers that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional as F

from slidesum.core.ops import Combination, Function

FUNCTIONS: Mapping[Function, Callable[..., Any]] = {
    "identity": lambda x: x,
    "affine": lambda x, scale, shift: scale * x + shift,
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "clip": torch.clamp,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda x, slope, shift: (slope * x + shift).clamp(0, 1),
    "tanh": torch.tanh,
    "scaled_tanh": lambda x: 1.7159 * torch.tanh(2 / 3 * x),
    "silu": F.silu,
    "hard_swish": F.hardswish,
    "mish": F.mish,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "power": torch.pow,
    "reciprocal": torch.reciprocal,
    "abs": torch.abs,
    "negative": torch.neg,
    "sign": torch.sign,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "erf": torch.erf,
    "sin": torch.sin,
    "cos": torch.cos,
}

COMBINATIONS: Mapping[Combination, Callable[[Any, Any], Any]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "power": torch.pow,
}
