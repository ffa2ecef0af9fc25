"""The question's layers that no library has: type 1 and type 2.1, 64 maps and 64 filters 5×5 on 56×56."""

from __future__ import annotations

from functools import partial

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import SAME, macs, slidesum, tensors

TYPE_1 = "b c i+u j+v, o u v -> b (c o) i j"
TYPE_21 = "b c i+u j+v, o u v -> b o i j"
SIZES = "64 maps, 64 filters 5×5, 56×56"


def type_21(batch: int) -> Duel:
    """The flat filters are expanded beforehand, and their gradient is not summed: both for the peer."""
    from torch.nn import functional as F

    x, w = tensors((batch, 64, 56, 56), (64, 5, 5))
    expanded = w[:, None].expand(64, 64, 5, 5).contiguous()
    peer = Side(
        "F.conv2d, weights expanded beforehand",
        lambda x, w: F.conv2d(x, w, padding=2),
        (x, expanded),
        gradients=lambda dx, dw: (dx, dw.sum(1)),
    )
    summed_first = macs("b i+u j+v, o u v -> b o i j", x[:, 0], w, **SAME)
    return Duel((slidesum(TYPE_21, x, w, **SAME),), (peer,), summed_first)


def type_1(batch: int) -> Duel:
    """Grouped with weights that are repeated beforehand, or every map as an image of its own."""
    from torch.nn import functional as F

    x, w = tensors((batch, 64, 56, 56), (64, 5, 5))
    repeated = w[None].expand(64, 64, 5, 5).reshape(64 * 64, 1, 5, 5).contiguous()
    grouped = Side(
        "F.conv2d, groups=64, weights repeated",
        lambda x, w: F.conv2d(x, w, padding=2, groups=64),
        (x, repeated),
        gradients=lambda dx, dw: (dx, dw.reshape(64, 64, 5, 5).sum(0)),
    )
    folded = Side(
        "F.conv2d, maps folded into the batch",
        lambda x, w: F.conv2d(x.reshape(-1, 1, 56, 56), w[:, None], padding=2).reshape(-1, 64 * 64, 56, 56),
        (x, w),
    )
    return Duel((slidesum(TYPE_1, x, w, **SAME),), (grouped, folded), macs(TYPE_1, x, w, **SAME))


CASES = tuple(
    Case(
        name=f"{name}-batch-{batch}",
        group="question",
        equation=equation,
        what=f"{SIZES}, batch {batch}",
        against=against,
        prepare=partial(prepare, batch),
        wanted=wanted,
        least=least,
    )
    for name, equation, against, prepare, wanted, least in (
        ("type-2.1", TYPE_21, "F.conv2d, weights expanded", type_21, Wanted(20, 8), 5),
        ("type-1", TYPE_1, "the better of F.conv2d grouped and folded into the batch", type_1, Wanted(3, 2), 3),
    )
    for batch in (1, 8)
)
