"""Tables of distances: rows of maps, the rows and taps of windows, which cells of a pooling's windows exist."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from slidesum.engine.mapped import forget, is_mapped
from slidesum.engine.whole.maps import Maps
from slidesum.engine.whole.meaning import Window
from slidesum.engine.whole.plan import LINE, Number
from slidesum.engine.whole.spread import Lands

Table = np.ndarray


def lined_up(array: Table) -> Table:
    """The array in its order, where a line of the cache begins: a vector of it then never lies in two of them.

    >>> lined_up(np.ones((3, 5), np.float32).T).ctypes.data % LINE
    0
    """
    made = room_for(array.shape, array.dtype)
    outer = next((axis for axis, n in enumerate(array.shape) if n > 1), None)
    if outer is None or not is_mapped(array):
        np.copyto(made, array)
        return made
    for to, part in zip(np.moveaxis(made, outer, 0), np.moveaxis(array, outer, 0), strict=True):
        np.copyto(to, part)
        forget(part)
    return made


def room_for(shape: tuple[int, ...], dtype: np.dtype[Any] | type = np.float32) -> Table:
    """An array to be filled, that begins where a line of the cache does."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + LINE, np.uint8)
    begin = -room.ctypes.data % LINE
    return room[begin : begin + size].view(dtype).reshape(shape)


def row_table(maps: Maps) -> Table:
    """Where every row begins, from the first one's beginning."""
    depth, rows, _ = maps.cells
    return np.array([z * maps.plane + i * maps.row for z in range(depth) for i in range(rows)], np.int64)


def window_rows(window: Window, x: Maps) -> Table:
    """Where the windows of every row of y begin on x, padding included, from x's first cell."""
    (depth, rows, _), (s, t, _), (low, above, left) = window.positions, window.strides, window.low
    return np.array(
        [(z * s - low) * x.plane + (i * t - above) * x.row - left * x.lanes for z in range(depth) for i in range(rows)], np.int64
    )


def landing_rows(window: Window, lands: Lands, y: Maps) -> Table:
    """Where every row of results begins that lands on some cells of y, from y's first cell."""
    (depth, rows, _), (z, i, j), (s, t, _) = window.positions, lands.first, lands.step
    return np.array(
        [(z + s * k) * y.plane + (i + t * n) * y.row + j * y.lanes for k in range(depth) for n in range(rows)], np.int64
    )


def tap_table(window: Window, x: Maps) -> Table:
    """Where the taps of a window lie, from its first."""
    steps = [d * n for d, n in zip(window.dilations, (x.plane, x.row, x.lanes), strict=True)]
    return np.array(
        [sum(u * step for u, step in zip(tap, steps, strict=True)) for tap in itertools.product(*map(range, window.taps))],
        np.int64,
    )


def pool_tables(window: Window, x: Maps) -> dict[str, Number]:
    """The first cell that exists of the windows of every row and column, and how many there are along each axis."""
    (z_first, z_count), (i_first, i_count), (j_first, j_count) = (_existing(window, axis) for axis in range(3))
    depth, rows, _ = window.positions
    return {
        "x_rows": np.array([z_first[z] * x.plane + i_first[i] * x.row for z in range(depth) for i in range(rows)], np.int64),
        "layers": np.array([z_count[z] for z in range(depth) for _ in range(rows)], np.int64),
        "lines": np.array([i_count[i] for _ in range(depth) for i in range(rows)], np.int64),
        "x_columns": np.array([j * x.lanes for j in j_first], np.int64),
        "cells": np.array(j_count, np.int64),
        "layer_step": window.dilations[0] * x.plane,
        "line_step": window.dilations[1] * x.row,
        "cell_step": window.dilations[2] * x.lanes,
    }


def all_exist(window: Window) -> bool:
    """Whether every window has a cell that exists: one that lies in the padding altogether has no largest value."""
    return all(n for axis in range(3) for n in _existing(window, axis)[1])


def _existing(window: Window, axis: int) -> tuple[list[int], list[int]]:
    """For every position the first cell of its window that exists, and how many do.

    >>> _existing(Window((1, 1, 5), (1, 1, 5), (1, 1, 3), low=(0, 0, 1)), 2)
    ([0, 0, 1, 2, 3], [2, 3, 3, 3, 2])
    """
    cells, taps, step = window.cells[axis], window.taps[axis], window.dilations[axis]
    first, count = [], []
    for position in range(window.positions[axis]):
        begin = position * window.strides[axis] - window.low[axis]
        inside = [begin + step * u for u in range(taps) if 0 <= begin + step * u < cells]
        first.append(inside[0] if inside else 0)
        count.append(len(inside))
    return first, count
