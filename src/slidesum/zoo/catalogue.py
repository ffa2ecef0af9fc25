"""What the zoo has, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

from slidesum.core.network import Graph
from slidesum.errors import UsageError
from slidesum.zoo.lenet5 import lenet5
from slidesum.zoo.question import TYPES, question

ZOO: Mapping[str, Callable[[], Graph]] = {
    "lenet5": lenet5,
    **{f"type-{kind}": partial(question, kind) for kind in TYPES},
}


def build(name: str) -> Graph:
    """The network of that name.

    >>> build("type-2.1")["conv2"].shape
    (1, k2, n, m)

    Raises UsageError for an unknown name.
    """
    if name not in ZOO:
        near = get_close_matches(name, ZOO, n=1)
        raise UsageError(
            f"the zoo has no network {name!r}",
            usual=f"It has {', '.join(ZOO)}.",
            advice=f"Did you mean {near[0]!r}?" if near else "Write one of these names.",
        )
    return ZOO[name]()
