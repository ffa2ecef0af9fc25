"""Filters given as factors: of rank 8, and depthwise separable in one line."""

from __future__ import annotations

from functools import partial
from typing import Any

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import SAME, macs, slidesum, tensors

CP = {
    "cp-rank-8": ("b c i+u j+v, r c, r u v, o r -> b o i j", "rc,ruv,or->ocuv", ((8, 64), (8, 3, 3), (64, 8))),
    "cp-rank-8-four": ("b c i+u j+v, r c, r u, r v, o r -> b o i j", "rc,ru,rv,or->ocuv", ((8, 64), (8, 3), (8, 3), (64, 8))),
}
SEPARABLE = "b c i+u j+v, c u v, o c -> b o i j"


def cp(name: str) -> Duel:
    """The full filter, built in every call, and F.conv2d."""
    import torch
    from torch.nn import functional as F

    equation, product, shapes = CP[name]
    x, *factors = tensors((1, 64, 56, 56), *shapes)

    def built(x: Any, *factors: Any) -> Any:
        return F.conv2d(x, torch.einsum(product, *factors), padding=1)

    cheapest = 2 * macs("b c i j, r c -> b r i j", x, factors[0])  # in by 64·8, out by 8·64
    cheapest += sum(_slid(x, factor) for factor in factors[1:-1])
    return Duel((slidesum(equation, x, *factors, **SAME),), (Side("the full filter and F.conv2d", built, (x, *factors)),), cheapest)


def _slid(x: Any, factor: Any) -> int:
    """What it costs to slide one factor over 8 maps."""
    if factor.ndim == 3:
        return macs("b r i+u j+v, r u v -> b r i j", x[:, :8], factor, **SAME)
    return macs("b r i+u j, r u -> b r i j", x[:, :8], factor, **SAME)


def separable() -> Duel:
    """Two calls of torch, depthwise and 1×1."""
    from torch.nn import functional as F

    x, w, a = tensors((1, 64, 56, 56), (64, 3, 3), (128, 64))

    def two_calls(x: Any, w: Any, a: Any) -> Any:
        return F.conv2d(F.conv2d(x, w[:, None], padding=1, groups=64), a[:, :, None, None])

    cheapest = macs("b c i+u j+v, c u v -> b c i j", x, w, **SAME) + macs("b c i j, o c -> b o i j", x, a)
    return Duel((slidesum(SEPARABLE, x, w, a, **SAME),), (Side("two calls of F.conv2d", two_calls, (x, w, a)),), cheapest)


CASES = (
    *(
        Case(
            name=name,
            group="factors",
            equation=equation,
            what="64 → 64 maps, 3×3 of rank 8, 56×56",
            against="building the filter, then F.conv2d",
            prepare=partial(cp, name),
            wanted=Wanted(1.2, 1.2),
        )
        for name, (equation, _, _) in CP.items()
    ),
    Case(
        name="separable",
        group="factors",
        equation=SEPARABLE,
        what="64 → 128 maps, 3×3, 56×56",
        against="F.conv2d twice",
        prepare=separable,
    ),
)
