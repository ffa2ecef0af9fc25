"""Depthwise and grouped convolutions, small and large."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from slidesum.api.functions import conv
from slidesum.bench.case import Case, Duel, Side, Skip, Wanted
from slidesum.bench.cases.made import SAME, macs, slidesum, tensors

DEPTHWISE = "b c i+u j+v, c u v -> b c i j"
GROUPED = "b (g c) i+u j+v, (g o) c u v -> b (g o) i j"


def depthwise(taps: int, exact: bool = True) -> Duel:
    """F.conv2d with as many groups as maps."""
    from torch.nn import functional as F

    options: dict[str, Any] = dict(SAME)
    if not exact:
        if "exact" not in inspect.signature(conv).parameters:
            raise Skip("conv has no option exact=")
        options["exact"] = False
    x, w = tensors((1, 64, 56, 56), (64, taps, taps))
    peer = Side("F.conv2d, groups=64", lambda x, w: F.conv2d(x, w[:, None], padding=taps // 2, groups=64), (x, w))
    return Duel((slidesum(DEPTHWISE, x, w, **options),), (peer,), macs(DEPTHWISE, x, w, **SAME))


def grouped() -> Duel:
    """F.conv2d with 32 groups, a layer of ResNeXt."""
    from torch.nn import functional as F

    x, w = tensors((1, 128, 56, 56), (128, 4, 3, 3))
    peer = Side("F.conv2d, groups=32", lambda x, w: F.conv2d(x, w, padding=1, groups=32), (x, w))
    return Duel((slidesum(GROUPED, x, w, **SAME, g=32),), (peer,), macs(GROUPED, x, w, **SAME, g=32))


CASES = (
    *(
        Case(
            name=f"depthwise-{taps}x{taps}" + ("" if exact else "-inexact"),
            group="depthwise",
            equation=DEPTHWISE,
            what=f"64 maps, {taps}×{taps}, 56×56" + ("" if exact else ", exact=False"),
            against="F.conv2d, groups=64",
            prepare=partial(depthwise, taps, exact),
            wanted=Wanted(30, 10) if taps == 31 else Wanted(),
        )
        for taps, exact in ((31, True), (31, False), (3, True), (5, True))
    ),
    Case(
        name="grouped-32",
        group="depthwise",
        equation=GROUPED,
        what="128 → 128 maps, 3×3, 32 groups, 56×56",
        against="F.conv2d, groups=32",
        prepare=grouped,
    ),
)
