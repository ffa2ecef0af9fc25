"""What is computed value by value, and normalisations: activations, arithmetic, dropout, softmax, batch, layer and group norms."""

from __future__ import annotations

from functools import partial
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
    Op,
    Reshape,
    Slice,
    Softmax,
)
from slidesum.draft.verbs import Tensor
from slidesum.read.shares import log_shares
from slidesum.read.torch_build import Build, Translator, Unknown
from slidesum.read.torch_program import Call, Value

PLAIN: dict[str, Function] = {
    "relu": "relu", "relu6": "relu6", "selu": "selu", "sigmoid": "sigmoid", "tanh": "tanh", "silu": "silu", "mish": "mish",
    "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid", "exp": "exp", "log": "log", "sqrt": "sqrt", "abs": "abs",
    "reciprocal": "reciprocal", "neg": "negative", "sign": "sign", "floor": "floor", "ceil": "ceil", "round": "round", "erf": "erf",
    "sin": "sin", "cos": "cos", "softsign": "softsign",
}  # fmt: skip
"""Functions that take no numbers, and what they are called here."""

COMBINED: dict[str, Combination] = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power", "maximum": "maximum", "minimum": "minimum",
}  # fmt: skip


def plain(build: Build, call: Call) -> Tensor:
    """Functions without numbers."""
    function = PLAIN[call.op]
    options = (1 / 6, 0.5) if function == "hard_sigmoid" else ()
    return build.put(call, Activation(function, options), build.tensor(call.x))


def function(build: Build, call: Call) -> Tensor:
    """Functions with numbers of their own."""
    x = build.tensor(call.x)
    match call.op:
        case "leaky_relu":
            op = Activation("leaky_relu", (float(call.get("negative_slope", 0.01)),))
        case "elu":
            if call.get("scale", 1) != 1 or call.get("input_scale", 1) != 1:
                raise Unknown("it scales its parts")
            op = Activation("elu", (float(call.get("alpha", 1)),))
        case "celu":
            op = Activation("celu", (float(call.get("alpha", 1)),))
        case "hardtanh":
            bounds = (float(call.get("min_val", -1)), float(call.get("max_val", 1)))
            op = Activation("relu6") if bounds == (0, 6) else Activation("clip", bounds)
        case "clamp":
            low, high = call.get("min"), call.get("max")
            if isinstance(low, Value) or isinstance(high, Value):
                raise Unknown("its bounds are arrays")
            op = Activation("clip", (float("-inf") if low is None else float(low), float("inf") if high is None else float(high)))
        case "clamp_min":
            op = Activation("clip", (float(call.get("min")), float("inf")))
        case "gelu":
            op = Activation("gelu_tanh" if call.get("approximate", "none") == "tanh" else "gelu")
        case "softplus":
            op = Activation("softplus", (float(call.get("beta", 1)),))
        case "rsqrt":
            op = Activation("power", (-0.5,))
        case "square":
            op = Activation("power", (2.0,))
        case "log_sigmoid":
            # -softplus(-x): the logarithm of a sigmoid would be that of zero where it is too small for its type
            softplus = build.put(
                call, Activation("softplus", (1.0,)), build.put(call, Activation("negative"), x, part="negative"), part="softplus"
            )
            op, x = Activation("negative"), softplus
        case _:
            raise AssertionError(call.op)
    return build.put(call, op, x)


def arithmetic(build: Build, call: Call) -> Tensor:
    """add, sub, mul, div, pow, maximum, minimum: of two arrays, or of an array and a number."""
    x, y, scale = call.x, call.get("other", call.get("exponent")), call.get("alpha", 1)
    if call.get("rounding_mode") is not None:
        raise Unknown("it rounds what it divides")
    for value in (x, y):
        if isinstance(value, Value) and not value.dtype.startswith(("float", "bfloat")):
            raise Unknown(f"it computes with {value.dtype}")
    x, y = _number(build, x), _number(build, y)
    if not isinstance(y, Value):
        return build.put(call, _with_number(call.op, float(y), float(scale)), build.tensor(x))
    if not isinstance(x, Value):
        return _of_number(build, call, float(x), build.tensor(y))
    a, b = build.tensor(x), build.tensor(y)
    if scale != 1:
        b = build.put(call, Activation("affine", (float(scale), 0.0)), b, part="scale")
    if call.op == "add" and x.shape == y.shape:
        return build.put(call, Add(), a, b)
    return build.put(call, Elementwise(COMBINED[call.op]), a, b)


def _number(build: Build, value: Any) -> Any:
    """A constant of one number is that number."""
    array = build.array(value) if isinstance(value, Value) else None
    return float(array.numbers) if array is not None and array.numbers.ndim == 0 and not array.trainable else value


