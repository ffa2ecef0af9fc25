"""What the library calls by another name: transposed convolution and pooling."""

from __future__ import annotations

from functools import partial

from slidesum.api.functions import pool
from slidesum.bench.case import Case, Duel, Side
from slidesum.bench.cases.made import macs, slidesum, tensors

TRANSPOSED = "b c i j, c o u v -> b o 2*i+u 2*j+v"
POOLING = "max b c 2*i+u 2*j+v -> b c i j"


def transposed() -> Duel:
    """F.conv_transpose2d."""
    from torch.nn import functional as F

    x, w = tensors((1, 64, 28, 28), (64, 64, 3, 3))
    peer = Side("F.conv_transpose2d", lambda x, w: F.conv_transpose2d(x, w, stride=2), (x, w))
    return Duel((slidesum(TRANSPOSED, x, w),), (peer,), macs(TRANSPOSED, x, w))


def max_pooling() -> Duel:
    """F.max_pool2d. Nothing is multiplied, so the floor is what is read and written."""
    from torch.nn import functional as F

    (x,) = tensors((1, 64, 112, 112))
    ours = Side("slidesum", partial(pool, POOLING, u=3, v=3), (x,))
    return Duel((ours,), (Side("F.max_pool2d", lambda x: F.max_pool2d(x, 3, 2), (x,)),), 0)


CASES = (
    Case(
        name="transposed",
        group="others",
        equation=TRANSPOSED,
        what="64 → 64 maps, 3×3, stride 2, 28×28",
        against="F.conv_transpose2d",
        prepare=transposed,
    ),
    Case(
        name="max-pooling",
        group="others",
        equation=POOLING,
        what="64 maps, 3×3, stride 2, 112×112",
        against="F.max_pool2d",
        prepare=max_pooling,
    ),
)
