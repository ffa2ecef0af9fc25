"""Filters that are shared less than usual: one for every place, one for every sample."""

from __future__ import annotations

from functools import partial
from typing import Any

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import SAME, macs, slidesum, tensors

LOCAL = "b c i+u j+v, o c i j u v -> b o i j"
PER_SAMPLE = "b c i+u j+v, b o c u v -> b o i j"


def locally_connected(batch: int, maps: int, cells: int) -> Duel:
    """The windows as columns, and one einsum."""
    x, w = tensors((batch, maps, cells, cells), (maps, maps, cells, cells, 3, 3))
    return Duel((slidesum(LOCAL, x, w, **SAME),), (Side("F.unfold and einsum", _unfolded, (x, w)),), macs(LOCAL, x, w, **SAME))


def _unfolded(x: Any, w: Any) -> Any:
    import torch
    from torch.nn import functional as F

    batch, maps, n, m = x.shape
    columns = F.unfold(x, 3, padding=1).reshape(batch, maps, 9, n * m)
    y = torch.einsum("bctp,ocpt->bop", columns, w.reshape(-1, maps, n * m, 9))
    return y.reshape(batch, -1, n, m)


def per_sample(maps: int, filters: int, cells: int) -> Duel:
    """`torch.vmap` of one sample's convolution."""
    import torch
    from torch.nn import functional as F

    x, w = tensors((32, maps, cells, cells), (32, filters, maps, 3, 3))
    mapped = torch.vmap(lambda x, w: F.conv2d(x[None], w, padding=1)[0])
    return Duel(
        (slidesum(PER_SAMPLE, x, w, **SAME),), (Side("torch.vmap of F.conv2d", mapped, (x, w)),), macs(PER_SAMPLE, x, w, **SAME)
    )


CASES = (
    Case(
        name="locally-connected",
        group="sharing",
        equation=LOCAL,
        what="32 → 32 maps, 3×3, 28×28, batch 16",
        against="F.unfold and torch.einsum",
        prepare=partial(locally_connected, 16, 32, 28),
        wanted=Wanted(1.0, 1.0, memory=1 / 3),
        small=partial(locally_connected, 2, 4, 6),
    ),
    *(
        Case(
            name=f"per-sample-{maps}-{filters}-{cells}",
            group="sharing",
            equation=PER_SAMPLE,
            what=f"{maps} → {filters} maps, 3×3, {cells}×{cells}, batch 32",
            against="torch.vmap of F.conv2d",
            prepare=partial(per_sample, maps, filters, cells),
            wanted=Wanted(1.5, 1.5),
        )
        for maps, filters, cells in ((8, 8, 16), (16, 16, 28), (20, 20, 28), (3, 8, 32), (64, 64, 14))
    ),
)
