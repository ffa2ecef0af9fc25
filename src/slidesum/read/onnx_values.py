"""What ONNX computes value by value, and its normalisations: activations, arithmetic, softmax, batch, layer and group norms."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

import numpy as np

from slidesum.core.ops import (
    Activation,
    Add,
    BatchNorm,
    Combination,
    Dropout,
    Elementwise,
    Function,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    Softmax,
)
from slidesum.draft.place import Tensor
from slidesum.read.onnx_build import Build, Call, Constant, Known, Translator, Unknown, plain_number
from slidesum.read.patterns import reduced
from slidesum.read.shares import log_shares

PLAIN: dict[str, Function] = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Mish": "mish", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs",
    "Reciprocal": "reciprocal", "Neg": "negative", "Sign": "sign", "Floor": "floor", "Ceil": "ceil", "Round": "round", "Erf": "erf",
    "Sin": "sin", "Cos": "cos", "Softsign": "softsign", "Softplus": "softplus", "HardSwish": "hard_swish",
}  # fmt: skip
"""Functions that take no numbers, and what they are called here."""

COMBINED: dict[str, Combination] = {
    "Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Pow": "power", "Max": "maximum", "Min": "minimum",
}  # fmt: skip

FLOATS = {1, 10, 11, 16}
"""The element types that are floating numbers: float, float16, double, bfloat16."""


def plain(build: Build, call: Call) -> Tensor:
    """Functions that take no numbers."""
    x = build.tensor(call, 0)
    if call.op not in ("Abs", "Neg", "Sign", "Relu", "Floor", "Ceil", "Round"):
        _refuse_integers(build, call)
    return build.put(call, Activation(PLAIN[call.op], (1.0,) if call.op == "Softplus" else ()), x)


def function(build: Build, call: Call) -> Tensor:
    """Functions with numbers of their own."""
    _refuse_integers(build, call)
    x = build.tensor(call, 0)
    alpha = call.get("alpha")
    match call.op:
        case "LeakyRelu":
            op = Activation("leaky_relu", (float(0.01 if alpha is None else alpha),))
        case "Elu":
            op = Activation("elu", (float(1 if alpha is None else alpha),))
        case "Celu":
            op = Activation("celu", (float(1 if alpha is None else alpha),))
        case "HardSigmoid":
            slope = 0.2 if alpha is None else alpha
            slope = 1 / 6 if abs(slope - 1 / 6) < 1e-7 else slope  # which 32 bits can't hold
            op = Activation("hard_sigmoid", (float(slope), float(call.get("beta", 0.5))))
        case "Gelu":
            op = Activation("gelu_tanh" if call.get("approximate", "none") == "tanh" else "gelu")
        case "Swish":
            if alpha not in (None, 1.0):
                gate = build.put(call, Activation("affine", (float(alpha), 0.0)), x, part="scale")
                return build.put(call, Elementwise("multiply"), x, build.put(call, Activation("sigmoid"), gate, part="gate"))
            op = Activation("silu")
        case _:
            usual = (1.67326319217681884765625, 1.05070102214813232421875)
            told = (float(usual[0] if alpha is None else alpha), float(call.get("gamma", usual[1])))
            if all(abs(a - b) < 1e-6 for a, b in zip(told, usual, strict=True)):
                return build.put(call, Activation("selu"), x)
            y = build.put(call, Activation("elu", (told[0],)), x, part="elu")
            op, x = Activation("affine", (told[1], 0.0)), y
    return build.put(call, op, x)


def clip(build: Build, call: Call) -> Tensor:
    """Clip: its bounds are attributes, or constant inputs; from 0 on it is relu, from 0 to 6 relu6."""
    bounds = []
    for number, (name, usual) in enumerate((("min", -inf), ("max", inf)), start=1):
        held = build.maybe(call, number)
        bounds.append(float(call.get(name, usual)) if held is None else plain_number(np.ravel(held)[0]))
    x, (low, high) = build.tensor(call, 0), bounds
    if (low, high) == (0, 6):
        return build.put(call, Activation("relu6"), x)
    return build.put(call, Activation("relu") if (low, high) == (0, inf) else Activation("clip", (low, high)), x)


def arithmetic(build: Build, call: Call) -> Tensor:
    """Add, Sub, Mul, Div, Pow, Max, Min: of two arrays, or of an array and a number."""
    if call.op in ("Div", "Pow", "Mean"):
        _refuse_integers(build, call)
    if any(build.kinds.get(name, 1) not in (*FLOATS, 6, 7) for name in call.inputs if name):
        raise Unknown("it computes with short integers, which overflow")
    parts = [build.given(call, k) for k in range(len(call.inputs))]
    if len(parts) == 1:
        return build.as_tensor(parts[0], call)
    if call.get("broadcast", 0) and call.get("axis") is not None:  # opset 6: the second array begins at this axis
        behind = len(parts[0].shape) - int(call.get("axis")) - len(parts[1].shape)
        shape = (*(int(n) for n in parts[1].shape), *[1] * behind)
        if isinstance(parts[1], Constant):
            parts[1] = Constant(parts[1].numbers.reshape(shape), parts[1].name, parts[1].trainable)
        else:
            parts[1] = build.reshaped(call, parts[1], shape, part="axes")
    if call.op == "Sum" and len({tuple(one.shape) for one in parts}) == 1:
        return build.put(call, Add(), *(build.as_tensor(one, call) for one in parts))
    y = parts[0]
    for number, other in enumerate(parts[1:], start=1):
        y = _combined(build, call, y, other, part="" if number == len(parts) - 1 else f"part{number}")
    return build.as_tensor(y, call)


def _combined(build: Build, call: Call, a: Known, b: Known, part: str) -> Tensor:
    op = {"Sum": "Add", "Mean": "Add"}.get(call.op, call.op)
    left, right = _number(a), _number(b)
    if right is not None and isinstance(a, Tensor) and len(b.shape) <= len(a.shape):
        return build.put(call, _with_number(op, right), a, part=part)
    if left is not None and isinstance(b, Tensor) and len(a.shape) <= len(b.shape):
        if op in ("Add", "Mul", "Max", "Min"):
            return build.put(call, _with_number(op, left), b, part=part)
        if op == "Sub":
            return build.put(call, Activation("affine", (-1.0, left)), b, part=part)
        if op == "Div":
            return build.put(
                call, Activation("affine", (left, 0.0)), build.put(call, Activation("reciprocal"), b, part="reciprocal"), part=part
            )
    x, y = build.as_tensor(a, call), build.as_tensor(b, call)
    if op == "Add" and x.shape == y.shape and x.layer != y.layer:
        return build.put(call, Add(), x, y, part=part)
    return build.put(call, Elementwise(COMBINED[op]), x, y, part=part)


def _number(known: Known) -> float | None:
    """The number that a constant of one untrained value is."""
    if isinstance(known, Tensor) or known.trainable or known.numbers.size != 1 or known.numbers.dtype.kind not in "fiu":
        return None
    return plain_number(np.ravel(known.numbers)[0])


def _with_number(op: str, y: float) -> Activation:
    match op:
        case "Add":
            return Activation("affine", (1.0, y))
        case "Sub":
            return Activation("affine", (1.0, -y))
        case "Mul":
            return Activation("affine", (y, 0.0))
        case "Div":
            if y == 0:
                raise Unknown("it divides by zero")
            return Activation("affine", (1 / y, 0.0))
        case "Pow":
            return Activation("power", (y,))
        case "Max":
            return Activation("relu") if y == 0 else Activation("clip", (y, inf))
        case _:
            return Activation("clip", (-inf, y))


def mean(build: Build, call: Call) -> Tensor:
    """Mean: of the arrays, cell by cell."""
    count = len(call.inputs)
    total = arithmetic(build, call)
    return build.put(call, Activation("affine", (1 / count, 0.0)), total, part="share") if count > 1 else total


def prelu(build: Build, call: Call) -> Tensor:
    """max(x, 0) + a·min(x, 0), with slopes of any shape that fits."""
    x, slope = build.tensor(call, 0), build.given(call, 1)
    if build.kinds.get(call.inputs[0], 1) not in FLOATS:
        raise Unknown("it computes with integers")
    if call.opset < 7 and len(slope.shape) == 1 and slope.shape[0] > 1:  # a slope a map
        column = (int(slope.shape[0]), *[1] * (len(x.shape) - 2))
        slope = build.reshaped(call, build.as_tensor(slope, call), column, part="slopes")
    above = build.put(call, Activation("relu"), x, part="above")
    below = build.put(call, Activation("clip", (-inf, 0.0)), x, part="below")
    return build.put(
        call, Add(), above, build.put(call, Elementwise("multiply"), below, build.as_tensor(slope, call), part="scaled")
    )


def softmax(build: Build, call: Call) -> Tensor:
    """Softmax, LogSoftmax, along one axis; before opset 13 along all axes from one on, as if they were one."""
    x = build.tensor(call, 0)
    rank, old = len(x.shape), call.opset < 13
    axis = int(call.get("axis", 1 if old else -1)) % max(1, rank)
    if not old or axis == rank - 1 or all(n == 1 for n in x.shape[axis + 1 :]):
        return _soft(build, call, x, axis)
    shape = [int(n) for n in x.shape]
    flat = build.reshaped(call, x, (*shape[:axis], int(np.prod(shape[axis:]))), part="flat")
    return build.reshaped(call, _soft(build, call, flat, axis, part="shares"), shape)


def _soft(build: Build, call: Call, x: Tensor, axis: int, part: str = "") -> Tensor:
    """Shares, or their logarithm."""
    if call.op == "Softmax":
        return build.put(call, Softmax(axis), x, part=part)
    return log_shares(partial(build.put, call), lambda pattern, y, at: build.layer(call, pattern, [y], part=at), x, axis, part)


def dropout(build: Build, call: Call) -> list[Known | None]:
    """Dropout: nothing, where nothing is trained."""
    training = build.maybe(call, 2)
    if training is not None and bool(np.ravel(training)[0]):
        raise Unknown("it drops values although the model isn't trained")
    held = build.maybe(call, 1)
    rate = plain_number(np.ravel(held)[0]) if held is not None else float(call.get("ratio", 0.5))
    x = build.given(call, 0)
    return [build.put(call, Dropout(rate), x) if isinstance(x, Tensor) and 0 < rate < 1 else x, None]


# Normalisation


def batch_norm(build: Build, call: Call) -> list[Known | None]:
    """BatchNormalization with the statistics of the file."""
    x = build.tensor(call, 0)
    names = ("scale", "shift", "mean", "variance")
    if call.get("training_mode", 0) or len([name for name in call.outputs if name and build.uses.get(name)]) > 1:
        raise Unknown("it normalises by the statistics of the batch")
    held = {name: build.constant(call, k) for k, name in enumerate(names, start=1)}
    if not call.get("spatial", 1):
        raise Unknown("it has statistics for every place")
    return [build.put(call, BatchNorm(1, float(call.get("epsilon", 1e-5))), x, arrays=held)]


def instance_norm(build: Build, call: Call) -> Tensor:
    """InstanceNormalization: a group for every map."""
    x = build.tensor(call, 0)
    held = {"scale": build.constant(call, 1), "shift": build.constant(call, 2)}
    return build.put(call, GroupNorm(int(x.shape[1]), float(call.get("epsilon", 1e-5))), x, arrays=held)


def group_norm(build: Build, call: Call) -> Tensor:
    """GroupNormalization; before opset 21, its scales are one a group."""
    x, groups = build.tensor(call, 0), int(call.get("num_groups", 0))
    maps = int(x.shape[1])
    held = {"scale": build.constant(call, 1), "shift": build.constant(call, 2)}
    if call.opset < 21 and groups > 0 and maps % groups == 0:
        held = {name: np.repeat(a, maps // groups) for name, a in held.items()}
    return build.put(call, GroupNorm(groups, float(call.get("epsilon", 1e-5))), x, arrays=held)


def layer_norm(build: Build, call: Call) -> list[Known | None]:
    """LayerNormalization and RMSNormalization, over the axes from one on."""
    x = build.tensor(call, 0)
    rank = len(x.shape)
    axis = int(call.get("axis", -1)) % rank
    shape = tuple(int(n) for n in x.shape[axis:])
    held: dict[str, Any] = {"scale": build.constant(call, 1)}
    if call.has(2):
        held["shift"] = build.constant(call, 2)
    held = {name: a if a.shape == shape else np.broadcast_to(a, shape) for name, a in held.items()}
    centred = call.op != "RMSNormalization"
    op = LayerNorm(tuple(range(axis - rank, 0)), float(call.get("epsilon", 1e-5)), True, "shift" in held, centred)
    y = build.put(call, op, x, arrays=held)
    if not any(name and build.uses.get(name) for name in call.outputs[1:]):
        return [y]
    mean = reduced("mean", rank, range(axis, rank), kept=True)
    middle = build.layer(call, mean, [x], part="mean")
    beside = build.put(call, Elementwise("subtract"), x, middle, part="beside") if centred else x
    square = build.put(call, Activation("power", (2.0,)), beside, part="square")
    variance = build.layer(call, mean, [square], part="variance")
    shifted = build.put(call, Activation("affine", (1.0, op.epsilon)), variance, part="epsilon")
    return [y, middle, build.put(call, Activation("power", (-0.5,)), shifted, part="deviation")]


def mean_variance_norm(build: Build, call: Call) -> Tensor:
    """MeanVarianceNormalization: mean 0 and variance 1 over some axes, nothing else."""
    told = build.integers(call, "axes", 1)
    return build.put(call, LayerNorm(tuple(told or (0, 2, 3)), 1e-9, False, False), build.tensor(call, 0))


def response_norm(build: Build, call: Call) -> Tensor:
    """LRN: alpha is divided by the size there, and stands before the sum as it is here."""
    size = int(call.get("size", 0))
    if size < 1 or size % 2 == 0:
        raise Unknown(f"it looks at {size} maps, of which none is in the middle")
    alpha, beta, k = (float(call.get(name, usual)) for name, usual in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return build.put(call, LocalResponseNorm(size, alpha / size, beta, k), build.tensor(call, 0))


def _refuse_integers(build: Build, call: Call) -> None:
    if any(build.kinds.get(name, 1) not in FLOATS for name in call.inputs if name):
        raise Unknown("it computes with integers, which round")


VALUES: dict[str, Translator] = {
    **dict.fromkeys(PLAIN, plain),
    **dict.fromkeys(("LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid", "Gelu", "Swish"), function),
    "Clip": clip,
    **dict.fromkeys((*COMBINED, "Sum"), arithmetic),
    "Mean": mean,
    "PRelu": prelu,
    **dict.fromkeys(("Softmax", "LogSoftmax"), softmax),
    "Dropout": dropout,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), layer_norm),
    "MeanVarianceNormalization": mean_variance_norm,
    "LRN": response_norm,
}
