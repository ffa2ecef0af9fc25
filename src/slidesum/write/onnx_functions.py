"""Functions of every value, and combinations of two arrays, as operators of ONNX."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core.ops import OPTIONS, Combination, Function
from slidesum.write.onnx_record import Symbol

PLAIN: Mapping[Function, str] = {
    "relu": "Relu", "selu": "Selu", "sigmoid": "Sigmoid", "tanh": "Tanh", "hard_swish": "HardSwish", "mish": "Mish", "gelu": "Gelu",
    "softsign": "Softsign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "reciprocal": "Reciprocal", "abs": "Abs", "negative": "Neg",
    "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "round": "Round", "erf": "Erf", "sin": "Sin", "cos": "Cos",
}  # fmt: skip
"""Those that are an operator as they stand."""

COMBINED: Mapping[Combination, str] = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "maximum": "Max", "minimum": "Min", "power": "Pow",
}  # fmt: skip


def applied(function: Function, x: Symbol, options: Sequence[float] = ()) -> Symbol:
    """A function of every value, with the numbers that it takes."""
    numbers = tuple(options) or tuple(usual for _, usual in OPTIONS.get(function, ()))

    def one(op: str, of: Symbol, *inputs: Any, **attributes: Any) -> Symbol:
        return of.record.node(op, [of, *inputs], of.shape, **attributes)

    match function:
        case "identity":
            return x
        case "affine":
            scale, shift = numbers
            y = x * scale if scale != 1 else x
            return y + shift if shift != 0 else y
        case "relu6":
            return _clipped(x, 0.0, 6.0)
        case "clip":
            return _clipped(x, *numbers)
        case "leaky_relu":
            return one("LeakyRelu", x, alpha=numbers[0])
        case "elu":
            return one("Elu", x, alpha=numbers[0])
        case "celu":
            return one("Celu", x, alpha=numbers[0])
        case "hard_sigmoid":
            return one("HardSigmoid", x, alpha=numbers[0], beta=numbers[1])
        case "scaled_tanh":
            return one("Tanh", x * (2 / 3)) * 1.7159
        case "silu":
            return x * one("Sigmoid", x)
        case "gelu_tanh":
            return one("Gelu", x, approximate="tanh")
        case "softplus":
            beta = numbers[0]
            return one("Softplus", x) if beta == 1 else one("Softplus", x * beta) / beta
        case "power":
            return x ** numbers[0]
        case _:
            return one(PLAIN[function], x)


def _clipped(x: Symbol, low: float, high: float) -> Symbol:
    bounds = [None if math.isinf(n) else x.record.constant(np.asarray(n, x.dtype)) for n in (low, high)]
    return x.record.node("Clip", [x, *bounds], x.shape)


def combined(function: Combination, x: Symbol, y: Symbol) -> Symbol:
    """Two arrays value by value."""
    return x.record.node(COMBINED[function], [x, y], np.broadcast_shapes(x.shape, y.shape))
