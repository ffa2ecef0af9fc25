"""The functions of `core.ops.Function` on NumPy arrays, each of the values and the numbers that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slidesum.core.ops import Combination, Function

SELU = (1.0507009873554804934193349852946, 1.6732632423543772848170429916717)
"""Scale and alpha of the self-normalising exponential unit (Klambauer et al. 2017)."""


def _sigmoid(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _elu(x: Any, alpha: float) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _softplus(x: Any, beta: float) -> Any:
    return np.logaddexp(beta * x, 0) / beta


def _hard_sigmoid(x: Any, slope: float, shift: float) -> Any:
    return np.clip(slope * x + shift, 0, 1)


def _erf(x: Any) -> Any:
    try:
        from scipy.special import erf
    except ImportError:
        import math

        return np.vectorize(math.erf, otypes=[x.dtype])(x)
    return erf(x)


def _gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.asarray(np.sqrt(2 / np.pi), x.dtype) * (x + 0.044715 * x * x * x)))


FUNCTIONS: Mapping[Function, Callable[..., Any]] = {
    "identity": lambda x: x,
    "affine": lambda x, scale, shift: scale * x + shift,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": _elu,
    "selu": lambda x: SELU[0] * _elu(x, SELU[1]),
    "celu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
    "clip": lambda x, low, high: np.clip(x, low, high),
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "tanh": np.tanh,
    "scaled_tanh": lambda x: 1.7159 * np.tanh(2 / 3 * x),
    "silu": lambda x: x * _sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x, 1 / 6, 0.5),
    "mish": lambda x: x * np.tanh(_softplus(x, 1.0)),
    "gelu": lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(np.asarray(2, x.dtype)))),
    "gelu_tanh": _gelu_tanh,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "power": lambda x, exponent: x**exponent,
    "reciprocal": lambda x: 1 / x,
    "abs": np.abs,
    "negative": np.negative,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "erf": _erf,
    "sin": np.sin,
    "cos": np.cos,
}

COMBINATIONS: Mapping[Combination, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "power": np.power,
}