def _with_number(op: str, y: float, scale: float) -> Op:
    match op:
        case "add":
            return Activation("affine", (1.0, y * scale))
        case "sub":
            return Activation("affine", (1.0, -y * scale))
        case "mul":
            return Activation("affine", (y, 0.0))
        case "div":
            return Activation("affine", (1 / y, 0.0))
        case "pow":
            return Activation("power", (y,))
        case "maximum":
            return Activation("clip", (y, float("inf")))
        case _:
            return Activation("clip", (float("-inf"), y))


def _of_number(build: Build, call: Call, x: float, y: Tensor) -> Tensor:
    """A number first: x + y, x - y, x · y, x / y."""
    match call.op:
        case "add" | "mul" | "maximum" | "minimum":
            return build.put(call, _with_number(call.op, x, 1.0), y)
        case "sub":
            return build.put(call, Activation("affine", (-1.0, x)), y)
        case "div":
            return build.put(call, Activation("affine", (x, 0.0)), build.put(call, Activation("reciprocal"), y, part="reciprocal"))
        case _:
            raise Unknown("a number is raised to an array")


def reversed_difference(build: Build, call: Call) -> Tensor:
    """rsub: other - x."""
    y, scale = _number(build, call.get("other")), float(call.get("alpha", 1))
    if isinstance(y, Value):
        if scale != 1:
            raise Unknown("it scales its parts")
        return build.put(call, Elementwise("subtract"), build.tensor(y), build.tensor(call.x))
    return build.put(call, Activation("affine", (-scale, float(y))), build.tensor(call.x))


def prelu(build: Build, call: Call) -> Tensor:
    """max(x, 0) + a·min(x, 0), with a slope a map."""
    x, slope = build.tensor(call.x), call.get("weight")
    count = build.shape(slope)[0] if slope.rank else 1
    a = build.tensor(slope)
    if count > 1:
        a = build.put(call, Reshape((count, *(1,) * (call.x.rank - 2))), a, part="slopes")
    above = build.put(call, Activation("relu"), x, part="above")
    below = build.put(call, Activation("clip", (float("-inf"), 0.0)), x, part="below")
    return build.put(call, Add(), above, build.put(call, Elementwise("multiply"), below, a, part="scaled"))


def glu(build: Build, call: Call) -> Tensor:
    """One half of the maps times the sigmoid of the other."""
    x, axis = build.tensor(call.x), call.get("dim", -1) % call.x.rank
    half = int(x.shape[axis]) // 2
    gate = build.put(call, Slice(axis, half, 2 * half), x, part="gate")
    return build.put(
        call,
        Elementwise("multiply"),
        build.put(call, Slice(axis, 0, half), x, part="values"),
        build.put(call, Activation("sigmoid"), gate, part="sigmoid"),
    )


def softmax(build: Build, call: Call) -> Tensor:
    """Shares that add up to one along an axis, or their logarithms."""
    x, axis = build.tensor(call.x), call.get("dim", -1) % call.x.rank
    if "log" not in call.op:
        return build.put(call, Softmax(axis), x)
    return log_shares(partial(build.put, call), lambda pattern, y, at: build.layer(call, pattern, [y], part=at), x, axis)


def dropout(build: Build, call: Call) -> Tensor | tuple[Tensor, None]:
    """In training it zeroes values; here it is only shown."""
    rate, x = float(call.get("p", 0.5)), build.tensor(call.x)
    if call.get("train", False):
        raise Unknown("it drops values although the model is asked for its results")
    found = build.put(call, Dropout(rate), x) if 0 < rate < 1 else x
    return found if len(call.results) == 1 else (found, None)


def full_like(build: Build, call: Call) -> Tensor:
    """zeros_like, ones_like, full_like: a number in every cell."""
    value = {"zeros_like": 0.0, "ones_like": 1.0}.get(call.op)
    value = float(call.get("fill_value")) if value is None else value
    return build.put(call, Activation("affine", (0.0, value)), build.tensor(call.x))


# Normalisation


def batch_norm(build: Build, call: Call) -> Tensor | tuple[Tensor, None, None]:
    """With the running statistics, as a model computes that isn't being trained."""
    mean, variance = call.get("running_mean"), call.get("running_var")
    if call.get("training", False) or mean is None or variance is None:
        raise Unknown("it normalises by the statistics of the batch, which differ with the other samples in it")
    scale, shift = call.get("weight"), call.get("bias")
    held = {"mean": _numbers(build, mean), "variance": _numbers(build, variance)}
    affine = scale is not None or shift is not None
    if affine:
        held["scale"] = _numbers(build, scale) if scale is not None else np.ones_like(held["mean"])
        held["shift"] = _numbers(build, shift) if shift is not None else np.zeros_like(held["mean"])
    used_twice = _repeated(build, call, (scale, shift, mean, variance))
    op = BatchNorm(1, float(call.get("eps", 1e-5)), affine)
    x = build.tensor(call.x)
    found = _sharing(build, call, op, x, held, used_twice)
    return found if len(call.results) == 1 else (found, None, None)


