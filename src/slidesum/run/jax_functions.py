"""The functions of `core.ops.Function` on JAX arrays, each of the values and the numbers that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from slidesum.core.ops import Combination, Function


def _hard_sigmoid(x: Any, slope: float, shift: float) -> Any:
    return jnp.clip(slope * x + shift, 0, 1)


FUNCTIONS: Mapping[Function, Callable[..., Any]] = {
    "identity": lambda x: x,
    "affine": lambda x, scale, shift: scale * x + shift,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "celu": jax.nn.celu,
    "clip": jnp.clip,
    "sigmoid": jax.nn.sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "tanh": jnp.tanh,
    "scaled_tanh": lambda x: 1.7159 * jnp.tanh(2 / 3 * x),
    "silu": jax.nn.silu,
    "hard_swish": lambda x: x * _hard_sigmoid(x, 1 / 6, 0.5),
    "mish": jax.nn.mish,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
    "softplus": lambda x, beta: jax.nn.softplus(beta * x) / beta,
    "softsign": jax.nn.soft_sign,
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "power": jnp.power,
    "reciprocal": jnp.reciprocal,
    "abs": jnp.abs,
    "negative": jnp.negative,
    "sign": jnp.sign,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "round": jnp.round,
    "erf": jax.scipy.special.erf,
    "sin": jnp.sin,
    "cos": jnp.cos,
}

COMBINATIONS: Mapping[Combination, Callable[[Any, Any], Any]] = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "power": jnp.power,
}
