"""A convolution of NumPy arrays by a kernel of the engine; with threads where an OpenMP library is loaded already, else in one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from slidesum.engine.convolution import convolution
from slidesum.plans.geometry import Geometry
from slidesum.run.backend import Laying
from slidesum.run.memory import BUFFERS
from slidesum.run.native import problem_of, result_shape

Array = Any


def direct(geometry: Geometry, laying: Laying) -> Callable[[Array, Array], Array]:
    """The function (x, w) -> y for arrays of float or double."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def call(x: Array, w: Array) -> Array:
        dtype = np.result_type(x, w)
        x, w = _plain(laying.x(x) if laying.x else x, dtype), _plain(laying.w(w) if laying.w else w, dtype)
        size = dtype.itemsize
        x_steps, w_steps = tuple(n // size for n in x.strides), tuple(n // size for n in w.strides)
        y = BUFFERS.empty(result_shape(geometry, x.shape, w.shape), dtype)
        problem, begin = problem_of(geometry, laying.flipped, x.shape, x_steps, w.shape, w_steps)
        convolution(problem, size, threads)(x.ctypes.data, w.ctypes.data + begin * size, y.ctypes.data)
        return y.reshape(laying.shape) if laying.shape else y

    return call


def _plain(x: Array, dtype: Any) -> Array:
    """The array in the dtype and the byte order of the processor, its values whole steps apart and where values may begin."""
    if x.dtype == dtype and dtype.isnative and x.flags.aligned and not any(n % dtype.itemsize for n in x.strides):
        return x
    return np.array(x, dtype.newbyteorder("="), order="C")
