"""More slid axes than any library's convolution has."""

from __future__ import annotations

from typing import Any

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import macs, slidesum, tensors

CONV_4D = "b c h+t i+u j+v k+r, o c t u v r -> b o h i j k"


def four_axes() -> Duel:
    """A sum of 3-D convolutions for every place along the fourth axis."""
    x, w = tensors((1, 8, 16, 16, 16, 16), (8, 8, 3, 3, 3, 3))
    return Duel((slidesum(CONV_4D, x, w),), (Side("a loop over F.conv3d", _looped, (x, w)),), macs(CONV_4D, x, w))


def _looped(x: Any, w: Any) -> Any:
    import torch
    from torch.nn import functional as F

    taps = w.shape[2]
    places = []
    for h in range(x.shape[2] - taps + 1):
        y = F.conv3d(x[:, :, h], w[:, :, 0])
        for t in range(1, taps):
            y = y + F.conv3d(x[:, :, h + t], w[:, :, t])
        places.append(y)
    return torch.stack(places, 2)


CASES = (
    Case(
        name="4-d",
        group="axes",
        equation=CONV_4D,
        what="8 → 8 maps, 3×3×3×3, 16×16×16×16",
        against="a loop over F.conv3d, by depth and tap",
        prepare=four_axes,
        wanted=Wanted(1.5, 1.5),
    ),
)
