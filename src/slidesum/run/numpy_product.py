"""The product of two labelled arrays of NumPy as one product of matrices, which BLAS computes; `numpy.einsum` has no batches.

in both, and on the result        a batch of products
in both, and not on the result    what is summed
in one, and on the result         the rows, the columns
in one, and not on the result     summed before
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any
Labelled = tuple[Array, Sequence[int]]


def product(a: Labelled, b: Labelled, result: Sequence[int]) -> Array:
    """The sum of products over all labels that `result` doesn't have.

    >>> product((np.ones((2, 3)), [0, 1]), (np.ones((3, 4)), [1, 2]), [2, 0]).shape
    (4, 2)
    """
    (x, on_x), (w, on_w) = a, b
    if len(set(on_x)) < len(on_x) or len(set(on_w)) < len(on_w) or len(set(result)) < len(result):
        return np.einsum(x, list(on_x), w, list(on_w), list(result))
    (x, on_x), (w, on_w) = _summed_alone(a, on_w, result), _summed_alone(b, on_x, result)
    both = set(on_x) & set(on_w)
    summed = [n for n in on_x if n in both and n not in result]
    if not summed:
        return _laid(x, on_x, result) * _laid(w, on_w, result)
    rows = [n for n in result if n in on_x and n not in both]
    columns = [n for n in result if n in on_w and n not in both]
    if rows and columns and result.index(rows[0]) > result.index(columns[0]):  # so that the result needs no copy
        (x, on_x), (w, on_w), rows, columns = (w, on_w), (x, on_x), columns, rows
    batch = [n for n in result if n in both]
    extent = dict(zip((*on_x, *on_w), (*x.shape, *w.shape), strict=True))
    left = _matrices(x, on_x, batch, rows, summed)
    right = _matrices(w, on_w, batch, summed, columns)
    y = np.matmul(left, right).reshape([extent[n] for n in (*batch, *rows, *columns)])
    now = [*batch, *rows, *columns]
    return y.transpose([now.index(n) for n in result])


def _summed_alone(array: Labelled, other: Sequence[int], result: Sequence[int]) -> Labelled:
    x, labels = array
    axes = tuple(k for k, n in enumerate(labels) if n not in other and n not in result)
    return (x.sum(axis=axes, dtype=x.dtype), [n for k, n in enumerate(labels) if k not in axes]) if axes else array


def _laid(x: Array, labels: Sequence[int], result: Sequence[int]) -> Array:
    """x with an axis for each label of the result, of extent one where it has none."""
    labels = list(labels)
    order = [labels.index(n) for n in result if n in labels]
    shape = [x.shape[labels.index(n)] if n in labels else 1 for n in result]
    return x.transpose(order).reshape(shape)


def _matrices(x: Array, labels: Sequence[int], *blocks: Sequence[int]) -> Array:
    """x as (batch, rows, columns), or (rows, columns) where there is no batch."""
    labels = list(labels)
    order = [labels.index(n) for block in blocks for n in block]
    shape = [math.prod(x.shape[labels.index(n)] for n in block) for block in blocks]
    return x.transpose(order).reshape(shape if blocks[0] else shape[1:])
