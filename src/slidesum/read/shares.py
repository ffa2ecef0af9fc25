"""The logarithm of shares that add up to one, as every reader writes it.

The logarithm of a softmax would be that of zero where a share is too small for its type, so it is never formed: with the largest
value m along the axis, log softmax(x) = (x - m) - log Σ exp(x - m).
"""

from __future__ import annotations

from collections.abc import Callable

from slidesum.core.ops import Activation, Elementwise
from slidesum.draft.place import Tensor
from slidesum.read.patterns import reduced


def log_shares(
    put: Callable[..., Tensor], equation: Callable[[str, Tensor, str], Tensor], x: Tensor, axis: int, part: str = ""
) -> Tensor:
    """The logarithm of the softmax of x along an axis; `part` names the last of its layers.

    `put(op, *inputs, part=…)` is the reader's way of placing a layer, `equation(pattern, x, part)` its way of placing an equation.
    """
    rank = len(x.shape)
    top = equation(reduced("max", rank, {axis}, kept=True), x, "max")
    below = put(Elementwise("subtract"), x, top, part="below")
    powers = put(Activation("exp"), below, part="exp")
    total = equation(reduced("sum", rank, {axis}, kept=True), powers, "sum")
    return put(Elementwise("subtract"), below, put(Activation("log"), total, part="log"), part=part)
