"""The engine's kernels (`slidesum.engine`) as a convolution of arrays that tell where they lie: NumPy's and torch's, on the CPU.

Arrays may lie anyhow: the steps between their values are numbers that the kernel reads. There is no engine without llvmlite, or for
a processor that isn't known, and none for other numbers than float and double.
"""

from __future__ import annotations

from functools import lru_cache

from slidesum.engine.host import host
from slidesum.engine.problem import Problem, Three
from slidesum.plans.geometry import Geometry

Shape = tuple[int, ...]


NO_ENGINE = "there is no engine here: llvmlite isn't installed (pip install 'slidesum[native]'), or the processor isn't known"


def available() -> bool:
    """Whether there are kernels here."""
    return host() is not None


@lru_cache(maxsize=1024)
def problem_of(
    geometry: Geometry, flipped: Shape, x_shape: Shape, x_steps: Shape, w_shape: Shape, w_steps: Shape
) -> tuple[Problem, int]:
    """The convolution of arrays of these shapes, with these steps between values, some axes of w read backwards.

    And at which value of w it begins.
    """
    begin = sum(w_steps[axis] * (w_shape[axis] - 1) for axis in flipped)
    w_steps = tuple(-step if axis in flipped else step for axis, step in enumerate(w_steps))
    groups, channels = geometry.groups, w_shape[1]
    filters = w_shape[0] // groups
    positions = geometry.positions(x_shape[2:], w_shape[2:])
    problem = Problem(
        x_shape[0],
        groups,
        channels,
        filters,
        _three(x_shape[2:], 1),
        _three(positions, 1),
        _three(w_shape[2:], 1),
        _three(geometry.strides, 1),
        _three(geometry.dilations, 1),
        _three(geometry.padding, 0),
        (x_steps[0], x_steps[1] * channels, x_steps[1], *_three(x_steps[2:], 0)),
        (w_steps[0] * filters, w_steps[0], w_steps[1], *_three(w_steps[2:], 0)),
    )
    return problem, begin


def result_shape(geometry: Geometry, x_shape: Shape, w_shape: Shape) -> Shape:
    """The shape of y."""
    return (x_shape[0], w_shape[0], *geometry.positions(x_shape[2:], w_shape[2:]))


def _three(values: Shape, one: int) -> Three:
    """Three axes, outer, mid and inner, of one to three."""
    match values:
        case (inner,):
            return (one, one, inner)
        case (outer, inner):
            return (outer, one, inner)
        case (outer, mid, inner):
            return (outer, mid, inner)
    raise AssertionError("a kernel slides along one to three axes")
