"""What floating point may change: results are compared relative to the sum of the magnitudes of their terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slidesum.core.sized import Sized
from slidesum.run import reference

ROUNDING = 1e-10


def drawn(shapes: Any, seed: int = 0) -> list[np.ndarray]:
    """Random arrays of these shapes, float64."""
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape) for shape in shapes]


def largest_sum(sized: Sized, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The sum of the absolute values of all terms: what rounding is measured against."""
    slides = {
        at: slide if isinstance(slide.border, str) else replace(slide, border=abs(slide.border))
        for at, slide in sized.slides.items()
    }
    reduce = "sum" if sized.equation.reduce == "sum" else "mean"
    absolute = replace(sized, slides=slides, equation=replace(sized.equation, reduce=reduce))
    return reference.evaluate(absolute, [abs(x) for x in arrays])


def assert_same(found: np.ndarray, wanted: np.ndarray, scale: np.ndarray | float, what: str, rounding: float = ROUNDING) -> None:
    """Every value within `rounding` times its scale; where nothing but a border is read, the same infinity."""
    assert found.shape == wanted.shape, what
    assert found.dtype == wanted.dtype, what
    infinite = np.isinf(wanted)  # a maximum over nothing but border
    assert np.array_equal(found[infinite], wanted[infinite]), what
    error = np.abs(found[~infinite] - wanted[~infinite])
    allowed = rounding * np.broadcast_to(scale, wanted.shape)[~infinite]
    assert (error <= allowed).all(), f"{what}: off by {error.max()}"
