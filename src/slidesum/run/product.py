"""The product of two labelled arrays as one product of matrices, on any backend whose `einsum` doesn't do that well by itself.

in both, and on the result        a batch of products
in both, and not on the result    what is summed
in one, and on the result         the rows, the columns
in one, and not on the result     summed before
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from slidesum.run.backend import Array, Backend

Labelled = tuple[Array, Sequence[int]]
Matmul = Callable[[Array, Array], Array]


def product(backend: Backend, matmul: Matmul, a: Labelled, b: Labelled, result: Sequence[int]) -> Array | None:
    """The sum of products over all labels that `result` doesn't have; None where a label stands twice on an array.

    >>> import numpy as np
    >>> from slidesum.run.met import numpy_backend
    >>> product(numpy_backend(), np.matmul, (np.ones((2, 3)), [0, 1]), (np.ones((3, 4)), [1, 2]), [2, 0]).shape
    (4, 2)
    """
    if any(len(set(labels)) < len(labels) for labels in (a[1], b[1], result)):
        return None
    (x, on_x), (w, on_w) = _summed_alone(backend, a, b[1], result), _summed_alone(backend, b, a[1], result)
    both = set(on_x) & set(on_w)
    summed = [n for n in on_x if n in both and n not in result]
    if not summed:
        return _laid(backend, x, on_x, result) * _laid(backend, w, on_w, result)
    rows = [n for n in result if n in on_x and n not in both]
    columns = [n for n in result if n in on_w and n not in both]
    if rows and columns and result.index(rows[0]) > result.index(columns[0]):  # so that the result needs no copy
        (x, on_x), (w, on_w), rows, columns = (w, on_w), (x, on_x), columns, rows
    batch = [n for n in result if n in both]
    extent = dict(zip((*on_x, *on_w), (*x.shape, *w.shape), strict=True))
    y = matmul(_matrices(backend, x, on_x, batch, rows, summed), _matrices(backend, w, on_w, batch, summed, columns))
    now = [*batch, *rows, *columns]
    y = backend.reshape(y, [extent[n] for n in now])
    return backend.transpose(y, [now.index(n) for n in result]) if now != list(result) else y


def _summed_alone(backend: Backend, array: Labelled, other: Sequence[int], result: Sequence[int]) -> Labelled:
    x, labels = array
    axes = [k for k, n in enumerate(labels) if n not in other and n not in result]
    return (backend.reduce(x, axes, "sum"), [n for k, n in enumerate(labels) if k not in axes]) if axes else array


def _laid(backend: Backend, x: Array, labels: Sequence[int], result: Sequence[int]) -> Array:
    """x with an axis for each label of the result, of extent one where it has none."""
    labels = list(labels)
    shape = [x.shape[labels.index(n)] if n in labels else 1 for n in result]
    return backend.reshape(backend.transpose(x, [labels.index(n) for n in result if n in labels]), shape)


def _matrices(
    backend: Backend, x: Array, labels: Sequence[int], batch: Sequence[int], rows: Sequence[int], columns: Sequence[int]
) -> Array:
    """x as (batch, rows, columns), or (rows, columns) where there is no batch.

    Where a copy must be made, what lies closest together stays so: a matrix product reads a transposed matrix as well.
    """
    labels = list(labels)
    turned = bool(rows) and bool(columns) and _run(x, labels, rows) < _run(x, labels, columns)
    blocks = (batch, columns, rows) if turned else (batch, rows, columns)
    order = [labels.index(n) for block in blocks for n in block]
    shape = [math.prod(x.shape[labels.index(n)] for n in block) for block in blocks]
    x = backend.reshape(backend.transpose(x, order), shape if batch else shape[1:])
    if min(_strides(x)[-2:]) > 1:  # a view in which no axis of the matrix is dense: the library would copy matrix by matrix
        x = backend.copied(x)
    if not turned:
        return x
    return backend.transpose(x, (0, 2, 1) if batch else (1, 0))


def _run(x: Array, labels: Sequence[int], block: Sequence[int]) -> tuple[int, int]:
    """How close together, and how many, the last cells of a block of axes are."""
    at = labels.index(block[-1])
    return _strides(x)[at], -x.shape[at]


def _strides(x: Array) -> list[int]:
    """How many values the neighbours along each axis are apart."""
    if callable(getattr(x, "stride", None)):
        return [abs(n) for n in x.stride()]
    return [abs(n) // x.itemsize for n in x.strides]
