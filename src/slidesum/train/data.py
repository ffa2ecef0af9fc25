"""Labelled images to train on, by name. A new data set is one function and one entry in `DATA`.

`digits` are the 1797 handwritten digits that come with scikit-learn: 8×8 pixels, the test part of "Optical Recognition of
Handwritten Digits" (Alpaydin and Kaynak 1998, UCI repository). They are real, need no network, and train in seconds.

On 8×8 the pixels, counts from 0 to 16, lie in [0, 1]. On 32×32 they become what LeNet-5 expects (LeCun et al. 1998, section
II.B): the digit in the middle with paper around it, paper at -0.1 and ink at 1.175, so that the mean is near 0 and the variance
near 1. The paper centres 20×20 digits; ours are scaled by three, linearly between pixel centres, to 24×24.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.core.ops import Input
from slidesum.errors import UsageError

Array = np.ndarray[Any, Any]

PAPER, INK = -0.1, 1.175


@dataclass(frozen=True, eq=False)
class Data:
    """Images as (n, colours, rows, columns) float32 with their labels as (n,) int64, in a part to train on and one held out."""

    name: str
    classes: int
    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array

    @property
    def fingerprint(self) -> str:
        """Different for different images, labels or splits."""
        digest = hashlib.sha256(self.name.encode())
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(str((array.shape, array.dtype)).encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def digits(*, side: int = 8, seed: int = 0, held_out: float = 0.25) -> Data:
    """Handwritten digits of 8×8 pixels, or framed in 32×32 as LeNet-5 wants them.

    `seed` decides which quarter is held out; every digit has its share in it. Networks are compared on one split whatever their
    own seed, so that what is held out from one is held out from all.

        >>> data = digits()
        >>> data.train_images.shape, data.test_images.shape
        ((1347, 1, 8, 8), (450, 1, 8, 8))

    Raises UsageError for another side, or where scikit-learn isn't installed.
    """
    if side not in (8, 32):
        raise UsageError(
            f"digits come in 8×8 and 32×32, not {side}×{side}",
            usual="8 is what was scanned, 32 what LeNet-5 expects.",
            advice="Give the network n=8, m=8.",
        )
    if not 0 < held_out < 1:
        raise UsageError(f"a share of {held_out} can't be held out", advice="Write a number between 0 and 1, such as 0.25.")
    images, labels, split = _scanned()
    shown = images / np.float32(16) if side == 8 else PAPER + (INK - PAPER) * framed(images / np.float32(16), 24, side)
    train, test = split(np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=seed)
    shown = shown[:, None].astype(np.float32)
    return Data("digits", 10, shown[train], labels[train], shown[test], labels[test])


def framed(images: Array, inner: int, outer: int) -> Array:
    """Images (n, h, w) scaled to `inner` pixels a side, with zeros around them up to `outer`.

    >>> framed(np.array([[[0.0, 4.0]]]), 4, 6)[0, 1]
    array([0., 0., 1., 3., 4., 0.])
    """
    rows, columns = (_between(n, inner) for n in images.shape[1:])
    scaled = np.einsum("yi,nij,xj->nyx", rows, images, columns)
    low = (outer - inner) // 2
    high = outer - inner - low
    return np.pad(scaled, ((0, 0), (low, high), (low, high)))


def _between(cells: int, wanted: int) -> Array:
    """The matrix that reads `wanted` values off `cells`, linearly between their centres, the edge cells repeated."""
    at = np.clip((np.arange(wanted) + 0.5) * cells / wanted - 0.5, 0, cells - 1)
    weights: Array = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells)))
    return weights


@lru_cache(maxsize=1)
def _scanned() -> tuple[Array, Array, Any]:
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError:
        raise UsageError(
            "the data set 'digits' comes with scikit-learn, which isn't installed",
            advice="Install it: pip install 'slidesum[train]'.",
        ) from None
    found = load_digits()
    return found.images.astype(np.float32), found.target.astype(np.int64), train_test_split


DATA: Mapping[str, Callable[..., Data]] = {"digits": digits}


def load_data(name: str, *, side: int = 8, seed: int = 0) -> Data:
    """The data set of that name, with images of `side` pixels a side.

    Raises UsageError for an unknown name.
    """
    if name not in DATA:
        raise UsageError(f"there is no data set {name!r}", usual=f"There are: {', '.join(DATA)}.", advice="Write one of them.")
    return DATA[name](side=side, seed=seed)


def data_for(graph: Graph, name: str = "digits", *, seed: int = 0) -> Data:
    """The data set in the size that this network takes.

    >>> from slidesum.zoo import lenet5
    >>> data_for(lenet5()).train_images.shape
    (1347, 1, 32, 32)

    Raises UsageError where the network doesn't take such images.
    """
    inputs = graph.inputs
    shape = inputs[0].shape if len(inputs) == 1 else ()
    if len(shape) != 4 or shape[2] != shape[3] or not isinstance(shape[2], int):
        axes = " ".join(inputs[0].op.names) if inputs and isinstance(inputs[0].op, Input) else "none"
        raise UsageError(
            f"{graph.name} takes no square images: its input is {axes} {tuple(shape)}",
            usual="Images have a batch, a colour, and two axes of one size; symbols need numbers.",
            advice="Give it sizes: net.with_sizes(n=8, m=8, …).",
        )
    return load_data(name, side=shape[2], seed=seed)
