"""What a user hands over to be explained: a place, and arrays of whatever framework."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from slidesum.errors import ArrayError, UsageError
from slidesum.run.met import as_numpy
from slidesum.show.term import Place


def coordinates(at: Any) -> Place:
    """Whole numbers only: rounding 7.9 or reading True as 1 would explain another value than the one meant."""
    try:
        found = list(at)
        if not any(isinstance(n, bool) for n in found) and not isinstance(at, str | bytes):
            return tuple(operator.index(n) for n in found)
    except TypeError:
        pass
    raise UsageError(
        f"{at!r} is no place in a result",
        usual="A place has a whole number for every axis, counted from 0.",
        advice="Write for example at=(0, 7, 12, 9).",
    )


def numbers(x: Any) -> Any:
    """As a NumPy array, from whatever framework."""
    array = as_numpy(x)
    if np.iscomplexobj(array):
        raise ArrayError(
            "the numbers to explain are complex",
            usual="Terms are compared and added as real numbers.",
            advice="Run on the real and on the imaginary part, and explain each apart.",
        )
    return array
