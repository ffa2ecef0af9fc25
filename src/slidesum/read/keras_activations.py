"""Keras' activations, inside a layer (`activation="relu"`) or as one of their own, and what does nothing when nobody trains.

An activation is a name, or an object with a name and options; the options that aren't given have the values that Keras gives them.
What isn't in the tables, a user's own function say, becomes an opaque layer after the one that it stands in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from slidesum.core.ops import Activation, Dropout, Elementwise, Function, Softmax
from slidesum.draft.place import Tensor
from slidesum.errors import ReadError
from slidesum.read.fields import Fields, is_real
from slidesum.read.keras_call import Beyond, Call
from slidesum.read.shares import log_shares

SAME_NAME: tuple[Function, ...] = (
    *("relu", "relu6", "selu", "sigmoid", "tanh", "silu", "mish", "softsign", "exp", "log", "sqrt"),
    *("sin", "cos", "sign", "floor", "ceil", "round", "erf", "reciprocal", "negative", "abs"),
)
FUNCTIONS: Mapping[str, Activation] = {
    **{name: Activation(name) for name in SAME_NAME},
    "softplus": Activation("softplus", (1.0,)),
    "linear": Activation("identity"),
    "exponential": Activation("exp"),
    "absolute": Activation("abs"),
    "swish": Activation("silu"),
    "elu": Activation("elu", (1.0,)),
    "celu": Activation("celu", (1.0,)),
    "gelu": Activation("gelu"),
    "leaky_relu": Activation("leaky_relu", (0.2,)),
    "hard_sigmoid": Activation("hard_sigmoid", (1 / 6, 0.5)),
    "hard_silu": Activation("hard_swish"),
    "hard_swish": Activation("hard_swish"),
    "hard_tanh": Activation("clip", (-1.0, 1.0)),
    "square": Activation("power", (2.0,)),
}
"""The functions of `keras.activations`, and those of `keras.ops` in small letters, with what they are here."""


def activated(call: Call, x: Tensor) -> Tensor:
    """x after the activation that stands in the layer's options."""
    value = call.fields.maybe("activation", None)
    return x if value in (None, "linear") else _applied(call, x, value, inside=True)


def activation(call: Call) -> Tensor:
    """The layer Activation."""
    return _applied(call, call.x, call.fields.take("activation"), inside=False)


def activation_layer(call: Call) -> Tensor:
    """ReLU, LeakyReLU, ELU and Softmax, each with its options."""
    return _layer(call, call.x, call.kind, call.fields, at="")


def _applied(call: Call, x: Tensor, value: Any, *, inside: bool) -> Tensor:
    """x after an activation as the file writes it: a name, a function, or a layer."""
    match value:
        case str(name):
            pass
        case {"class_name": "function", "config": str(name), "module": ("builtins" | "keras.activations") as module}:
            name = name if module == "keras.activations" or value.get("registered_name") in (None, "function", name) else ""
        case {"class_name": str(kind), "config": dict(options), "module": "keras.layers"} if kind in _LAYERS:
            return _layer(call, x, kind, Fields(f"{call.where}: its activation", options), at=kind.lower() if inside else "")
        case _:
            name = ""
    at = name if inside else ""
    if name == "softmax":
        return call.put(Softmax(-1), x, at=at)
    if name == "log_softmax":
        return log_shares(
            lambda op, *read, part: call.put(op, *read, at=part),
            lambda pattern, y, part: call.equation(pattern, y, at=part),
            x,
            len(x.shape) - 1,
            at,
        )
    if name in FUNCTIONS:
        return call.put(FUNCTIONS[name], x, at=at)
    reason = "no layer of this network computes its activation"
    return call.opaque(f"activation {name}".strip()[:60], x.shape, reason, x, at=at or "activation") if inside else _refused(reason)


def _refused(reason: str) -> Any:
    raise Beyond(reason)


_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax")


def _layer(call: Call, x: Tensor, kind: str, fields: Fields, at: str) -> Tensor:
    def number(name: str, default: float) -> float:
        value = fields.maybe(name, None)
        if value is None:
            return default
        if not is_real(value):
            raise fields.wrong(name, value, "a number")
        return float(value)

    match kind:
        case "ReLU":
            most, slope, threshold = number("max_value", math.inf), number("negative_slope", 0.0), number("threshold", 0.0)
            if threshold or (slope and most < math.inf):
                raise Beyond("its threshold, or a slope and a maximum together")
            op = Activation("leaky_relu", (slope,)) if slope else Activation("relu")
            return call.put(_clipped(most) if most < math.inf else op, x, at=at)
        case "LeakyReLU":
            return call.put(Activation("leaky_relu", (number("negative_slope", 0.3),)), x, at=at)
        case "ELU":
            return call.put(Activation("elu", (number("alpha", 1.0),)), x, at=at)
        case _:
            axes = call.axes(fields.maybe("axis", -1), x)
            if len(axes) != 1:
                raise Beyond("its softmax runs over several axes")
            return call.put(Softmax(axes[0]), x, at=at)


def _clipped(most: float) -> Activation:
    return Activation("relu6") if most == 6 else Activation("clip", (0.0, most))


def prelu(call: Call) -> Tensor:
    """relu(x) - alpha·relu(-x), alpha learned for every value of a sample; along `shared_axes` there is one for all."""
    x = call.x
    shared = call.fields.maybe("shared_axes", None)
    axes = call.axes(shared, x) if shared else ()
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape) if k > 0)
    alpha = call.stored(call.weights.take(0, shape), "alpha")
    above = call.put(Activation("relu"), x, at="above")
    below = call.put(Activation("relu"), call.put(Activation("negative"), x, at="negative"), at="below")
    return call.put(Elementwise("subtract"), above, call.put(Elementwise("multiply"), below, alpha, at="scaled"))


def dropout(call: Call) -> Tensor:
    """Dropout and its kin: nothing, unless somebody trains."""
    rate = call.fields.maybe("rate", call.fields.maybe("drop_path_rate", 0.5))
    if not is_real(rate) or not 0 <= rate < 1:
        raise ReadError(f"{call.where}: a dropout rate lies in [0, 1)", advice="Save the model anew.")
    return call.put(Dropout(float(rate)), call.x)


def unchanged(call: Call) -> Tensor:
    """Layers that add noise or a penalty in training only."""
    return call.put(Activation("identity"), call.x)