def layer_norm(build: Build, call: Call) -> Tensor | tuple[Tensor, None, None]:
    """Over the last axes, with a scale and a shift for every value of them, if any."""
    count = len(call.get("normalized_shape"))
    scale, shift = call.get("weight"), call.get("bias")
    held = {n: _numbers(build, v) for n, v in (("scale", scale), ("shift", shift)) if v is not None}
    axes = tuple(range(-count, 0))
    epsilon = call.get("eps")
    if epsilon is None:
        epsilon = float(np.finfo(call.x.dtype).eps) if call.op == "rms_norm" else 1e-5
    op = LayerNorm(axes, float(epsilon), scale is not None, shift is not None, call.op != "rms_norm")
    found = _sharing(build, call, op, build.tensor(call.x), held, _repeated(build, call, (scale, shift)))
    return found if len(call.results) == 1 else (found, None, None)


def group_norm(build: Build, call: Call) -> Tensor | tuple[Tensor, None, None]:
    """group_norm, and instance_norm: a group for every map."""
    scale, shift = call.get("weight"), call.get("bias")
    maps = build.shape(call.x)[1]
    groups = maps if call.op == "instance_norm" else call.get("num_groups", call.get("group"))
    if call.op == "instance_norm" and not call.get("use_input_stats", True):
        return batch_norm(build, call)
    held = {}
    if scale is not None or shift is not None:
        ones = np.ones(maps, call.x.dtype)
        held = {
            "scale": _numbers(build, scale) if scale is not None else ones,
            "shift": _numbers(build, shift) if shift is not None else 0 * ones,
        }
    op = GroupNorm(groups, float(call.get("eps", 1e-5)), bool(held))
    found = _sharing(build, call, op, build.tensor(call.x), held, _repeated(build, call, (scale, shift)))
    return found if len(call.results) == 1 else (found, None, None)


def response_norm(build: Build, call: Call) -> Tensor:
    """torch divides alpha by the size; here it stands before the sum as it is."""
    size = int(call.get("size"))
    alpha, beta, k = (float(call.get(name, usual)) for name, usual in (("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)))
    return build.put(call, LocalResponseNorm(size, alpha / size, beta, k), build.tensor(call.x))


def _numbers(build: Build, value: Value) -> Any:
    array = build.array(value)
    if array is None:
        raise Unknown("one of its arrays is computed")
    return array.numbers


def _repeated(build: Build, call: Call, values: tuple[Value | None, ...]) -> tuple[Value, ...]:
    """The arrays, by which a second call of the same layer is known. Raises Unknown where another layer uses one of them."""
    kept = tuple(value for value in values if value is not None)
    if not build.shared.isdisjoint(kept):
        raise Unknown("another layer uses one of its arrays, too")
    return kept


def _sharing(build: Build, call: Call, op: Op, x: Tensor, held: dict[str, Any], kept: tuple[Value, ...]) -> Tensor:
    """A layer with arrays of its own, or with those of its first call."""
    lender = build.keepers.get(kept) if kept else None
    if lender is not None:
        return build.draft.place(build.named(call), op, [x], shares=lender)
    found = build.put(call, op, x, arrays=held)
    if kept:
        build.keepers[kept] = found.layer
    return found


OPS: dict[str, Translator] = {
    **dict.fromkeys(PLAIN, plain),
    **dict.fromkeys(
        ("leaky_relu", "elu", "celu", "hardtanh", "clamp", "clamp_min", "gelu", "softplus", "rsqrt", "square", "log_sigmoid"),
        function,
    ),
    **dict.fromkeys(COMBINED, arithmetic),
    "rsub": reversed_difference,
    "prelu": prelu,
    "glu": glu,
    **dict.fromkeys(("softmax", "_softmax", "_safe_softmax", "log_softmax", "_log_softmax"), softmax),
    **dict.fromkeys(("dropout", "native_dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"), dropout),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like"), full_like),
    **dict.fromkeys(("batch_norm", "native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"), batch_norm),
    **dict.fromkeys(("layer_norm", "native_layer_norm", "rms_norm"), layer_norm),
    **dict.fromkeys(("group_norm", "native_group_norm", "instance_norm"), group_norm),
    "local_response_norm": response_norm,
}
