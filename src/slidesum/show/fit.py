"""A polynomial through counts that are none: least squares, told with its largest error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients from the highest power to the constant, and the largest relative error at the points."""

    coefficients: tuple[float, ...]
    error: float


def fitted(places: Sequence[Any], counts: Sequence[int], degree: int) -> Fit:
    """The polynomial of this degree (or less, where there are fewer points) whose squared relative errors add up to least.

    >>> fit = fitted([1, 2, 3], [10, 40, 90], 2)
    >>> [round(c, 6) + 0 for c in fit.coefficients], fit.error < 1e-12
    ([10.0, 0.0, 0.0], True)
    """
    import numpy as np

    x, y = np.array([float(place) for place in places]), np.array([float(n) for n in counts])
    if not y.any() or not len(y):
        return Fit((0.0,), 0.0)
    scale = np.abs(np.where(y == 0, 1.0, y))
    found = np.vander(x, min(degree, len(x) - 1) + 1)
    coefficients, *_ = np.linalg.lstsq(found / scale[:, None], y / scale, rcond=None)
    return Fit(tuple(map(float, coefficients)), float(np.max(np.abs(found @ coefficients - y) / scale)))
