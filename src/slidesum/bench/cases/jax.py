"""JAX: a standard convolution against its own, called as users call it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from slidesum.api.functions import conv
from slidesum.bench.case import Case, Duel, Side, Skip
from slidesum.bench.cases.made import SAME, arrays, macs

STANDARD = "b c i+u j+v, o c u v -> b o i j"


def standard() -> Duel:
    """Both sides wait for their result."""
    jax: Any = import_module("jax")
    x, w = (jax.numpy.asarray(a) for a in arrays((1, 64, 56, 56), (64, 64, 3, 3)))
    if not isinstance(conv(STANDARD, x, w, **SAME), jax.Array):
        raise Skip("slidesum gives no array of JAX yet")

    def ours(x: Any, w: Any) -> Any:
        return conv(STANDARD, x, w, **SAME).block_until_ready()

    def library(x: Any, w: Any) -> Any:
        return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME").block_until_ready()

    return Duel(
        (Side("slidesum", ours, (x, w)),), (Side("lax.conv_general_dilated", library, (x, w)),), macs(STANDARD, x, w, **SAME)
    )


CASES = (
    Case(
        name="jax",
        group="jax",
        equation=STANDARD,
        what="64 → 64 maps, 3×3, 56×56",
        against="lax.conv_general_dilated",
        prepare=standard,
        needs=("jax",),
        backward=False,
    ),
)
