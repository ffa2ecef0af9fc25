"""A convolution of torch tensors by a kernel of the engine, with torch's own threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from slidesum.engine.convolution import Call, convolution
from slidesum.plans.geometry import Geometry
from slidesum.run.native import problem_of, result_shape
from slidesum.run.torch_convolution import empty

Array = Any
LARGE = 2**20
"""From so many bytes on, results are laid into memory that is used again; below, the C library does so itself."""
BYTES = {torch.float32: 4, torch.float64: 8}
"""The numbers that there are kernels for."""


def direct(geometry: Geometry, flipped: tuple[int, ...]) -> Callable[[Array, Array], Array]:
    """The function (x, w) -> y for tensors on the CPU, float or double, that nobody watches; w is read backwards along `flipped`.

    What is laid out for tensors like these is remembered here, by what tells them from others: a call is a look-up and the kernel.
    """
    known: dict[Any, tuple[Call, tuple[int, ...], int, bool]] = {}
    threads = torch.get_num_threads

    def call(x: Array, w: Array) -> Array:
        if x.is_neg() or w.is_neg() or not (x.data_ptr() and w.data_ptr()):
            x, w = _written(x), _written(w)
        key = x.shape, x.stride(), w.shape, w.stride(), x.dtype, threads()
        found = known.get(key)
        if found is None:
            if len(known) >= 64:
                known.clear()
            problem, begin = problem_of(geometry, flipped, tuple(x.shape), x.stride(), tuple(w.shape), w.stride())
            size = BYTES[x.dtype]
            shape = result_shape(geometry, tuple(x.shape), tuple(w.shape))
            is_large = math.prod(shape) * size >= LARGE
            found = known[key] = convolution(problem, size, threads()), shape, begin * size, is_large
        run, shape, begin, is_large = found
        y = empty(shape, x) if is_large else torch.empty(shape, dtype=x.dtype)
        run(x.data_ptr(), w.data_ptr() + begin, y.data_ptr())
        return y

    return call


def _written(x: Array) -> Array:
    """The tensor with its values in memory: torch may leave a sign, or zeros, to whoever reads them."""
    return torch.zeros(x.shape, dtype=x.dtype).add_(x)
