"""Arithmetic in double precision that goes on where Python's own raises: with infinities, zeros and negative numbers as engines do.

A network whose numbers have overflown is explained too: its terms are there, and what they add up to is infinite, or no number.

    >>> exact_sum([0.1] * 10), exact_sum([math.inf, 1.0, -math.inf])
    (1.0, nan)
    >>> quotient(1.0, 0.0), quotient(0.0, 0.0), root(-1.0)
    (inf, nan, nan)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


def exact_sum(numbers: Iterable[float]) -> float:
    """Their sum, rounded once."""
    found = list(numbers)
    try:
        return math.fsum(found)
    except (ValueError, OverflowError):  # infinities of both signs, or a sum beyond double precision
        return _quiet(np.sum, found)


def quotient(number: float, by: float) -> float:
    """The quotient: infinite, or no number, where it is by zero."""
    return _quiet(np.divide, number, by)


def root(number: float) -> float:
    """The square root; of a negative number it is no number."""
    return _quiet(np.sqrt, number)


def power(number: float, exponent: float) -> float:
    """A power; of a negative number to a fraction it is no number."""
    return _quiet(np.power, float(number), float(exponent))


def squared(number: float) -> float:
    """The square: infinite beyond double precision, where Python's power raises."""
    return number * number


def _quiet(function: Callable[..., Any], *numbers: Any) -> float:
    with np.errstate(all="ignore"):
        return float(function(*numbers))
