"""Two sides are compared before they are timed: a fast wrong answer is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slidesum.errors import SlidesumError

TOLERANCE = 1e-3
"""Of the largest value, for float32."""


def agree(name: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Refuse results, or gradients, of the side `name` that aren't the expected ones.

    >>> agree("a peer", [np.ones(3)], [np.ones(3) + 1e-5])
    """
    for a, b in zip(found, expected, strict=True):
        one, other = _array(a), _array(b)
        if one.shape != other.shape:
            _refuse(name, f"the shapes are {one.shape} and {other.shape}")
        apart = float(np.abs(one - other).max(initial=0.0))
        if not apart <= TOLERANCE * float(np.abs(other).max(initial=0.0)):  # not: what is NaN doesn't agree either
            _refuse(name, f"they are up to {apart:.3g} apart, of at most {np.abs(other).max():.3g}")


def _array(x: Any) -> Any:
    return np.asarray(x.detach() if hasattr(x, "detach") else x)


def _refuse(name: str, how: str) -> None:
    raise SlidesumError(
        f"slidesum and {name} disagree: {how}",
        usual="One of them computes something else, so that their times can't be compared.",
        advice="Please report it, with the versions that slidesum bench --json writes.",
    )
