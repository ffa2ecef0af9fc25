"""A convolution of torch tensors by a kernel of the engine, with torch's own threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from slidesum.engine.convolution import Call, convolution
from slidesum.plans.geometry import Geometry
from slidesum.run.backend import Laying
from slidesum.run.native import problem_of, result_shape
from slidesum.run.torch_convolution import empty

Array = Any
Lay = Callable[[Array], Array]
LARGE = 2**20
"""From so many bytes on, results are laid into memory that is used again; below, the C library does so itself."""
BYTES = {torch.float32: 4, torch.float64: 8}
"""The numbers that there are kernels for."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of tensors that look alike: the kernel, what must be laid out each time, and how y is made."""

    run: Call
    lay_x: Lay | None
    lay_w: Lay | None
    begin: int
    shape: tuple[int, ...]
    is_large: bool


def direct(geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
    """The function (x, w) -> y for tensors on the CPU, float or double, that nobody watches.

    It is remembered by what tells tensors from others: a call is a look-up and the kernel. Each operation of torch that is left out
    counts, since after a large layer all its code has to come from memory again.
    """
    known: dict[Any, _Known] = {}
    threads = torch.get_num_threads

    def call(x: Array, w: Array) -> Array:
        if x.is_neg() or w.is_neg() or not (x.data_ptr() and w.data_ptr()):
            x, w = _written(x), _written(w)
        dtype = x.dtype
        key = x.shape, x.stride(), w.shape, w.stride(), dtype, threads()
        found = known.get(key)
        if found is None:
            if len(known) >= 64:
                known.clear()
            found = known[key] = _known(geometry, laying, x, w)
        if found.lay_x:
            x = found.lay_x(x)
        if found.lay_w:
            w = found.lay_w(w)
        y = empty(found.shape, x) if found.is_large else torch.empty(found.shape, dtype=dtype)
        found.run(x.data_ptr(), w.data_ptr() + found.begin, y.data_ptr())
        return y

    return call


def _known(geometry: Geometry, laying: Laying, x: Array, w: Array) -> _Known:
    """A tensor that is laid out as a view is so for good: only its steps count. One that is copied is copied in order."""
    laid_x, laid_w = laying.x(x) if laying.x else x, laying.w(w) if laying.w else w
    problem, begin = problem_of(
        geometry, laying.flipped, tuple(laid_x.shape), laid_x.stride(), tuple(laid_w.shape), laid_w.stride()
    )
    size = BYTES[x.dtype]
    shape = laying.shape or result_shape(geometry, tuple(laid_x.shape), tuple(laid_w.shape))
    return _Known(
        convolution(problem, size, torch.get_num_threads()),
        None if laid_x.data_ptr() == x.data_ptr() else laying.x,
        None if laid_w.data_ptr() == w.data_ptr() else laying.w,
        begin * size,
        shape,
        math.prod(shape) * size >= LARGE,
    )


def _written(x: Array) -> Array:
    """The tensor with its values in memory: torch may leave a sign, or zeros, to whoever reads them."""
    return torch.zeros(x.shape, dtype=x.dtype).add_(x)
