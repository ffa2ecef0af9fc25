"""What a model makes once and repeats for every sample of the batch, such as a class token.

How large the batch is, is known when the network runs: x is added to zeros that have its extent, made from an input of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from slidesum.core.ops import Activation, Elementwise, Reshape, Slice
from slidesum.draft.place import Tensor


def a_sample_each(put: Callable[..., Tensor], source: Tensor, batch: Collection[int], x: Tensor, axis: int) -> Tensor:
    """A copy of x along `axis` for every sample; the axes `batch` of the input `source` are those that grow with the batch.

    `put(op, *inputs, part=…)` is the reader's way of placing a layer.
    """
    for k, n in enumerate(source.shape):
        if k not in batch and n != 1:
            source = put(Slice(k, 0, 1), source, part="batch")
    shape = tuple(-1 if k == axis else 1 for k in range(len(x.shape)))
    if len(source.shape) != len(shape) or set(batch) != {axis}:
        source = put(Reshape(shape), source, part="batch")
    zeros = put(Activation("affine", (0.0, 0.0)), source, part="zeros")
    return put(Elementwise("add"), zeros, x)
