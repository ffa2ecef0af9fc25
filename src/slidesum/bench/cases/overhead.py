"""What a call costs before anything is computed."""

from __future__ import annotations

import slidesum as ss
from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import macs, tensors

STANDARD = "b c i+u j+v, o c u v -> b o i j"


def tiny() -> Duel:
    """One map of 8×8 and one filter, as a user writes it."""
    from torch.nn import functional as F

    x, w = tensors((1, 1, 8, 8), (1, 1, 3, 3))
    ours = Side("ss.conv", lambda x, w: ss.conv(STANDARD, x, w), (x, w))
    return Duel((ours,), (Side("F.conv2d", lambda x, w: F.conv2d(x, w), (x, w)),), macs(STANDARD, x, w))


CASES = (
    Case(
        name="call",
        group="overhead",
        equation=STANDARD,
        what="1 → 1 map, 3×3, 8×8",
        against="F.conv2d",
        prepare=tiny,
        wanted=Wanted(extra_us=5),
        backward=False,
        least=2000,
        most=20_000,
    ),
)
